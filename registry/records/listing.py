"""Reads the shelf in order: what OAI-PMH lists, page by page, and what people list. It writes nothing.

Order is (datestamp, key), which only ever grows at its end, so a page is named by where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal, or_, select, tuple_

from registry.records.store import DELETED, DRAFT, Record, key_of, record_of
from registry.tables import records, set_members, sets

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


def all_sets(connection: Connection) -> list[Set]:
    """ivo_managed and the sets of this site."""
    rows = connection.execute(select(sets).order_by(sets.c.spec))
    return [Set(MANAGED, MANAGED_NAME), *(Set(row.spec, row.name, row.description) for row in rows)]


def select_records(
    connection: Connection, which: Range, *, after: tuple[str, str] | None, limit: int,
) -> list[Record]:
    """The next `limit` records of `which` behind the position `after` (datestamp, key); tombstones included."""
    query = _narrowed(select(records), which)
    if after:
        query = query.where(tuple_(records.c.datestamp, records.c.key) > tuple_(literal(after[0]), literal(after[1])))
    query = query.order_by(records.c.datestamp, records.c.key).limit(limit)
    return [record_of(row) for row in connection.execute(query)]


def count(connection: Connection, which: Range) -> int:
    """How many records `which` holds."""
    return connection.execute(_narrowed(select(func.count()).select_from(records), which)).scalar_one()


def earliest(connection: Connection) -> str:
    """The least datestamp, tombstones included; '' for an empty shelf."""
    return connection.execute(select(func.min(records.c.datestamp)).where(_offered())).scalar() or ""


def offered(connection: Connection, ivoid: str) -> Record | None:
    """The record `ivoid` where it is offered to harvesters: a draft is not."""
    row = connection.execute(select(records).where(records.c.key == key_of(ivoid), _offered())).first()
    return record_of(row) if row else None


def sets_of(connection: Connection, page: list[Record]) -> dict[str, list[str]]:
    """The set names of each record of `page`, by key."""
    result = {record.key: [MANAGED] if record.managed else [] for record in page}
    keys = list(result)
    query = select(set_members).where(set_members.c.key.in_(keys)).order_by(set_members.c.spec)
    for row in connection.execute(query):
        result[row.key].append(row.spec)
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


def _narrowed(query: Select, which: Range) -> Select:  # type: ignore[type-arg]
    query = query.where(_offered())
    if which.spec == MANAGED:
        query = query.where(records.c.managed.is_(True))
    elif which.spec:
        query = query.where(exists().where(set_members.c.key == records.c.key, set_members.c.spec == which.spec))
    if which.since:
        query = query.where(records.c.datestamp >= which.since)
    if which.until:
        query = query.where(records.c.datestamp <= which.until)
    return query
