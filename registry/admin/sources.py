"""The registries we harvest, on pages: look at one, add it, change it, harvest it now, see how it did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, lists
from registry.admin import chart, guard, listed, sure, twins
from registry.admin.forms import PublishersForm, SourceEditForm, SourceForm
from registry.admin.pages import pages, site
from registry.errors import NotFound, Refusal
from registry.harvest import harvester, publishers, quarantine, sources as sources_store, store
from registry.harvest.listed import RUNS, SOURCES, last_runs
from registry.harvest.publishers import Outcome, Publisher
from registry.harvest.sources import Look, Source
from registry.harvest.store import Run
from registry.lists import Page

_RUNS = 40  # in a source's history
GOES = "with its runs, what waits of it in quarantine and its claims to authorities; its records stay"
AT_ONCE = 10.0  # seconds that one request adds registries for: a page must come back, with those that are left


@pages.get("/sources", defaults={"suffix": ""})
@pages.get("/sources.<any(csv, json):suffix>")
def sources(suffix: str) -> Response | str:
    """The sources with their last run, and the form for another; CSV and JSON are of the same rows."""
    return listed.as_file(listing(), suffix) if suffix else _list(SourceForm())


def listing() -> Page[Source]:
    """What the page and the API do alike."""
    with site().database.read() as connection:
        return lists.page_of(sources_store.list_sources(connection), listed.asked(SOURCES))


@pages.post("/sources/look")
def sources_look() -> str | tuple[str, int]:
    """Ask the address who it is and what it offers; nothing is kept."""
    form = SourceForm(request.form)
    if not form.validate():
        return _list(form), 400
    try:
        found = sources_store.look(site(), form.url.data)
    except Refusal as error:
        return _list(form, str(error)), error.status
    return _found(form, found)


@pages.post("/sources/publishers")
def sources_publishers() -> str | tuple[str, int]:
    """The registries that a Registry of Registries knows, each with a button that asks who it is, and one for all."""
    return _publishers(add=False)


@pages.post("/sources/publishers/add")
def sources_publishers_add() -> str | tuple[str, int]:
    """Add those that have been shown, as many as a few seconds allow; `asked` names those that were asked before."""
    return _publishers(add=True)


def _publishers(*, add: bool) -> str | tuple[str, int]:
    form = PublishersForm(request.form)
    if not form.validate():
        return _list(SourceForm(), "Give the address of a Registry of Registries, with http:// or https://."), 400
    asked = set(request.form.getlist("asked"))
    try:
        found = list(publishers.publishers(site(), form.registries.data))
        done = add_publishers([one for one in found if one.ivoid not in asked], guard.who()) if add else []
    except Refusal as error:
        return _list(SourceForm(), str(error)), error.status
    with site().database.read() as connection:
        known = {one.registry.lower() for one in sources_store.list_sources(connection)}
    asked |= {one.ivoid for one in done}
    return render_template(
        "admin/publishers.html", found=found, known=known, url=form.registries.data, asked=asked,
        reasons={one.ivoid: one.reason for one in done},
        left=sum(1 for one in found if one.url and one.ivoid.lower() not in known and one.ivoid not in asked),
        twin=twins.of_api(site().settings, ("harvest", "add", "--all-from", form.registries.data), "sources/publishers",
                          {"url": form.registries.data}))


def add_publishers(found: Sequence[Publisher], who: str) -> list[Outcome]:
    """What the page and the API do alike: add them one by one until a few seconds have passed, one at least."""
    until, done = time.monotonic() + AT_ONCE, []
    for one in found:
        done.append(publishers.add(site(), one))
        if done[-1].outcome == publishers.ADDED:
            with site().database.write() as connection:
                access.audit(connection, who, "add source", done[-1].name, one.url)
        if time.monotonic() > until:
            break
    return done


@pages.post("/sources")
def sources_add() -> Response | tuple[str, int]:
    """Ask the address who it is, and keep it."""
    form = SourceForm(request.form)
    if not form.validate():
        return _list(form), 400
    # a form that was sent without them means what is proposed
    chosen = {name: form[name].data for name in ("set_spec", "prefix") if name in request.form and form[name].data is not None}
    later = request.form.get("first") == "later"
    try:
        added = add(form.url.data, form.name.data or "", form.interval.data, guard.who(),
                    priority=form.priority.data or 0, owner=form.owner.data or "", later=later, **chosen)
    except Refusal as error:
        return _list(form, str(error)), error.status
    flash(
        f"{added.name} is added: {added.registry} with {len(added.managed_authorities)} authorities. "
        + ("Test its first page, or harvest it: the clock does only after its interval." if later else
           "Harvest it now, or wait for the clock."),
        "success",
    )
    return redirect(_address(added), 303)


@pages.get("/sources/<name>")
def source(name: str) -> str:
    """One source: what it is, its runs, the button that harvests now."""
    found = named(name)
    return _page(found, SourceEditForm(data={
        "interval": found.interval, "set_spec": found.set_spec, "priority": found.priority, "owner": found.owner}))


@pages.post("/sources/<name>/change")
def source_change(name: str) -> Response | tuple[str, int]:
    """Change how it is harvested."""
    form = SourceEditForm(request.form)
    if not form.validate():
        return _page(named(name), form), 400
    values = {"interval": form.interval.data, "set_spec": form.set_spec.data or "", "priority": form.priority.data or 0,
              "owner": form.owner.data or ""}
    return redirect(_address(change(name, values, guard.who())), 303)


@pages.post("/sources/<name>/pause")
def source_pause(name: str) -> Response:
    """Harvest it by the clock no more, or again."""
    return redirect(_address(pause(name, request.form.get("paused") == "1", guard.who())), 303)


@pages.post("/sources/<name>/remove")
def source_remove(name: str) -> Response:
    """Forget it, once its name was typed; its records stay, as if imported from a file."""
    found = named(name)
    with site().database.read() as connection:
        runs = lists.page(connection, lists.asked(RUNS, {"source": name, "limit": "1"}))
        waiting = quarantine.waiting(connection, found.id)
    goes = [f"source {name} at {found.url}", f"{runs.total} of its runs, with what they found wrong",
            f"{waiting} of its records that wait in quarantine"]
    if found.managed_authorities:
        goes.append(f"its claim to {', '.join(found.managed_authorities)}")
    ask = sure.question(name, title=f"Remove source {name}", goes=goes, button="Remove it", back=f"/admin/sources/{name}",
                        stays="The records that came from it stay on the shelf, as if imported from a file.")
    if ask:
        return ask
    gone = remove(name, guard.who())
    flash(f"{gone.name} is removed; the records that came from it stay.", "success")
    return redirect(f"{request.script_root}/admin/sources", 303)


@pages.post("/sources/<name>/harvest")
def source_harvest(name: str) -> Response:
    """Ask the worker for a run, and go and watch it."""
    run = harvest(name, guard.who(), full=bool(request.form.get("full")))
    return redirect(f"{request.script_root}/admin/runs/{run.id}", 303)


def remove(name: str, who: str) -> Source:
    """What one button and many ticks do alike. Raises NotFound."""
    with site().database.write() as connection:
        gone = sources_store.remove(connection, named(name).name)
        access.audit(connection, who, "remove source", gone.name, gone.url)
    return gone


def add(url: str, name: str, interval: int | None, who: str, **more: Any) -> Source:
    """What the page and the API do alike. Raises Refusal."""
    added = sources_store.add(site(), url, name=name, interval=interval, **more)
    with site().database.write() as connection:
        access.audit(connection, who, "add source", added.name, added.url)
    return added


def change(name: str, values: dict[str, Any], who: str) -> Source:
    """What the page and the API do alike. Raises NotFound."""
    named(name)
    with site().database.write() as connection:
        changed = sources_store.change(connection, name, **values)
        access.audit(connection, who, "change source", name, ", ".join(f"{k}={v}" for k, v in values.items()))
    return changed


def pause(name: str, paused: bool, who: str) -> Source:
    """What the page and the API do alike. Raises NotFound."""
    named(name)
    with site().database.write() as connection:
        done = sources_store.pause(connection, name, paused)
        access.audit(connection, who, "pause source" if paused else "resume source", name)
    return done


def harvest(name: str, who: str, *, full: bool = False) -> Run:
    """What the page and the API do alike. Raises NotFound."""
    asked = harvester.request(site(), named(name).id, who, full=full)
    with site().database.write() as connection:
        access.audit(connection, who, "harvest", name)
    return asked


def _page(found: Source, form: SourceEditForm) -> str:
    with site().database.read() as connection:
        runs = store.runs(connection, found.id, _RUNS)
        waiting = quarantine.waiting(connection, found.id)
    shown = chart.bars(runs)
    twin = twins.of_api(site().settings, ("harvest", "run", found.name), f"sources/{found.name}/harvest")
    return render_template(
        "admin/source.html", source=found, runs=runs, bars=shown, width=chart.width(shown), height=chart.HEIGHT,
        bar_width=chart.WIDTH, waiting=waiting, form=form, twin=twin)


def _list(form: SourceForm, problem: str = "") -> str:
    page = listing()
    with site().database.read() as connection:
        runs = last_runs(connection, page.rows)
        waiting = quarantine.waiting(connection)
    url = form.url.data or "https://registry.example/oai"
    twin = twins.of_api(site().settings, ("harvest", "add", url), "sources", {"url": url})
    return render_template("admin/sources.html", page=page, runs=runs, form=form, problem=problem, twin=twin, waiting=waiting,
                           registries=PublishersForm(), reading=listed.twin(page.asked, ("harvest", "status"), "sources"))


def _found(form: SourceForm, found: Look) -> str:
    form.set_spec.choices = [(one, one) for one in found.sets] + [("", "everything it has")]
    form.set_spec.data = found.set_spec
    form.prefix.choices, form.prefix.data = [(one, one) for one in found.formats], sources_store.VOR
    form.interval.data = form.interval.data or site().settings.harvest_interval
    return render_template("admin/source_found.html", form=form, found=found, url=form.url.data)


def named(name: str) -> Source:
    """The source of that name. Raises NotFound."""
    with site().database.read() as connection:
        found = next((one for one in sources_store.list_sources(connection) if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no source {name}; the list of sources shows what there is.")
    return found


def _address(source: Source) -> str:
    return f"{request.script_root}/admin/sources/{source.name}"
