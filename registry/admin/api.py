"""The JSON API: what the pages can write, for programs, with a bearer token or name and password.

Jobs are not here: `/jobs` speaks UWS in XML and JSON. It decides nothing that the pages decide otherwise: both call
the same functions.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, request

from registry import lists
from registry.admin import applications as application_pages, guard, listed, services as service_pages
from registry.admin.pages import api, site
from registry.applications.listed import APPLICATIONS, lines
from registry.applications.seen import Seen
from registry.errors import Refusal
from registry.records import store
from registry.records.listed import RECORDS
from registry.records.store import Record
from registry.records.views import path_of
from registry.services import query
from registry.services.listed import SERVICES, lines as endpoints
from registry.tables import records as shelf


class BadBody(Refusal):
    """The request's body is not what this address takes."""


@api.get("/openapi.json")
def openapi() -> Response:
    """The description of this API."""
    return current_app.send_static_file("openapi.json")


@api.get("/records")
def records() -> Response:
    """Records by name; tombstones only where `status` asks for them."""
    asked = listed.asked(RECORDS)
    there = () if request.args.get("status") else (shelf.c.status != store.DELETED,)
    with site().database.read() as connection:
        page = lists.page(connection, asked, *there)
    return listed.as_json(page, [{**RECORDS.told(one), "url": site().settings.url(path_of(one.ivoid)[1:])}
                                 for one in page.rows])


@api.get("/services")
def services() -> Response:
    """Endpoints of our own services, of one standard or of all, best first unless they are sorted."""
    wanted = query.asked({"standardid": request.args.get("standard_id", "")})
    with site().database.read() as connection:
        found = query.answer(connection, site().settings, wanted)
    return listed.as_json(lists.page_of(endpoints(found), listed.asked(SERVICES)))


@api.post("/services")
def services_add() -> tuple[Response, int]:
    """Describe a service from its VOSI documents."""
    given = body({"url", "key"}, {"title", "description", "subjects"})
    more = {
        name: tuple(value) if name == "subjects" else value
        for name, value in given.items()
        if name in ("description", "subjects")
    }
    return _made(service_pages.register(given["url"], given["key"], given.get("title", ""), guard.who(), **more))


@api.get("/applications")
def applications() -> Response:
    """The applications on offer here."""
    return listed.as_json(lists.page_of(lines(site()), listed.asked(APPLICATIONS)))


@api.post("/applications")
def applications_add() -> tuple[Response, int]:
    """Offer an image as an application."""
    made = application_pages.register(body({"reference"}, set())["reference"], guard.who())
    return (jsonify(made.as_json()), 202) if isinstance(made, Seen) else _made(made)


_KINDS: dict[str, tuple[type[Any], str]] = {
    "interval": (int, "a whole number of seconds, 60 or more"),
    "priority": (int, "a whole number from -100 to 100"),
    "full": (bool, "true or false"), "later": (bool, "true or false"),
    "subjects": (list, "a list of texts"),
    "authorities": (list, "a list of texts"),
    "names": (list, "a list of texts"),
    "asked": (list, "a list of texts"),
    "which": (list, "a list of texts"),
    "anyway": (bool, "true or false"),
    "days": (int, "a whole number from 1 to 3650"),
}


_RANGES = {"interval": (60, 31_536_000), "priority": (-100, 100), "days": (1, 3650)}


def body(needed: set[str], possible: set[str]) -> dict[str, Any]:
    """The JSON object that was sent, or form fields. Raises BadBody naming the key at fault."""
    found = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    if not isinstance(found, dict):
        raise BadBody("The body is not a JSON object: send one with Content-Type: application/json.")
    for name, value in found.items():
        if name not in needed | possible:
            raise BadBody(
                f"The key {name!r} is unknown here: {', '.join(sorted(needed | possible)) or 'none'} can be given."
            )
        _check(name, value)
    for name in sorted(needed):
        if not str(found.get(name, "")).strip():
            raise BadBody(f"The key {name!r} is needed.")
    return found


def _check(name: str, value: Any) -> None:
    kind, words = _KINDS.get(name, (str, "a text"))
    least, most = _RANGES.get(name, (0, 0))
    right = isinstance(value, kind) and not (kind is int and (isinstance(value, bool) or not least <= value <= most))
    if kind is list and right:
        right = all(isinstance(item, str) for item in value)
    if not right:
        raise BadBody(f"The key {name!r} must be {words}.")


def _record(record: Record) -> dict[str, Any]:
    return {
        "ivoid": record.ivoid,
        "title": record.title,
        "type": record.type,
        "status": record.status,
        "origin": record.origin,
        "datestamp": record.datestamp,
        "url": site().settings.url(path_of(record.ivoid)[1:]),
    }


def _made(record: Record) -> tuple[Response, int]:
    answer = jsonify(_record(record))
    answer.headers["Location"] = site().settings.url(path_of(record.ivoid)[1:])
    return answer, 201
