"""Several at one job at once, and clocks that jump: one end and one only, one place in the queue, nobody kept waiting."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from registry import clock
from registry.access import ADMINISTRATOR, Caller
from registry.executor.fake import FakeRuntime, Program
from registry.uws import jobs, store, views
from registry.uws.errors import TooManyJobs, WrongPhase
from registry.uws.phases import ABORTED, COMPLETED, EXECUTING, FINAL, QUEUED
from registry.uws.store import NoJob
from tests.databases.crowd import at_once
from tests.uws.conftest import APP, World, tag
from tests.uws.jobs_at_hand import advance, put
from tests.worker.bench import Worker
from tests.worker.jobs import submit

ROOT = Caller("root", ADMINISTRATOR)
ADA = Caller("ada", "runner")
SLEEPER = "repository.example/sleeper@sha256:1"
ROUNDS = 20


@pytest.fixture()
def world(any_site: Any, one_application: None) -> World:
    app = Flask("registry")
    app.extensions["site"] = any_site
    views.register(app)
    return World(any_site, app.test_client())


def phases(site: Any, job_id: str) -> list[str]:
    with site.database.read() as connection:
        return [change.phase.value for change in store.history(connection, job_id)]


# --- several at one job -----------------------------------------------------------------------------------------------


def test_of_run_twice_at_once_one_is_done_and_one_refused(world: World) -> None:
    for _ in range(ROUNDS):
        job_id, outcomes = world.make("ada"), []

        def run(job_id: str = job_id, outcomes: list[str] = outcomes) -> None:
            try:
                outcomes.append(jobs.run(world.site, ADA, job_id).phase)
            except WrongPhase as refusal:
                outcomes.append(str(refusal))

        at_once(run, run, run)
        assert sorted(outcomes)[2] == "QUEUED" and all("is QUEUED" in one for one in sorted(outcomes)[:2])
        assert phases(world.site, job_id) == ["PENDING", "QUEUED"]
        world.ask("DELETE", f"/jobs/{job_id}", "ada")


def test_abort_and_completion_at_once_leave_one_end(any_site: Any) -> None:
    ends = set()
    for _ in range(ROUNDS):
        running = advance(any_site, put(any_site, lease="w"), QUEUED, EXECUTING)

        def complete(running: store.Job = running) -> None:
            """As the worker does: where somebody was faster it reads the job's wish and looks again."""
            job = running
            while job.phase not in FINAL:
                with any_site.database.write() as connection:
                    end = ABORTED if job.desired == store.ABORT else COMPLETED
                    moved = store.move(connection, job, end, exit_code=0)
                    job = moved or store.get(connection, job.id)

        at_once(complete, lambda running=running: jobs.abort(any_site, ROOT, running.id))
        seen = phases(any_site, running.id)
        with any_site.database.read() as connection:
            job = store.get(connection, running.id)
        assert seen[:-1] == ["PENDING", "QUEUED", "EXECUTING"] and seen[-1] == job.phase
        assert (job.desired, job.lease, job.final) == (store.RUN, "", True)
        ends.add(job.phase)
    assert ends <= {ABORTED, COMPLETED}


def test_delete_and_completion_at_once_leave_a_job_that_is_gone_for_its_client(any_site: Any) -> None:
    for _ in range(ROUNDS):
        running = advance(any_site, put(any_site, lease="w"), QUEUED, EXECUTING)

        def complete(running: store.Job = running) -> None:
            with any_site.database.write() as connection:
                job = store.get(connection, running.id)
                store.move(connection, job, COMPLETED)

        at_once(complete, lambda running=running: jobs.delete(any_site, ROOT, running.id))
        with any_site.database.read() as connection:
            assert store.get(connection, running.id).desired == store.DELETE
            assert running.id in [job.id for job in store.leased(connection)], "a worker will remove it"
        with pytest.raises(NoJob):
            jobs.visible(any_site, ROOT, running.id)


def test_claim_and_abort_at_once_either_stop_the_job_or_never_start_it(any_site: Any) -> None:
    for _ in range(ROUNDS):
        waiting = put(any_site, phase=QUEUED)
        taken: list[store.Job | None] = []

        def claim(taken: list[store.Job | None] = taken) -> None:
            with any_site.database.write() as connection:
                taken.append(store.claim(connection, "w", 1000))

        at_once(claim, lambda waiting=waiting: jobs.abort(any_site, ROOT, waiting.id))
        with any_site.database.write() as connection:
            job = store.get(connection, waiting.id)
            if taken[0] is None:
                assert job.phase is ABORTED and job.lease == ""
            else:
                assert (job.phase, job.desired, job.lease) == (QUEUED, store.ABORT, "w")
            store.remove(connection, waiting.id)


