"""VOSI documents on behalf of a registered service, so that one without any has them (VOSI 1.1).

Capabilities and tables come from its record; whether it is available it is asked itself, by its own VOSI document or,
where it has none, by a look at its address. Only our own services are asked, never somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree
from sqlalchemy import Connection

from registry.errors import NotFound, Refusal
from registry.records import store
from registry.records.store import Record
from registry.services import credentials, versions
from registry.services.memory import Memory
from registry.site import Site
from vosi import (
    availability as availability_documents,
    capabilities as capability_documents,
    namespaces as ns,
    tables,
    xmlio,
)
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface

CAPABILITIES, AVAILABILITY, TABLES = "capabilities", "availability", "tables"
_STANDARDS = {
    CAPABILITIES: ns.STD_VOSI_CAPABILITIES, AVAILABILITY: ns.STD_VOSI_AVAILABILITY, TABLES: ns.STD_VOSI_TABLES}
_ANY_VERSION = "ivo://ivoa.net/std/VOSI#"  # with the kind behind it
_asked: Memory[Availability] = Memory()


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
    for length in range(len(parts) - 1, 0, -1):
        kind, rest = parts[length], parts[length + 1:]
        if kind not in _STANDARDS or rest and (kind != TABLES or not all(rest)):
            continue
        record = store.get(connection, "ivo://" + "/".join(parts[:length]))
        if record is not None and record.origin == store.OWN and record.status == store.ACTIVE:
            return Wanted(record, kind, "/".join(rest))
    raise NoService(
        f"There is no service of ours at {path[:200]!r}: an address here is /services/<authority>/<key>/capabilities, "
        "/availability or /tables, and /find lists the services.")


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


def availability(site: Site, record: Record) -> Availability:
    """What the service says of itself now, or what a look at it shows; good for a few seconds. Raises NoService."""
    return _asked.get(f"{record.key} {record.digest}", lambda: _ask(site, record))


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


def _ask(site: Site, record: Record) -> Availability:
    listed = _capabilities_of(record, xmlio.parse(record.xml))
    documented = [one for one in listed if versions.satisfies(ns.STD_VOSI_AVAILABILITY, one.standard_id)]
    own = next((url for one in documented for url in _urls(one)), "")
    other = next((url for one in listed for url in _urls(one)), "")
    header = credentials.get(site, record.ivoid)
    try:
        if own:
            reply = site.fetcher.get(own, headers=header, limit=xmlio.MAX_RECORD)
            if reply.status == 200:
                return availability_documents.read(reply.body)
            return Availability(False, notes=(f"Its availability document answers with status {reply.status}.",))
        if not other:
            return Availability(False, notes=("Its record names no address.",))
        status = site.fetcher.head(other, headers=header).status
    except (Refusal, xmlio.XmlRefused) as error:
        return Availability(False, notes=(str(error),))
    words = f"It has no availability document; its address answers with status {status}."
    return Availability(status < 500, notes=(words,))


def _capabilities_of(record: Record, element: etree._Element) -> tuple[Capability, ...]:
    listed = capability_documents.of_record(element)
    if not listed:
        raise NoService(f"{record.ivoid} is no service: its record has no capabilities.")
    return listed


def _urls(capability: Capability) -> list[str]:
    return [one.access_url for one in capability.interfaces if one.access_url]


def _tableset(element: etree._Element) -> etree._Element | None:
    return next(element.iterchildren("{*}tableset"), None)
