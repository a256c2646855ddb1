"""A worker killed with -9 in mid harvest: another goes on from its last page; a live one is left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_httpserver import HTTPServer

from registry.harvest import harvester, lease, schedule, sources, store
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.site import Site
from tests.harvest.conftest import counts, last_run, turn
from tests.harvest.test_hostile import F, Far, held, item, listed

_WORKER = """
import sys
from pathlib import Path
from registry.harvest import schedule
from registry.site import open_site
site = open_site(
    Path(sys.argv[1]), authority="north.example", allowed_networks=["127.0.0.0/8"], database_url=sys.argv[3])
schedule.turn(site, sys.argv[2])
"""


@pytest.fixture()
def site(any_site: Site) -> Site:
    """On both databases."""
    return any_site


class Stuck:
    """A registry whose second page does not come while `open` is not set; `asked` is set when somebody waits for it."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.asked, self.open = threading.Event(), threading.Event()
        self.far = Far(httpserver)
        self.far.answers = {"": listed(item(F + "a"), item(F + "b"), token="t"), "t": self}

    def __str__(self) -> str:  # called for the body of the answer
        self.asked.set()
        assert self.open.wait(30)
        return listed(item(F + "c"))


@pytest.fixture()
def stuck() -> Iterator[Stuck]:
    # a server of its own, with threads: the one that waits must not keep others out
    with HTTPServer(threaded=True) as server:
        made = Stuck(server)
        yield made
        made.open.set()


@pytest.fixture()
def source(site: Site, stuck: Stuck) -> Source:
    return sources.add(site, stuck.far.url)


@contextmanager
def worker(site: Site, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does one turn; killed with -9 at the end, whatever it is doing."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(site.settings.instance), name, site.settings.database])
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("successor", ["worker", "another"])
def test_a_killed_harvest_goes_on_from_its_last_page(site: Site, stuck: Stuck, source: Source, successor: str) -> None:
    with worker(site, "worker"):
        assert stuck.asked.wait(30)
        running = last_run(site, source)
        assert (running.state, running.pages, running.new) == (store.RUNNING, 1, 2)
        assert lease.alive(site, running.lease)
        assert turn(site, "another") == 0, "a run whose process lives is left alone"
        assert turn(site, "worker") == 0, "and nobody takes the name of one that lives"
    stuck.open.set()
    assert turn(site, successor) == 1
    done = last_run(site, source)
    assert (done.id, done.state, counts(done), done.pages) == (running.id, store.COMPLETE, {"new": 3}, 2)
    assert done.first_response == running.first_response == "2024-01-01T00:00:00Z"
    assert stuck.far.lists == ["", "t", "t"], "one page is fetched again, no more"
    assert held(site) == [F + "a", F + "b", F + "c"]


def test_a_follower_shows_the_workers_progress_and_takes_over_when_it_dies(
    site: Site, stuck: Stuck, source: Source,
) -> None:
    shown: list[Run] = []

    def seen(run: Run) -> None:
        shown.append(run)
        if run.lease != "here":
            process.kill()
            process.wait(10)
            stuck.open.set()

    with worker(site, "worker") as process:
        assert stuck.asked.wait(30)
        with lease.held(site, "here"):
            done = schedule.follow(site, last_run(site, source), "here", seen)
    assert (done.state, counts(done)) == (store.COMPLETE, {"new": 3})
    assert shown[0].lease == "worker" and shown[-1].lease == "here"


def test_a_cancelled_run_stops_at_its_next_page(site: Site, stuck: Stuck, source: Source) -> None:
    with worker(site, "worker") as process:
        assert stuck.asked.wait(30)
        with site.database.write() as connection:
            store.end(connection, store.runs(connection, source.id)[0], store.CANCELLED, "A person stopped it.")
        stuck.open.set()
        assert process.wait(30) == 0
    done = last_run(site, source)
    assert (done.state, done.message, counts(done)) == (store.CANCELLED, "A person stopped it.", {"new": 2})
    assert held(site) == [F + "a", F + "b"], "the page that came too late is not taken"


def test_a_source_that_is_removed_in_mid_run_ends_it_without_a_fault(site: Site, stuck: Stuck, source: Source) -> None:
    with worker(site, "worker") as process:
        assert stuck.asked.wait(30)
        with site.database.write() as connection:
            sources.remove(connection, source.name)
        stuck.open.set()
        assert process.wait(30) == 0
    with site.database.read() as connection:
        assert store.runs(connection) == []
    assert held(site) == [F + "a", F + "b"]


def test_a_process_that_was_taken_for_dead_writes_nothing_more(site: Site, source: Source) -> None:
    with site.database.write() as connection:
        run = harvester.ask(connection, source.id)
        assert store.take(connection, run.id, "old")
        old = store.get(connection, run.id)
        assert store.requeue(connection, old)
        assert store.take(connection, run.id, "new")
        assert not store.add_page(connection, old, {"new": 5}, [], token="t", list_size=None, first_response="")
        assert store.end(connection, old, store.COMPLETE).state == store.RUNNING
        assert not store.requeue(connection, old)
        now = store.get(connection, run.id)
    assert (now.lease, now.new, now.token) == ("new", 0, None)


def test_a_fault_of_ours_ends_one_run_and_not_the_turn(
    site: Site, stuck: Stuck, source: Source, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(harvester, "_list", broken)
        assert turn(site) == 1
    done = last_run(site, source)
    assert done.state == store.FAILED and "fault in this program" in done.message
    assert turn(site) == 0


def test_leases_are_exclusive_and_end_with_their_holder(site: Site) -> None:
    assert not lease.alive(site, "a")
    with lease.held(site, "a") as first, lease.held(site, "a") as second, lease.held(site, "b") as other:
        assert (first, second, other) == (True, False, True)
        assert lease.alive(site, "a") and lease.alive(site, "b")
    assert not lease.alive(site, "a")
    with lease.held(site, "a") as again:
        assert again
    assert list((site.settings.instance / "run" / "harvest").iterdir()) == [], "leases leave nothing behind"


