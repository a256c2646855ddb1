"""The OAI sets of this site beside ivo_managed: made, filled and taken away. Who reads them is `listing`.

A record's sets are told in its OAI header, so a record that comes into a set or leaves one gets a new datestamp
(OAI-PMH 2.0 §2.5, §2.7.1): else nobody who harvests what has changed would hear of it. Its version stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from registry.db import alone
from registry.errors import Conflict, NotFound, Refusal
from registry.records import store
from registry.records.listing import Set
from registry.records.shelf_rows import SHELF
from registry.tables import set_members, sets

_SPEC = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")  # as the OAI-PMH schema has it
_RESERVED = "ivo_"  # Registry Interfaces 1.1 §3.1.3


class SetRefused(Refusal):
    """The set cannot be made like that; the message is one sentence."""


class SetExists(Conflict):
    """There is a set of that name, or it still has others below it."""


class NoSet(NotFound):
    """There is no such set."""


def create(connection: Connection, spec: str, name: str, description: str = "") -> Set:
    """Make an empty set. `a:b` lies in the set `a`, which is there already. Raises SetRefused, SetExists, NoSet."""
    _alone(connection)
    if not _SPEC.fullmatch(spec):
        raise SetRefused(f"{spec!r} is no name of a set: letters, digits and -_.!~*'() only, colons between levels.")
    if spec.startswith(_RESERVED):
        raise SetRefused(f"{spec} begins with {_RESERVED}, which the IVOA keeps for itself: choose another name.")
    if not name.strip():
        raise SetRefused(f"Say what {spec} holds: the name that people see is missing.")
    if connection.execute(select(sets.c.spec).where(sets.c.spec == spec)).first():
        raise SetExists(f"There is a set {spec} already.")
    parent = spec.rpartition(":")[0]
    if parent:
        get(connection, parent)
    connection.execute(insert(sets).values(spec=spec, name=name.strip(), description=description.strip()))
    return get(connection, spec)


def get(connection: Connection, spec: str) -> Set:
    """The local set of that name. Raises NoSet."""
    row = connection.execute(select(sets).where(sets.c.spec == spec)).first()
    if row is None:
        raise NoSet(f"There is no set {spec}; `registry sets list` shows what there is, `registry sets add` makes one.")
    return Set(row.spec, row.name, row.description)


def assign(connection: Connection, spec: str, ivoids: Iterable[str]) -> int:
    """Put records into the set; says how many were not in it. Raises NoSet, store.NoRecord; nothing is done then."""
    _alone(connection)
    get(connection, spec)
    keys = _keys(connection, ivoids)
    new = [key for key in keys if key not in _members(connection, spec)]
    if new:
        connection.execute(insert(set_members), [{"spec": spec, "key": key} for key in new])
        store.restamp(connection, new)
    return len(new)


def withdraw(connection: Connection, spec: str, ivoids: Iterable[str]) -> int:
    """Take records out of the set; says how many were in it. Raises NoSet, store.NoRecord; nothing is done then."""
    _alone(connection)
    get(connection, spec)
    wanted = set(_keys(connection, ivoids))
    return _take_out(connection, spec, sorted(wanted & _members(connection, spec)))


def remove(connection: Connection, spec: str) -> int:
    """Take the set away; its records stay on the shelf. Says how many were in it. Raises NoSet, SetExists."""
    _alone(connection)
    get(connection, spec)
    below = connection.execute(select(sets.c.spec).where(
        sets.c.spec > f"{spec}:", sets.c.spec < f"{spec};")).scalars().all()
    if below:
        raise SetExists(f"The set {spec} has others in it: remove {', '.join(sorted(below)[:3])} first.")
    number = _take_out(connection, spec, sorted(_members(connection, spec)))
    connection.execute(delete(sets).where(sets.c.spec == spec))
    return number


def _alone(connection: Connection) -> None:
    alone(connection, SHELF)


def _keys(connection: Connection, ivoids: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for ivoid in ivoids:
        record = store.get(connection, ivoid)
        if record is None or record.status == store.DRAFT:
            raise store.NoRecord(ivoid)
        found[record.key] = None
    return list(found)


def _members(connection: Connection, spec: str) -> set[str]:
    return set(connection.execute(select(set_members.c.key).where(set_members.c.spec == spec)).scalars())


def _take_out(connection: Connection, spec: str, keys: list[str]) -> int:
    for key in keys:
        connection.execute(delete(set_members).where(set_members.c.spec == spec, set_members.c.key == key))
    store.restamp(connection, keys)
    return len(keys)
