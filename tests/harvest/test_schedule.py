"""Who is harvested when: by priority, several at once, each after its interval give or take, whatever the clock does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import insert, update

from registry import clock
from registry.harvest import harvester, sources, store
from registry.harvest.harvester import NothingToStop
from registry.harvest.sources import Source
from registry.records import listing, store as shelf
from registry.site import Site, open_site
from registry.tables import sources as sources_table
from tests.harvest.conftest import counts, harvest, last_run, turn
from tests.harvest.test_hostile import F, Far, held, item, listed
from tests.oai import shelves


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


def made_up(site: Site, *names: str, **values: Any) -> list[Source]:
    """Sources that nobody asks anything: their harvests are looked at from outside."""
    with site.database.write() as connection:
        for name in names:
            connection.execute(insert(sources_table).values({
                "name": name, "url": f"http://127.0.0.1:9/{name}", "registry": f"ivo://{name}.example/registry",
                "interval": 3600, "next_run": "2020-01-01T00:00:00Z", "created": clock.stamp(), **values}))
        return [sources.get(connection, name) for name in names]


@pytest.fixture()
def begun(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sources in the order in which their harvests are begun; each ends at once."""
    order: list[str] = []

    def run(site: Site, number: int, lease: str, **_: Any) -> object:
        with site.database.write() as connection:
            assert store.take(connection, number, lease)
            ended = store.end(connection, store.get(connection, number), store.COMPLETE)
            order.append(sources.get(connection, ended.source_id).name)
        return ended

    monkeypatch.setattr(harvester, "run", run)
    return order


@pytest.fixture()
def one_at_a_time(tmp_path: Any, site: Site) -> Iterator[Site]:
    opened = open_site(site.settings.instance, authority="north.example", harvests_at_once=1,
                       allowed_networks=["127.0.0.0/8"])
    yield opened
    opened.close()


def test_of_those_that_wait_the_higher_priority_is_first(one_at_a_time: Site, begun: list[str]) -> None:
    made_up(one_at_a_time, "a", "b")
    made_up(one_at_a_time, "urgent", priority=5)
    made_up(one_at_a_time, "later", priority=-1)
    assert turn(one_at_a_time) == 4
    assert begun == ["urgent", "a", "b", "later"]


def test_the_place_in_the_queue_is_told(site: Site) -> None:
    waiting = made_up(site, "a", "b", "c")
    with site.database.write() as connection:
        runs = [harvester.ask(connection, one.id) for one in waiting]
        sources.change(connection, "c", priority=1)
        assert [store.place(connection, run) for run in runs] == [1, 2, 0]
        store.take(connection, runs[2].id, "w")
        assert [store.place(connection, run) for run in runs] == [0, 1, None]


