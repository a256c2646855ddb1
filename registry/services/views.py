"""The services room on the web: VOSI documents, our own and on behalf of services; queries; the runner's offer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from registry.errors import Refusal, Unavailable
from registry.services import answers, behalf, own, own_tables, runner
from registry.services.find import find, nearest
from registry.site import Site
from vosi import availability, capabilities

HTML, XML, JSON, LINES = "text/html", "text/xml", "application/json", "text/plain"
_SUFFIXES = {"xml": XML, "json": JSON, "txt": LINES}
_QUERY = ("standardid", "ivoid", "type")  # what a capability query may ask for, in lower case

blueprint = Blueprint("services", __name__)


def register(app: Flask) -> None:
    """Add the room's addresses to the application."""
    app.register_blueprint(blueprint)


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence: JSON or a page for who asks for that, else plain text."""
    kind = _kind("") if request.endpoint == "services.find_services" else LINES
    if kind == JSON:
        return jsonify(error=str(error)), error.status
    if kind == HTML:
        return render_template("records/refused.html", error=str(error)), error.status
    return Response(f"{error}\n", content_type="text/plain; charset=utf-8"), error.status


@blueprint.errorhandler(SQLAlchemyError)
def database_down(error: SQLAlchemyError) -> tuple[Response | str, int]:
    """The database's fault is ours, and passes."""
    current_app.logger.error("the database does not answer: %s", error)
    return refused(Unavailable("The registry's database does not answer: try again in a minute."))


# --- VOSI -------------------------------------------------------------------------------------------------------------


@blueprint.get("/capabilities")
def own_capabilities() -> Response:
    """VOSI capabilities of this service."""
    return _xml(capabilities.write(own.capabilities(_site())))


@blueprint.get("/availability")
def own_availability() -> Response:
    """VOSI availability of this service: answers while the database is down."""
    return _xml(availability.write(own.availability(_site())))


@blueprint.get("/tables", defaults={"name": ""})
@blueprint.get("/tables/<name>")
def own_table_set(name: str) -> Response:
    """VOSI tables of this service; `detail=min` leaves the columns out, a name asks for one table."""
    return _xml(behalf.table_document(own_tables.tableset(), "This service", _detail(), name))


@blueprint.get("/services/<path:path>")
def on_behalf(path: str) -> Response:
    """A VOSI document of one of our registered services."""
    site = _site()
    with site.database.read() as connection:
        asked = behalf.wanted(connection, path)
    if asked.kind == behalf.CAPABILITIES:
        return _xml(behalf.capabilities(site, asked.record))
    if asked.kind == behalf.AVAILABILITY:
        return _xml(availability.write(behalf.availability(site, asked.record)))
    return _xml(behalf.table_set(asked.record, _detail(), asked.table))


# --- queries ----------------------------------------------------------------------------------------------------------


@blueprint.get("/find", defaults={"suffix": ""})
@blueprint.get("/find.<any(xml, json, txt):suffix>")
def find_services(suffix: str) -> Response | str:
    """Endpoints of our services by standardID (with version rules), ivoid and interface type."""
    asked = _query()
    with _site().database.read() as connection:
        found = find(connection, asked["standardid"], ivoid=asked["ivoid"], interface_type=asked["type"])
        near = ""
        if not found and asked["standardid"]:
            near = nearest(connection, asked["standardid"])
    kind = _kind(suffix)
    if kind == HTML:
        return render_template("services/find.html", found=found, asked=asked, near=near)
    if kind == JSON:
        document: dict[str, Any] = {"endpoints": answers.as_dictionaries(found)}
        response = jsonify({**document, **({"nearest": near} if near else {})})
    elif kind == XML:
        response = _xml(answers.as_vosi(found))
    else:
        response = Response(answers.as_lines(found), content_type="text/plain; charset=utf-8")
    response.headers["Vary"] = "Accept"
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/runner")
def runner_offer() -> Response:
    """The offer document of our runner."""
    with _site().database.read() as connection:
        return jsonify(runner.offer(connection, _site()))


def _site() -> Site:
    site: Site = current_app.extensions["site"]
    return site


def _query() -> dict[str, str]:
    """What is asked for, names in any case (DALI 1.1 §2.4.1). Raises Refusal for a name that means nothing here."""
    asked = dict.fromkeys(_QUERY, "")
    for name, value in request.args.items():
        if name.lower() not in asked:
            raise Refusal(f"A capability query knows no {name[:50]!r}: ask by standardID, ivoid or type.")
        asked[name.lower()] = value.strip()
    return asked


def _detail() -> str:
    return next((value for name, value in request.args.items() if name.lower() == "detail"), "max")


def _kind(suffix: str) -> str:
    """By suffix, else by Accept; who takes anything gets the VOSI document."""
    suffix = suffix or request.path.rpartition(".")[2]
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    best = request.accept_mimetypes.best_match([XML, "application/xml", JSON, LINES, HTML], XML)
    return XML if best == "application/xml" else best


def _xml(body: bytes) -> Response:
    return Response(body, content_type="text/xml; charset=utf-8", headers={"X-Content-Type-Options": "nosniff"})