def test_many_who_submit_at_once_stay_within_the_limit(world: World) -> None:
    world.set(queued_jobs=5)
    made: list[str] = []

    def submit_some() -> None:
        for _ in range(4):
            try:
                made.append(jobs.create(world.site, ADA, [("APP", APP), ("PHASE", "RUN")]).id)
            except TooManyJobs as refusal:
                assert refusal.retry_after > 0 and "5 jobs waiting" in str(refusal)

    at_once(*[submit_some] * 6)
    with world.site.database.read() as connection:
        assert len(made) == len(set(made)) == store.waiting(connection, "ada") == 5


def test_two_workers_on_one_queue_run_each_job_once(any_site: Any) -> None:
    programs = {SLEEPER: Program(b"hello\n")}
    engine = FakeRuntime(programs)
    made = [submit(any_site, SLEEPER) for _ in range(12)]
    workers = [Worker(any_site, engine) for _ in range(2)]

    def work(worker: Worker) -> None:
        worker.until(lambda: all(state(any_site, job_id).final for job_id in made))

    at_once(*(lambda worker=worker: work(worker) for worker in workers))
    for worker in workers:
        worker.hands.leave()
    for job_id in made:
        assert phases(any_site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]
        assert state(any_site, job_id).attempt == 1


def state(site: Any, job_id: str) -> store.Job:
    with site.database.read() as connection:
        return store.get(connection, job_id)


# --- clocks that jump -------------------------------------------------------------------------------------------------


@pytest.fixture()
def jump(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the wall clock so many seconds ahead of (or behind) the true one; the monotonic one goes on as it does."""
    real = clock.now

    def to(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: _shifted(real(), seconds))

    return to


def _shifted(moment: datetime, seconds: float) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + seconds, moment.tzinfo)


STEPS = [3600, -3600, 86400, -86400, 30 * 86400, -30 * 86400]


@pytest.mark.parametrize("step", STEPS)
def test_a_running_job_neither_ages_nor_stays_young(any_site: Any, jump: Any, step: float) -> None:
    """A job that may run 2 s when the clock jumps: it is not stopped by that, and it is stopped when they are over."""
    engine = FakeRuntime({SLEEPER: Program(b"asleep\n", until_stopped=True)})
    worker = Worker(any_site, engine)
    far = clock.fine_stamp(clock.later(10**7))  # destruction is a date, and comes when the clock says so
    long = submit(any_site, SLEEPER, execution_duration=60, destruction=far)
    brief = submit(any_site, SLEEPER, execution_duration=2, destruction=far)
    worker.once()
    began = datetime.now().timestamp()
    assert {state(any_site, long).phase, state(any_site, brief).phase} == {EXECUTING}
    jump(step)
    worker.once()
    if datetime.now().timestamp() - began < 1.5:
        assert state(any_site, brief).phase is EXECUTING
    worker.until(lambda: state(any_site, brief).phase is not EXECUTING)
    assert state(any_site, brief).phase is ABORTED and "2 s" in (state(any_site, brief).error or "")
    assert state(any_site, long).phase is EXECUTING
    worker.hands.leave()


@pytest.mark.parametrize("step", STEPS)
def test_waits_and_the_queue_go_by_no_wall_clock(world: World, jump: Any, step: float) -> None:
    early = world.make("ada", PHASE="RUN")
    answers: list[str] = []

    def wait() -> None:
        answers.append(world.xml(f"/jobs/{early}?WAIT=30&PHASE=QUEUED", "ada").findtext(tag("phase")))

    waiter = threading.Thread(target=wait)
    waiter.start()
    jump(step)
    late = world.make("bob", PHASE="RUN")
    claimed = {world.claim().id, world.claim().id}
    assert claimed == {early, late}
    world.move(early, EXECUTING)
    waiter.join(20)
    assert answers == ["EXECUTING"]
    done = world.finish(early)
    with world.site.database.read() as connection:
        assert [change.phase for change in store.history(connection, early)][-1] is COMPLETED
        assert done.started and done.ended
    assert {item.id for item in next(jobs.references(world.site, ROOT))} == {early, late}
