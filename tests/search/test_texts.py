"""Rows that the database writes as text are the same, sign by sign, as rows that are written one by one; on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from registry.schema import upgrade
from registry.search import running
from registry.search.adql import AdqlRefused, lines
from registry.search.running import Queries
from registry.search.tap import formats
from registry.search.tap.formats import CSV, VOTABLE, Table
from registry.site import open_site
from registry.tables import rr_interface, rr_res_subject, rr_resource

ODD = 'a, "b" & <c>\r\nd\té 星 🌌 ]]> \x0b\ufffe\\ % %s : :p0 end'
TITLES = ["plain", ODD, "", None, "comma, here", '"', "\n", "  spaces ", "%(p0)s", "x" * 3000]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def queries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queries]:
    """What answers queries over a few rows with odd texts, once on each kind of database."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    name = server.make(template="innerspace") if server else ""
    site = open_site(tmp_path_factory.mktemp("texts"), database_url=server.url(name) if server else "")
    upgrade(site.database)
    with site.database.write() as connection:
        connection.execute(insert(rr_resource), [
            {"ivoid": f"ivo://{n:03}", "res_title": TITLES[n % len(TITLES)],
             "region_of_regard": [None, 0.1, 5.0, 1e300, -1e-9, 1 / 3, 2.0**70][n % 7]} for n in range(300)])
        connection.execute(insert(rr_res_subject), [{"ivoid": f"ivo://{n:03}", "res_subject": ODD} for n in range(0, 300, 3)])
        connection.execute(insert(rr_interface), [
            {"ivoid": f"ivo://{n:03}", "intf_index": 1, "cap_index": n, "authenticated_only": n % 2} for n in range(0, 300, 2)])
    opened = Queries(site)
    yield opened
    opened.close()
    site.close()
    if server:
        server.drop(name)


def written(queries: Queries, adql: str, media_type: str, maxrec: int | None, *, in_texts: bool) -> tuple[bytes, bool, bool]:
    """The answer in its format, whether there were more rows, and whether it came in texts."""
    format_ = formats.named(media_type)
    assert format_
    with queries.answer(adql, maxrec=maxrec, in_texts=in_texts) as answer:
        texts = answer.texts if answer.in_texts else None
        table = Table(answer.columns, () if answer.in_texts else answer.rows, lambda: answer.overflow, texts=texts)
        return b"".join(format_.write(table)), answer.overflow, answer.in_texts


ALL = "SELECT ivoid, res_title, region_of_regard FROM rr.resource ORDER BY ivoid"
ALIKE = [
    ALL, "SELECT * FROM rr.resource ORDER BY ivoid DESC", "SELECT res_title FROM rr.resource ORDER BY ivoid",
    "SELECT region_of_regard FROM rr.resource ORDER BY region_of_regard, ivoid",
    "SELECT authenticated_only, COUNT(*) AS n, AVG(cap_index) AS a, SUM(cap_index) AS s, MAX(ivoid) AS m FROM rr.interface "
    "GROUP BY authenticated_only ORDER BY 1",
    "SELECT ivoid, ivo_string_agg(res_subject, '|') AS s FROM rr.resource NATURAL LEFT JOIN rr.res_subject GROUP BY ivoid "
    "ORDER BY ivoid",
    "SELECT TOP 3 SQRT(2) AS a, 7 / 2 AS b, 7 / 2.0 AS c, ROUND(2.567, 2) AS d, -1e300 AS e, 'x, \"y' || ivoid AS f, "
    "ROUND(2.5) AS g, MOD(7, 4) AS h, 2147483647 + 1 AS i FROM rr.resource ORDER BY ivoid",
    "SELECT a.*, b.*, c.*, d.*, e.*, f.*, g.* FROM rr.resource AS a JOIN rr.resource AS b ON a.ivoid = b.ivoid JOIN rr.resource "
    "AS c ON a.ivoid = c.ivoid JOIN rr.resource AS d ON a.ivoid = d.ivoid JOIN rr.resource AS e ON a.ivoid = e.ivoid "
    "JOIN rr.resource AS f ON a.ivoid = f.ivoid JOIN rr.resource AS g ON a.ivoid = g.ivoid WHERE a.ivoid < 'ivo://020' "
    "ORDER BY a.ivoid",
    "SELECT ivoid FROM rr.resource WHERE ivoid = 'ivo://nobody'",
    "SELECT ivoid FROM rr.resource UNION SELECT res_subject FROM rr.res_subject ORDER BY 1",
    "SELECT table_name, column_name, arraysize, indexed, \"size\" FROM tap_schema.columns ORDER BY table_name, column_index",
    "WITH q (a, b) AS (SELECT res_title, ivoid FROM rr.resource) SELECT a, b FROM q ORDER BY b",
]


@pytest.mark.parametrize("media_type", [VOTABLE, CSV])
@pytest.mark.parametrize("adql", ALIKE, ids=lambda adql: adql[:40])
def test_texts_say_what_rows_say(queries: Queries, adql: str, media_type: str) -> None:
    for maxrec in (None, 0, 1, 299, 300):
        rows, more, _ = written(queries, adql, media_type, maxrec, in_texts=False)
        assert written(queries, adql, media_type, maxrec, in_texts=True) == (rows, more, True), maxrec


@pytest.mark.parametrize("block", [1, 100, 5000])
def test_blocks_of_any_size_are_in_order(queries: Queries, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    whole = {one: written(queries, ALL, one, None, in_texts=False)[0] for one in (VOTABLE, CSV)}
    monkeypatch.setattr(lines, "_BLOCK", block)
    monkeypatch.setattr(running, "_BATCH", 7)  # where they come singly
    with queries.answer(ALL, in_texts=True) as answer:
        assert len(list(answer.texts)) > 3
    for media_type, rows in whole.items():
        assert written(queries, ALL, media_type, None, in_texts=True) == (rows, False, True)


def test_what_cannot_be_told_apart_in_a_text_comes_as_rows(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    for sign in (lines.CELL, lines.ROW, lines.NUMBER):
        adql = f"SELECT TOP 2 'a{sign}b' AS c, ivoid FROM rr.resource ORDER BY ivoid"
        document, _, in_texts = written(queries, adql, CSV, None, in_texts=True)
        assert not in_texts and document == f"c,ivoid\r\na{sign}b,ivo://000\r\na{sign}b,ivo://001\r\n".encode()
    monkeypatch.setattr(lines, "_SIGNS", lines.re.compile("never so"))
    with pytest.raises(AdqlRefused, match="control character"):
        written(queries, f"SELECT TOP 2 'a{lines.ROW}b' AS c FROM rr.resource", CSV, None, in_texts=True)


def test_very_many_rows_are_not_gathered_first(queries: Queries) -> None:
    assert written(queries, ALL, CSV, lines.MOST, in_texts=True)[2]
    assert not written(queries, ALL, CSV, lines.MOST + 1, in_texts=True)[2]


def test_rows_behind_all_that_is_ever_sent_are_not_kept(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_ALL", 1000)
    if queries._sqlite is None:
        return  # they come as they are found there
    assert written(queries, ALL, CSV, None, in_texts=True)[0].count(b"ivo://") < 30
