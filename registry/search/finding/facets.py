"""How many of the records that a search finds have which type, standard, waveband, authority, subject and datacenter.

All are counted in one statement. Counts are kept until the shelf or what is known of services changes, so that only the
first who asks waits for them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from registry import clock
from registry.records.store import LAST_STAMP
from registry.search.adql import Translated
from registry.search.finding.asking import STATUSES
from registry.tables import facts

SHOWN = 12  # values of one facet
_KEPT = 200  # searches whose counts are kept
_SQL = """
WITH found (ivoid) AS MATERIALIZED ({found}),
counted (facet, value, other, number) AS (
  SELECT 'type', res_type, waveband, count(*) FROM rr_resource {narrow} WHERE ivoid IN (SELECT ivoid FROM found)
    GROUP BY res_type, waveband
  UNION ALL SELECT 'authority', {authority}, '', count(*) FROM found GROUP BY {authority}
  UNION ALL SELECT 'standard', standard_id, '', count(*) FROM (SELECT DISTINCT standard_id, ivoid FROM rr_capability {spoken}
    WHERE ivoid IN (SELECT ivoid FROM found)) AS spoken GROUP BY standard_id
  UNION ALL SELECT * FROM (SELECT 'subject', res_subject, '', count(*) AS number FROM rr_res_subject
    WHERE ivoid IN (SELECT ivoid FROM found) GROUP BY res_subject ORDER BY number DESC, res_subject LIMIT {shown}) AS subjects
  UNION ALL SELECT 'datacenter', datacenter, '', count(*) FROM site_service
    WHERE ivoid IN (SELECT ivoid FROM found) GROUP BY datacenter
  UNION ALL SELECT 'all', '', '', count(*) FROM found)
SELECT facet, value, other, number FROM counted"""
_AUTHORITY = {
    "sqlite": "substr(ivoid, 7, instr(substr(ivoid, 7) || '/', '/') - 1)",
    "postgresql": "split_part(substr(ivoid, 7), '/', 1)",
}
# SQLite has no statistics, and would rather look up each record than read a narrow index through
_INDEXES = {"sqlite": ("INDEXED BY rr_resource_by_facets", "INDEXED BY rr_capability_by_standard")}


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


_lock = threading.Lock()
_kept: OrderedDict[tuple[str, ...], Counts] = OrderedDict()


def counts(connection: Connection, translated: Translated, adql: str, statuses: dict[str, int]) -> Counts:
    """Counted, or as they were counted while everything was as it is now."""
    now = clock.stamp()
    state = connection.execute(select(facts.c.name, facts.c.value).where(
        facts.c.name.in_([LAST_STAMP, "local services"])).order_by(facts.c.name)).all()
    name = (str(connection.engine.url), adql, repr(state), repr(statuses))
    with _lock:
        if name in _kept:
            _kept.move_to_end(name)
            return _kept[name]
    found = _count(connection, translated, statuses)
    if any(value >= now for fact, value in state if fact == LAST_STAMP):
        return found  # more may come under the stamp of this second
    with _lock:
        _kept[name] = found
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


def _count(connection: Connection, translated: Translated, statuses: dict[str, int]) -> Counts:
    dialect = connection.dialect.name
    narrow, spoken = _INDEXES.get(dialect, ("", ""))
    sql = _SQL.format(found=translated.sql, authority=_AUTHORITY[dialect], narrow=narrow, spoken=spoken, shown=SHOWN + 1)
    numbers: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for facet, value, other, number in connection.exec_driver_sql(sql, translated.parameters):
        if value is not None:
            numbers[facet][value] += number
        # a waveband is a list in one text: each of its members counts
        for one in other.split("#") if facet == "type" and other else ():
            numbers["waveband"][one] += number
    total = numbers.pop("all", {}).get("", 0)
    numbers["status"] = {status: total if status == STATUSES[0] else statuses.get(status, 0) for status in STATUSES}
    return Counts(total, {facet: _most(of) for facet, of in numbers.items()},
                  frozenset(facet for facet, of in numbers.items() if len(of) > SHOWN))


def _most(of: dict[str, Any]) -> list[Value]:
    ordered = sorted(of.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
    return [Value(value, count) for value, count in ordered if count]
