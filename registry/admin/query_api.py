"""Queries in ADQL for programs that speak JSON, at /api/query: the same answer as /tap/sync gives as JSON."""

from __future__ import annotations

from flask import Response, request

from registry.admin.pages import api
from registry.search.tap import formats, parameters
from registry.search.views import answered


@api.get("/query")
def query_records() -> Response:
    """The rows of `adql`, at most `maxrec`, with what their columns are and whether there were more."""
    said = {"QUERY": request.args.get("adql", ""), "MAXREC": request.args.get("maxrec", "")}
    return answered(parameters.asked([("LANG", "ADQL"), ("RESPONSEFORMAT", formats.JSON), *said.items()]))
