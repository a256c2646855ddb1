"""The catalogue for readers: `/applications` as a page, as JSON, or as the records themselves (XML); a page for each.

It asks no repository: a contract that has not been read yet is left out. Applications are run in other rooms.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request

from registry.applications import catalogue, described, parameters
from registry.records import store
from registry.site import Site
from vosi import namespaces as ns

PAGE, XML, JSON = "text/html", "text/xml", "application/json"

blueprint = Blueprint("applications", __name__)


def register(app: Flask) -> None:
    """Add `/applications` to the application."""
    app.register_blueprint(blueprint)


@blueprint.get("/applications", strict_slashes=False, defaults={"suffix": ""})
@blueprint.get("/applications.<any(json, xml):suffix>")
def index(suffix: str) -> Response | str:
    """Every application with its versions, whether it may run here, and its parameters."""
    site: Site = current_app.extensions["site"]
    kind = {"json": JSON, "xml": XML}.get(suffix) or _kind()
    if kind == XML:
        response = Response(_records(site), content_type="text/xml; charset=utf-8")
    else:
        entries = catalogue.entries(site)
        if kind == JSON:
            response = jsonify(applications=[entry.as_json() for entry in entries])
        else:
            page = render_template("applications/index.html", entries=entries, describe=parameters.describe)
            response = Response(page)
    response.headers["Vary"] = "Accept"
    return response


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


def _records(site: Site) -> bytes:
    """The records of the applications, each as it is stored, in a ri:VOResources (Registry Interfaces 1.1 §4.1)."""
    with site.database.read() as connection:
        names = dict.fromkeys(one.ivoid for one in catalogue.offers(connection))
        found = [record.xml for name in names if (record := store.get(connection, name))]
    head = f'<ri:VOResources xmlns:ri="{ns.RI}" from="1" numberReturned="{len(found)}" more="false">\n'
    xml = b'<?xml version="1.0" encoding="UTF-8"?>\n' + head.encode()
    return xml + b"".join(record + b"\n" for record in found) + b"</ri:VOResources>\n"
