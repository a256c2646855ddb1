"""Lists read page by page: nothing twice and nothing left out, in every order, forwards and back, from tables and memory."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert, select

from registry import lists
from registry.applications.listed import IMAGES
from registry.harvest.listed import QUARANTINE, RUNS
from registry.lists import BadAsking, Column, Listing, Narrow
from registry.records.listed import RECORDS
from registry.tables import jobs
from registry.trail import TRAIL
from registry.uws.listed import JOBS


@dataclass(frozen=True)
class Star:
    name: str
    magnitude: int | None
    kind: str


STARS = [Star(f"star {number:02d}", number % 4 or None, "dwarf" if number % 2 else "giant") for number in range(23)]
SKY: Listing[Star] = Listing(
    "stars", (Column("name", "Name", searched=True), Column("magnitude", "Magnitude", number=True), Column("kind", "Kind")),
    key="name", sort="name", narrows=(Narrow("kind", "Kind", lambda value, row: row.kind == value, ("dwarf", "giant")),))


def walk(page: Any, listing: Listing[Any], said: dict[str, str]) -> list[list[Any]]:
    """The keys of all pages from the first to the last, and that the way back is the same."""
    forth = [page(lists.asked(listing, said))]
    while forth[-1].following:
        forth.append(page(lists.asked(listing, forth[-1].following)))
    back = [forth[-1]]
    while back[-1].before:
        back.append(page(lists.asked(listing, back[-1].before)))
    keys = [[listing.column(listing.key).value(row) for row in one.rows] for one in forth]
    assert [[listing.column(listing.key).value(row) for row in one.rows] for one in back[::-1]] == keys
    assert {one.total for one in forth + back} == {forth[0].total}
    return keys


@pytest.mark.parametrize("sort", ["name", "-name", "magnitude", "-magnitude", "kind"])
def test_a_list_in_memory_is_read_page_by_page(sort: str) -> None:
    pages = walk(lambda asked: lists.page_of(STARS, asked), SKY, {"sort": sort, "limit": "5"})
    name = sort.removeprefix("-")
    right = sorted(STARS, key=lambda one: ((one.magnitude or -1) if name == "magnitude" else getattr(one, name), one.name),
                   reverse=sort.startswith("-"))
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert sum(pages, []) == [one.name for one in right]


def test_it_is_searched_and_narrowed() -> None:
    page = lists.page_of(STARS, lists.asked(SKY, {"q": "STAR 1", "kind": "dwarf", "limit": "3"}))
    assert [one.name for one in page.rows] == ["star 01", "star 11", "star 13"] and page.total == "7"
    assert page.asked.searching and page.asked.address(after="") == {"q": "STAR 1", "kind": "dwarf", "limit": "3"}
    assert not lists.asked(SKY, {"q": " "}).searching


def test_a_table_is_read_page_by_page(any_site: Any) -> None:
    with any_site.database.write() as connection:
        for number in range(23):
            connection.execute(insert(jobs).values(
                id=f"job{number:02d}", owner=None if number % 5 else "ada", phase="ERROR", application="x", image="x",
                created=f"2026-11-24T00:{number // 2:02d}:00.000Z", execution_duration=60, destruction="9999",
                run_id=f"Ünï {number % 3}" if number % 4 else None, exit_code=number % 3 or None))
    with any_site.database.read() as connection:
        rows = {row.id: row for row in connection.execute(select(jobs))}
        for sort in ("-created", "run_id", "-exit_code", "exit_code", "owner"):
            pages = walk(lambda asked: lists.page(connection, asked), JOBS, {"sort": sort, "limit": "4"})
            name = sort.removeprefix("-")
            absent: Any = -1 if name == "exit_code" else ""
            right = sorted(rows, key=lambda key: (getattr(rows[key], name) or absent, key), reverse=sort.startswith("-"))
            assert sum(pages, []) == right and len(pages) == 6, sort


def test_every_order_and_narrowing_is_understood_by_both_databases(any_site: Any) -> None:
    with any_site.database.read() as connection:
        for listing in (JOBS, RECORDS, TRAIL, RUNS, QUARANTINE, IMAGES):
            for sort in listing.sorts:
                for said in ({"sort": sort, "q": "50%_ x"}, {"sort": f"-{sort}", "after": "1", "at": "1"},
                             {"sort": sort, "after": "1", "at": "1", "back": "1"}):
                    assert lists.page(connection, lists.asked(listing, said)).rows == []
            for one in listing.narrows:
                for value in one.values or ("x",):
                    assert lists.page(connection, lists.asked(listing, {one.name: value})).total == "0"


def test_a_long_list_is_not_counted_to_its_end(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNTED", 3)
    with site.database.write() as connection:
        for number in range(4):
            connection.execute(insert(jobs).values(
                id=f"job{number}", phase="ERROR", application="x", image="x", created="x", execution_duration=60,
                destruction="9999", run_id="100%" if number else "100 %"))
        page = lists.page(connection, lists.asked(JOBS, {}))
        assert (page.total, page.count, page.exact, len(page.rows)) == ("more than 3", 3, False, 4)
        assert lists.page(connection, lists.asked(JOBS, {"q": "0%"})).total == "3"  # % is a letter like any other


@pytest.mark.parametrize(("said", "words"), [
    ({"sort": "colour"}, "The stars cannot be sorted by 'colour': give one of name, magnitude, kind"),
    ({"sort": "--name"}, "sorted by '--name'"),
    ({"limit": "0"}, "from 1 to 1000, and not '0'"),
    ({"limit": "1001"}, "from 1 to 1000"),
    ({"limit": "²"}, "from 1 to 1000"),
    ({"kind": "comet"}, "There is no kind 'comet': give one of dwarf, giant."),
    ({"back": "yes"}, "back is 1"),
    ({"sort": "magnitude", "after": "star 01", "at": "bright"}, "at is a number here"),
    ({"sort": "magnitude", "after": "star 01", "at": "9" * 19}, "at is a number here"),
])
def test_what_it_does_not_know_is_refused_in_a_sentence(said: dict[str, str], words: str) -> None:
    with pytest.raises(BadAsking, match=".") as refused:
        lists.asked(SKY, said)
    assert words in str(refused.value) and refused.value.status == 400


def test_rows_that_come_and_go_shift_nothing() -> None:
    first = lists.page_of(STARS, lists.asked(SKY, {"limit": "5"}))
    assert first.following
    changed = [Star("star 000", 1, "dwarf"), *(one for one in STARS if one.name != "star 04")]
    second = lists.page_of(changed, lists.asked(SKY, first.following))
    assert [one.name for one in second.rows][:2] == ["star 05", "star 06"]


def test_as_csv_every_cell_is_text() -> None:
    odd = [Star("=1+1", None, 'a "quoted", one\nline'), Star("-2", 0, "")]
    rows = list(csv.reader(io.StringIO(lists.as_csv(SKY, odd))))
    assert rows == [["name", "magnitude", "kind"], ["'=1+1", "", 'a "quoted", one\nline'], ["'-2", "0", ""]]
