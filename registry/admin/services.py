"""Describing a service from what it says of itself: give its VOSI address, look at what was found, confirm."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard, twins
from registry.admin.forms import LookForm, ServiceForm
from registry.admin.pages import pages, site
from registry.errors import Refusal
from registry.records.store import Record
from registry.records.views import path_of
from registry.services import importing


@pages.get("/import")
def import_form() -> Response | str | tuple[str, int]:
    """Ask for the address; with `url`, show what is found there and the fields that are missing."""
    form = LookForm(request.args)
    if "url" not in request.args:
        return _address(form)
    if not form.validate():
        return _address(form), 400
    return _found(ServiceForm(url=form.url.data, **_guesses(form.url.data)))


@pages.post("/import")
def import_post() -> Response | tuple[str, int]:
    """Publish the service's record."""
    form = ServiceForm(request.form)
    if not form.validate():
        return _found_with(form, ""), 400
    try:
        record = register(form.url.data, form.key.data, form.title.data, guard.who(), **_extras(form))
    except Refusal as error:
        return _found_with(form, str(error)), error.status
    flash(f"{record.ivoid} is published: harvesters and applications find it from now on.", "success")
    return redirect(f"{request.script_root}/admin{path_of(record.ivoid)}", 303)


def register(url: str, key: str, title: str, who: str, **more: Any) -> Record:
    """What the page and the API do alike. Raises Refusal."""
    record = importing.register(site(), url, key=key, title=title, who=who, **more)
    with site().database.write() as connection:
        access.audit(connection, who, "import service", record.ivoid, url)
    return record


def _extras(form: ServiceForm) -> dict[str, object]:
    subjects = tuple(word.strip() for word in (form.subjects.data or "").split(",") if word.strip())
    given = {"description": form.description.data, "subjects": subjects}
    return {name: value for name, value in given.items() if value}


def _guesses(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    words = [
        word for word in re.split(r"[^A-Za-z0-9]+", parts.path) if word and word.lower() not in ("capabilities", "vosi")
    ]
    name = "-".join(words).lower() or (parts.hostname or "service").split(".")[0]
    return {"key": name, "title": ""}


def again(form: ServiceForm, problem: str) -> str:
    """The second step with what was typed and what is wrong with it; the service is not asked."""
    return _with(form, None, problem)


def _found(form: ServiceForm) -> str | tuple[str, int]:
    try:
        return _with(form, importing.look(site(), form.url.data), "")
    except Refusal as error:
        return _address(LookForm(url=form.url.data), str(error)), error.status


def _found_with(form: ServiceForm, problem: str) -> str:
    """The second step once more; where the service does not answer any more, without what it says."""
    try:
        found = importing.look(site(), form.url.data or "")
    except Refusal as error:
        return _with(form, None, problem or str(error))
    return _with(form, found, problem)


def _with(form: ServiceForm, found: importing.Found | None, problem: str) -> str:
    form.key.description = f"The part behind ivo://{site().settings.authority}/; guessed from the address at first."
    url, key, title = form.url.data or "", form.key.data or "", form.title.data or ""
    twin = twins.of_api(
        site().settings,
        ("api", "import", url, "--key", key, "--title", title),
        "services",
        {"url": url, "key": key, "title": title},
    )
    return render_template("admin/import_found.html", form=form, found=found, problem=problem, twin=twin)


def _address(form: LookForm, problem: str = "") -> str:
    return render_template("admin/import.html", form=form, problem=problem)
