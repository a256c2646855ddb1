"""Reads the shelf in order: what OAI-PMH lists, page by page, and what people list. It writes nothing.

Order is (datestamp, key), which only ever grows at its end, so a page is named by where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, String, and_, bindparam, exists, func, or_, select, tuple_

from registry.records.store import DELETED, DRAFT, Record, key_of, record_of
from registry.tables import records, set_members, sets

MOST_BYTES = 8_000_000  # of the XML on one page, as far as single records let it
_STEP = 20  # records read at a time, so that few are read in vain
MANAGED = "ivo_managed"
MANAGED_NAME = "Records that originate in this registry"


@dataclass(frozen=True)
class Set:
    """An OAI set."""

    spec: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Range:
    """Which records: of the set `spec` ('' for all), stamped from `since` to `until`, both inclusive and in seconds."""

    spec: str = ""
    since: str = ""
    until: str = ""


class Item(NamedTuple):
    """What harvesters are told of a record; `xml` is b'' where it was not asked for. A tuple: pages hold hundreds."""

    key: str
    ivoid: str
    datestamp: str
    status: str
    managed: bool
    version: int
    xml: bytes

    @property
    def deleted(self) -> bool:
        """Whether only its tombstone is left."""
        return self.status == DELETED


def all_sets(connection: Connection) -> list[Set]:
    """ivo_managed and the sets of this site."""
    rows = connection.execute(select(sets).order_by(sets.c.spec))
    return [Set(MANAGED, MANAGED_NAME), *(Set(row.spec, row.name, row.description) for row in rows)]


def select_records(
    connection: Connection, which: Range, *, after: tuple[str, str] | None, limit: int, bodies: bool = True,
) -> list[Item]:
    """The next records of `which` behind the position `after` (datestamp, key); tombstones included.

    They are `limit` at most, and end with the one that makes them MOST_BYTES long: one at least, where there is any.
    Without `bodies` their XML is not read.
    """
    query = _page(_shape(which), behind=bool(after), bodies=bodies)
    values = {"after_stamp": after[0], "after_key": after[1]} if after else {}
    result = connection.execute(query, _values(which) | values | {"most": limit})
    if not bodies:
        return [Item._make((*row, b"")) for row in result.all()]
    found: list[Item] = []
    size = 0
    for rows in result.partitions(_STEP):
        items = [Item(*row) for row in rows]
        found += items
        size += sum(len(one.xml) for one in items)
        if size > MOST_BYTES:
            return _cut(found)
    return found


def goes_on(connection: Connection, which: Range, last: Item) -> bool:
    """Whether records of `which` come behind `last`."""
    position = {"after_stamp": last.datestamp, "after_key": last.key}
    query = _page(_shape(which), behind=True, bodies=False)
    return connection.execute(query, _values(which) | position | {"most": 1}).first() is not None


def _cut(found: list[Item]) -> list[Item]:
    size = 0
    for place, one in enumerate(found, 1):
        size += len(one.xml)
        if size > MOST_BYTES:
            return found[:place]
    return found


def count(connection: Connection, which: Range) -> int:
    """How many records `which` holds."""
    return connection.execute(_count(_shape(which)), _values(which)).scalar_one()


def earliest(connection: Connection) -> str:
    """The least datestamp, tombstones included; '' for an empty shelf."""
    return connection.execute(select(func.min(records.c.datestamp)).where(_offered())).scalar() or ""


def offered(connection: Connection, ivoid: str) -> Record | None:
    """The record `ivoid` where it is offered to harvesters: a draft is not."""
    row = connection.execute(select(records).where(records.c.key == key_of(ivoid), _offered())).first()
    return record_of(row) if row else None


def item(connection: Connection, ivoid: str) -> Item | None:
    """What harvesters are told of the record `ivoid`, where it is offered to them."""
    row = connection.execute(_one(), {"key": key_of(ivoid)}).first()
    return Item(*row) if row else None


def sets_of(connection: Connection, page: Sequence[Item | Record]) -> dict[str, list[str]]:
    """The set names of each record of `page`, by key."""
    result = {record.key: [MANAGED] if record.managed else [] for record in page}
    for key, spec in connection.execute(_memberships(), {"keys": list(result)}):
        result[key].append(spec)
    return result


def browse(
    connection: Connection, *, origin: str = "", type_: str = "", words: str = "", deleted: bool = False,
    drafts: bool = False, after: str = "", limit: int = 100,
) -> list[Record]:
    """Records by name, for people: `words` is looked for in title and identifier, `after` is the last key seen."""
    query = select(records).where(records.c.key > after).order_by(records.c.key).limit(limit)
    for column, wanted in ((records.c.origin, origin), (func.lower(records.c.type), type_.lower())):
        if wanted:
            query = query.where(column == wanted)
    for word in words.split():
        query = query.where(or_(
            records.c.title.icontains(word, autoescape=True), records.c.key.contains(word.lower(), autoescape=True)))
    hidden = [status for status, shown in ((DELETED, deleted), (DRAFT, drafts)) if not shown]
    return [record_of(row) for row in connection.execute(query.where(records.c.status.not_in(hidden)))]


def every(connection: Connection, *, step: int = 200, origin: str = "") -> Iterator[Record]:
    """All records by name, tombstones and drafts included, a few at a time in memory."""
    after = ""
    while page := browse(connection, origin=origin, deleted=True, drafts=True, after=after, limit=step):
        yield from page
        after = page[-1].key


def _offered() -> ColumnElement[bool]:
    return and_(records.c.status != DRAFT, records.c.datestamp != "")


# statements are made once: to build one anew costs more than to look up what it asks for
_ITEM = tuple(records.c[name] for name in Item._fields)


class _Shape(NamedTuple):
    """What a range narrows by."""

    managed: bool
    local: bool
    since: bool
    until: bool


def _shape(which: Range) -> _Shape:
    managed = which.spec == MANAGED
    return _Shape(managed, bool(which.spec) and not managed, bool(which.since), bool(which.until))


def _values(which: Range) -> dict[str, Any]:
    spec = which.spec if which.spec != MANAGED else ""
    named = {"spec": spec, "spec_below": spec and f"{spec}:", "spec_end": spec and f"{spec};",
             "since": which.since, "until": which.until}
    return {name: value for name, value in named.items() if value}


@cache
def _page(shape: _Shape, behind: bool, bodies: bool) -> Select:  # type: ignore[type-arg]
    query = _narrowed(select(*(_ITEM if bodies else _ITEM[:-1])), shape)
    if behind:
        position = tuple_(bindparam("after_stamp"), bindparam("after_key"))
        query = query.where(tuple_(records.c.datestamp, records.c.key) > position)
    return query.order_by(records.c.datestamp, records.c.key).limit(bindparam("most"))


@cache
def _count(shape: _Shape) -> Select:  # type: ignore[type-arg]
    return _narrowed(select(func.count()).select_from(records), shape)


@cache
def _one() -> Select:  # type: ignore[type-arg]
    return select(*_ITEM).where(records.c.key == bindparam("key"), _offered())


@cache
def _memberships() -> Select:  # type: ignore[type-arg]
    members = set_members.c
    theirs = members.key.in_(bindparam("keys", expanding=True))
    return select(members.key, members.spec).where(theirs).order_by(members.spec)


def _within() -> ColumnElement[bool]:
    """Membership in a set or in one below it (OAI-PMH 2.0 §2.6); `;` is the character behind the colon."""
    column = set_members.c.spec
    below = and_(column > bindparam("spec_below"), column < bindparam("spec_end"))
    return or_(column == bindparam("spec", type_=String), below)


def _narrowed(query: Select, shape: _Shape) -> Select:  # type: ignore[type-arg]
    query = query.where(_offered())
    if shape.managed:
        query = query.where(records.c.managed.is_(True))
    elif shape.local:
        query = query.where(exists().where(set_members.c.key == records.c.key, _within()))
    if shape.since:
        query = query.where(records.c.datestamp >= bindparam("since"))
    if shape.until:
        query = query.where(records.c.datestamp <= bindparam("until"))
    return query
