"""Capability queries: which of our own services speaks a standard, and where. Local answers only, nobody is asked.

The tables `rr_*` say which capability of which record; what it says comes from the record's XML, read once per
digest. It looks at own active records; what was harvested is somebody else's datacenter, and asked for by name.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError

from registry.db import Database
from registry.records.store import ACTIVE, HARVESTED, OWN, key_of
from registry.services import versions
from registry.tables import records, rr_capability
from vosi import capabilities as documents, xmlio
from vosi.capabilities import Capability, Interface
from vosi.identifiers import InvalidIdentifier, standard_key
from vosi.namespaces import STD_RUNNER

_ALIKE = 0.7  # from here on one standardID may be meant by another
_KEPT = 16384  # records whose capabilities stay in memory
_FEW, _BREATH = 10, 0.005  # records read ahead at once, seconds of rest between


@dataclass(frozen=True)
class Endpoint:
    """One interface of one capability of one service; `security_methods` as in `Interface`.

    What a query adds: `state` (up, down, maintenance, unknown), `since` when and `message` why; `zone` (internal or
    external); '' where nobody asked.
    """

    ivoid: str
    title: str
    standard_id: str
    interface_type: str
    access_url: str
    url_use: str
    role: str
    version: str
    security_methods: tuple[str, ...]
    capability: Capability
    interface: Interface
    key: str = ""  # the identifier in its comparison form
    state: str = ""
    since: str = ""
    message: str = ""
    zone: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether it can be used without saying who one is."""
        return not self.security_methods or "" in self.security_methods


def find(
    connection: Connection, standard_id: str = "", *, ivoid: str = "", interface_type: str = "",
    datacenters: Collection[str] | None = None, among: Collection[str] | None = None,
) -> list[Endpoint]:
    """The endpoints that satisfy `standard_id`, best first; '' takes every standard, and then they come by service.

    `ivoid` narrows to one service, `interface_type` to one xsi:type such as vs:ParamHTTP; case does not matter.
    `datacenters` are authorities (lower case) to look at instead of our own records; `among` are the keys of the only
    records to look at. An identifier that is none finds nothing.
    """
    try:
        wanted = candidates(connection, standard_id, ivoid, datacenters)
        rows = connection.execute(wanted if among is None else wanted.where(records.c.key.in_(among))).all()
    except InvalidIdentifier:
        return []
    read = _read(connection, {row.key: row.digest for row in rows})
    found = [endpoint for row in rows for endpoint in _endpoints(row, read[row.digest])]
    found = [
        endpoint for endpoint in found
        if (not standard_id or versions.satisfies(standard_id, endpoint.standard_id))
        and (not interface_type or endpoint.interface_type.lower() == interface_type.lower())
    ]
    if not standard_id:  # by service, as its record has them
        return found
    return sorted(found, key=lambda one: (
        versions.preference(standard_id, one.standard_id), not one.anonymous, one.role != "std", one.key))


def offered(connection: Connection, among: Collection[str] | None = None) -> list[str]:
    """The standardIDs that our services speak, in lower case, in order; with `among` only versions of these."""
    if among is not None and not among:
        return []
    query = (
        select(rr_capability.c.standard_id).distinct()
        .join(records, records.c.key == rr_capability.c.ivoid)
        .where(records.c.origin == OWN, records.c.status == ACTIVE, rr_capability.c.standard_id.is_not(None))
    )
    if among is not None:
        heads = {standard_key(one)[0] for one in among}
        query = query.where(or_(*(_same_standard(head, connection.dialect.name) for head in sorted(heads))))
    return sorted(connection.execute(query).scalars())


def nearest(connection: Connection, standard_id: str, more: Collection[str] = ()) -> str:
    """The standardID that `standard_id` may have been meant to be: one that a service of ours speaks, as it spells it,
    or one of `more`; '' for none."""
    speaks = offered(connection)
    near = near_of(standard_id, [*more, *speaks])
    if near.lower() not in speaks:
        return near
    found = find(connection, near)
    return next((one.standard_id for one in found if one.standard_id.lower() == near.lower()), near)


def near_of(standard_id: str, known: Collection[str]) -> str:
    """The one of `known` that `standard_id` is a misspelling of; '' for none, and where it is one of them."""
    if standard_id in known:
        return ""
    best, found = _ALIKE, ""
    wanted = _parted(standard_id)
    for one in known:
        alike = _alike(wanted, _parted(one))
        if alike > best:
            best, found = alike, one
    return found


def _parted(standard_id: str) -> tuple[str, str, str]:
    """What is compared of a standardID, each with its like: authority and path, the standard's name, its key."""
    head, _, fragment = standard_id.lower().partition("#")
    path, _, name = head.rpartition("/")
    return path, name, fragment


def _alike(one: tuple[str, str, str], other: tuple[str, str, str]) -> float:
    """How alike two are, 0 to 1: no better than their least alike part; the key counts half."""
    path, name, key = (difflib.SequenceMatcher(None, mine, theirs).ratio() if mine or theirs else 1.0
                       for mine, theirs in zip(one, other, strict=True))
    return min(path, name) * (1 + key) / 2


