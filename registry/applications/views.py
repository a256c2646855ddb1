"""The catalogue for readers: `/applications` as a page, as JSON or CSV, or as the records themselves (XML); a page for each.

It asks no repository: a contract that has not been read yet is left out. Applications are run in other rooms.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request

from registry import lists
from registry.applications import described, parameters
from registry.applications.listed import APPLICATIONS, entries, lines
from registry.lists import Asked
from registry.records import store
from registry.site import Site
from vosi import namespaces as ns

PAGE, XML, JSON, CSV = "text/html", "text/xml", "application/json", "text/csv"
FOR_PROGRAMS = replace(APPLICATIONS, limit=lists.LARGEST)

blueprint = Blueprint("applications", __name__)


def register(app: Flask) -> None:
    """Add `/applications` to the application."""
    app.register_blueprint(blueprint)


@blueprint.get("/applications", strict_slashes=False, defaults={"suffix": ""})
@blueprint.get("/applications.<any(json, xml, csv):suffix>")
def index(suffix: str) -> Response:
    """The applications with their versions, whether each may run here, and its parameters: the part that is asked for."""
    site: Site = current_app.extensions["site"]
    kind = {"json": JSON, "xml": XML, "csv": CSV}.get(suffix) or _kind()
    asked = lists.asked(APPLICATIONS if kind == PAGE else FOR_PROGRAMS, request.args)
    if kind == XML:
        response = Response(_records(site, asked), content_type="text/xml; charset=utf-8")
    elif kind == CSV:
        rows = lists.page_of(lines(site), asked).rows
        response = Response(lists.as_csv(APPLICATIONS, rows), content_type="text/csv; charset=utf-8")
    else:
        response = _page_or_json(site, asked, kind)
    response.headers["Vary"] = "Accept"
    return response


def _page_or_json(site: Site, asked: Asked, kind: str) -> Response:
    page, found = entries(site, asked)
    if kind == JSON:
        numbers = page.numbers(site.settings.url(request.path.lstrip("/")))
        return jsonify(applications=[entry.as_json() for entry in found], **numbers)
    return Response(render_template("applications/index.html", entries=found, page=page, describe=parameters.describe))


@blueprint.get("/applications/<path:name>")
def application(name: str) -> Response:
    """One application, named by its identifier without ivo://; `version` chooses one. A page, or JSON."""
    site: Site = current_app.extensions["site"]
    wanted = name.removesuffix(".json")
    version = request.args.get("version", "")
    found = described.application(site, f"ivo://{wanted}#{version}" if version else f"ivo://{wanted}")
    if wanted != name or _kind() == JSON:
        response = jsonify(found.as_json())
    else:
        response = Response(render_template(
            "applications/application.html", found=found, offer=found.entry.offer, contract=found.entry.contract,
            describe=parameters.describe, path=wanted, command=described.command(found), curl=described.curl(site, found),
            snippet=described.snippet(site, found)))
    response.headers["Vary"] = "Accept"
    return response


def _kind() -> str:
    best = request.accept_mimetypes.best_match([PAGE, JSON, XML, "application/xml"], PAGE)
    return XML if best == "application/xml" else best


def _records(site: Site, asked: Asked) -> bytes:
    """The records of the applications, each as it is stored, in a ri:VOResources (Registry Interfaces 1.1 §4.1)."""
    page = lists.page_of(lines(site), asked)
    names = list(dict.fromkeys(one.offer.ivoid for one in page.rows))
    with site.database.read() as connection:
        found = [record.xml for name in names if (record := store.get(connection, name))]
    more = "true" if page.following else "false"
    head = f'<ri:VOResources xmlns:ri="{ns.RI}" from="{page.skipped + 1}" numberReturned="{len(found)}" more="{more}">\n'
    xml = b'<?xml version="1.0" encoding="UTF-8"?>\n' + head.encode()
    return xml + b"".join(record + b"\n" for record in found) + b"</ri:VOResources>\n"
