"""The queries that clients send find the same rows on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.records.importing import import_paths
from registry.schema import upgrade
from registry.search import described
from registry.search.adql import AdqlRefused
from registry.search.running import Queries, TooLong
from registry.site import open_site
from tests.search import emitted, pool

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgres: Any, shared: Path) -> Iterator[dict[str, Queries]]:
    """The same records and rows in a database of each kind."""
    name, opened = postgres.make(template="innerspace"), {}
    records = sorted((shared / "corpus" / "resource").glob("*/*.xml"))[::9][:60]
    for kind, url in (("sqlite", ""), ("postgresql", postgres.url(name))):
        site = open_site(tmp_path_factory.mktemp(kind), authority="north.example", database_url=url)
        upgrade(site.database)
        import_paths(site, records, who="test")
        with site.database.write() as connection:
            pool.fill(connection, list(pool.forms(shared).values()))
        opened[kind] = site
    yield {kind: Queries(site) for kind, site in opened.items()}
    for site in opened.values():
        site.close()
    postgres.drop(name)


def rows(queries: Queries, adql: str, maxrec: int = 20000) -> list[tuple[Any, ...]]:
    with queries.answer(adql, maxrec=maxrec) as answer:
        return list(answer.rows)


def comparable(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Without the order of rows, and of texts in ivo_string_agg: the query asks for none."""
    def parts(value: Any) -> Any:
        if isinstance(value, str):
            return "\n".join(sorted(re.split(r":::py VO sep:::|<sep>|, |#|/glue/|[+]|(?<=\d) (?=\d)", value)))
        return round(value, 9) if isinstance(value, float) and abs(value) > 1e-3 else value
    return sorted((tuple(map(parts, row)) for row in found), key=repr)


def test_all_forms_give_the_same_rows(both: dict[str, Queries], shared: Path) -> None:
    empty = []
    for name, adql in pool.forms(shared).items():
        found = {kind: comparable(rows(queries, adql)) for kind, queries in both.items()}
        assert found["sqlite"] == found["postgresql"], name
        empty += [] if found["sqlite"] else [name]
    assert len(empty) <= 8, " ".join(empty)


def test_the_sql_is_that_which_was_looked_at(shared: Path) -> None:
    """Where a change is meant and right: python -m tests.search.emitted."""
    assert emitted.digests(pool.forms(shared)) == emitted.FILE.read_text(encoding="utf-8").splitlines()


ALIKE = [
    "SELECT TOP 30 name FROM rr.table_column WHERE name IS NOT NULL ORDER BY name",
    "SELECT DISTINCT res_title FROM rr.resource WHERE res_title > 'Éc' ORDER BY res_title DESC",
    "SELECT TOP 20 schema_title FROM rr.res_schema ORDER BY schema_title DESC, schema_index, ivoid",
    "SELECT MIN(res_title) AS a, MAX(res_title) AS b, AVG(region_of_regard) AS c, SUM(region_of_regard) AS d FROM rr.resource",
    "SELECT cap_index, COUNT(*), COUNT(DISTINCT ivoid), SUM(cap_index), AVG(cap_index) FROM rr.capability GROUP BY cap_index "
    "HAVING COUNT(*) > 1 ORDER BY 1",
    "SELECT TOP 1 7 / 2, -7 / 2, 7 / 2.0, MOD(-7, 4), MOD(7.5, 2), ROUND(2.5), ROUND(-2.567, 2), TRUNCATE(2.567, 1), "
    "POWER(2, 10), LOG(2), LOG10(100), SQRT(2), ABS(-3), CEILING(1.2), FLOOR(-1.2), EXP(1), ATAN2(1, 2), DEGREES(PI()), "
    "COT(1), 1 / 0, SQRT(-1), LOG(0) FROM tap_schema.tables",
    "SELECT TOP 1 SIN(1), COS(1), TAN(1), ASIN(0.5), ACOS(2), ATAN(1), RADIANS(180), ROUND(1.5), POWER(2, 0.5), "
    "CEILING(-1.5), IVO_TO_MJD('2010-08-01T12:00:00'), IVO_SPECCONV(500, 'nm', 'eV') FROM tap_schema.tables",
    "SELECT TOP 1 -NULL, LOG(NULL), LOWER(NULL), NULL || 'a', NULL + 1, ivo_hasword(NULL, 'a') FROM tap_schema.tables",
    "SELECT TOP 1 2147483647 + 1, 65536 * 65536 * 2, -2147483647 - 2 FROM tap_schema.tables",
    "SELECT TOP 1 'a' || 'é', LOWER('ÀB'), UPPER('àb'), 'x''y', 'a\\b' FROM tap_schema.tables",
    "SELECT COUNT(*) FROM rr.resource WHERE res_title LIKE '%\\%' OR res_title LIKE '%É%' OR res_title ILIKE '%éCLAIR%'",
    "SELECT COUNT(*) FROM rr.resource WHERE res_description ILIKE '%' || 'QUASAR' || '%'",
    "SELECT COUNT(*) FROM rr.resource WHERE NOT (1 = ivo_hasword(res_title, 'eclair'))",
    "SELECT ivoid, ivo_hasword(res_description, 'x ray') AS n FROM rr.resource ORDER BY n, ivoid",
    "SELECT COUNT(*) FROM rr.res_subject WHERE 1 = ivo_hasword(res_subject || ' quasars', 'quasar of plate')",
    "SELECT COUNT(*) FROM rr.resource NATURAL LEFT JOIN (SELECT ivoid, ivo_string_agg(res_subject, ' ') AS s FROM rr.res_subject "
    "GROUP BY ivoid) AS q WHERE 1 = ivo_hasword(s, 'quasars plates')",
    "SELECT ivoid, s FROM rr.resource NATURAL LEFT JOIN (SELECT ivoid, ivo_string_agg(intf_index, ' ') AS s FROM rr.interface "
    "WHERE intf_index = 1 GROUP BY ivoid) AS q ORDER BY ivoid",
    "SELECT COUNT(*) FROM rr.resource NATURAL LEFT JOIN (SELECT ivoid, ivo_string_agg(cap_index, ' ') AS s FROM rr.capability "
    "GROUP BY ivoid) AS q WHERE s <> ''",
    "SELECT COUNT(*) FROM (rr.resource JOIN rr.capability AS c USING (ivoid)) LEFT JOIN (rr.interface AS i JOIN rr.intf_param "
    "AS p USING (ivoid, intf_index)) USING (ivoid)",
    "SELECT COUNT(*) FROM rr.resource FULL JOIN rr.tap_table ON ivoid = svcid",
    "SELECT COUNT(*) FROM rr.interface RIGHT JOIN rr.validation USING (ivoid, cap_index)",
    "SELECT ivoid FROM rr.capability INTERSECT SELECT ivoid FROM rr.interface UNION SELECT svcid FROM rr.tap_table ORDER BY 1 "
    "OFFSET 5",
    "SELECT TOP 7 ivoid FROM rr.resource WHERE 1 = ivo_nocasematch(short_name, '%X1%') ORDER BY ivoid OFFSET 2",
    "SELECT table_name, c.column_name FROM tap_schema.tables AS t JOIN tap_schema.columns AS c USING (table_name) "
    "WHERE \"size\" IS NULL AND datatype = 'double' ORDER BY table_name, column_index",
]


