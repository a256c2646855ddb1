"""Images of watched Docker repositories on pages: what waits, what was decided, and what else a decision changes.

A decision is for the digest that the page shows, wherever its tag goes meanwhile. Looks are the worker's: the page asks
for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, lists
from registry.admin import guard, listed, sure, twins
from registry.admin.pages import pages, site
from registry.admin.twins import Twin
from registry.applications import approving, catalogue, consequences, seen, watching
from registry.applications.listed import IMAGES, WAITING
from registry.applications.parameters import describe as takes
from registry.applications.seen import APPROVED, DRAFT, REJECTED, RETRACTED, VULNERABLE, Seen, Watched
from registry.errors import Refusal

VERBS = {APPROVED: "approve", REJECTED: "reject", RETRACTED: "retract", VULNERABLE: "mark-vulnerable"}
WORDS = {APPROVED: "Approve", REJECTED: "Reject", RETRACTED: "Retract", VULNERABLE: "Mark as vulnerable"}
MOVES = {DRAFT: (APPROVED, REJECTED), APPROVED: (RETRACTED, VULNERABLE), REJECTED: (APPROVED,), RETRACTED: (APPROVED, VULNERABLE),
         VULNERABLE: (APPROVED,)}


class NoDecision(Refusal):
    """What is asked for is nothing that can be decided of an image."""


@pages.get("/applications/images", defaults={"suffix": ""})
@pages.get("/applications/images.<any(csv, json):suffix>")
def images(suffix: str) -> Response | str:
    """Images that wait for a person, or those that the address asks for; CSV and JSON are of the same rows."""
    with site().database.read() as connection:
        page = lists.page(connection, listed.asked(WAITING))
        if suffix:
            return listed.as_file(page, suffix)
        places = seen.watched(connection)
    return render_template(
        "admin/images.html", page=page, state=page.asked.narrowed["state"], places=places, moves=MOVES, words=WORDS,
        reading=listed.twin(replace(page.asked, listing=IMAGES), ("app", "images"), "images"),
        twin=twins.of_api(site().settings, ("app", "approve", "IMAGE"), "images/approve", {"image": "IMAGE"}))


@pages.get("/applications/images/decide")
def image_decide_form() -> str:
    """The image, what it would be moved to, and what else that changes."""
    return _decide(request.args.get("image", ""), request.args.get("to", APPROVED))


@pages.post("/applications/images/decide")
def image_decide() -> Response | tuple[str, int]:
    """Do it; a refusal comes back with the page."""
    form = request.form
    image, to = form.get("image", ""), form.get("to", "")
    try:
        done = decide(image, to, guard.who(), why=form.get("why", ""), name=form.get("name", "").strip(),
                      anyway=form.get("anyway") == "yes")
    except approving.NoImage:
        raise
    except Refusal as error:
        return _decide(image, to, str(error)), error.status
    flash(f"{done.app or done.shown} is {done.state}.", "success")
    return redirect(f"{request.script_root}/admin/applications/images", 303)


@pages.post("/applications/repositories")
def repository_add() -> Response:
    """Watch a Docker repository."""
    one = watch(request.form.get("host", ""), request.form.get("names", "").split(), guard.who())
    flash(f"{one.host} is watched: the worker looks at it in a few seconds.", "success")
    return _back()


@pages.post("/applications/repositories/look")
def repository_look() -> Response:
    """Have the worker look at a repository now."""
    one = look(request.form.get("host", ""), guard.who())
    flash(f"The worker looks at {one.host} in a few seconds.", "success")
    return _back()


@pages.post("/applications/repositories/remove")
def repository_remove() -> Response:
    """Watch a repository no longer, once its name was typed."""
    host = request.form.get("host", "")
    with site().database.read() as connection:
        found = seen.one_watched(connection, host)
    ask = sure.question(
        found.host, title=f"Watch {found.host} no longer", button="Watch it no longer", back="/admin/applications/images",
        goes=[f"{found.counts.get(DRAFT, 0)} images of it that wait for a person", "what each of its tags stood for"],
        stays="What was approved stays on offer.")
    if ask:
        return ask
    one = unwatch(host, guard.who())
    flash(f"{one.host} is watched no longer; what was approved stays on offer.", "success")
    return _back()


def decide(image: str, to: str, who: str, *, why: str = "", name: str = "", anyway: bool = False) -> Seen:
    """What the page and the API do alike. Raises NoImage, NoDecision, Refusal."""
    why = why.strip()
    if to == APPROVED:
        return approving.approve(site(), image, who=who, name=name, anyway=anyway)
    acts = {REJECTED: approving.reject, RETRACTED: approving.retract, VULNERABLE: approving.mark_vulnerable}
    if to not in acts:
        raise NoDecision(f"An image cannot be made {to[:40]!r}: it can be {', '.join(VERBS)}.")
    return acts[to](site(), image, who=who, why=why)


def watch(host: str, names: list[str], who: str) -> Watched:
    """What the page and the API do alike. Raises Refusal."""
    one = watching.begin(site(), host, names, who=who)
    _audit(who, "watch repository", one.host)
    return one


def unwatch(host: str, who: str) -> Watched:
    """What the page and the API do alike. Raises NotWatched."""
    one = watching.end(site(), host)
    _audit(who, "stop watching repository", one.host)
    return one


def look(host: str, who: str) -> Watched:
    """What the page and the API do alike: the look is due now. Raises NotWatched."""
    with site().database.write() as connection:
        one = seen.one_watched(connection, host)
        seen.soon(connection, one.host)
    _audit(who, "look at repository", one.host)
    return one


def _audit(who: str, action: str, host: str) -> None:
    with site().database.write() as connection:
        access.audit(connection, who, action, host)


def _decide(image: str, to: str, problem: str = "") -> str:
    if to not in VERBS:
        raise NoDecision(f"An image cannot be made {to[:40]!r}: it can be {', '.join(VERBS)}.")
    one = approving.find(site(), image, to)
    with site().database.read() as connection:
        read = catalogue.kept(connection, one)
    shown: dict[str, Any] = {"one": one, "to": to, "problem": problem, "verb": WORDS[to], "takes": takes}
    shown["effects"] = consequences.of(site(), one, to)
    shown["contract"], shown["made"] = (read[1], read[0]) if read else (None, None)
    return render_template("admin/image.html", twin=_twin(one, to), **shown)


def _twin(one: Seen, to: str) -> Twin:
    given = {"image": one.reference}
    options: tuple[str, ...] = ()
    if to == VULNERABLE:
        given["why"], options = "...", ("--why", "...")
    return twins.of_api(site().settings, ("app", VERBS[to], one.reference, *options), f"images/{VERBS[to]}", given)


def _back() -> Response:
    query = urlencode({name: request.form[name] for name in ("state",) if request.form.get(name)})
    return redirect(f"{request.script_root}/admin/applications/images" + (f"?{query}" if query else ""), 303)
