"""Writing records by the JSON API: what the pages of this package do, for programs. A record travels as its XML."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, request

from registry.admin import guard
from registry.admin.editing import acts
from registry.admin.pages import api, site
from registry.errors import Refusal
from registry.records import comparing, drafting, lifecycle, publish, store
from registry.records.drafting import SavedDraft
from registry.records.forming import faults, nodes, shape
from registry.records.ready import one_record
from registry.records.store import Record
from vosi import resource, xmlio
from vosi.xmlio import XmlRefused

Answer = Response | tuple[Response, int]
_KINDS: dict[str, tuple[type, str]] = {
    "ivoid": (str, "a text"), "why": (str, "a text"), "do": (str, "a text"), "set": (str, "a text"),
    "ivoids": (list, "a list of texts"), "version": (int, "a whole number"), "expected": (int, "a whole number"),
    "anyway": (bool, "true or false"),
}


class BadRequest(Refusal):
    """The body or a parameter is not what this address takes."""


@api.post("/records")
def records_add() -> Answer:
    """Publish the record in the body; `expected` is the version that it was made from, 0 for a new one."""
    xml = request.get_data()
    acts.require(_name(xml))
    record = lifecycle.save(site(), xml, who=guard.who(), why=_why(), expected=_expected())
    acts.note("publish record", record.ivoid, _why())
    return jsonify(_record(record)), 201 if record.version == 1 else 200


@api.post("/records/check")
def records_check() -> Response:
    """What stands against publishing the record in the body; it stores nothing."""
    xml = request.get_data()
    found = [asdict(one) for one in _faults(xml)]
    return jsonify(valid=not found, faults=found)


@api.post("/records/act")
def records_act() -> Response:
    """`do`: activate, deactivate, delete or set, to each of `ivoids`; each is told what became of it."""
    given = _given({"do", "ivoids"}, {"why", "expected", "set"})
    names = [one for one in given["ivoids"] if isinstance(one, str)][:500]
    if given["do"] == "set":
        return jsonify(done=acts.into_set(given.get("set", ""), names))
    if given["do"] not in acts.ACTS:
        raise BadRequest(f"The key 'do' must be one of {', '.join(acts.ACTS)} or set.")
    told = []
    for name in names:
        try:
            told.append(_record(acts.act(given["do"], name, given.get("why", ""), given.get("expected"))))
        except Refusal as refusal:
            told.append({"ivoid": name, "error": str(refusal), "status_code": refusal.status})
    return jsonify(records=told)


@api.post("/records/restore")
def records_restore() -> Response:
    """Publish what `ivoid` said in `version` again."""
    given = _given({"ivoid", "version"}, {"why", "expected"})
    return jsonify(_record(acts.restore(given["ivoid"], given["version"], given.get("why", ""), given.get("expected"))))


@api.get("/history/<path:name>")
def record_history(name: str) -> Response:
    """Every version of a record; with `old` and `new`, what changed between two of them."""
    with site().database.read() as connection:
        record = store.get(connection, f"ivo://{name}")
        if record is None:
            raise store.NoRecord(f"ivo://{name}")
        versions = store.versions(connection, record.ivoid)
        changes = None
        if "old" in request.args:
            old = lifecycle.version_of(connection, record, _number("old") or 0)
            new = lifecycle.version_of(connection, record, _number("new") or record.version)
            changes = [asdict(one) for one in comparing.compare(old.xml, new.xml).changes]
    told = [{"version": one.version, "status": one.status, "at": one.at, "who": one.who, "why": one.why} for one in versions]
    return jsonify(ivoid=record.ivoid, versions=told, changes=changes)


@api.get("/drafts")
def drafts() -> Response:
    """All drafts by name."""
    with site().database.read() as connection:
        return jsonify(drafts=[_draft(one) for one in drafting.every(connection)])


@api.post("/drafts")
def drafts_add() -> Answer:
    """Keep the record in the body as the draft of its name; `expected` is the revision that was seen, 0 for none."""
    xml = request.get_data()
    acts.require(_name(xml))
    return jsonify(_draft(drafting.save_draft(site(), xml, who=guard.who(), why=_why(), expected=_expected()))), 201


@api.post("/drafts/publish")
def drafts_publish() -> Response:
    """Publish the draft `ivoid`; `anyway` also where the record has been saved since it was begun."""
    given = _given({"ivoid"}, {"why", "anyway"})
    acts.require(given["ivoid"])
    record = lifecycle.publish_draft(
        site(), given["ivoid"], who=guard.who(), why=given.get("why", ""), anyway=given.get("anyway", False))
    acts.note("publish record", record.ivoid, given.get("why", ""))
    return jsonify(_record(record))


@api.post("/drafts/discard")
def drafts_discard() -> Response:
    """Throw the draft `ivoid` away; what is published stays."""
    given = _given({"ivoid"}, set())
    acts.discard(given["ivoid"])
    return jsonify(ivoid=given["ivoid"], discarded=True)


def _faults(xml: bytes) -> list[faults.Fault]:
    try:
        kept, element = one_record(xml)
        shapes = shape.shapes(site().schemas)
        root = nodes.read(shapes, kept)
        nodes.complete(shapes, root)
    except XmlRefused as error:
        return [faults.Fault("", "The XML", str(error))]
    found = faults.found(site().schemas, shapes, element, root)
    if found:
        return found
    try:
        publish.readied(site(), xml)
    except publish.PublishRefused as refused:
        return faults.placed(root, refused.problems)
    return []


def _name(xml: bytes) -> str:
    """The identifier of the record in the body. Raises BadRequest."""
    try:
        return resource.summarise(xmlio.parse(one_record(xml)[0])).ivoid
    except XmlRefused as error:
        raise BadRequest(f"The body is not one record in XML: {error}") from None


def _given(needed: set[str], possible: set[str]) -> dict[str, Any]:
    """The JSON object in the body. Raises BadRequest naming the key at fault."""
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadRequest("The body is not a JSON object: send one with Content-Type: application/json.")
    for name, value in found.items():
        if name not in needed | possible:
            raise BadRequest(f"The key {name!r} is unknown here: {', '.join(sorted(needed | possible))} can be given.")
        kind, words = _KINDS[name]
        number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
        if not isinstance(value, kind) or (kind is int and not number):
            raise BadRequest(f"The key {name!r} must be {words}.")
    for name in sorted(needed - set(found)):
        raise BadRequest(f"The key {name!r} is needed.")
    return found


def _why() -> str:
    return request.args.get("why", "").strip()[:500]


def _expected() -> int | None:
    return _number("expected")


def _number(name: str) -> int | None:
    value = request.args.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRequest(f"The parameter {name} must be a whole number.")
    return int(value) if value else None


def _record(record: Record) -> dict[str, Any]:
    return {"ivoid": record.ivoid, "title": record.title, "type": record.type, "status": record.status,
            "version": record.version, "datestamp": record.datestamp, "updated": record.updated}


def _draft(draft: SavedDraft) -> dict[str, Any]:
    return {"ivoid": draft.ivoid, "title": draft.summary.title, "revision": draft.revision, "based_on": draft.based_on,
            "who": draft.who, "at": draft.at, "why": draft.why}