def test_several_are_harvested_at_once_and_no_more_than_are_allowed(
    site: Site, monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up(site, *(f"s{number}" for number in range(10)))
    lock, now, most, all_busy = threading.Lock(), 0, 0, threading.Barrier(site.settings.harvests_at_once)

    def run(site: Site, number: int, lease: str, **_: Any) -> object:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if number <= 8:
            all_busy.wait(20)  # four at a time or never
        with site.database.write() as connection:
            store.take(connection, number, lease)
            ended = store.end(connection, store.get(connection, number), store.COMPLETE)
        with lock:
            now -= 1
        return ended

    monkeypatch.setattr(harvester, "run", run)
    assert turn(site) == 10
    assert most == site.settings.harvests_at_once == 4


def test_one_slow_server_keeps_nobody_else_waiting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for while a harvest drags on is done meanwhile."""
    slow, quick = made_up(site, "slow"), []
    others_done, real = threading.Event(), store.end

    def run(site: Site, number: int, lease: str, **_: Any) -> object:
        with site.database.write() as connection:
            store.take(connection, number, lease)
        if number == 1:
            quick.extend(made_up(site, "quick", next_run="2999-01-01T00:00:00Z"))
            with site.database.write() as connection:
                harvester.ask(connection, quick[0].id)
            assert others_done.wait(20)
        else:
            others_done.set()
        with site.database.write() as connection:
            return real(connection, store.get(connection, number), store.COMPLETE)

    monkeypatch.setattr(harvester, "run", run)
    assert turn(site) == 2
    assert (last_run(site, slow[0]).state, last_run(site, quick[0]).state) == (store.COMPLETE, store.COMPLETE)


def test_intervals_have_some_jitter(site: Site) -> None:
    gaps = []
    for source in made_up(site, *(f"s{number}" for number in range(40)), interval=10_000):
        with site.database.write() as connection:
            harvester.ask(connection, source.id)
            next_run = clock.parse(sources.get(connection, source.id).next_run)
        gaps.append((next_run - clock.now()).total_seconds())
    assert all(8_990 < gap < 11_010 for gap in gaps)
    assert max(gaps) - min(gaps) > 500


def test_a_clock_that_was_a_month_ahead_stops_no_harvest(site: Site, begun: list[str]) -> None:
    made_up(site, "a", interval=43_200)
    with shelves.at(clock.stamp(clock.now() + timedelta(days=30))):
        assert turn(site) == 1
    assert turn(site) == 1, "its next harvest was set for a day that is far away"
    assert turn(site) == 0
    assert begun == ["a", "a"]


@pytest.mark.parametrize("days", [30, -30])
def test_a_clock_that_steps_a_month_in_mid_run_changes_nothing_that_is_stored(site: Site, far: Far, days: int) -> None:
    source = sources.add(site, far.url)
    moment = clock.now()

    class Step:
        def __str__(self) -> str:  # called for the body of the answer
            stack.enter_context(shelves.at(clock.stamp(moment + timedelta(days=days))))
            return listed(item(F + "b"), token="u")

    far.answers = {"": listed(item(F + "a"), token="t").replace("2024-01-01T", "2999-01-01T"), "t": Step(),
                   "u": listed(item(F + "c"))}
    with ExitStack() as stack:
        done = harvest(site, source)
    assert (done.state, counts(done), far.lists) == (store.COMPLETE, {"new": 3}, ["", "t", "u"])
    assert done.first_response and abs(clock.parse(done.first_response) - moment) < timedelta(minutes=1), (
        "what the next one asks for is from before the step")
    far.answers = {"": listed(item(F + "a"), item(F + "b"), item(F + "c"))}
    assert counts(harvest(site, source, full=True)) == {"unchanged": 3}
    with site.database.read() as connection:
        stamps = [one.datestamp for one in listing.every(connection, origin=shelf.HARVESTED)]
    assert stamps == sorted(stamps), "no later page has an earlier datestamp"


@pytest.mark.parametrize(("theirs", "from_"), [
    ("2999-01-01T00:00:00Z", "ours"), ("nonsense", "ours"), ("", "ours"), ("2020-01-01T00:00:00Z", "2019-12-31T23:00:00Z"),
])
def test_a_source_whose_clock_is_wrong_is_asked_for_what_changed_since_it_was_read(
    site: Site, far: Far, theirs: str, from_: str,
) -> None:
    source = sources.add(site, far.url)
    far.answers[""] = listed(item(F + "a")).replace("2024-01-01T00:00:00Z</responseDate>", f"{theirs}</responseDate>")
    before = clock.now()
    harvest(site, source)
    run = harvest(site, source)
    assert run.from_ is not None
    if from_ == "ours":
        assert before - timedelta(hours=1, seconds=2) <= clock.parse(run.from_) <= clock.now() - timedelta(hours=1)
    else:
        assert run.from_ == from_


def test_a_cancelled_harvest_goes_on_where_it_was(site: Site, far: Far) -> None:
    source = sources.add(site, far.url)

    class Stop:
        def __str__(self) -> str:  # called for the body of the answer
            harvester.cancel(site, source.id, "ann")
            return listed(item(F + "b"), token="u")

    far.answers = {"": listed(item(F + "a"), token="t"), "t": [Stop(), listed(item(F + "b"), token="u")],
                   "u": listed(item(F + "c"))}
    stopped = harvest(site, source)
    assert (stopped.state, stopped.message, counts(stopped)) == (store.CANCELLED, "ann stopped it.", {"new": 1})
    assert held(site) == [F + "a"]
    done = harvest(site, source)
    assert far.lists == ["", "t", "t", "u"]
    assert (done.state, counts(done)) == (store.COMPLETE, {"new": 2})
    with pytest.raises(NothingToStop):
        harvester.cancel(site, source.id, "ann")


def test_one_that_waits_is_cancelled_at_once(site: Site, far: Far, begun: list[str]) -> None:
    [source] = made_up(site, "a", next_run="2999-01-01T00:00:00Z")
    with site.database.write() as connection:
        connection.execute(update(sources_table).values(paused=True))
        harvester.ask(connection, source.id)
    harvester.cancel(site, source.id, "ann")
    assert (turn(site), begun) == (0, [])


def test_a_fault_of_ours_in_one_harvest_leaves_the_others_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up(site, "a", "b", "c")

    def run(site: Site, number: int, lease: str, **_: Any) -> object:
        with site.database.write() as connection:
            store.take(connection, number, lease)
        if number == 2:
            raise ZeroDivisionError
        with site.database.write() as connection:
            return store.end(connection, store.get(connection, number), store.COMPLETE)

    monkeypatch.setattr(harvester, "run", run)
    assert turn(site) == 3
    with site.database.read() as connection:
        assert [run.state for run in store.runs(connection)] == [store.COMPLETE, store.FAILED, store.COMPLETE]
