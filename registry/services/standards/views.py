"""The standards on the web: `/standards` lists them, `/standards/<authority>/<key>` tells one, as page, XML or JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from sqlalchemy import Connection

from registry.errors import Refusal
from registry.records.views import is_web_address, path_of
from registry.services import answers
from registry.services.standards import reading
from registry.services.standards.reading import NoStandard, Standard
from registry.site import Site

PAGE, XML, JSON = "text/html", "text/xml", "application/json"
_SUFFIXES = {".xml": XML, ".json": JSON}

blueprint = Blueprint("standards", __name__, url_prefix="/standards")


def register(app: Flask) -> None:
    """Add the addresses to the application."""
    app.register_blueprint(blueprint)
    app.jinja_env.tests.setdefault("web_address", is_web_address)
    app.jinja_env.filters.setdefault("record_path", path_of)
    app.jinja_env.filters.setdefault("standard_path", standard_path)


def standard_path(ivoid: str) -> str:
    """Where the page of a standardID is, below the service's root; a key is a place on its page."""
    name, _, key = ivoid.strip().partition("#")
    return path_of(name).replace("/records/", "/standards/", 1) + (f"#{key}" if key else "")


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence in the client's format."""
    if _kind() == JSON:
        return jsonify(error=str(error)), error.status
    if _kind() == XML:
        return Response(f"{error}\n", content_type="text/plain; charset=utf-8"), error.status
    return render_template("records/refused.html", error=str(error), status=error.status), error.status


@blueprint.get("", strict_slashes=False)
def index() -> Response | str:
    """Every standard that is known here and how many services speak it."""
    with _site().database.read() as connection:
        found = reading.listing(connection)
    if _kind() == JSON:
        return jsonify(standards=[
            {"ivoid": one.ivoid, "title": one.title, "origin": one.origin, "services": count,
             "url": _site().settings.url(standard_path(one.ivoid)[1:])} for one, count in found])
    return render_template("standards/index.html", found=found)


@blueprint.get("/<path:name>")
def show(name: str) -> Response | str:
    """One standard: what it is, how it is spoken, who speaks it here; its XML is its record."""
    with _site().database.read() as connection:
        found, suffix = _named(connection, name)
    kind = _SUFFIXES.get(suffix) or _kind()
    if kind == XML:
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + found.record.xml + b"\n"
        return Response(body, content_type="text/xml; charset=utf-8", headers={
            "Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"})
    if kind == JSON:
        return jsonify(document(found))
    return render_template("standards/standard.html", standard=found, rules=reading.RULES)


def document(found: Standard) -> dict[str, Any]:
    """The standard for programs."""
    return {
        "ivoid": found.record.ivoid, "title": found.record.title, "type": found.record.type,
        "origin": found.record.origin, "description": found.description, "reference_url": found.reference_url,
        "deprecated": found.deprecated or None, "rules": reading.RULES,
        "versions": [{"version": version, "status": status, "use": use} for version, status, use in found.versions],
        "interfaces": [{"type": one.type, "role": one.role, "use": one.url_use, "version": one.version}
                       for one in found.interfaces],
        "keys": [{"name": key.name, "standardID": key.standard_id, "description": key.description,
                  "services": sorted({one.ivoid for one in key.endpoints})} for key in found.keys],
        "endpoints": answers.as_dictionaries(found.endpoints),
    }


def _named(connection: Connection, name: str) -> tuple[Standard, str]:
    for suffix in ("", *_SUFFIXES):
        if name.endswith(suffix):
            try:
                return reading.standard(connection, "ivo://" + name.removesuffix(suffix)), suffix
            except NoStandard:
                continue
    raise NoStandard(f"There is no standard ivo://{name[:200]} here; /standards lists what there is.")


def _kind() -> str:
    for suffix, kind in _SUFFIXES.items():
        if request.path.endswith(suffix):
            return kind
    best = request.accept_mimetypes.best_match([PAGE, XML, "application/xml", JSON], PAGE)
    return XML if best == "application/xml" else best


def _site() -> Site:
    site: Site = current_app.extensions["site"]
    return site
