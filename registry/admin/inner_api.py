"""The part of the JSON API that is about the inner space: standards, services without documents, looks, what waits."""

from __future__ import annotations

from flask import Response, jsonify, request

from registry.admin import guard, inner
from registry.admin.api import BadBody, body
from registry.admin.pages import api, site
from registry.records.store import Record
from registry.services import checking, watches
from registry.services.adding import Said
from registry.services.describing import Wish
from registry.services.standards import defining


@api.post("/standards")
def standards_add() -> tuple[Response, int]:
    """Define a standard API of our own."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BadBody("The body is not a JSON object: send one with Content-Type: application/json.")
    return _made(inner.define(defining.from_mapping(given), guard.who()))


@api.post("/services/described")
def service_describe() -> tuple[Response, int]:
    """Register a service that has no VOSI documents of its own."""
    given = body({"url", "key"}, {"title", "description", "standard_id", "interface_type", "use", "role", "version", "security"})
    wish = Wish(**{name: given[name] for name in ("key", "title", "description") if name in given})
    said = {name: given[name] for name in ("url", "standard_id", "interface_type", "use", "role", "version") if name in given}
    return _made(inner.add(wish, Said(**said, security=tuple(given.get("security", "").split())), guard.who()))


@api.post("/services/check")
def service_check() -> Response:
    """Look at a service now."""
    return jsonify(checking.document(inner.check(body({"ivoid"}, set())["ivoid"], guard.who())))


@api.get("/held")
def held() -> Response:
    """Changes of services' documents that wait for a person."""
    with site().database.read() as connection:
        found = watches.all_held(connection)
    return jsonify(held=[{"ivoid": one.ivoid, "at": one.at, "changes": one.changes} for one in found])


@api.post("/held/accept")
def held_accept() -> Response:
    """Publish a change that waits."""
    return _made(inner.accept(body({"ivoid"}, set())["ivoid"], guard.who()))[0]


@api.post("/held/refuse")
def held_refuse() -> Response:
    """Leave a record as it is."""
    change = inner.refuse(body({"ivoid"}, set())["ivoid"], guard.who())
    return jsonify(ivoid=change.ivoid, refused=change.changes)


def _made(record: Record) -> tuple[Response, int]:
    return jsonify(ivoid=record.ivoid, title=record.title, type=record.type, version=record.version), 201
