"""The public front page, and the colours of the pages."""

from __future__ import annotations

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from registry.admin import assets, figures
from registry.admin.guard import THEME_COOKIE, local
from registry.admin.pages import site

THEMES = ("auto", "light", "dark")
_YEAR = 365 * 86400  # seconds


def register(app: Flask) -> None:
    """Put the addresses that belong to no room on the application."""
    assets.register(app)
    app.add_url_rule("/", "front", front)
    app.add_url_rule("/theme", "theme", theme, methods=["POST"])


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
