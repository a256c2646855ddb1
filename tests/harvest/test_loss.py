"""Records that vanish from a full list without a word: a few are deleted, many only when a person says so."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select, update
from werkzeug import Response

from registry.harvest import harvester, sources, store
from registry.harvest.harvester import NotHeld
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.records import store as shelf
from registry.site import Site
from registry.tables import harvest_runs, harvest_seen, sources as sources_table
from tests.harvest.conftest import counts, harvest, last_run, turn
from tests.harvest.test_hostile import F, Far, item, listed, page
from tests.oai import shelves


@pytest.fixture()
def site(any_site: Site) -> Site:
    return any_site


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    made = Far(httpserver)
    made.answers = full(range(20))
    return made


@pytest.fixture()
def source(site: Site, far: Far) -> Source:
    added = sources.add(site, far.url)
    assert counts(harvest(site, added)) == {"new": 20}
    return added


def full(numbers: Iterable[int]) -> dict[str, object]:
    """The whole list in two pages."""
    items = [item(f"{F}r{number:02}") for number in numbers]
    return {"": listed(*items[:10], token="t"), "t": listed(*items[10:])}


def alive(site: Site) -> list[str]:
    with site.database.read() as connection:
        found = [shelf.get(connection, f"{F}r{number:02}") for number in range(30)]
    return [one.key[-2:] for one in found if one and not one.deleted]


def test_a_few_are_deleted_and_leave_tombstones(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(2, 20))
    run = harvest(site, source, full=True)
    assert (run.state, counts(run), run.missing) == (store.COMPLETE, {"unchanged": 18, "deleted": 2}, 2)
    gone = shelves.get(site, f"{F}r00")
    assert gone is not None and gone.deleted
    with site.database.read() as connection:
        assert "missing from a full list" in shelf.versions(connection, f"{F}r00")[0].why
    far.answers = full(range(20))
    assert counts(harvest(site, source, full=True)) == {"unchanged": 18, "updated": 2}, "they may come again"


def test_what_changed_is_no_list_of_what_there_is(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(f"{F}r00"))}
    run = harvest(site, source)
    assert (run.state, counts(run), len(alive(site))) == (store.COMPLETE, {"unchanged": 1}, 20)


def test_many_wait_for_a_persons_word(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(3, 21))
    run = harvest(site, source, full=True)
    assert (run.state, counts(run), run.missing) == (store.HELD, {"new": 1, "unchanged": 17}, 3)
    assert "3 of its 21 records are missing" in run.message and "10 %" in run.message
    assert len(alive(site)) == 21, "what is new is taken, nothing is deleted"
    done = harvester.accept_loss(site, run.id, "ann")
    assert (done.state, done.deleted, done.message) == (store.COMPLETE, 3, "ann accepted the loss of 3 records.")
    assert alive(site) == [f"{number:02}" for number in range(3, 21)]
    with pytest.raises(NotHeld):
        harvester.accept_loss(site, run.id, "ann")


def test_a_persons_word_may_come_first(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(15, 20))
    with site.database.write() as connection:
        harvester.ask(connection, source.id, full=True, accept_loss=True)
    turn(site)
    run = last_run(site, source)
    assert (run.state, run.deleted, len(alive(site))) == (store.COMPLETE, 15, 5)


def test_an_empty_list_deletes_nothing(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": page('<error code="noRecordsMatch">none</error>')}
    run = harvest(site, source, full=True)
    assert (run.state, run.missing, len(alive(site))) == (store.HELD, 20, 20)


@pytest.mark.parametrize("broken", ["<OAI-PMH", "", listed(item(f"{F}r10"), token="t")])
def test_a_list_that_was_not_read_to_its_end_deletes_nothing(site: Site, far: Far, source: Source, broken: str) -> None:
    far.answers = {"": listed(*(item(f"{F}r{number:02}") for number in range(10)), token="t"), "t": broken}
    run = harvest(site, source, full=True)
    assert (run.state, len(alive(site))) == (store.FAILED, 20)


def test_what_came_again_before_the_word_is_kept(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(10, 20))
    held = harvest(site, source, full=True)
    far.answers = {"": listed(item(f"{F}r03"), item(f"{F}r04", shelves.record(f"{F}r04", "Back").decode()))}
    assert harvest(site, source).state == store.COMPLETE
    harvester.accept_loss(site, held.id, "ann")
    assert alive(site) == ["03", "04", *(f"{number}" for number in range(10, 20))]


def test_a_newer_full_list_takes_the_place_of_one_that_waits(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(10, 20))
    held = harvest(site, source, full=True)
    far.answers = full(range(20))
    assert harvest(site, source, full=True).state == store.COMPLETE
    with pytest.raises(NotHeld):
        harvester.accept_loss(site, held.id, "ann")
    assert len(alive(site)) == 20
    assert left(site) == 0, "what was seen is forgotten when nobody needs it"


def left(site: Site) -> int:
    with site.database.read() as connection:
        return connection.execute(select(func.count()).select_from(harvest_seen)).scalar_one()


def test_a_full_list_that_was_interrupted_knows_all_of_its_pages(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(1, 20))
    rest, far.answers["t"] = far.answers["t"], Response("busy", 503, {"Retry-After": "86400"})
    assert harvest(site, source, full=True).state == store.FAILED
    far.answers["t"] = rest
    run = harvest(site, source)
    assert (run.state, run.full, run.pages, run.missing) == (store.COMPLETE, True, 1, 1)
    assert len(alive(site)) == 19


def test_a_run_whose_process_died_behind_its_last_page_only_ends(site: Site, far: Far, source: Source) -> None:
    far.answers = full(range(1, 20))
    run = harvest(site, source, full=True)
    with site.database.write() as connection:  # as it was before its end
        connection.execute(update(harvest_runs).where(harvest_runs.c.id == run.id).values(
            state=store.RUNNING, ended=None, lease="gone", missing=0, deleted=0))
    asked = len(far.lists)
    assert turn(site) == 1
    assert len(far.lists) == asked, "no page is fetched again"
    assert last_run(site, source).state in (store.COMPLETE, store.HELD)


def test_every_now_and_then_a_source_is_asked_for_everything(site: Site, far: Far, source: Source) -> None:
    def due(last_full: str | None) -> Run:
        with site.database.write() as connection:
            connection.execute(update(sources_table).values(next_run="2020-01-01T00:00:00Z", last_full=last_full))
        assert turn(site) == 1
        return last_run(site, source)

    assert not due("2999-01-01T00:00:00Z").full
    assert not due(None).full, "whose first list has come by parts"
    assert due("2020-01-01T00:00:00Z").full
    with site.database.read() as connection:
        assert (sources.get(connection, source.id).last_full or "") > "2024"
