"""The screens: administrator, authority, organisation, address and review; each can be left and come back to.

Only the browser that opened the one-time link is let in. No screen needs a script.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response
from wtforms import Form

from registry import access, config_file
from registry.admin import guard, twins
from registry.admin.setup import acts, keeping
from registry.admin.setup.forms import AdministratorForm, AuthorityForm, BaseUrlForm, OrganisationForm
from registry.errors import Denied, Refusal
from registry.site import Site

pages = Blueprint("setup", __name__)
COOKIE = "innerspace-setup"
BEGIN = "begin setup"  # in app.extensions: what is called with the founded datacenter


@dataclass(frozen=True)
class Screen:
    """One of the four."""

    path: str
    words: str
    form: type[Form]
    fields: tuple[str, ...]  # answers without which it is not done


SCREENS = (
    Screen("administrator", "Administrator", AdministratorForm, ("admin", "hash")),
    Screen("authority", "Authority", AuthorityForm, ("authority", "title")),
    Screen("organisation", "Organisation and contact", OrganisationForm, ("organisation", "email")),
    Screen("review", "Address and review", BaseUrlForm, ()),
)
BY_PATH = {screen.path: screen for screen in SCREENS}


def site() -> Site:
    """The place that is to be founded."""
    return cast(Site, current_app.extensions["site"])


def browser() -> str:
    """The secret of the browser that asks, '' where it has none."""
    return request.cookies.get(COOKIE, "")


@pages.before_request
def only_the_holder() -> None:
    """Refuse everybody but the browser that opened the link, and it too without its CSRF token."""
    if request.endpoint == "setup.link":
        return
    if not keeping.let_in(site(), browser()):
        raise Denied("This is open to the browser that opened the set-up link alone. A link is good once and for an hour: "
                     "start `registry serve` again for a new one; what has been answered is kept.")
    g.let_in = True
    if request.method == "POST" and (
        guard.from_another_site() or not access.csrf_right(site(), browser(), request.form.get(guard.CSRF_FIELD, ""))
    ):
        raise guard.Forged("This form is older than the set-up, so nothing was done: go back, reload it and send it again.")


@pages.get("/setup/link/<secret>")
def link(secret: str) -> Response:
    """Let in the browser that opens the link first; a browser that only looks ahead uses nothing up."""
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", ""):
        return make_response("", 204)
    if keeping.let_in(site(), browser()):  # opened twice in the same browser
        return redirect(f"{request.script_root}/setup", 303)
    found = keeping.redeem(site(), secret)
    if not found:
        raise Denied("This set-up link is wrong, used up or older than an hour: start `registry serve` again for a new one.")
    answer = redirect(f"{request.script_root}/setup", 303)
    answer.set_cookie(COOKIE, found, path="/", httponly=True, samesite="Lax", max_age=keeping.BROWSER_SECONDS)
    return answer


@pages.get("/setup")
def start() -> Response:
    """The first screen that is not done."""
    answers = keeping.answers(site())
    todo = next((one for one in SCREENS if not _done(one, answers)), SCREENS[-1])
    return redirect(f"{request.script_root}/setup/{todo.path}", 303)


@pages.get("/setup/authority/check")
def authority_check() -> Response:
    """What can be said of an authority while it is typed."""
    verdict = acts.judge_authority(site(), request.args.get("authority", "").strip())
    return jsonify(good=verdict.good, words=verdict.words)


@pages.get("/setup/<any(administrator, authority, organisation, review):path>")
def screen(path: str) -> Response | str:
    """A screen with what was answered before; the review only when the rest is done."""
    answers = keeping.answers(site())
    shown = BY_PATH[path]
    if path == "review":
        missing = next((one for one in SCREENS if not _done(one, answers)), None)
        if missing:
            return redirect(f"{request.script_root}/setup/{missing.path}", 303)
        return _review(answers)
    return _page(shown, shown.form(data=answers), answers)


@pages.post("/setup/<any(administrator, authority, organisation):path>")
def answer(path: str) -> Response | tuple[str, int]:
    """Keep a screen's answers and go on to the next."""
    shown, answers = BY_PATH[path], keeping.answers(site())
    form = shown.form(request.form)
    kept_password = path == "administrator" and answers.get("hash") and not request.form.get("password")
    if kept_password:  # come back to, it need not be typed again
        del form.password
        del form.again
    if not form.validate():
        return _page(shown, form, answers), 400
    if path == "authority":
        verdict = acts.judge_authority(site(), form.authority.data)
        if not verdict.good:
            form.authority.errors = [verdict.words]
            return _page(shown, form, answers), 400
    given = {name: value or "" for name, value in form.data.items() if name not in ("password", "again")}
    if path == "administrator" and not kept_password:
        given["hash"] = access.password_hash(form.password.data)
    keeping.keep(site(), **given)
    following = SCREENS[SCREENS.index(shown) + 1]
    return redirect(f"{request.script_root}/setup/{following.path}", 303)


