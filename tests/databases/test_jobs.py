"""The queue on both databases: each job to one worker, conditional changes, leases, workers killed with -9."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from registry.site import Site
from registry.tables import job_phases, job_results, jobs
from registry.uws import store
from registry.uws.phases import ABORTED, COMPLETED, EXECUTING, QUEUED
from registry.uws.store import Parameter, Result
from tests.databases import queue_worker
from tests.databases.crowd import at_once
from tests.uws.jobs_at_hand import advance, job, put

SEED = 4711


def fill(site: Site, number: int) -> set[str]:
    """So many jobs in the queue."""
    made = [job(QUEUED, created=f"2026-01-01T00:00:00.{n % 1000:03}Z") for n in range(number)]
    with site.database.write() as connection:
        connection.execute(insert(jobs), [{**vars(one), "phase": one.phase.value} for one in made])
    return {one.id for one in made}


def claim(site: Site, lease: str, limit: int = 100_000) -> store.Job | None:
    with site.database.write() as connection:
        return store.claim(connection, lease, limit)


def test_eight_workers_share_a_queue_and_no_job_is_taken_twice(any_site: Site) -> None:
    made = fill(any_site, 1000)
    taken: dict[str, list[str]] = {f"w{number}": [] for number in range(8)}

    def work(lease: str) -> None:
        while (found := claim(any_site, lease)) is not None:
            taken[lease].append(found.id)
            with any_site.database.write() as connection:
                moved = store.move(connection, found, ABORTED)
            assert moved is not None

    at_once(*(lambda lease=lease: work(lease) for lease in taken))
    everything = [one for mine in taken.values() for one in mine]
    assert len(everything) == len(made) and set(everything) == made
    assert sum(map(bool, taken.values())) > 1, "nobody had them all: a busy machine may starve one of the eight"


def test_the_limit_holds_however_many_ask_at_once(any_site: Site) -> None:
    fill(any_site, 60)
    got: list[str] = []

    def work(lease: str) -> None:
        while (found := claim(any_site, lease, 5)) is not None:
            got.append(found.id)

    at_once(*(lambda number=number: work(f"w{number}") for number in range(8)))
    assert len(set(got)) == len(got) == 5


def test_the_queue_gives_the_oldest_first_while_another_claims(any_site: Site) -> None:
    """One worker's uncommitted claim holds up nobody for longer than it lasts, and nobody gets the same."""
    made = sorted(fill(any_site, 3))
    with any_site.database.write() as connection:
        connection.execute(jobs.update().values(created=jobs.c.id, rank=jobs.c.id))
    assert [one.id for _ in made if (one := claim(any_site, "w"))] == made


def test_of_many_who_read_the_same_one_writes(any_site: Site) -> None:
    for _ in range(10):
        read = put(any_site, phase=QUEUED)
        won: list[str] = []

        def change(name: str, read: store.Job = read, won: list[str] = won) -> None:
            with any_site.database.write() as connection:
                if store.note(connection, read, message=name) is not None:
                    won.append(name)

        at_once(*(lambda name=name: change(name) for name in "abcdef"))
        with any_site.database.read() as connection:
            now = store.get(connection, read.id)
        assert [now.message] == won and now.version == read.version + 1


def test_abort_and_completion_race_and_one_of_them_is_told(any_site: Site) -> None:
    for _ in range(15):
        put(any_site, phase=QUEUED)
        taken = claim(any_site, "w")
        assert taken is not None
        with any_site.database.write() as connection:
            running = store.move(connection, taken, EXECUTING)
        assert running is not None
        outcomes: dict[str, bool] = {}

        def complete(running: store.Job = running, outcomes: dict[str, bool] = outcomes) -> None:
            with any_site.database.write() as connection:
                outcomes["complete"] = store.move(connection, running, COMPLETED) is not None

        def abort(running: store.Job = running, outcomes: dict[str, bool] = outcomes) -> None:
            with any_site.database.write() as connection:
                outcomes["abort"] = store.note(connection, running, desired=store.ABORT) is not None

        at_once(complete, abort)
        assert sorted(outcomes.values()) == [False, True]
        with any_site.database.read() as connection:
            now = store.get(connection, running.id)
            assert (now.phase is COMPLETED) == outcomes["complete"]
            assert [one.phase for one in store.history(connection, now.id)].count(COMPLETED) == outcomes["complete"]


