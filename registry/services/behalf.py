"""VOSI documents on behalf of a registered service, so that one without any has them (VOSI 1.1).

Capabilities and tables come from its record; whether it is available, from what the worker saw when it looked last.
Nobody is asked while a client waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from sqlalchemy import Connection

from registry import clock
from registry.errors import NotFound, Refusal
from registry.records import store
from registry.records.store import Record
from registry.services import versions
from registry.services.health import rules, store as health
from registry.site import Site
from vosi import (
    capabilities as capability_documents,
    namespaces as ns,
    tables,
    xmlio,
)
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface

CAPABILITIES, AVAILABILITY, TABLES = "capabilities", "availability", "tables"
PAGE = ""  # the service itself, not a document of it
_STANDARDS = {
    CAPABILITIES: ns.STD_VOSI_CAPABILITIES, AVAILABILITY: ns.STD_VOSI_AVAILABILITY, TABLES: ns.STD_VOSI_TABLES}
_ANY_VERSION = "ivo://ivoa.net/std/VOSI#"  # with the kind behind it
_LATE = 3  # intervals after which a look says nothing of now


class NoService(NotFound):
    """There is no such service, or no such document of it."""


@dataclass(frozen=True)
class Wanted:
    """A document of one of our services: its kind, and for tables the one table's name, '' for all."""

    record: Record
    kind: str
    table: str = ""


def wanted(connection: Connection, path: str) -> Wanted:
    """What `<authority>/<key...>/<document>` names: keys hold slashes, and the longest that is stored wins.

    Raises NoService.
    """
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        whole = length == len(parts)
        kind, rest = PAGE if whole else parts[length], parts[length + 1:]
        a_document = kind in _STANDARDS and (not rest or kind == TABLES and all(rest))
        if not all(parts[:length]) or not (whole or a_document):
            continue
        record = store.get(connection, "ivo://" + "/".join(parts[:length]))
        if record is not None and record.origin == store.OWN and record.status == store.ACTIVE:
            return Wanted(record, kind, "/".join(rest))
    raise NoService(
        f"There is no service of ours at {path[:200]!r}: an address here is /services/<authority>/<key>, with "
        "/capabilities, /availability or /tables behind it for a document, and /find lists the services.")


def capabilities(site: Site, record: Record) -> bytes:
    """What the record says, with the VOSI documents that the service lacks at our addresses."""
    element = xmlio.parse(record.xml)
    listed = list(_capabilities_of(record, element))
    kinds = (CAPABILITIES, AVAILABILITY, *((TABLES,) if _tableset(element) is not None else ()))
    for kind in kinds:
        if not any(versions.satisfies(f"{_ANY_VERSION}{kind}", one.standard_id) for one in listed):
            url = site.settings.url(f"services/{record.ivoid.removeprefix('ivo://')}/{kind}")
            listed.append(Capability(_STANDARDS[kind], interfaces=(Interface(access_url=url, role="std"),)))
    return capability_documents.write(listed)


def availability(connection: Connection, site: Site, record: Record) -> Availability:
    """Whether the service worked when it was looked at last, with its own notes and ours. Raises NoService."""
    _capabilities_of(record, xmlio.parse(record.xml))
    rows = health.rows(connection, record.key)
    if not any(row.seen for row in rows):
        return Availability(False, notes=(
            "It has not been looked at yet" + ("; the worker does that within seconds." if rows else
                                               ": its record names no address that can be, or the worker does not run."),))
    state = rules.whole(row.state for row in rows)
    told = next((row for row in rows if row.state == state), rows[0])
    return Availability(
        state == rules.UP, up_since=_up_since(told) if state == rules.UP else "", down_at=_time(told, "down_at"),
        back_at=_time(told, "back_at"), notes=tuple(_notes(site, state, told, rows)))


def _notes(site: Site, state: str, told: rules.Row, rows: list[rules.Row]) -> Iterator[str]:
    if told.message:
        yield told.message
    if state == rules.MAINTENANCE:
        yield "It is in the maintenance window that it has announced."
    elif state == rules.UNKNOWN:
        yield "It did not answer, and is asked again before it counts as down."
    coming = rules.announced(told.said, clock.now())
    if coming:
        yield coming
    for row in rows:
        if row is not told and row.state != state:
            yield f"Its address {row.url} is {row.state}: {row.message}"
    seen = max(row.seen for row in rows)
    yield f"As seen at {seen}."
    if (clock.now() - clock.parse(seen)).total_seconds() > _LATE * site.settings.health_interval + 60:
        yield "Nobody has looked since: the worker of this registry may not run."


def _up_since(row: rules.Row) -> str:
    return _time(row, "up_since") or row.since


def _time(row: rules.Row, name: str) -> str:
    """A time that the service said, where it is one: our documents are valid though its own may not be."""
    moment = rules.moment(str(row.said.get(name, "")))
    return clock.stamp(moment) if moment else ""


def table_set(record: Record, detail: str, table: str) -> bytes:
    """The tables in the record, all of them or the one named `table`. Raises NoService."""
    tableset = _tableset(xmlio.parse(record.xml))
    if tableset is None:
        raise NoService(f"{record.ivoid} says nothing of its tables.")
    return table_document(tableset, record.ivoid, detail, table)


def table_document(tableset: etree._Element, name: str, detail: str, table: str) -> bytes:
    """The VOSI document of `tableset`, or of one of its tables. Raises NoService, and Refusal for another detail."""
    if detail not in ("min", "max"):
        raise Refusal(f"There is no detail {detail[:50]!r}: ask for detail=min or detail=max.")
    if not table:
        return tables.document(tableset, detail)
    document = tables.table(tableset, table)
    if document is None:
        raise NoService(f"{name} has no table {table[:100]!r}; it has {', '.join(tables.names(tableset)[:20])}.")
    return document


def _capabilities_of(record: Record, element: etree._Element) -> tuple[Capability, ...]:
    listed = capability_documents.of_record(element)
    if not listed:
        raise NoService(f"{record.ivoid} is no service: its record has no capabilities.")
    return listed


def _tableset(element: etree._Element) -> etree._Element | None:
    return next(element.iterchildren("{*}tableset"), None)
