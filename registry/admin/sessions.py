"""Logins on pages and in the JSON API: where one is logged in, and the button that ends it elsewhere."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response as FlaskResponse, flash, jsonify, redirect, request
from werkzeug.wrappers import Response

from registry import access, sessions
from registry.admin import guard
from registry.admin.pages import api, pages, site


@pages.post("/me/logout")
def me_logout() -> Response:
    """End one's own logins but this one."""
    number = end(guard.who(), guard.who(), guard.cookie())
    flash(f"Ended: {number} other login{'' if number == 1 else 's'} of yours.", "success")
    return redirect(f"{request.script_root}/admin/me", 303)


@pages.post("/accounts/<name>/logout")
def account_logout(name: str) -> Response:
    """End all logins of an account; its tokens stay."""
    number = end(name, guard.who(), guard.cookie())
    flash(f"Ended: {number} login{'' if number == 1 else 's'} of {name}. Its API tokens stay.", "success")
    return redirect(f"{request.script_root}/admin/accounts/{name}", 303)


@api.get("/me/logins")
def me_logins() -> FlaskResponse:
    """Where one is logged in."""
    with site().database.read() as connection:
        found = sessions.of_account(connection, site().settings, guard.who())
    return jsonify(logins=[asdict(one) for one in found])


@api.post("/me/logout")
def me_logout_all() -> FlaskResponse:
    """End one's own logins."""
    return jsonify(name=guard.who(), ended=end(guard.who(), guard.who()))


@api.post("/accounts/<name>/logout")
def account_logout_all(name: str) -> FlaskResponse:
    """End all logins of an account."""
    return jsonify(name=name, ended=end(name, guard.who()))


def end(name: str, who: str, keep: str = "") -> int:
    """What pages and API do alike. Raises NoAccount."""
    with site().database.write() as connection:
        number = sessions.end(connection, name, keep)
        access.audit(connection, who, "end logins", name, str(number))
    return number
