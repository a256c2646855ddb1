"""What the worker keeps of running jobs: clocks that pauses stop, and the last look at what was used."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from registry import clock
from registry.executor.fake import FakeRuntime, Program
from registry.executor.runtime import RUNNING, EngineAbsent, Limits, Spec, State, Usage
from registry.uws import files
from registry.uws.phases import EXECUTING, SUSPENDED
from registry.uws.store import PhaseChange
from registry.worker import running as module, stage
from registry.worker.running import Running, suspended
from tests.worker.jobs import a_job


class Meter:
    """A meter whose end the test tells, by a pipe."""

    def __init__(self) -> None:
        self.handle, self._end = os.pipe()
        self.used: Usage | None = Usage(1.0, 4096)
        self.reads = 0

    def read(self) -> Usage | None:
        self.reads += 1
        return self.used

    def fileno(self) -> int:
        return self.handle

    def end(self) -> None:
        os.close(self._end)

    def close(self) -> None:
        os.close(self.handle)


class Engine(FakeRuntime):
    """Hands out one meter."""

    def __init__(self) -> None:
        super().__init__()
        self.made = Meter()

    def meter(self, state: State) -> Meter:  # type: ignore[override]
        return self.made


@pytest.fixture()
def engine() -> Engine:
    return Engine()


@pytest.fixture()
def running(site, engine) -> Iterator[Running]:
    made = Running(site, engine)
    yield made
    made.leave()


def begin(running: Running, job, seconds_ago: float = 0.0, history=()) -> bool:
    started = clock.later(-seconds_ago)
    return running.keep(job, State(RUNNING, "c", started_at=started), lambda: history)


def test_a_last_look_is_taken_when_the_first_process_ends(running, engine, monkeypatch):
    monkeypatch.setattr(module, "_SAMPLE", 1000.0)  # no look but the last
    job = a_job(phase=EXECUTING)
    assert begin(running, job)
    assert not begin(running, job)
    before, engine.made.used = engine.made.reads, Usage(2.5, 8192)
    engine.made.end()
    deadline = time.monotonic() + 10
    while engine.made.reads == before:
        assert time.monotonic() < deadline
        os.sched_yield()
    engine.made.used = None  # the accounts are gone before the engine tells of the end
    assert running.end(job).used == Usage(2.5, 8192)


def test_it_is_looked_at_meanwhile_too(running, engine):
    job = a_job(phase=EXECUTING)
    begin(running, job)
    before = engine.made.reads
    deadline = time.monotonic() + 10
    while engine.made.reads < before + 2:
        assert time.monotonic() < deadline
        os.sched_yield()
    engine.made.used = None  # the accounts went before anybody could look
    engine.made.end()
    assert running.end(job).used == Usage(1.0, 4096)


def test_the_time_of_a_pause_is_no_time_of_execution(running, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job = a_job(phase=EXECUTING, execution_duration=60)
    begin(running, job)
    now[0] += 50
    assert running.overdue()[1] == pytest.approx(10, abs=1)
    running.pause(job)
    now[0] += 500
    assert running.overdue() == ([], None)
    begin(running, job)  # it goes on
    assert running.overdue()[1] == pytest.approx(10, abs=1)
    now[0] += 11
    assert running.overdue() == ([job.id], None)


def test_a_log_is_followed_again_when_the_engine_was_away(site, tmp_path):
    class Broken(FakeRuntime):
        """Its first stream of a log breaks off."""

        broken = True

        def follow(self, name, since="", **options):
            for chunk in super().follow(name, since, **options):
                yield chunk
                if self.broken:
                    self.broken = False
                    raise EngineAbsent("It went away.")

    engine = Broken({"i": Program(b"one\ntwo\n", until_stopped=True)})
    job = a_job(phase=EXECUTING, attempt=1)
    engine.create(Spec(stage.container(site, job), "i", {}, {}, (), Limits(1, 2**26, 8, 2**20, 4096)))
    engine.start(stage.container(site, job))
    stage.folder(site, job).mkdir(parents=True)
    running = Running(site, engine)
    begin(running, job)
    path = files.folder(site, job.id) / "stdout"
    deadline = time.monotonic() + 10
    while path.read_bytes() != b"one\ntwo\n":
        assert time.monotonic() < deadline
        os.sched_yield()
    running.leave()


def test_a_worker_that_takes_over_knows_of_earlier_pauses(running):
    stamps = [clock.fine_stamp(clock.later(-seconds)) for seconds in (100, 90, 50)]
    history = [PhaseChange(phase, at) for phase, at in zip((EXECUTING, SUSPENDED, EXECUTING), stamps, strict=True)]
    assert suspended(history) == pytest.approx(40, abs=0.1)
    job = a_job(phase=EXECUTING, execution_duration=61)
    begin(running, job, 100, history)
    assert running.overdue()[1] == pytest.approx(1, abs=0.5)
