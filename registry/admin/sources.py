"""The registries we harvest, on pages: add one, harvest it now, watch the run, see what was not taken."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard, twins
from registry.admin.forms import SourceForm
from registry.admin.pages import pages, site
from registry.errors import NotFound, Refusal
from registry.harvest import harvester, sources as sources_store, store
from registry.harvest.sources import Source
from registry.harvest.store import Run


class NoRun(NotFound):
    """There is no harvest of that number."""


@pages.get("/sources")
def sources() -> str:
    """All sources with their last run, and the form for another."""
    return _list(SourceForm())


@pages.post("/sources")
def sources_add() -> Response | tuple[str, int]:
    """Ask the address who it is, and keep it."""
    form = SourceForm(request.form)
    if not form.validate():
        return _list(form), 400
    try:
        added = add(form.url.data, form.name.data or "", form.interval.data, guard.who())
    except Refusal as error:
        return _list(form, str(error)), error.status
    flash(
        f"{added.name} is added: {added.registry} with {len(added.managed_authorities)} authorities. "
        "Harvest it now, or wait for the clock.",
        "success",
    )
    return redirect(_address(added), 303)


@pages.get("/sources/<name>")
def source(name: str) -> str:
    """One source: what it is, its runs, the button that harvests now."""
    found = _named(name)
    with site().database.read() as connection:
        runs = store.runs(connection, found.id)
    return render_template(
        "admin/source.html",
        source=found,
        runs=runs,
        twin=twins.of_api(site().settings, ("harvest", "run", name), f"sources/{name}/harvest"),
    )


@pages.post("/sources/<name>/harvest")
def source_harvest(name: str) -> Response:
    """Ask the worker for a run, and go and watch it."""
    run = harvest(name, guard.who(), full=bool(request.form.get("full")))
    return redirect(f"{request.script_root}/admin/runs/{run.id}", 303)


@pages.get("/runs/<int:number>")
def run(number: int) -> str:
    """One run: how far it is, what it found, what it did not take."""
    found = run_of(number)
    with site().database.read() as connection:
        origin = sources_store.get(connection, found.source_id)
        problems = store.problems(connection, number)
    return render_template(
        "admin/run.html", run=found, source=origin, state=describe(found), reasons=_grouped(problems), problems=problems
    )


@pages.get("/runs/<int:number>/state")
def run_state(number: int) -> Response:
    """The same for the page's script."""
    return jsonify(describe(run_of(number)))


@pages.post("/runs/<int:number>/cancel")
def run_cancel(number: int) -> Response:
    """Stop a run after the page it is at; what it has shelved stays."""
    run_of(number)
    with site().database.write() as connection:
        store.end(connection, store.get(connection, number), store.CANCELLED, f"{guard.who()} stopped it.")
        access.audit(connection, guard.who(), "cancel harvest", str(number))
    return redirect(f"{request.script_root}/admin/runs/{number}", 303)


def add(url: str, name: str, interval: int | None, who: str) -> Source:
    """What the page and the API do alike. Raises Refusal."""
    added = sources_store.add(site(), url, name=name, interval=interval)
    with site().database.write() as connection:
        access.audit(connection, who, "add source", added.name, added.url)
    return added


def harvest(name: str, who: str, *, full: bool = False) -> Run:
    """What the page and the API do alike. Raises NotFound."""
    asked = harvester.request(site(), _named(name).id, who, full=full)
    with site().database.write() as connection:
        access.audit(connection, who, "harvest", name)
    return asked


def run_of(number: int) -> Run:
    """The run of that number. Raises NoRun."""
    with site().database.read() as connection:
        try:
            return store.get(connection, number)
        except LookupError:
            raise NoRun(f"There is no harvest {number}; the source's page lists its runs.") from None


def describe(run: Run) -> dict[str, Any]:
    """A run as JSON: counts, and `share` from 0 to 1 where the source says how long its list is."""
    return {
        "id": run.id,
        "state": run.state,
        "started": run.started,
        "ended": run.ended,
        "pages": run.pages,
        "records": run.records,
        "list_size": run.list_size,
        **{name: getattr(run, name) for name in store.COUNTS},
        "share": min(1.0, run.records / run.list_size) if run.list_size else None,
        "message": run.message,
        "done": run.state not in (store.QUEUED, store.RUNNING),
    }


def _list(form: SourceForm, problem: str = "") -> str:
    with site().database.read() as connection:
        found = [
            (one, next(iter(store.runs(connection, one.id, 1)), None)) for one in sources_store.list_sources(connection)
        ]
    url = form.url.data or "https://registry.example/oai"
    twin = twins.of_api(site().settings, ("harvest", "add", url), "sources", {"url": url})
    return render_template("admin/sources.html", sources=found, form=form, problem=problem, twin=twin)


def _named(name: str) -> Source:
    with site().database.read() as connection:
        found = next((one for one in sources_store.list_sources(connection) if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no source {name}; the list of sources shows what there is.")
    return found


def _grouped(problems: list[store.Problem]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.reason] = counts.get(problem.reason, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])[:10]


def _address(source: Source) -> str:
    return f"{request.script_root}/admin/sources/{source.name}"