def datacenters(connection: Connection) -> dict[str, str]:
    """The other datacenters that are known by harvest, those that have a runner: authority -> the runner's title."""
    query = (
        select(records.c.authority, records.c.title).join(rr_capability, rr_capability.c.ivoid == records.c.key)
        .where(records.c.origin == HARVESTED, records.c.status == ACTIVE, rr_capability.c.standard_id == STD_RUNNER.lower())
        .order_by(records.c.authority)
    )
    return {row.authority: row.title for row in connection.execute(query)}


def candidates(connection: Connection, standard_id: str, ivoid: str, datacenters: Collection[str] | None) -> Any:
    """The statement for the capabilities that `find` looks at. Raises InvalidIdentifier."""
    query = (
        select(records.c.key, records.c.ivoid, records.c.title, records.c.digest, rr_capability.c.cap_index)
        .join(rr_capability, rr_capability.c.ivoid == records.c.key)
        .where(*_looked_at(ivoid, datacenters))
        .order_by(records.c.key, rr_capability.c.cap_index)
    )
    if standard_id:
        query = query.where(_same_standard(standard_key(standard_id)[0], connection.dialect.name))
    return query


def names(connection: Connection, standard_id: str, ivoid: str, datacenters: Collection[str] | None) -> Any:
    """The statement for the keys of these records, each once and in order, so that the first few cost no look at all of them.

    Raises InvalidIdentifier.
    """
    if standard_id:
        speaks = _same_standard(standard_key(standard_id)[0], connection.dialect.name)
        capable: ColumnElement[bool] = records.c.key.in_(select(rr_capability.c.ivoid).where(speaks))
    else:
        capable = exists().where(rr_capability.c.ivoid == records.c.key)
    return select(records.c.key).where(*_looked_at(ivoid, datacenters), capable).order_by(records.c.key)


def _looked_at(ivoid: str, datacenters: Collection[str] | None) -> list[ColumnElement[bool]]:
    found = [records.c.status == ACTIVE]
    if datacenters is None:
        found.append(records.c.origin == OWN)
    else:
        found += [records.c.origin.in_((OWN, HARVESTED)), records.c.authority.in_(datacenters)]
    return [*found, records.c.key == key_of(ivoid)] if ivoid else found


def _same_standard(head: str, dialect: str) -> ColumnElement[bool]:
    """With or without a fragment. SQLite's index serves a range, not LIKE; a server's collation may sort otherwise."""
    column = rr_capability.c.standard_id
    if dialect == "sqlite":
        return or_(column == head, and_(column >= f"{head}#", column < f"{head}$"))
    return or_(column == head, column.startswith(f"{head}#", autoescape=True))


def _endpoints(row: Row[Any], capabilities: tuple[Capability, ...]) -> list[Endpoint]:
    if row.cap_index > len(capabilities):  # the row is older than the record: it is about to be projected anew
        return []
    capability = capabilities[row.cap_index - 1]
    return [
        Endpoint(
            ivoid=row.ivoid, title=row.title, standard_id=capability.standard_id, interface_type=interface.type,
            access_url=interface.access_url, url_use=interface.url_use, role=interface.role, version=interface.version,
            security_methods=interface.security_methods, capability=capability, interface=interface, key=row.key,
        )
        for interface in capability.interfaces if interface.access_url
    ]


def read_ahead(database: Database, stop: threading.Event) -> None:
    """Read what our services say before anybody asks, a few at a time, so that whoever asks meanwhile hardly notices.

    It only saves time: a database that is away ends it.
    """
    query = select(records.c.key, records.c.digest).join(rr_capability, rr_capability.c.ivoid == records.c.key).where(
        records.c.origin == OWN, records.c.status == ACTIVE).distinct().limit(_KEPT)
    with contextlib.suppress(SQLAlchemyError):
        with database.read() as connection:
            listed = [(row.key, row.digest) for row in connection.execute(query)]
        for start in range(0, len(listed), _FEW):
            with database.read() as connection:
                _read(connection, dict(listed[start:start + _FEW]))
            if stop.wait(_BREATH):
                return
    # what was read stays: looking through all of it for garbage, again and again, would hold up requests by tens of ms
    gc.collect()
    gc.freeze()


_memory: dict[str, tuple[Capability, ...]] = {}
_memory_lock = threading.Lock()


def _read(connection: Connection, digests: dict[str, str]) -> dict[str, tuple[Capability, ...]]:
    """The capabilities of the records (key -> digest), by digest."""
    with _memory_lock:
        known = {digest: _memory[digest] for digest in digests.values() if digest in _memory}
    missing = [key for key, digest in digests.items() if digest not in known]
    for start in range(0, len(missing), 500):
        query = select(records.c.digest, records.c.xml).where(records.c.key.in_(missing[start:start + 500]))
        for row in connection.execute(query):
            known[row.digest] = documents.of_record(xmlio.parse(row.xml))
    with _memory_lock:
        if len(_memory) + len(missing) > _KEPT:
            _memory.clear()
        _memory.update(known)
    return known
