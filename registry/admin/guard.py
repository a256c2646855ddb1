"""What every request goes through: the login cookie, the CSRF token, the role, and the headers of the answer.

The login cookie counts on /admin only. An unsafe request that brings it is refused on every route unless it brings
the session's CSRF token too (or, outside /admin, says who it is by an Authorization header: then the cookie is
not looked at). Without the cookie the other rooms answer as to any client.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from registry import access
from registry.access import ANONYMOUS, Caller
from registry.admin.editing import outlived
from registry.admin.forms import LoginForm
from registry.admin.pages import site
from registry.admin.roles import ROLE_OF
from registry.config import Settings
from registry.errors import Denied, Refusal, Unauthenticated

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_FIELD, CSRF_HEADER = "csrf_token", "X-CSRF-Token"
THEME_COOKIE = "theme"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


class Forged(Refusal):
    """The request may come from somebody else's page."""


def register(app: Flask) -> None:
    """Put the guard before every route of the application."""
    app.before_request(name_request)
    app.before_request(_refuse_forgeries)
    app.before_request(_refuse_strangers)
    app.after_request(dress)
    app.context_processor(_for_pages)
    app.jinja_env.globals["csrf_token"] = csrf_token  # a global, so that macros see it too


def caller() -> Caller:
    """Who asks for this page (by cookie) or calls this part of the API (by header)."""
    found: Caller = g.get("caller", ANONYMOUS)
    return found


def who() -> str:
    """Whom history and audit name."""
    return caller().name or "anonymous"


# --- the cookie -------------------------------------------------------------------------------------------------------
def cookie_name(settings: Settings | None = None) -> str:
    """One name per datacenter, because cookies do not know ports; `__Host-` needs https (RFC 6265bis §4.1.3.2)."""
    settings = settings or site().settings
    place = re.sub(r"[^a-z0-9]+", "-", settings.authority.lower()).strip("-")
    return f"{'__Host-' if _https(settings) else ''}innerspace-{place}"


def cookie() -> str:
    """The session's secret as this request brings it, '' without."""
    return request.cookies.get(cookie_name(), "")


def set_cookie(response: BaseResponse, secret: str, settings: Settings | None = None) -> None:
    """Give the browser its session, or take it away where `secret` is ''; `settings` where they are no more the site's."""
    settings = settings or site().settings
    rules = {"path": "/", "secure": _https(settings), "httponly": True, "samesite": "Lax"}
    if secret:
        response.set_cookie(cookie_name(settings), secret, **rules)  # type: ignore[arg-type]
    else:
        response.delete_cookie(cookie_name(settings), **rules)  # type: ignore[arg-type]


def visitor(response: BaseResponse) -> BaseResponse:
    """Give a browser without a session a secret of its own, so that the login form has a CSRF token too."""
    if not cookie():
        set_cookie(response, g.visitor)
    return response


def csrf_token() -> str:
    """The token that this page's forms send back; '' where the browser has no session and needs none."""
    secret = g.get("renewed", "") or cookie() or g.get("visitor", "")
    return access.csrf_token(site(), secret) if secret else ""


def renewed(secret: str) -> None:
    """The session has just become another one: this page's forms send that one's token."""
    g.renewed = secret


def start_visit() -> None:
    """Make the secret of a browser that has none; `visitor` hands it out."""
    if not cookie():
        g.visitor = secrets.token_urlsafe(32)


def _https(settings: Settings | None = None) -> bool:
    return (settings or site().settings).base_url.startswith("https://")


# --- before --------------------------------------------------------------------------------------------------------
def name_request() -> None:
    """Give the request a number, for the log and the person."""
    g.request_id = secrets.token_hex(6)


def _refuse_forgeries() -> BaseResponse | None:
    if request.method in SAFE:
        return None
    if from_another_site() and (_on_pages() or cookie() or request.authorization):
        raise Forged(
            "This was sent from another site's page, so nothing was done: open the page here and send it again."
        )
    if not _on_pages() and (not cookie() or request.headers.get("Authorization")):
        return None
    sent = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not cookie() or not access.csrf_right(site(), cookie(), sent):
        if outlived.outlives():
            return _still_here(400)
        raise Forged(
            "This form is older than your login, or cookies are off, so nothing was done: "
            "go back, reload the page and send it again."
        )
    return None


def _still_here(status: int) -> BaseResponse:
    """Nothing is done, and nothing that was typed is lost: it is offered again, after a login where there is none."""
    found = outlived.carried()
    g.caller = access.of_session(site(), cookie())
    page = outlived.offer(found) if g.caller.name else ""
    if not page:
        start_visit()
        words = "Your login has ended. What you typed is kept in this page: log in, and go on with it."
        page = render_template("admin/login.html", form=LoginForm(), problem=words, kept=found)
    return visitor(make_response(page, status)) if not g.caller.name else make_response(page, status)


def from_another_site() -> bool:
    """Whether the browser says that another site's page sends this."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    origin = request.headers.get("Origin", "")
    if not origin:
        return False
    # a page with a strict referrer policy sends `null`; the token decides then
    return origin != "null" and urlsplit(origin).netloc not in (request.host, urlsplit(site().settings.base_url).netloc)


def _on_pages() -> bool:
    return request.path == "/admin" or request.path.startswith("/admin/")


def _refuse_strangers() -> BaseResponse | None:
    """Find out who asks, and whether the table of roles lets them."""
    if request.blueprint not in ("admin", "api"):
        return None
    if request.blueprint == "admin":
        g.caller = access.of_session(site(), cookie())
    else:
        g.caller = access.from_header(site(), request.headers.get("Authorization"), request.remote_addr or "")
    role = ROLE_OF.get(request.endpoint or "")
    if role is None:
        raise Denied("Nobody may use this address: it is not in the table of roles.")
    try:
        g.caller.require(role)
    except Unauthenticated:
        if request.blueprint == "api" or request.accept_mimetypes.best == "application/json":
            raise
        return _still_here(401) if outlived.outlives() else redirect(to_login(), 303)
    return None


def to_login() -> str:
    """The address of the login page that comes back here."""
    here = request.full_path.rstrip("?") if request.method in SAFE else ""
    return f"{request.script_root}/admin/login" + (f"?next={quote(here)}" if here else "")


def local(path: str) -> str:
    """`path` where it is an address of our own pages, else ''."""
    return path if re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", path) else ""


# --- after ---------------------------------------------------------------------------------------------------------
def dress(response: Response) -> Response:
    """Put the headers on an answer that keep scripts, frames and guesses out."""
    headers = response.headers
    # a page whose own script asks another program on the reader's machine names it, and no more than it is let through
    headers.setdefault("Content-Security-Policy", POLICY + (f"; connect-src 'self' {g.connects}" if "connects" in g else ""))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers["X-Request-Id"] = g.get("request_id", "-")
    if _https():
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if _on_pages():
        headers.setdefault("Cache-Control", "no-store")
    return response


def _for_pages() -> dict[str, object]:
    theme = request.cookies.get(THEME_COOKIE, "")
    return {
        "viewer": caller() if request.blueprint == "admin" else ANONYMOUS,
        "request_number": g.get("request_id", "-"),
        "theme": theme if theme in ("light", "dark") else "auto",
        "settings": current_app.extensions["site"].settings,
    }
