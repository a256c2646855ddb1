"""The address /records without a name: the search page, and the same as JSON and XML, by suffix or by Accept.

It reads what is asked, lets `records` find it and writes that down; it decides nothing about either. Records by name are the
records room's.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, g, jsonify, render_template, request

from registry.errors import Refusal
from registry.records.views import JSON, XML, kind_asked, path_of
from registry.search.finding import asking, documents, snippets
from registry.search.finding.records import Found, search
from registry.site import Site

blueprint = Blueprint("finding", __name__)
SAMP_HUB = "http://localhost:21012"  # on the reader's machine: SAMP 1.3 §5.2.1
# what a facet is called on the page, and what its values begin with that says nothing
_TITLES = {"type": "Type", "standard": "Standard", "waveband": "Waveband", "authority": "Authority", "subject": "Subject",
           "datacenter": "Datacenter", "status": "Status"}


def register(app: Flask) -> None:
    """Add the search of records to the application."""
    app.register_blueprint(blueprint)


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence in the client's format; on the page above the form, with all that was asked kept in it."""
    kind = kind_asked()
    if kind == JSON:
        return jsonify(error=str(error)), error.status
    if kind == XML:
        return Response(f"{error}\n", content_type="text/plain; charset=utf-8"), error.status
    given = {name: request.args.get(name, "")[:asking.LONGEST] for name in ("q", *asking.FACETS)}
    return render_template("search/refused.html", error=str(error), given=given, status=error.status), error.status


@blueprint.get("/records", strict_slashes=False)
@blueprint.get("/records.json")
@blueprint.get("/records.xml")
def records() -> Response | str:
    """What is found, best first: `q` words, facets, `page` and `limit`."""
    asked = asking.asked(request.args)
    with _site().database.read() as connection:
        found = search(connection, asked)
        kind = kind_asked()
        if kind == XML:
            body = documents.xml(connection, found)
            return Response(body, content_type="text/xml; charset=utf-8", headers={
                "X-Content-Type-Options": "nosniff", "Vary": "Accept",
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"})
    if kind == JSON:
        response = jsonify(documents.plain(_site().settings, found))
        response.headers["Vary"] = "Accept"
        return response
    return _page(found)


def _page(found: Found) -> str:
    asked, settings = found.asked, _site().settings
    g.connects = SAMP_HUB
    facets = [{
        "name": name, "title": _TITLES[name], "chosen": getattr(asked, name) if name in asked.state else "",
        "values": found.counts.facets.get(name, []), "more": name in found.counts.more,
        "clear": _address(asked.with_(**{name: "active" if name == "status" else ""})),
    } for name in asking.FACETS]
    return render_template(
        "search/records.html", found=found, asked=asked, facets=facets, settings=settings,
        with_=lambda **values: _address(asked.with_(**values)),
        snippet=lambda item: snippets.of_record(settings, item), snippets=snippets.of_search(settings, asked, found.adql),
        short=short, path_of=path_of, address=_address, narrowed=bool(set(asked.state) - {"page", "limit"}))


def short(value: str) -> str:
    """A standard's identifier without the beginning that all of them have."""
    return value.removeprefix("ivo://ivoa.net/std/")


def _address(asked: asking.Asked, suffix: str = "") -> str:
    query = urlencode(asked.state)
    return f"{request.script_root}/records{suffix}" + (f"?{query}" if query else "")


def _site() -> Site:
    site: Site = current_app.extensions["site"]
    return site
