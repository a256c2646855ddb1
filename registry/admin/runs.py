"""Harvests under way and past, on pages: how far one is, what it found wrong, a person's word where it waits."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard
from registry.admin.pages import pages, site
from registry.errors import NotFound
from registry.harvest import harvester, sources as sources_store, store
from registry.harvest.store import Run

_EDITIONS = {
    "recommended": "valid in VOResource 1.2",
    "harvest": "valid in VOResource 1.1 with its erratum",
    "": "not valid",
}


class NoRun(NotFound):
    """There is no harvest of that number."""


@pages.get("/runs/<int:number>")
def run(number: int) -> str:
    """One run: how far it is, what it found, what it did not take."""
    found = run_of(number)
    with site().database.read() as connection:
        origin = sources_store.get(connection, found.source_id)
        problems = store.problems(connection, number)
    editions = [(_EDITIONS.get(name, name), count) for name, count in sorted(found.editions.items(), reverse=True)]
    return render_template(
        "admin/run.html", run=found, source=origin, state=describe(found), editions=editions, faults=found.faults[:10],
        problems=problems,
    )


@pages.get("/runs/<int:number>/state")
def run_state(number: int) -> Response:
    """The same for the page's script."""
    return jsonify(describe(run_of(number)))


@pages.post("/runs/<int:number>/cancel")
def run_cancel(number: int) -> Response:
    """Stop a run after the page it is at; what it has shelved stays, and the next goes on from there."""
    cancel(number, guard.who())
    return redirect(f"{request.script_root}/admin/runs/{number}", 303)


@pages.post("/runs/<int:number>/accept-loss")
def run_accept_loss(number: int) -> Response:
    """Delete what was missing from the run's list, however much that is."""
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
    """A run as JSON: counts, `share` from 0 to 1 where the source says how long its list is, `place` in the queue."""
    with site().database.read() as connection:
        place = store.place(connection, run) if run.state == store.QUEUED else None
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
        "share": min(1.0, run.records / run.list_size) if run.list_size else None,
        "place": place,
        "message": run.message,
        "done": run.state not in (store.QUEUED, store.RUNNING),
    }