def test_a_worker_whose_job_was_taken_over_writes_nothing_more(any_site: Site) -> None:
    put(any_site, phase=QUEUED)
    old = claim(any_site, "dead")
    assert old is not None
    with any_site.database.write() as connection:
        adopted = store.adopt(connection, old, "alive")
        assert adopted is not None and adopted.attempt == old.attempt
    with any_site.database.write() as connection:
        assert store.move(connection, old, EXECUTING) is None
        assert store.adopt(connection, old, "third") is None
        assert store.renew(connection, "dead") == 0 and store.renew(connection, "alive") == 1
        assert store.move(connection, adopted, EXECUTING) is not None, "a beat does not move the version"


def test_beats_and_changes_of_the_same_jobs_do_not_hinder_each_other(any_site: Site) -> None:
    fill(any_site, 60)
    mine = [found for _ in range(60) if (found := claim(any_site, "w"))]
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            with any_site.database.write() as connection:
                store.renew(connection, "w")

    def run(some: list[store.Job]) -> None:
        for one in some:
            advance(any_site, one, EXECUTING, COMPLETED)

    def run_all() -> None:
        at_once(lambda: run(mine[::2]), lambda: run(mine[1::2][::-1]))
        stop.set()

    at_once(beat, run_all)
    with any_site.database.read() as connection:
        assert store.counts(connection) == {COMPLETED: 60}


def test_a_job_goes_with_all_that_is_its_while_its_results_are_written(any_site: Site) -> None:
    """Deleting and collecting at once: neither fails, nothing of the job stays behind."""
    results = [Result(f"r{number}", number, f"files/{number}", 1, "text/plain", "") for number in range(5)]
    for _ in range(20):
        made = put(any_site, Parameter("a", "1"), phase=QUEUED)
        taken = claim(any_site, "w")
        assert taken is not None and taken.id == made.id
        with any_site.database.write() as connection:
            running = store.move(connection, taken, EXECUTING)
            store.set_results(connection, made.id, results)
        assert running is not None

        def collect(running: store.Job = running) -> None:
            with any_site.database.write() as connection:
                if store.move(connection, running, COMPLETED) is not None:
                    store.set_results(connection, running.id, results)

        def remove(running: store.Job = running) -> None:
            with any_site.database.write() as connection:
                store.remove(connection, running.id)

        at_once(collect, remove)
    with any_site.database.read() as connection:
        for table in (jobs, job_phases, job_results):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_killing_workers_with_9_loses_and_doubles_no_job(any_site: Site, tmp_path: Path) -> None:
    kill_workers(any_site, tmp_path, number=400, kills=100)


@pytest.mark.soak
def test_a_thousand_kills_lose_and_double_no_job(any_site: Site, tmp_path: Path) -> None:
    kill_workers(any_site, tmp_path, number=4000, kills=1000)


def kill_workers(site: Site, tmp_path: Path, *, number: int, kills: int) -> None:
    """Let four workers do `number` jobs and kill one of them `kills` times, after some steps of them all."""
    chance = random.Random(SEED)
    made = fill(site, number)
    effects = tmp_path / "effects"
    effects.mkdir()
    context = multiprocessing.get_context("forkserver")  # a clean process, from which starting one takes a moment
    context.set_forkserver_preload([queue_worker.__name__])
    heard, told = context.Pipe(duplex=False)
    workers: list[Any] = []

    def start() -> None:
        what = (site.settings.instance, site.settings.database, effects, told)
        process = context.Process(target=queue_worker.work, args=what)
        process.start()
        workers.append(process)

    try:
        for _ in range(4):
            start()
        for _ in range(kills):
            for _ in range(chance.randint(1, 4 * number // kills)):  # of three steps of each job these are two
                assert heard.poll(60)
                os.read(heard.fileno(), 1)
            victim = workers.pop(chance.randrange(len(workers)))
            os.kill(victim.pid, signal.SIGKILL)
            victim.join()
            assert victim.exitcode == -signal.SIGKILL, "there was nothing left to do"
            start()
        for process in workers:
            process.join(60)
            assert process.exitcode == 0
    finally:
        for process in workers:
            process.kill()
    assert {path.name for path in effects.iterdir()} == {f"{job_id}-1" for job_id in made}
    with site.database.read() as connection:
        assert store.counts(connection) == {COMPLETED: number}
        assert store.leased(connection) == []
        for phase in (EXECUTING, COMPLETED):  # each job came into each phase once
            rows = connection.execute(select(job_phases.c.job_id).where(job_phases.c.phase == phase.value))
            assert sorted(rows.scalars()) == sorted(made)
        assert sorted(connection.execute(select(job_results.c.job_id)).scalars()) == sorted(made)