@pages.post("/setup/review")
def review() -> Response | str | tuple[str, int]:
    """Look whether the address leads here; or publish, where that button was pressed."""
    form = BaseUrlForm(request.form)
    answers = keeping.answers(site())
    if any(not _done(one, answers) for one in SCREENS):
        return start()
    if not form.validate():
        return _review(answers, form=form), 400
    base_url = form.base_url.data if form.base_url.data.endswith("/") else form.base_url.data + "/"
    answers = keeping.keep(site(), base_url=base_url, networks=form.networks.data or "")
    if request.form.get("do") != "publish":
        return _review(answers, verdict=acts.judge_address(site(), base_url))
    try:
        new = acts.found(site(), answers)
    except Refusal as error:
        return _review(answers, problem=str(error)), error.status
    with new.database.write() as connection:
        secret = access.open_session(connection, answers["admin"])
    begin: Callable[[Site], None] = current_app.extensions[BEGIN]
    begin(new)
    done = redirect(f"{urlsplit(new.settings.base_url).path}admin/", 303)
    guard.set_cookie(done, secret, new.settings)
    done.delete_cookie(COOKIE)
    return done


def _done(one: Screen, answers: dict[str, str]) -> bool:
    return all(answers.get(name) for name in one.fields)


def _page(shown: Screen, form: Form, answers: dict[str, str]) -> str:
    return render_template(
        f"setup/{shown.path}.html", form=form, answers=answers, screens=_steps(answers), here=shown,
        back=SCREENS[SCREENS.index(shown) - 1] if shown is not SCREENS[0] else None)


def _review(
    answers: dict[str, str], *, form: BaseUrlForm | None = None, verdict: acts.Verdict | None = None, problem: str = "",
) -> str:
    url = answers.get("base_url") or _guess()
    networks = answers.get("networks", _networks_guess())
    previews: list[acts.Preview] = []
    try:
        previews = acts.preview(site(), {**answers, "base_url": url})
    except Refusal as error:
        problem = problem or str(error)
    if verdict is None and form is None:
        verdict = acts.judge_address(site(), url)
    words = twins.command(
        "--instance", str(site().settings.instance), "init", "--authority", answers["authority"], "--title", answers["title"],
        "--base-url", url, "--admin", answers["admin"], "--password-file", "FILE",
        "--organisation", answers["organisation"], "--email", answers["email"], "--yes",
        *(("--set", f"allowed_networks={networks}") if networks else ()))
    return render_template(
        "setup/review.html", form=form or BaseUrlForm(base_url=url, networks=networks), answers=answers, screens=_steps(answers),
        here=SCREENS[-1], back=SCREENS[-2], previews=previews, verdict=verdict, problem=problem, command=words)


def _guess() -> str:
    """The setting where somebody has made it, else the address that the operator's browser has us at; to be confirmed."""
    origins = {one.key: one.origin for one in config_file.origins(site().settings)}
    return site().settings.base_url if origins["base_url"] != "default" else request.host_url


def _networks_guess() -> str:
    """This machine's own where only it can reach us, for then services to try out are on it too."""
    known = ", ".join(site().settings.allowed_networks)
    return known or ("127.0.0.0/8" if site().settings.host in ("127.0.0.1", "localhost") else "")


def _steps(answers: dict[str, str]) -> list[dict[str, Any]]:
    reachable = True
    steps = []
    for one in SCREENS:
        steps.append({"screen": one, "open": reachable, "done": bool(one.fields) and _done(one, answers)})
        reachable = reachable and _done(one, answers)
    return steps
