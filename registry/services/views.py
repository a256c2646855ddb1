"""The services room on the web: VOSI documents, our own and on behalf of services; queries; the runner's offer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from registry.errors import Refusal, Unavailable
from registry.records.views import is_web_address, path_of
from registry.services import answers, behalf, own, own_tables, query, runner, telling, waiting, windows
from registry.services.find import Endpoint, datacenters, nearest
from registry.services.marks import Marks
from registry.services.query import Asked
from registry.services.standards import views as standards
from registry.services.standards.reading import known_ids
from registry.services.swift import Swift
from registry.site import Site
from vosi import availability, capabilities

HTML, XML, JSON, LINES = "text/html", "text/xml", "application/json", "text/plain"
_SUFFIXES = {"xml": XML, "json": JSON, "txt": LINES}

blueprint = Blueprint("services", __name__)


def register(app: Flask) -> None:
    """Add the room's addresses to the application."""
    app.register_blueprint(blueprint)
    standards.register(app)
    app.jinja_env.tests.setdefault("web_address", is_web_address)
    app.jinja_env.filters.setdefault("record_path", path_of)
    app.jinja_env.filters.setdefault("service_path", service_path)
    marks = Marks(app.extensions["site"])
    app.extensions["marks"] = marks
    app.wsgi_app = Swift(app.wsgi_app, marks, ("/find",))  # type: ignore[method-assign]


def service_path(ivoid: str) -> str:
    """Where the page of a service is, below the service's root."""
    return path_of(ivoid).replace("/records/", "/services/", 1)


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence: JSON or a page for who asks for that, else plain text."""
    kind = _kind("") if request.endpoint == "services.find_services" else LINES
    if kind == JSON:
        return jsonify(error=str(error)), error.status
    if kind == HTML:
        return render_template("records/refused.html", error=str(error), status=error.status), error.status
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
def on_behalf(path: str) -> Response | str:
    """A VOSI document of one of our registered services, or everything about it, as a page or JSON."""
    site = _site()
    with site.database.read() as connection:
        asked = behalf.wanted(connection, path.removesuffix(".json") if path.endswith(".json") else path)
        if asked.kind == behalf.PAGE:
            return _page(telling.told(connection, site, asked.record.ivoid), path)
        if asked.kind == behalf.AVAILABILITY:
            return _xml(availability.write(behalf.availability(connection, site, asked.record)))
    if asked.kind == behalf.CAPABILITIES:
        return _xml(behalf.capabilities(site, asked.record))
    return _xml(behalf.table_set(asked.record, _detail(), asked.table))


def _page(told: telling.Told, path: str) -> Response | str:
    best = request.accept_mimetypes.best_match([HTML, JSON], HTML)
    if path.endswith(".json") or best == JSON:
        return jsonify(telling.document(told))
    return render_template("services/service.html", told=told)


# --- queries ----------------------------------------------------------------------------------------------------------


@blueprint.get("/find", defaults={"suffix": ""})
@blueprint.get("/find.<any(xml, json, txt):suffix>")
def find_services(suffix: str) -> Response | str:
    """Endpoints of services: by standardID with version rules, by place, security, state and words.

    With `wait` (seconds) and an ETag (If-None-Match, or `etag`) it answers when the answer is another one.
    """
    said = {name.lower(): value for name, value in request.args.items()}
    seconds, etag = waiting.seconds(said.pop("wait", "")), said.pop("etag", "")
    kind = _kind(suffix)
    if kind == HTML:
        return _listed(said)
    asked = query.asked(said)
    known = etag or request.headers.get("If-None-Match", "")
    if not seconds or not known:
        return _conditional(_answer(asked, kind))
    response = waiting.until_changed(
        _site(), current_app.extensions["marks"], lambda: _answer(asked, kind),
        lambda made: (made.get_etag()[0] or "-") not in known, seconds)
    if etag and (response.get_etag()[0] or "-") in etag:
        return Response(status=304, headers={"ETag": response.headers["ETag"], "Vary": "Accept"})
    return _conditional(response)


def _listed(said: dict[str, str]) -> str:
    """A page of the answer; `after` and `size` are the page's own."""
    site, after, many = _site(), said.pop("after", ""), windows.size_asked(said.pop("size", ""))
    asked = query.asked(said)
    with site.database.read() as connection:
        found = windows.window(connection, site.settings, asked, after.lower(), many)
        near = ""
        if asked.standard_id and not (found.endpoints or after or found.cut):
            near = nearest(connection, asked.standard_id, known_ids(connection))
        others = datacenters(connection)
    state = {name: value for name, value in said.items() if value}
    same = {**state, **({"size": str(many)} if many != windows.SIZES[0] else {})}
    return render_template(
        "services/find.html", found=found, asked=asked, near=near, others=others, after=after, size=many, sizes=windows.SIZES,
        query=urlencode(state), first=_query(same), following=_query({**same, "after": found.after}) if found.after else "")


def _query(said: dict[str, str]) -> str:
    return f"{request.script_root}/find" + (f"?{urlencode(said)}" if said else "")


def _found(asked: Asked) -> tuple[list[Endpoint], str]:
    """The endpoints, and where there are none the standardID that may have been meant."""
    site = _site()
    with site.database.read() as connection:
        found = query.answer(connection, site.settings, asked)
        near = ""
        if not found and asked.standard_id:
            near = nearest(connection, asked.standard_id, known_ids(connection))
    return found, near


def _answer(asked: Asked, kind: str) -> Response:
    """The answer in one of its forms for programs, with its ETag."""
    found, near = _found(asked)
    if kind == JSON:
        document: dict[str, Any] = {"endpoints": answers.as_dictionaries(found)}
        response = jsonify({**document, **({"nearest": near} if near else {})})
    elif kind == XML:
        response = _xml(answers.as_vosi(found))
    else:
        response = Response(answers.as_lines(found), content_type="text/plain; charset=utf-8")
    response.headers["Vary"] = "Accept"
    response.add_etag()
    return response


def _conditional(response: Response) -> Response:
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
