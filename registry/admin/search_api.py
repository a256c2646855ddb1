"""The search of records for programs, at /api/search: the same parameters and the same answer as /records as JSON."""

from __future__ import annotations

from flask import Response, jsonify, request

from registry.admin.pages import api, site
from registry.search.finding import asking, documents
from registry.search.finding.records import search


@api.get("/search")
def search_records() -> Response:
    """A page of what is found, best first, with counts, ADQL and lines for pyvo and curl."""
    with site().database.read() as connection:
        found = search(connection, asking.asked(request.args))
    return jsonify(documents.plain(site().settings, found))
