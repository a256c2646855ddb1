"""The queries that clients send find the same rows on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.records.importing import import_paths
from registry.schema import upgrade
from registry.search.running import Queries
from registry.site import open_site
from tests.search import pool

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
            return "\n".join(sorted(re.split(":::py VO sep:::|<sep>|, |#|/glue/|[+]", value)))
        return round(value, 9) if isinstance(value, float) and abs(value) > 1e-3 else value
    return sorted((tuple(map(parts, row)) for row in found), key=repr)


def test_all_forms_give_the_same_rows(both: dict[str, Queries], shared: Path) -> None:
    empty = []
    for name, adql in pool.forms(shared).items():
        found = {kind: comparable(rows(queries, adql)) for kind, queries in both.items()}
        assert found["sqlite"] == found["postgresql"], name
        empty += [] if found["sqlite"] else [name]
    assert len(empty) <= 8, " ".join(empty)
