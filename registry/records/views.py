"""The shelf for readers: `/records/<authority>[/<key>]` shows one record; `/records` itself is the search room's.

As a page, as XML or as JSON, by suffix or by what the client accepts. Names are found in any case, and answered
under their publisher's. Drafts are not shown. What records say is text from strangers: it is escaped on pages, and
XML is served so that a browser runs nothing in it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, render_template, request

from registry.errors import Refusal
from registry.records import listing, store
from registry.records.store import NoRecord, Record
from registry.site import Site
from vosi import capabilities, resource, xmlio
from vosi.capabilities import Interface
from vosi.resource import Summary

PAGE, XML, JSON = "text/html", "text/xml", "application/json"
_SUFFIXES = {".xml": XML, ".json": JSON}
_ACCEPTED = [PAGE, XML, "application/xml", JSON]
# a record may hold elements of XHTML: sandboxed, a browser shows them and runs nothing
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

blueprint = Blueprint("records", __name__, url_prefix="/records")


def register(app: Flask) -> None:
    """Add the records to the application."""
    app.register_blueprint(blueprint)
    app.jinja_env.tests.setdefault("web_address", is_web_address)
    app.jinja_env.filters.setdefault("record_path", path_of)


def is_web_address(text: object) -> bool:
    """Whether `text` may be a link: an absolute http or https address with a host."""
    try:
        parts = urlsplit(str(text).strip())
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def path_of(ivoid: str) -> str:
    """Where the record is shown, below the service's root; percent-encoded."""
    return "/records/" + quote(ivoid.strip()[len("ivo://"):], safe="/-_.!~*'()+=")


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence in the client's format."""
    kind = kind_asked()
    if kind == JSON:
        return jsonify(error=str(error)), error.status
    if kind == XML:
        return Response(f"{error}\n", content_type="text/plain; charset=utf-8"), error.status
    return render_template("records/refused.html", error=str(error), status=error.status), error.status


@blueprint.get("/<path:name>")
def show(name: str) -> Response | tuple[Response | str, int] | str:
    """One record. A suffix counts only where no record has the whole name."""
    record, suffix = _named(name)
    if path_of(record.ivoid) != "/records/" + quote(name.removesuffix(suffix), safe="/-_.!~*'()+="):
        return redirect(request.script_root + path_of(record.ivoid) + suffix, 301)  # type: ignore[return-value]
    kind = _SUFFIXES.get(suffix) or kind_asked()
    if record.deleted:
        return _gone(record, kind)
    if kind == XML:
        return _conditional(record, _xml(record))
    element = xmlio.parse(record.xml)
    summary = resource.summarise(element)
    addresses = [(one.standard_id, interface) for one in capabilities.of_record(element) for interface in one.interfaces
                 if interface.access_url]
    if kind == JSON:
        return _conditional(record, jsonify(_whole(record, summary, addresses)))
    with _site().database.read() as connection:
        history = store.versions(connection, record.ivoid)
    return render_template("records/record.html", record=record, summary=summary, history=history, addresses=addresses)


def _site() -> Site:
    site: Site = current_app.extensions["site"]
    return site


def kind_asked() -> str:
    """PAGE, XML or JSON: what the suffix of the address says, else what the client would rather have; `*/*` gets the page."""
    for suffix, kind in _SUFFIXES.items():
        if request.path.endswith(suffix):
            return kind
    best = request.accept_mimetypes.best_match(_ACCEPTED, PAGE)
    return XML if best == "application/xml" else best


def _named(name: str) -> tuple[Record, str]:
    """The record, and the suffix that stood behind its name ('' for none). Raises NoRecord."""
    with _site().database.read() as connection:
        for suffix in ("", *_SUFFIXES):
            if name.endswith(suffix):
                record = listing.offered(connection, "ivo://" + name.removesuffix(suffix))
                if record:
                    return record, suffix
    raise NoRecord("ivo://" + name)


def _gone(record: Record, kind: str) -> tuple[Response | str, int]:
    """A tombstone: 410, and when it was deleted."""
    words = f"{record.ivoid} was deleted ({record.datestamp})."
    if kind == JSON:
        return jsonify(ivoid=record.ivoid, status=record.status, datestamp=record.datestamp), 410
    if kind == XML:
        return Response(words + "\n", content_type="text/plain; charset=utf-8"), 410
    return render_template("records/gone.html", record=record), 410


def _xml(record: Record) -> Response:
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + record.xml + b"\n"
    return Response(body, content_type="text/xml; charset=utf-8", headers={
        "Content-Security-Policy": _SANDBOX, "X-Content-Type-Options": "nosniff"})


def _conditional(record: Record, response: Response) -> Response:
    response.set_etag(f"{record.digest[:32]}-{record.version}-{(response.mimetype or '').rpartition('/')[2]}")
    response.headers["Vary"] = "Accept"
    response.make_conditional(request)  # changes it in place
    return response


def _listed(record: Record) -> dict[str, Any]:
    return {
        "ivoid": record.ivoid, "title": record.title, "type": record.type, "status": record.status,
        "origin": record.origin, "datestamp": record.datestamp, "updated": record.updated,
        "url": _site().settings.url(path_of(record.ivoid)[1:]),
    }


def _whole(record: Record, summary: Summary, addresses: list[tuple[str, Interface]]) -> dict[str, Any]:
    return {
        **_listed(record), "short_name": summary.short_name, "created": summary.created, "version": record.version,
        "description": summary.description, "reference_url": summary.reference_url, "subjects": list(summary.subjects),
        "interfaces": [{"standard_id": standard, "type": one.type, "access_url": one.access_url} for standard, one in addresses],
        "valid_in": record.profile or None,
        "problems": [{"where": where, "what": what, "line": line} for where, what, _field, line in record.problems],
        "xml": record.xml.decode(),
    }
