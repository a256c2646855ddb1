"""Harvests on both databases: one open run of a source, one process that has it, pages whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from registry import clock
from registry.harvest import harvester, intake, sources, store
from registry.harvest.sources import Source
from registry.records import listing
from registry.site import Site
from registry.tables import harvest_runs, records, sources as sources_table
from tests.databases.crowd import at_once
from tests.oai.shelves import record
from vosi.oaipage import OaiItem

FAR = "ivo://far.example/"
MANAGED = frozenset({"far.example"})


@pytest.fixture()
def source(any_site: Site) -> Source:
    with any_site.database.write() as connection:
        connection.execute(insert(sources_table).values(
            name="far", url="http://127.0.0.1:1/oai", registry=FAR + "registry", interval=3600, next_run=clock.stamp(),
            created=clock.stamp()))
        return sources.get(connection, "far")


def page(site: Site, *names: str, title: str = "One") -> list[intake.Judged]:
    items = [OaiItem(FAR + name, "2024-01-01T00:00:00Z", False, (), record(FAR + name, title)) for name in names]
    return [intake.judge(site.schemas, item) for item in items]


def taken(site: Site, source: Source, lease: str = "w") -> store.Run:
    with site.database.write() as connection:
        run = harvester.ask(connection, source.id)
        assert store.take(connection, run.id, lease)
        return store.get(connection, run.id)


def count(site: Site, table: Any) -> int:
    with site.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_many_who_ask_for_a_harvest_at_once_get_the_same_run(any_site: Site, source: Source) -> None:
    got: list[int] = []

    def ask() -> None:
        with any_site.database.write() as connection:
            got.append(harvester.ask(connection, source.id).id)

    at_once(*[ask] * 8)
    assert len(set(got)) == 1 and count(any_site, harvest_runs) == 1


def test_one_of_many_takes_the_run(any_site: Site, source: Source) -> None:
    with any_site.database.write() as connection:
        run = harvester.ask(connection, source.id)
    won: list[str] = []

    def take(lease: str) -> None:
        with any_site.database.write() as connection:
            if store.take(connection, run.id, lease):
                won.append(lease)

    at_once(*(lambda number=number: take(f"w{number}") for number in range(8)))
    with any_site.database.read() as connection:
        assert [store.get(connection, run.id).lease] == won


def test_a_page_its_token_and_its_counts_are_committed_together(any_site: Site, source: Source) -> None:
    run = taken(any_site, source)
    with pytest.raises(ZeroDivisionError), any_site.database.write() as connection:
        counts, found = intake.shelve(connection, source, page(any_site, "a", "b"), MANAGED)
        assert store.add_page(connection, run, counts, found, token="t", list_size=2**40, first_response="2024")
        raise ZeroDivisionError
    assert count(any_site, records) == 0
    with any_site.database.write() as connection:
        assert store.get(connection, run.id).token is None
        counts, found = intake.shelve(connection, source, page(any_site, "a", "b"), MANAGED)
        assert store.add_page(connection, run, counts, found, token="t", list_size=2**40, first_response="2024")
    with any_site.database.read() as connection:
        now = store.get(connection, run.id)
        assert (now.token, now.new, now.pages, now.list_size) == ("t", 2, 1, 2**40)
        assert {one.ivoid for one in listing.every(connection)} == {FAR + "a", FAR + "b"}


def test_pages_of_two_harvests_and_a_person_at_once(any_site: Site, source: Source) -> None:
    """The same records from both sides and in opposite order: everything is done, nothing collides."""
    run = taken(any_site, source)
    names = [f"r{number}" for number in range(10)]

    def harvest(order: list[str], title: str) -> None:
        for turn in range(4):
            judged = page(any_site, *order, title=f"{title} {turn}")
            with any_site.database.write() as connection:
                counts, found = intake.shelve(connection, source, judged, MANAGED)
                assert store.add_page(connection, run, counts, found, token="t", list_size=None, first_response="2024")

    at_once(lambda: harvest(names, "up"), lambda: harvest(names[::-1], "down"))
    with any_site.database.read() as connection:
        now = store.get(connection, run.id)
        assert (now.pages, now.records, now.rejected) == (8, 80, 0)
        assert {one.version for one in listing.every(connection)} == {8}


def test_a_source_is_removed_while_its_page_is_shelved(any_site: Site, source: Source) -> None:
    """Whichever is first, the other finds out: no deadlock, and no record stays with a source that is gone."""
    for turn in range(6):
        with any_site.database.write() as connection:
            connection.execute(insert(sources_table).values(
                name=f"s{turn}", url=f"http://127.0.0.1:1/{turn}", registry=FAR + "registry", interval=3600,
                next_run=clock.stamp(), created=clock.stamp()))
            one = sources.get(connection, f"s{turn}")
        run = taken(any_site, one)
        judged = page(any_site, "a", "b", "c", title=f"Title {turn}")

        def shelve(one: Source = one, run: store.Run = run, judged: list[intake.Judged] = judged) -> None:
            with any_site.database.write() as connection:
                if not store.holds(connection, run):
                    return
                counts, found = intake.shelve(connection, one, judged, MANAGED)
                store.add_page(connection, run, counts, found, token=None, list_size=None, first_response="2024")

        def remove(turn: int = turn) -> None:
            with any_site.database.write() as connection:
                sources.remove(connection, f"s{turn}")

        at_once(shelve, remove)
    with any_site.database.read() as connection:
        assert connection.execute(select(records.c.source_id).where(records.c.source_id.is_not(None))).all() == []
