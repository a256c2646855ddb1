"""Harvests under way and past, on pages: how far one is, what it found wrong, a person's word where it waits."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from flask import jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, clock, lists
from registry.admin import guard, listed, sources as source_pages, sure, twins
from registry.admin.pages import pages, site
from registry.errors import NotFound
from registry.harvest import harvester, quarantine as kept, sources as sources_store, store
from registry.harvest.listed import RUNS, Line
from registry.harvest.pace import pace
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.lists import Page

SHOWN, MOST = 100, 100_000  # problems on the page, and in a file
LONGEST = 20_000  # characters of a record on the page
COLUMNS = ("source", "ivoid", "kind", "reason", "path", "line", "quarantine", "record")

_EDITIONS = {
    "recommended": "valid in VOResource 1.2",
    "harvest": "valid in VOResource 1.1 with its erratum",
    "": "not valid",
}


class NoRun(NotFound):
    """There is no harvest of that number."""


@pages.get("/runs", defaults={"suffix": ""})
@pages.get("/runs.<any(csv, json):suffix>")
def runs(suffix: str) -> Response | str:
    """The runs of all sources, newest first, or those that the address asks for; CSV and JSON are of the same rows."""
    page = listing()
    if suffix:
        return listed.as_file(page, suffix)
    with site().database.read() as connection:
        names = [one.name for one in sources_store.list_sources(connection)]
    return render_template("admin/runs.html", page=page, known={"source": names},
                           twin=listed.twin(page.asked, ("harvest", "runs"), "runs"))


def listing() -> Page[Line]:
    """What the page and the API do alike."""
    with site().database.read() as connection:
        return lists.page(connection, listed.asked(RUNS))


@pages.get("/runs/<int:number>")
def run(number: int) -> str:
    """One run: how far it is, what it found, what it did not take."""
    found = run_of(number)
    with site().database.read() as connection:
        origin = sources_store.get(connection, found.source_id)
        problems = store.problems(connection, number, SHOWN + 1)
        states = kept.states(connection, [one.quarantine_id for one in problems if one.quarantine_id])
    editions = [(_EDITIONS.get(name, name), count) for name, count in sorted(found.editions.items(), reverse=True)]
    return render_template(
        "admin/run.html", run=found, source=origin, state=describe(found), editions=editions, faults=found.faults[:10],
        problems=problems[:SHOWN], more=len(problems) > SHOWN, states=states, shown=LONGEST,
        goes_on=found.state in (store.CANCELLED, store.FAILED) and bool(found.token),
        twin=twins.of_api(site().settings, *_next_act(found, origin.name)),
    )


@pages.get("/runs/<int:number>/state")
def run_state(number: int) -> Response:
    """The same for the page's script."""
    return jsonify(describe(run_of(number)))


