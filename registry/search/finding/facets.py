"""How many of the records that a search finds have which type, standard, waveband, authority, subject and datacenter.

All are counted in the one statement that also gives a page of the answer. Of a search that most records match, the others
are counted and taken from the counts of the whole shelf: the most work is with a search that half of them match. Both are
kept until the shelf or what is known of services changes (`kept`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from registry.search.finding.asking import STATUSES
from registry.search.finding.kept import State
from registry.search.finding.matching import NARROW, Matching

SHOWN = 12  # values of one facet
_FOUND = "WITH found (ivoid, number) AS MATERIALIZED ({found})"
# what is counted: what is found, or where that is most of the shelf, the rest of it
_CHOSEN = """,
most (so) AS MATERIALIZED (SELECT 2 * (SELECT count(*) FROM found) > (SELECT count(*) FROM rr_resource)),
chosen (ivoid) AS MATERIALIZED (
  SELECT ivoid FROM found WHERE NOT (SELECT so FROM most)
  UNION ALL SELECT r.ivoid FROM rr_resource AS r {narrow}
    WHERE (SELECT so FROM most) AND r.resource_row NOT IN (SELECT number FROM found))"""
_COUNTED = """
SELECT 'type', r.res_type, r.waveband, count(*), 0.0 FROM {among} rr_resource AS r {narrow} {this} GROUP BY r.res_type, r.waveband
UNION ALL SELECT 'authority', {authority}, '', count(*), 0.0 FROM {all_of} AS chosen GROUP BY {authority}
UNION ALL SELECT 'standard', standard_id, '', count(*), 0.0 FROM (
  SELECT DISTINCT r.standard_id, r.ivoid FROM {among} rr_capability AS r {this}) AS spoken GROUP BY standard_id
UNION ALL SELECT 'subject', r.res_subject, '', count(*), 0.0 FROM {among} rr_res_subject AS r {this} GROUP BY r.res_subject
UNION ALL SELECT 'datacenter', r.datacenter, '', count(*), 0.0 FROM {all_of} AS chosen {joined} site_service AS r
  ON r.ivoid = chosen.ivoid GROUP BY r.datacenter
UNION ALL SELECT 'all', '', '', count(*), 0.0 FROM {all_of} AS chosen"""
_SIZES = """
UNION ALL SELECT 'found', '', '', count(*), 0.0 FROM found
UNION ALL SELECT 'most', '', '', CASE WHEN so THEN 1 ELSE 0 END, 0.0 FROM most
UNION ALL """
_PAGE = """SELECT * FROM (SELECT 'page', found.ivoid, '', 0, {rank} AS placed FROM found {ranked}
  ORDER BY placed, found.ivoid {part}) AS page"""
_AUTHORITY = {
    "sqlite": "substr(chosen.ivoid, 7, instr(substr(chosen.ivoid, 7) || '/', '/') - 1)",
    "postgresql": "split_part(substr(chosen.ivoid, 7), '/', 1)",
}
_JOIN = {"sqlite": "CROSS JOIN", "postgresql": "JOIN"}  # SQLite keeps the order of a CROSS JOIN: from the few to the many
Numbers = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Value:
    """One value of a facet, and how many of what is found have it."""

    value: str
    count: int


@dataclass(frozen=True)
class Counts:
    """How many are found, and the most frequent values of each facet; `more` says which facets have others too."""

    total: int
    facets: dict[str, list[Value]]
    more: frozenset[str]


@dataclass(frozen=True)
class Window:
    """A part of the answer in its order: `rank` is an expression, least first, over `found` and what `ranked` joins to it."""

    rank: str
    ranked: str
    limit: int
    offset: int

    @property
    def sql(self) -> str:
        """The part of a statement that gives it."""
        return _PAGE.format(rank=self.rank, ranked=self.ranked, part=f"LIMIT {self.limit} OFFSET {self.offset}")


def page(connection: Connection, matching: Matching, window: Window) -> list[str]:
    """The identifiers on one page, nothing counted."""
    rows = connection.exec_driver_sql(f"{_FOUND.format(found=matching.sql)} {window.sql}", matching.values).all()
    return _in_order(rows)


def counted_page(
    connection: Connection, matching: Matching, window: Window, statuses: dict[str, int], state: State,
) -> tuple[list[str], Counts]:
    """The identifiers on one page, and the counts of all that is found."""
    dialect = connection.dialect.name
    sql = (_FOUND.format(found=matching.sql) + _CHOSEN.format(narrow=NARROW[dialect])
           + _counted(dialect, f"chosen {_JOIN[dialect]}", "chosen") + _SIZES + window.sql)
    rows = connection.exec_driver_sql(sql, matching.values).all()
    numbers = _numbers(rows)
    total, most = numbers.pop("found")[""], numbers.pop("most")[""]
    numbers.pop("all")
    if most:
        numbers = _rest(state.kept("counts of all", lambda: _of_all(connection)), numbers)
    numbers["status"] = {status: total if status == STATUSES[0] else statuses.get(status, 0) for status in STATUSES}
    return _in_order(rows), Counts(total, {facet: _most(of) for facet, of in numbers.items()},
                                   frozenset(facet for facet, of in numbers.items() if _more(of)))


def _of_all(connection: Connection) -> Numbers:
    """The counts of every active record."""
    found = _numbers(connection.exec_driver_sql(_counted(connection.dialect.name, "", "rr_resource")))
    found.pop("all")
    return found


def _counted(dialect: str, among: str, all_of: str) -> str:
    return _COUNTED.format(among=among, all_of=all_of, this="ON r.ivoid = chosen.ivoid" if among else "", narrow=NARROW[dialect],
                           authority=_AUTHORITY[dialect], joined=_JOIN[dialect])


def _numbers(rows: Iterable[Any]) -> Numbers:
    numbers: Numbers = defaultdict(lambda: defaultdict(int))
    for facet, value, other, number, _ in rows:
        if value is not None and facet != "page":
            numbers[facet][value] += number
        # a waveband is a list in one text: each of its members counts
        for one in other.split("#") if facet == "type" and other else ():
            numbers["waveband"][one] += number
    return numbers


def _rest(every: Numbers, others: Numbers) -> Numbers:
    """What is left of the counts of all without those of the others."""
    return {facet: {value: count - others.get(facet, {}).get(value, 0) for value, count in of.items()}
            for facet, of in every.items()}


def _in_order(rows: Sequence[Any]) -> list[str]:
    return [value for _, value in sorted((rank, value) for facet, value, _, _, rank in rows if facet == "page")]


def _more(of: dict[str, int]) -> bool:
    return sum(count > 0 for count in of.values()) > SHOWN


def _most(of: dict[str, int]) -> list[Value]:
    ordered = sorted(of.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
    return [Value(value, count) for value, count in ordered if count]
