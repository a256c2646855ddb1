"""Records that were not taken, on a page: as they came, why not, and two buttons for a person's word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, lists
from registry.admin import guard, listed, twins
from registry.admin.pages import pages, site
from registry.harvest import quarantine as kept, sources as sources_store
from registry.harvest.listed import QUARANTINE
from registry.harvest.quarantine import Kept

SHOWN = 20_000  # characters of a record


@pages.get("/quarantine", defaults={"suffix": ""})
@pages.get("/quarantine.<any(csv, json):suffix>")
def quarantine(suffix: str) -> Response | str:
    """What waits for a person, newest first, or what the address asks for; CSV and JSON are of the same rows."""
    with site().database.read() as connection:
        page = lists.page(connection, listed.asked(QUARANTINE))
        if suffix:
            return listed.as_file(page, suffix)
        names = [one.name for one in sources_store.list_sources(connection)]
    asked = page.asked
    return render_template(
        "admin/quarantine.html", page=page, source=asked.narrowed["source"], state=asked.narrowed["state"], shown=SHOWN,
        known={"source": names}, reading=listed.twin(asked, ("harvest", "quarantine", "list"), "quarantine"),
        twin=_accepting(page.rows[0].id) if page.rows else None)


@pages.get("/quarantine/<int:number>/record")
def quarantine_record(number: int) -> Response:
    """The record as it came, byte for byte, as a file."""
    return as_it_came(number)


@pages.post("/quarantine/<int:number>/accept")
def quarantine_accept(number: int) -> Response:
    """Put the record on the shelf as it came, once."""
    done = accept(number, guard.who())
    flash(f"{done.ivoid or 'The record'} is on the shelf now; when it changes it waits here again.", "success")
    return _back()


@pages.post("/quarantine/<int:number>/mute")
def quarantine_mute(number: int) -> Response:
    """Hear no more of the record."""
    done = mute(number, guard.who())
    flash(f"{done.ivoid or 'The record'} from {done.source} is told of no more.", "success")
    return _back()


def _accepting(number: int) -> twins.Twin:
    return twins.of_api(site().settings, ("harvest", "quarantine", "accept", str(number)), f"quarantine/{number}/accept")


def _back() -> Response:
    """To the run whose page the button was on, or to what waits."""
    run = request.form.get("back", "")
    return redirect(f"{request.script_root}/admin/" + (f"runs/{run}" if run.isascii() and run.isdigit() else "quarantine"), 303)


def get(number: int) -> Kept:
    """What the page and the API do alike. Raises NotKept."""
    with site().database.read() as connection:
        return kept.get(connection, number)


def as_it_came(number: int) -> Response:
    """What the page and the API do alike: bytes that no browser makes anything of, for they need not be XML. Raises NotKept."""
    response = Response(get(number).raw or b"", content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="quarantine-{number}.xml"'
    return response


def accept(number: int, who: str) -> Kept:
    """What the page and the API do alike. Raises NotKept, NotAcceptable."""
    done = kept.accept(site(), number, who)
    with site().database.write() as connection:
        access.audit(connection, who, "accept from quarantine", done.ivoid, done.source)
    return done


def mute(number: int, who: str) -> Kept:
    """What the page and the API do alike. Raises NotKept."""
    with site().database.write() as connection:
        done = kept.mute(connection, number, who)
        access.audit(connection, who, "mute in quarantine", done.ivoid, done.source)
    return done


def describe(one: Kept) -> dict[str, Any]:
    """A record in quarantine as JSON."""
    return {"id": one.id, "source": one.source, "ivoid": one.ivoid, "reason": one.reason, **asdict(one.place), "state": one.state,
            "at": one.at, "who": one.who, "run": one.run_id, "record": (one.raw or b"").decode("utf-8", "replace")}