@pages.get("/runs/<int:number>/problems.<any(csv, json):suffix>")
def run_problems(number: int, suffix: str) -> Response:
    """Every record that the run did not take or found odd, for a spreadsheet or a program."""
    found = problems_of(number)
    if suffix == "json":
        return jsonify(problems=found)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in one.items()} for one in found)
    response = Response(out.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="harvest-{number}.csv"'
    return response


@pages.post("/runs/<int:number>/pause")
def run_pause(number: int) -> Response:
    """Stop a run after the page it is at, and have nothing but a person start the next."""
    pause(number, guard.who())
    return redirect(f"{request.script_root}/admin/runs/{number}", 303)


@pages.post("/runs/<int:number>/resume")
def run_resume(number: int) -> Response:
    """Go on from the page at which it was stopped, in a new run."""
    return redirect(f"{request.script_root}/admin/runs/{resume(number, guard.who()).id}", 303)


@pages.post("/runs/<int:number>/cancel")
def run_cancel(number: int) -> Response:
    """Stop a run after the page it is at; what it has shelved stays, and the next goes on from there."""
    cancel(number, guard.who())
    return redirect(f"{request.script_root}/admin/runs/{number}", 303)


@pages.post("/runs/<int:number>/accept-loss")
def run_accept_loss(number: int) -> Response:
    """Delete what was missing from the run's list, however much that is, once the source's name was typed."""
    found = run_of(number)
    if found.state == store.HELD:
        name = _source_of(found).name
        ask = sure.question(
            name, title=f"Delete what is missing from {name}", button="Delete them", back=f"/admin/runs/{number}",
            goes=[f"{found.missing} records that its full list no longer holds"],
            stays="For each a tombstone stays, which harvesters are told of, and its history.")
        if ask:
            return ask
    accept_loss(number, guard.who())
    return redirect(f"{request.script_root}/admin/runs/{number}", 303)


def cancel(number: int, who: str) -> Run:
    """What the page and the API do alike. Raises NoRun; one that is over already stays as it is."""
    run_of(number)
    with site().database.write() as connection:
        done = store.end(connection, store.get(connection, number), store.CANCELLED, f"{who} stopped it.")
        access.audit(connection, who, "cancel harvest", str(number))
    site().bells.ring(harvester.HARVESTS)
    return done


def pause(number: int, who: str) -> Run:
    """What the page and the API do alike: no clock starts what a person has paused. Raises NoRun."""
    source_pages.pause(_source_of(run_of(number)).name, True, who)
    return cancel(number, who)


def resume(number: int, who: str) -> Run:
    """What the page and the API do alike: the source is harvested by the clock again, and at once. Raises NoRun."""
    name = _source_of(run_of(number)).name
    source_pages.pause(name, False, who)
    return source_pages.harvest(name, who)


def problems_of(number: int) -> list[dict[str, Any]]:
    """What the run did not take or found odd, as COLUMNS. Raises NoRun."""
    name = _source_of(run_of(number)).name
    with site().database.read() as connection:
        found = store.problems(connection, number, MOST)
    return [{"source": name, "ivoid": one.ivoid, "kind": one.kind, "reason": one.reason, **asdict(one.place),
             "quarantine": one.quarantine_id, "record": (one.raw or b"").decode("utf-8", "replace")} for one in found]


def accept_loss(number: int, who: str) -> Run:
    """What the page and the API do alike. Raises NoRun, NotHeld."""
    run_of(number)
    done = harvester.accept_loss(site(), number, who)
    with site().database.write() as connection:
        access.audit(connection, who, "accept loss", str(number), done.message)
    return done


def run_of(number: int) -> Run:
    """The run of that number. Raises NoRun."""
    with site().database.read() as connection:
        try:
            return store.get(connection, number)
        except LookupError:
            raise NoRun(f"There is no harvest {number}; the source's page lists its runs.") from None


def describe(run: Run) -> dict[str, Any]:
    """A run as JSON: counts, `share` from 0 to 1 where the source says how long its list is, `place` in the queue.

    `tail` has the last records of its last page and what was not taken last, a line each.
    """
    with site().database.read() as connection:
        place = store.place(connection, run) if run.state == store.QUEUED else None
        newest = store.newest_problems(connection, run.id)
    done = pace(run, clock.now())
    return {
        "id": run.id,
        "state": run.state,
        "started": run.started,
        "ended": run.ended,
        "full": run.full,
        "pages": run.pages,
        "records": run.records,
        "list_size": run.list_size,
        **{name: getattr(run, name) for name in store.COUNTS},
        "missing": run.missing,
        "share": done.share,
        "skipped": run.skipped,
        "pages_per_second": done.pages_per_second,
        "seconds_left": done.seconds_left,
        "tail": "\n".join([*run.tail, *(f"not taken: {one.ivoid or 'without identifier'}: {one.reason}" for one in newest)]),
        "place": place,
        "message": run.message,
        "done": run.state not in (store.QUEUED, store.RUNNING),
    }


def _next_act(run: Run, source: str) -> tuple[tuple[str, ...], str]:
    """What the page's first button does, as a command and as an address of the API."""
    if run.state in (store.QUEUED, store.RUNNING):
        return ("harvest", "cancel", source), f"runs/{run.id}/cancel"
    if run.state == store.HELD:
        return ("harvest", "run", source, "--accept-loss"), f"runs/{run.id}/accept-loss"
    return ("harvest", "run", source), f"sources/{source}/harvest"


def _source_of(run: Run) -> Source:
    with site().database.read() as connection:
        return sources_store.get(connection, run.source_id)


def _plain(value: object) -> str:
    """For a spreadsheet: what could be taken for a formula there is marked as text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
