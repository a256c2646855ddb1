"""The validationLevel that this registry gives its own services (VOResource 1.2 §3.1.7), kept to what looks have shown.

2 for a valid record whose service works and whose documents were read without a fault; 1 for a valid record. A level
is given up only when the service has been down for a day: a flicker must not change a record that others harvest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from registry import clock
from registry.records import authorities, publish, store
from registry.records.publish import Overtaken
from registry.records.store import Record
from registry.services import watches
from registry.services.health import rules, store as health
from registry.services.health.rules import Row
from registry.services.watches import Watch
from registry.site import Site
from vosi import resource, spans, xmlio

WORKS, VALID = "2", "1"
WHO = "watch"
_GIVEN_UP = timedelta(days=1)
_NAME = "validationLevel"


def settle(site: Site, ivoid: str) -> str:
    """Give a watched service the level that it has earned; the level, '' where none is given now."""
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
        watch = watches.watch(connection, store.key_of(ivoid))
        rows = health.rows(connection, store.key_of(ivoid))
        waits = watches.held(connection, store.key_of(ivoid)) is not None  # it was made from this version of the record
    if waits or record is None or watch is None or record.origin != store.OWN or record.status != store.ACTIVE:
        return ""
    registry = authorities.our_registry(site.settings.authority)
    present = level(record.xml, registry)
    earned = earns(present, watch, rows, clock.now())
    if earned != present:
        _publish(site, record, marked(record.xml, registry, earned), earned)
    return earned


def earns(present: str, watch: Watch, rows: list[Row], now: datetime) -> str:
    """The level for what is known of the service, where it has `present` ('' for none)."""
    state = rules.whole(row.state for row in rows)
    if state == rules.UNKNOWN:
        return present
    if state == rules.UP and not watch.sentences:
        return WORKS
    if present == WORKS and state != rules.UP:
        since = max((row.since for row in rows if row.since), default="")
        if not since or now - clock.parse(since) < _GIVEN_UP:
            return WORKS
    return VALID


def level(xml: bytes, registry: str) -> str:
    """The level that `registry` has given in the record, '' for none."""
    for one in xmlio.parse(xml).iterchildren(f"{{*}}{_NAME}"):
        if one.get("validatedBy", "").lower() == registry.lower():
            return "".join(map(str, one.itertext())).strip()
    return ""


def marked(xml: bytes, registry: str, given: str) -> bytes:
    """The record with that level by `registry`; those that others gave stay."""
    piece = f'<{_NAME} validatedBy="{spans.quoted(registry, _NAME)}">{given}</{_NAME}>'.encode()
    root, *inner = spans.spans(xml)
    for one in inner:
        if one.path[1:] == (_NAME,) and one.attributes.get("validatedBy", "").lower() == registry.lower():
            return spans.edited(xml, [(one.start, one.end, piece)])
    return spans.edited(xml, [(root.inside, root.inside, b"\n  " + piece)])


def _publish(site: Site, record: Record, xml: bytes, given: str) -> None:
    xml = resource.amend(xml, {"updated": clock.stamp()})
    why = "it works and its documents are well" if given == WORKS else "its record is valid, and more was not seen"
    try:
        publish.publish(site, xml, who=WHO, why=f"validation level {given}: {why}", expected=record.version)
    except Overtaken:  # somebody is at work on it: next time
        return
