"""A container paused from outside: its job is SUSPENDED, its clock stands, and it goes on when the container does."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from registry.access import ANONYMOUS
from registry.executor.fake import FakeRuntime, Program
from registry.uws import jobs, store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, EXECUTING, QUEUED, SUSPENDED, Phase
from registry.worker import stage
from tests.worker.bench import Worker, leftovers
from tests.worker.jobs import job_of, phases_of, submit, wish

SLEEPER = "repository.example/sleeper@sha256:1"


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime({SLEEPER: Program(b"asleep\n", files={"partial.txt": b"so far\n"}, until_stopped=True)})


@pytest.fixture()
def worker(site, engine) -> Iterator[Worker]:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


@pytest.fixture()
def paused(site, engine, worker) -> str:
    """A job whose container is paused."""
    job_id = submit(site, SLEEPER)
    worker.once()
    engine.pause(name_of(site, job_id))
    worker.hands.turn(job_id)
    return job_id


def name_of(site, job_id: str) -> str:
    return stage.container(site, job_of(site, job_id))


def test_it_is_shown_with_the_reason(site, paused):
    job = job_of(site, paused)
    assert job.phase is SUSPENDED
    assert "docker pause" in job.message


def test_it_goes_on_to_its_own_end(site, engine, worker, paused):
    engine.pause(name_of(site, paused), False)
    worker.hands.turn(paused)
    assert (job_of(site, paused).phase, job_of(site, paused).message) == (EXECUTING, "")
    started = job_of(site, paused).started
    engine.finish(name_of(site, paused), 0)
    worker.once()
    job = job_of(site, paused)
    assert (job.phase, job.started) == (COMPLETED, started)
    assert phases_of(site, paused) == ["PENDING", "QUEUED", "EXECUTING", "SUSPENDED", "EXECUTING", "COMPLETED"]


def test_one_that_ended_before_anybody_looked_completes(site, engine, worker, paused):
    engine.finish(name_of(site, paused), 0)
    worker.once()
    assert job_of(site, paused).phase is COMPLETED
    assert leftovers(site, engine) == []


def test_it_can_be_aborted(site, engine, worker, paused):
    wish(site, paused, store.ABORT)
    worker.until(lambda: job_of(site, paused).phase is ABORTED)
    assert leftovers(site, engine) == []


def test_it_can_be_deleted(site, engine, worker, paused):
    wish(site, paused, store.DELETE)
    worker.once()
    assert leftovers(site, engine) == []


def test_a_container_that_vanished_meanwhile_is_an_error(site, engine, worker, paused):
    engine.forget(name_of(site, paused))
    worker.once()
    assert job_of(site, paused).phase is ERROR


def test_the_pause_is_no_time_of_execution(site, engine, worker, monkeypatch):
    job_id = submit(site, SLEEPER, execution_duration=60)
    worker.once()
    engine.pause(name_of(site, job_id))
    worker.hands.turn(job_id)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 600)
    engine.pause(name_of(site, job_id), False)
    worker.once()
    assert job_of(site, job_id).phase is EXECUTING
    assert worker.hands.running.overdue()[0] == []


def test_the_next_worker_finds_it_suspended_and_goes_on(site, engine, worker, paused):
    worker.hands.leave()
    worker.die()
    second = Worker(site, engine)
    second.once()
    assert (job_of(site, paused).phase, job_of(site, paused).lease) == (SUSPENDED, second.lease.name)
    engine.pause(name_of(site, paused), False)
    second.once()
    assert job_of(site, paused).phase is EXECUTING
    engine.finish(name_of(site, paused), 0)
    second.once()
    assert job_of(site, paused).phase is COMPLETED


def test_whoever_waits_is_told(site, paused):
    """UWS 1.1 §2.2.1.1: a blocking request ends with the phase it waits on, and waits in no other than three."""
    began = time.monotonic()
    assert jobs.wait(site, ANONYMOUS, paused, 30, Phase.EXECUTING).phase is SUSPENDED
    assert jobs.wait(site, ANONYMOUS, paused, 30).phase is SUSPENDED
    assert time.monotonic() - began < 10
    assert QUEUED.value in phases_of(site, paused)
