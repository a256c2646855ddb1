"""Lists on pages and in the API: what an address asks for, and the same rows as CSV and JSON."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from registry import lists
from registry.admin import twins
from registry.admin.pages import site
from registry.admin.twins import Twin
from registry.lists import Asked, Listing, Page

_OPTIONS = {"q": "search"}  # parameters that have another name at the command line


def asked(listing: Listing[Any]) -> Asked:
    """What this request's address asks for. Raises BadAsking."""
    return lists.asked(listing, request.args)


def as_file(page: Page[Any], suffix: str) -> Response:
    """The page's rows as `suffix`, csv or json."""
    listing = page.asked.listing
    if suffix == "json":
        return jsonify({listing.name: [listing.told(row) for row in page.rows], **page.numbers(_url())})
    response = Response(lists.as_csv(listing, page.rows), content_type="text/csv; charset=utf-8")
    name = request.path.rpartition("/")[2].rpartition(".")[0]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return _linked(response, page)


def as_json(page: Page[Any], documents: list[dict[str, Any]] | None = None) -> Response:
    """A list of the API: its rows (or `documents` that stand for them), how many there are, where it goes on."""
    listing = page.asked.listing
    rows = documents if documents is not None else [listing.told(row) for row in page.rows]
    return _linked(jsonify({listing.name: rows, **page.numbers(_url())}), page)


def twin(asked: Asked, words: tuple[str, ...], path: str) -> Twin:
    """The same list by command, and from `path` below /api."""
    said = asked.address(at="", after="", back="")
    options = [part for name, value in said.items() for part in (f"--{_OPTIONS.get(name, name)}", value)]
    return twins.reading(site().settings, (*words, *options), path, said)


def _url() -> str:
    return site().settings.url(request.path.lstrip("/"))


def _linked(response: Response, page: Page[Any]) -> Response:
    following = page.next(_url())
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response
