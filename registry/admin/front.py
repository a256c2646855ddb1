"""The public front page, the colours of the pages, and what a load balancer asks."""

from __future__ import annotations

from flask import Flask, Response, jsonify, redirect, render_template, request
from sqlalchemy import text
from werkzeug.wrappers import Response as BaseResponse

from registry.admin import figures
from registry.admin.guard import THEME_COOKIE, local
from registry.admin.pages import site

THEMES = ("auto", "light", "dark")
_YEAR = 365 * 86400  # seconds


def register(app: Flask) -> None:
    """Put the addresses that belong to no room on the application."""
    app.add_url_rule("/", "front", front)
    app.add_url_rule("/theme", "theme", theme, methods=["POST"])
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def front() -> str:
    """What this place is, in figures, and where its doors are."""
    with site().database.read() as connection:
        return render_template("admin/front.html", figures=figures.public(connection))


def theme() -> BaseResponse:
    """Keep the reader's choice of colours in a cookie, and go back to where they were."""
    back = local(request.form.get("next", "")) or "/"
    response = redirect(request.script_root + back, 303)
    choice = request.form.get("to", "")
    if choice in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            choice,
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=site().settings.base_url.startswith("https://"),
        )
    return response


def healthz() -> Response:
    """Whether this process answers at all."""
    return jsonify(status="ok")


def readyz() -> Response:
    """Whether it can serve: the database answers. A database that does not is a 503 by the handler of its error."""
    with site().database.read() as connection:
        connection.execute(text("SELECT 1"))
    return jsonify(status="ready", authority=site().settings.authority)