@pytest.mark.parametrize("adql", ALIKE, ids=lambda adql: adql[:50])
def test_order_letters_and_numbers_are_alike(both: dict[str, Queries], adql: str) -> None:
    found = {kind: rows(queries, adql) for kind, queries in both.items()}
    close = [[pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for value in row]
             for row in found["postgresql"]]
    assert [list(row) for row in found["sqlite"]] == close
    assert found["sqlite"]


ALIKE_TOKENS = [
    sorted({column.name for table in described.TABLES.values() if table.schema == "rr" for column in table.columns}),
    sorted(name for name in described.TABLES if name.startswith("rr.")),
    ["and", "or", "and not", "or not"], ["=", "<>", "<", ">", "<=", ">=", "!="], ["left", "full", "right", "inner"],
    ["natural", "natural left", "natural full", "natural right"], ["like", "ilike", "not like", "=", "<", "not ilike"],
    ["lower", "upper"], ["max", "min", "count", "avg", "sum"], ["union", "except", "intersect", "union all"],
    ["ivo_hasword", "ivo_hashlist_has", "ivo_nocasematch"], ["+", "-", "*", "/"], ["in", "not in"], ["distinct", "all"],
    ["contains", "intersects"], ["0", "1", "2", "2.5", "1e-19", "54150"],
    ["'%an%'", "'_'", "'%'", "'#'", "'é'", "'É%'", "'the plates'"],
]


def changed(adql: str, chance: random.Random) -> str:
    """The query with a few of its words exchanged for others of their kind."""
    tokens = re.findall(r"'[^']*'|\"[^\"]*\"|[\w.]+|[<>=!|]+|\S", adql)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(tokens))
        same = [kind for kind in ALIKE_TOKENS if tokens[place].lower() in kind]
        if tokens[place].startswith("'") and "ivo_string_agg" not in adql:
            same = ALIKE_TOKENS[-1:]
        tokens[place] = chance.choice(same[0]) if same else tokens[place]
    return " ".join(tokens)


@pytest.mark.soak
def test_changed_queries_find_the_same_too(both: dict[str, Queries], shared: Path) -> None:
    """Whatever both answer, for a few thousand queries like those of clients; one may refuse what it cannot work out."""
    chance, compared = random.Random(11), 0
    known = [*pool.forms(shared).values(), *ALIKE]
    for _ in range(3000):
        adql = changed(chance.choice(known), chance)
        if re.search(r"\b(TOP|OFFSET)\b", adql, re.IGNORECASE):
            continue  # which of the rows is not told
        found = []
        for queries in both.values():
            try:
                found.append(comparable(rows(queries, adql, 3000)))
            except (AdqlRefused, TooLong):
                break
        if len(found) == 2 and len(found[0]) < 3000:
            assert found[0] == found[1], adql
            compared += 1
    assert compared > 300
