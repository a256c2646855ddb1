"""Log-in by the OpenID Connect provider on pages: to it and back, and which account whom it vouches for is.

Every fault of the provider ends in one sentence on the login page, where name and password work as ever.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from flask import current_app, flash, g, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard
from registry.admin.login import goal_of, login_page
from registry.admin.pages import pages, site
from registry.admin.people import LinkForm
from registry.errors import Busy, Refusal
from registry.oidc import identities, login
from registry.oidc.discovery import Words
from registry.oidc.identities import Identity

_KEY = "oidc"  # among the application's extensions


def words() -> Words | None:
    """What this process knows of the site's provider; None where there is none."""
    if _KEY not in current_app.extensions:
        current_app.extensions[_KEY] = login.words_of(site())
    return cast("Words | None", current_app.extensions[_KEY])


@pages.get("/oidc/login")
def oidc_login() -> Response:
    """Off to the provider."""
    goal = guard.local(request.args.get("next", ""))
    login.needed(words())
    if guard.caller().name:
        return redirect(goal_of(goal), 303)
    guard.start_visit()
    try:
        response = redirect(_begun(goal), 303)
    except Refusal as error:
        return _told(error, goal)
    return guard.visitor(response)


@pages.get("/oidc/back")
def oidc_back() -> Response:
    """Back from the provider: a new session, the old one ended; or an account linked."""
    try:
        arrival = login.finish(site(), words(), guard.cookie(), request.args.to_dict())
    except Refusal as error:
        if guard.caller().name:  # they were about to link their account
            flash(str(error), "danger")
            return redirect(f"{request.script_root}/admin/me", 303)
        guard.start_visit()
        return _told(error)
    if arrival.linked:
        flash("From now on you can log in by it.", "success")
        return redirect(f"{request.script_root}/admin/me", 303)
    issuer = login.needed(words()).provider.issuer
    with site().database.write() as connection:
        secret = access.open_session(connection, arrival.name, old=guard.cookie(), issuer=issuer)
        access.audit(connection, arrival.name, "login", request.remote_addr or "", f"by {issuer}")
    response = redirect(goal_of(arrival.goal), 303)
    guard.set_cookie(response, secret)
    return response


@pages.get("/oidc/logout")
def oidc_logout() -> Response:
    """Off to where the provider ends its own log-in (RP-Initiated Logout 1.0)."""
    known = login.needed(words())
    guard.start_visit()
    try:
        address = known.metadata().end_session_endpoint
    except Refusal as error:
        return _told(error)
    if not address:
        return guard.visitor(login_page(f"{known.provider.name} has no address for this: log out there."))
    joint = "&" if "?" in address else "?"
    return redirect(address + joint + urlencode({"client_id": known.provider.client_id}), 303)


# --- linking ----------------------------------------------------------------------------------------------------------
@pages.post("/me/link")
def me_link() -> Response | str:
    """Link one's own account: the page from which one goes to the provider, since no form may be sent on to it."""
    try:
        address = _begun("", guard.who())
    except Refusal as error:
        flash(str(error), "danger")
        return redirect(f"{request.script_root}/admin/me", 303)
    return render_template("admin/link.html", address=address, provider=login.needed(words()).provider)


@pages.post("/me/unlink")
def me_unlink() -> Response:
    """Log in by the provider no longer."""
    return _unlinked(guard.who(), "/admin/me", by_themselves=True)


@pages.post("/accounts/<name>/link")
def account_link(name: str) -> Response:
    """Link an account to a person of the provider's."""
    form = LinkForm(request.form)
    try:
        if not form.validate():
            raise identities.Linked(str(form.subject.errors[0]))
        link(name, form.subject.data or "", guard.who())
        flash(f"{name} can log in by the provider now.", "success")
    except Refusal as error:
        flash(str(error), "danger")
    return redirect(f"{request.script_root}/admin/accounts/{name}", 303)


@pages.post("/accounts/<name>/unlink")
def account_unlink(name: str) -> Response:
    """Unlink it."""
    return _unlinked(name, f"/admin/accounts/{name}")


# --- what pages and API do alike; each raises Refusal -----------------------------------------------------------------
def link(name: str, subject: str, who: str) -> Identity:
    """Let whom the site's provider calls `subject` in as `name`."""
    issuer = login.needed(words()).provider.issuer
    with site().database.write() as connection:
        made = identities.link(connection, name, issuer, subject)
        access.audit(connection, who, "link identity", name, f"{subject} of {issuer}")
    return made


def unlink(name: str, who: str, *, by_themselves: bool = False) -> list[Identity]:
    """Let nobody of any provider in as `name`."""
    with site().database.write() as connection:
        gone = identities.unlink(connection, name, by_themselves=by_themselves)
        for one in gone:
            access.audit(connection, who, "unlink identity", name, f"{one.subject} of {one.issuer}")
    return gone


def _unlinked(name: str, place: str, *, by_themselves: bool = False) -> Response:
    try:
        unlink(name, guard.who(), by_themselves=by_themselves)
        flash(f"Nobody logs in as {name} by a provider any more.", "success")
    except Refusal as error:
        flash(str(error), "danger")
    return redirect(request.script_root + place, 303)


def _begun(goal: str, account: str = "") -> str:
    browser = guard.cookie() or g.visitor
    return login.begin(site(), words(), browser, request.remote_addr or "", goal, account)


def _told(error: Refusal, goal: str = "") -> Response:
    response = login_page(str(error), error.status, goal)
    if isinstance(error, Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    return response
