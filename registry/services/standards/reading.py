"""What the shelf knows of standards: their records, keys, rules, and who speaks them here."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree
from sqlalchemy import Connection, select

from registry.errors import NotFound
from registry.records import store
from registry.records.store import ACTIVE, Record
from registry.services.find import Endpoint, find
from registry.tables import records
from vosi import namespaces as ns, resource, xmlio
from vosi.capabilities import Interface

TYPES = ("vstd:ServiceStandard", "vstd:Standard", "vstd:StandardKeyEnumeration")
RULES = (
    "Without a key any version does. With one, exactly that key does, and so does a later minor version of the same "
    "name: #query-2.0 takes 2.0 and 2.1, never 3.0. Authority and path compare without case."
)


@dataclass(frozen=True)
class Key:
    """A key of a standard and the endpoints here that carry it."""

    name: str
    standard_id: str
    description: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True)
class Standard:
    """A standard as its page tells it; `versions` are (version, status, use)."""

    record: Record
    description: str
    reference_url: str
    versions: tuple[tuple[str, str, str], ...]
    deprecated: str
    interfaces: tuple[Interface, ...]
    keys: tuple[Key, ...]
    endpoints: tuple[Endpoint, ...]

    @property
    def services(self) -> int:
        """How many of our services speak it in some version."""
        return len({one.ivoid for one in self.endpoints})


class NoStandard(NotFound):
    """There is no record of a standard of that name."""


def listing(connection: Connection) -> list[tuple[Record, int]]:
    """Every standard on the shelf, and how many of our services speak it; those that are spoken first."""
    query = select(records).where(records.c.type.in_(TYPES), records.c.status == ACTIVE).order_by(records.c.key)
    found = [store.record_of(row) for row in connection.execute(query)]
    counted = [(one, len({endpoint.ivoid for endpoint in find(connection, one.ivoid)})) for one in found]
    return sorted(counted, key=lambda pair: (-pair[1], pair[0].key))


def standard(connection: Connection, ivoid: str) -> Standard:
    """The standard of that name. Raises NoStandard."""
    record = store.get(connection, ivoid)
    if record is None or record.type not in TYPES or record.status != ACTIVE:
        raise NoStandard(f"There is no standard {ivoid} here; /standards lists what there is.")
    element = xmlio.parse(record.xml)
    summary = resource.summarise(element)
    spoken = find(connection, record.ivoid)
    return Standard(
        record=record, description=summary.description, reference_url=summary.reference_url,
        versions=tuple((_text(one), one.get("status", ""), one.get("use", ""))
                       for one in element.iterchildren("{*}endorsedVersion")),
        deprecated=next((_text(one) for one in element.iterchildren("{*}deprecated")), ""),
        interfaces=tuple(map(_shape, element.iterchildren("{*}interface"))), endpoints=tuple(spoken),
        keys=tuple(_key(record.ivoid, one, spoken) for one in element.iterchildren("{*}key")),
    )


def known_ids(connection: Connection) -> list[str]:
    """Every standardID that a record of a standard defines: its name, and its name with each key."""
    query = select(records.c.ivoid, records.c.xml).where(records.c.type.in_(TYPES), records.c.status == ACTIVE)
    found = []
    for row in connection.execute(query):
        found.append(row.ivoid)
        found += [f"{row.ivoid}#{_text(name)}" for name in xmlio.parse(row.xml).iterfind("{*}key/{*}name")]
    return found


def _key(ivoid: str, element: etree._Element, spoken: list[Endpoint]) -> Key:
    name = _text(next(element.iterchildren("{*}name"), None))
    standard_id = f"{ivoid}#{name}"
    return Key(
        name, standard_id, _text(next(element.iterchildren("{*}description"), None)),
        tuple(one for one in spoken if one.standard_id.lower() == standard_id.lower()))


def _shape(element: etree._Element) -> Interface:
    """What a service's interface looks like; the address in a standard's record is nobody's."""
    address = next(element.iterchildren("{*}accessURL"), None)
    return Interface(
        type=ns.canonical_type(element), role=element.get("role", ""), version=element.get("version", ""),
        url_use="full" if address is None else address.get("use", "full"))


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())
