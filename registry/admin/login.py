"""In and out: the login page and the end of a login."""

from __future__ import annotations

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard
from registry.admin.editing import outlived
from registry.admin.forms import LoginForm
from registry.admin.pages import pages, site
from registry.errors import Busy, Unauthenticated
from registry.oidc import identities


@pages.get("/login")
def login() -> Response:
    """The form; somebody who is logged in goes on to where they wanted."""
    if guard.caller().name:
        return redirect(goal_of(request.args.get("next", "")), 303)
    guard.start_visit()
    return _page(LoginForm(next=request.args.get("next", "")))


@pages.post("/login")
def login_post() -> Response:
    """Look at name and password; a new session each time, the old one ended."""
    form = LoginForm(request.form)
    if not form.validate():
        return _page(form, status=400)
    try:
        caller = access.check_password(site(), form.name.data, form.password.data, request.remote_addr or "")
    except Busy as error:
        response = _page(form, str(error), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    except Unauthenticated as error:
        return _page(form, str(error), 403)
    with site().database.write() as connection:
        secret = access.open_session(connection, caller.name or "", old=guard.cookie())
        access.audit(connection, caller.name or "", "login", request.remote_addr or "")
    guard.renewed(secret)
    kept = outlived.offer(outlived.carried())
    response = make_response(kept) if kept else redirect(goal_of(form.next.data or ""), 303)
    guard.set_cookie(response, secret)
    return response


@pages.post("/login/kept")
def login_kept() -> Response:
    """Back to what was typed, after a login in another tab; without one, the login page once more."""
    if guard.caller().name:
        kept = outlived.offer(outlived.carried())
        return make_response(kept) if kept else redirect(goal_of(""), 303)
    guard.start_visit()
    return _page(LoginForm(), "You are not logged in yet.", 401)


@pages.post("/logout")
def logout() -> Response:
    """End the session here and in the browser."""
    with site().database.write() as connection:
        issuer = identities.issuer_of_session(connection, guard.cookie())
        access.close_session(connection, guard.cookie())
    # where a provider vouched for them, their log-in there goes on, and they should know
    response = redirect(f"{request.script_root}/admin/login?left=1" if issuer else f"{request.script_root}/", 303)
    guard.set_cookie(response, "")
    return response


def _page(form: LoginForm, problem: str = "", status: int = 200) -> Response:
    left = "left" in request.args and not problem
    page = render_template("admin/login.html", form=form, problem=problem, kept=outlived.carried(), left=left)
    return guard.visitor(make_response(page, status))


def login_page(problem: str, status: int = 200, goal: str = "") -> Response:
    """The page with what went wrong on another way in."""
    return _page(LoginForm(next=goal), problem, status)


def goal_of(path: str) -> str:
    """Where somebody goes who has logged in: `path` where it is ours, else the dashboard."""
    return request.script_root + (guard.local(path) or "/admin/")
