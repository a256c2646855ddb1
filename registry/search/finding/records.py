"""Carries out a search of records: the page of what is found, best first, and the counts beside it. It asks the database
that the records are in, and nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, or_, select

from registry.records.store import DELETED, INACTIVE
from registry.search.finding import asking, kept
from registry.search.finding.asking import Asked
from registry.search.finding.facets import Counts, Value, Window, counted_page, page
from registry.search.finding.matching import matching, written
from registry.tables import authorities, records, rr_capability, rr_interface, rr_resource

_RANKS = {
    # the words in the title weigh most; a record that has them in its subjects alone comes behind
    "sqlite": ("coalesce(ranks.rank, 0.0)", """LEFT JOIN (SELECT rowid AS number, bm25(words_resource, 6.0, 1.0) AS rank
  FROM words_resource WHERE words_resource MATCH {}) AS ranks ON ranks.number = found.number"""),
    "postgresql": (
        "-(6 * ts_rank(coalesce(res_title_words, ''), asked.words) + ts_rank(coalesce(res_description_words, ''), asked.words))",
        """JOIN rr_resource AS resource ON resource.resource_row = found.number
  CROSS JOIN (SELECT replace(words_asked({})::text, '&', '|')::tsquery AS words) AS asked"""),
}


@dataclass(frozen=True)
class Item:
    """One record that is found."""

    key: str
    ivoid: str
    title: str
    type: str
    status: str
    origin: str
    datestamp: str
    updated: str
    short_name: str = ""
    description: str = ""
    waveband: str = ""
    endpoints: tuple[tuple[str, str], ...] = ()  # (standardID, access URL) of its interfaces


@dataclass(frozen=True)
class Found:
    """A page of what is found; `adql` is '' where the tables of searches cannot answer."""

    asked: Asked
    items: list[Item]
    counts: Counts
    adql: str

    @property
    def total(self) -> int:
        """How many are found in all."""
        return self.counts.total

    @property
    def pages(self) -> int:
        """How many pages of this size that makes; those beyond the last row that is counted to are not offered."""
        return -(-min(self.total, asking.LAST_ROW) // self.asked.limit)


def search(connection: Connection, asked: Asked) -> Found:
    """Carry it out. Raises Refusal where nothing can be looked for."""
    if not asked.searched:
        return _listed(connection, asked, _statuses(connection, asked))
    own: list[str] = []
    if asked.origin:
        own = list(connection.execute(select(authorities.c.authority).where(authorities.c.own)).scalars())
    adql = asking.adql(asked, own)
    keys, counts = _page(connection, asked, own)
    return Found(asked, _items(connection, keys), counts, adql)


def _page(connection: Connection, asked: Asked, own: list[str]) -> tuple[list[str], Counts]:
    """Counted and put in order, or as it was while everything was as it is now."""
    now, whole = kept.state(connection), repr((replace(asked, page=1, limit=1), sorted(own)))
    keys, counts = now.known(f"page {asked.page} of {asked.limit}: {whole}"), now.known(whole)
    if keys is not None and counts is not None:
        return keys, counts
    dialect = connection.dialect.name
    which, window = matching(asked, own, dialect), _window(asked, dialect)
    if asked.words:
        quoted = " OR ".join(f'"{word}"' for word in asked.words)
        which.values["any_word"] = quoted if dialect == "sqlite" else " ".join(asked.words)
    if counts is None:
        keys, counts = counted_page(connection, which, window, _statuses(connection, asked), now)
    else:
        keys = page(connection, which, window)
    now.keep(f"page {asked.page} of {asked.limit}: {whole}", keys)
    now.keep(whole, counts)
    return keys, counts


def _window(asked: Asked, dialect: str) -> Window:
    rank, ranked = _RANKS[dialect] if asked.words else ("0.0", "")
    return Window(rank, ranked.format(written(dialect, "any_word")), asked.limit, (asked.page - 1) * asked.limit)


def _items(connection: Connection, keys: list[str]) -> list[Item]:
    """What is shown of these records, in their order."""
    columns = [records.c[name] for name in ("key", "ivoid", "title", "type", "status", "origin", "datestamp", "updated")]
    told = (rr_resource.c.short_name, rr_resource.c.res_description, rr_resource.c.waveband)
    query = select(*columns, *told).outerjoin(rr_resource, rr_resource.c.ivoid == records.c.key).where(records.c.key.in_(keys))
    addresses: dict[str, list[tuple[str, str]]] = {}
    joined = rr_interface.join(rr_capability, (rr_capability.c.ivoid == rr_interface.c.ivoid)
                               & (rr_capability.c.cap_index == rr_interface.c.cap_index))
    for key, standard, url in connection.execute(
        select(rr_interface.c.ivoid, rr_capability.c.standard_id, rr_interface.c.access_url).select_from(joined)
        .where(rr_interface.c.ivoid.in_(keys), rr_interface.c.access_url.is_not(None))
        .order_by(rr_interface.c.ivoid, rr_interface.c.intf_index)):
        addresses.setdefault(key, []).append((standard or "", url))
    made = {row.key: Item(**{name: value or "" for name, value in zip(
        ("key", "ivoid", "title", "type", "status", "origin", "datestamp", "updated", "short_name", "description", "waveband"),
        row, strict=True)}, endpoints=tuple(addresses.get(row.key, ()))) for row in connection.execute(query)}
    return [made[key] for key in keys if key in made]


def _by_name(asked: Asked) -> list[object]:
    """Conditions on the records themselves: all that is asked of those that no table of searches has."""
    conditions: list[object] = [records.c.key.startswith(name, autoescape=True) for name in asked.names]
    conditions += [or_(records.c.title.icontains(word, autoescape=True), records.c.key.contains(word, autoescape=True))
                   for word in asked.words]
    if asked.type:
        conditions.append(func.lower(records.c.type) == asked.type.lower())
    if asked.authority:
        conditions.append(records.c.authority == asked.authority.lower())
    if asked.origin:
        conditions.append(records.c.origin == asked.origin)
    return conditions


def _statuses(connection: Connection, asked: Asked) -> dict[str, int]:
    # which they are stands in an index; the records themselves are long
    few = select(records.c.key).where(records.c.status.in_([INACTIVE, DELETED]), records.c.datestamp != "")
    query = select(records.c.status, func.count()).where(
        records.c.key.in_(few), records.c.status.in_([INACTIVE, DELETED]), *_by_name(asked)).group_by(records.c.status)  # type: ignore[arg-type]
    return {str(status): int(number) for status, number in connection.execute(query).all()}


def _listed(connection: Connection, asked: Asked, statuses: dict[str, int]) -> Found:
    """By name: those that are not active."""
    query = select(records.c.key).where(records.c.status == asked.status, *_by_name(asked))  # type: ignore[arg-type]
    keys = connection.execute(query.order_by(records.c.key).limit(asked.limit).offset((asked.page - 1) * asked.limit))
    shown = [Value(status, number) for status, number in sorted(statuses.items())]
    found = Counts(statuses.get(asked.status, 0), {"status": [Value("active", 0), *shown]}, frozenset())
    return Found(asked, _items(connection, list(keys.scalars())), found, "")
