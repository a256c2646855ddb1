"""Where, when and at which energies: from a record's XML to rows, and what TAP services let query."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import select

from registry.records import reprojecting, store
from registry.records.projection.coverage import MOST_CELLS
from registry.records.shelf_rows import TABLES
from registry.search.running import Queries
from registry.tables import described, is_number, metadata, moc_cells, rr_resource
from tests.oai.shelves import put, record
from vosi import moc

A = "ivo://north.example/a"
COVERAGE = ("<coverage><spatial>3/8-12 4/ 15/0</spatial><spatial>nonsense</spatial><temporal>57000.5  56000</temporal>"
            "<temporal>1 2 3</temporal><spectral>1e-19 inf</spectral><spectral>1e-19 2e-19</spectral></coverage>")
TABLESET = ("<tableset><schema><name>s</name><table><name>s.One</name><title>First</title></table>"
            "<table><name>s.One</name><title>Again</title></table><table><name>s.two</name></table></schema></tableset>")
TAP = '<capability standardID="ivo://ivoa.net/std/TAP"/>'
AUX = '<capability standardID="ivo://ivoa.net/std/TAP#aux"/>'


def contents(site: Any, name: str) -> list[tuple[Any, ...]]:
    with site.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*described(metadata.tables[name]))).all()]


def test_coverage_becomes_rows_and_goes_with_its_record(any_site: Any) -> None:
    put(any_site, record(A, more=COVERAGE))
    assert contents(any_site, "rr_stc_spatial") == [(A, "2/2 3/12 13/0", None)]
    assert contents(any_site, "rr_stc_temporal") == [(A, 56000.0, 57000.5)]
    assert contents(any_site, "rr_stc_spectral") == [(A, 1e-19, 2e-19)]
    with any_site.database.read() as connection:
        assert len(connection.execute(select(moc_cells)).all()) == 3
    put(any_site, record(A, status="inactive", more=COVERAGE))
    for name in ("rr_stc_spatial", "rr_stc_temporal", "rr_stc_spectral"):
        assert contents(any_site, name) == []
    with any_site.database.read() as connection:
        assert connection.execute(select(moc_cells)).all() == []


def test_a_map_of_too_many_cells_becomes_coarser(site: Any) -> None:
    cells = " ".join(str(2 * cell) for cell in range(5000))
    put(site, record(A, more=f"<coverage><spatial>9/{cells}</spatial></coverage>"))
    with site.database.read() as connection:
        [kept] = connection.execute(select(metadata.tables["rr_stc_spatial"])).all()
    asked, ours = moc.parse(f"9/{cells}"), moc.parse(kept.coverage)
    assert len(kept.coverage_cells.split(",")) <= MOST_CELLS
    assert moc.merged([*asked, *ours]) == ours, "nothing is lost"
    assert moc.area(ours) == kept.coverage_area < 3 * moc.area(asked)


def test_tables_of_tap_services(any_site: Any) -> None:
    served = ("<relationship><relationshipType>IsServedBy</relationshipType><relatedResource "
              'ivo-id="ivo://north.example/TAP">T</relatedResource></relationship></content>')
    put(any_site, record("ivo://north.example/tap", more=TAP + TABLESET))
    put(any_site, record(A, more=AUX + TABLESET).replace(b"</content>", served.encode()))
    put(any_site, record("ivo://north.example/b", more=TABLESET))
    first, second = ("s.One", "First", None, None), ("s.two", None, None, None)
    tap = "ivo://north.example/tap"
    assert sorted(contents(any_site, "rr_tap_table"), key=str) == [
        (A, tap, *first), (A, tap, *second), (tap, tap, *first), (tap, tap, *second)]
    asked = Queries(any_site)

    def shown(condition: str = "") -> list[tuple[Any, ...]]:
        with asked.answer(f"SELECT resid, svcid, table_name FROM rr.tap_table{condition} ORDER BY table_name") as answer:
            return list(answer.rows)

    assert shown() == shown(" WHERE svcid IN (SELECT svcid FROM rr.tap_table)") == [(A, tap, "s.One"), (A, tap, "s.two")]
    assert shown(" WHERE 1 = ivo_hasword(table_title, 'first')") == [(A, tap, "s.One")]
    # of several resources that describe it, the first
    put(any_site, record("ivo://north.example/0", more=AUX + TABLESET).replace(b"</content>", served.encode()))
    assert {row[0] for row in shown()} == {min(A, "ivo://north.example/0")} == {"ivo://north.example/0"}
    put(any_site, record("ivo://north.example/0", title="Other"))
    put(any_site, record(A, title="Other"))
    assert {row[0] for row in contents(any_site, "rr_tap_table")} == {tap} == {row[0] for row in shown()}
    asked.close()


def test_all_of_it_is_made_anew_alike(any_site: Any) -> None:
    put(any_site, record(A, more=COVERAGE + TAP + TABLESET), record("ivo://north.example/b", more=COVERAGE))

    def everything() -> list[Any]:
        with any_site.database.read() as connection:
            queries = [select(*(column for column in table.c if not is_number(column))) for table in TABLES]
            found = [sorted(map(repr, connection.execute(query))) for query in queries]
            return [*found, sorted(connection.execute(select(moc_cells.c.uniq)).scalars())]

    before = everything()
    reprojecting.reproject(any_site)
    assert everything() == before
    with any_site.database.write() as connection:
        store.delete(connection, A, who="t", why="")
        assert connection.execute(select(rr_resource.c.ivoid)).scalars().all() == ["ivo://north.example/b"]


@pytest.mark.parametrize("text", ["", "nonsense", "5/99999999", "5", "30/1", "5/3-1", "5/-3", "/1", "5/1.5", "5/²"])
def test_what_is_no_map_says_why(text: str) -> None:
    with pytest.raises(moc.NotAMoc, match="."):
        moc.parse(text)


@given(st.lists(st.tuples(st.integers(0, moc.WHOLE_SKY - 1), st.integers(1, 10**6)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_map_is_written_as_it_is_read(pieces: list[tuple[int, int]]) -> None:
    ranges = moc.merged((low, min(low + size, moc.WHOLE_SKY)) for low, size in pieces)
    cells = moc.uniqs(ranges)
    if cells:
        assert moc.parse(moc.write(cells)) == ranges
    for most in (1, 12, 50):
        coarser, cells = moc.capped(ranges, most)
        assert moc.merged([*ranges, *coarser]) == coarser and len(cells) <= max(most, 12) and cells == moc.uniqs(coarser)
