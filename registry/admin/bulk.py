"""One act for many rows of a list: sources, what waits in quarantine, jobs; by ticks on the page and by name in the API.

Each row is told for itself, and one that cannot be done leaves the others as they are. Records have a bulk form of
their own (`editing.life`). What the acts do is said where they are offered one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from registry.access import ADMINISTRATOR, PUBLISHER, RUNNER
from registry.admin import guard, jobs, quarantine, sources, sure
from registry.admin.api import BadBody, body
from registry.admin.pages import api, pages
from registry.errors import Refusal

MOST = 500  # rows of one act


class NothingChosen(Refusal):
    """A bulk action without rows, or without a thing to do."""


@dataclass(frozen=True)
class Act:
    """What is done to one row, by its key, and the role that it takes; `grave` is what goes with it, '' for nothing."""

    role: str
    do: Callable[[str], object]
    says: str
    grave: str = ""


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NothingChosen(f"{text[:40]!r} is not the number of a record in quarantine.")
    return int(text)


# kind of rows -> verb of a button -> what it does
ACTS: Mapping[str, Mapping[str, Act]] = {
    "sources": {
        "harvest": Act(PUBLISHER, lambda name: sources.harvest(name, guard.who()), "asked for a harvest"),
        "pause": Act(PUBLISHER, lambda name: sources.pause(name, True, guard.who()), "paused"),
        "resume": Act(PUBLISHER, lambda name: sources.pause(name, False, guard.who()), "harvested by the clock again"),
        "remove": Act(ADMINISTRATOR, lambda name: sources.remove(name, guard.who()), "removed", sources.GOES),
    },
    "quarantine": {
        "accept": Act(ADMINISTRATOR, lambda number: quarantine.accept(_number(number), guard.who()), "let in"),
        "mute": Act(PUBLISHER, lambda number: quarantine.mute(_number(number), guard.who()), "muted"),
    },
    "jobs": {
        "abort": Act(RUNNER, lambda job_id: jobs.abort(job_id), "told to stop"),
        "delete": Act(RUNNER, lambda job_id: jobs.delete(job_id), "deleted", "with its log and results"),
    },
}


@pages.post("/bulk/<any(sources, quarantine, jobs):kind>")
def bulk(kind: str) -> BaseResponse:
    """Do it to all that are ticked; what cannot be taken back is asked about by its name first."""
    names = list(dict.fromkeys(request.form.getlist("one")))[:MOST]
    verb = request.form.get("do", "")
    if not names:
        raise NothingChosen("Nothing was chosen: tick some rows, then press the button again.")
    act = _act(kind, verb)
    back = f"/admin/{kind}"
    if act.grave:
        ask = sure.question(
            f"{verb} {len(names)}", title=f"{verb.capitalize()} {len(names)} of the {kind}",
            goes=[f"{name}, {act.grave}" for name in names], stays="", button=f"{verb.capitalize()} them", back=back)
        if ask:
            return ask
    told = _each(act, names)
    for problem in [one for _, one in told if one]:
        flash(problem, "warning")
    done = sum(not one for _, one in told)
    if done:
        flash(f"{done} of {len(names)} {act.says}.", "success")
    return redirect(f"{request.script_root}{back}", 303)


@api.post("/bulk/<any(sources, quarantine, jobs):kind>")
def bulk_api(kind: str) -> Response:
    """`do` a thing to each of `which`; each is told what became of it."""
    given: dict[str, Any] = body({"do", "which"}, set())
    if given["do"] not in ACTS[kind]:
        raise BadBody(f"The key 'do' must be one of {', '.join(ACTS[kind])}.")
    told = _each(_act(kind, given["do"]), list(dict.fromkeys(given["which"]))[:MOST])
    return jsonify(done=[{"which": name, "error": problem or None} for name, problem in told])


def _act(kind: str, verb: str) -> Act:
    if verb not in ACTS[kind]:
        raise NothingChosen("Nothing was asked for: use one of the buttons.")
    act = ACTS[kind][verb]
    guard.caller().require(act.role)
    return act


def _each(act: Act, names: list[str]) -> list[tuple[str, str]]:
    """What was done to each, and why not where it was not."""
    told = []
    for name in names:
        try:
            act.do(name)
            told.append((name, ""))
        except Refusal as refusal:
            told.append((name, str(refusal)))
    return told
