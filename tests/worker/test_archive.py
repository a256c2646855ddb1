"""After a job's destruction: gone, or kept as ARCHIVED without its files; and a new time to execute, heeded at once."""

from __future__ import annotations

import threading

import pytest

from registry import clock
from registry.access import ADMINISTRATOR, Caller
from registry.bell import PHASES
from registry.errors import Denied
from registry.executor.fake import FakeRuntime, Program
from registry.executor.runtime import ABSENT, EXITED, RUNNING, State
from registry.uws import files, jobs, store
from registry.uws.errors import NoSuchThing
from registry.uws.phases import ABORTED, ARCHIVED, COMPLETED, EXECUTING, Phase
from registry.uws.store import NoJob, Parameter
from registry.worker import loop
from registry.worker.decide import Action, decide
from registry.worker.lease import Lease
from tests.worker.bench import Worker, leftovers
from tests.worker.jobs import a_job, job_of, phases_of, results_of, submit, wish

HELLO, SLEEPER = "repository.example/hello@sha256:1", "repository.example/sleeper@sha256:1"
PROGRAMS = {HELLO: Program(b"hello\n", files={"a.json": b"{}\n"}), SLEEPER: Program(b"asleep\n", until_stopped=True)}
ROOT = Caller("root", ADMINISTRATOR)


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime(PROGRAMS)


@pytest.fixture()
def worker(site, engine):
    object.__setattr__(site, "settings", site.settings.model_copy(update={"archive_time": 3600}))
    made = Worker(site, engine)
    yield made
    made.hands.leave()


def destroy(site, job_id: str, seconds: float) -> None:
    """Its destruction was so many seconds ago."""
    with site.database.write() as connection:
        store.note(connection, store.get(connection, job_id), destruction=clock.fine_stamp(clock.later(-seconds)))


@pytest.mark.parametrize(("phase", "status", "ago", "kept", "action"), [
    (COMPLETED, ABSENT, -1, 60, Action.NOTHING), (COMPLETED, ABSENT, 1, 60, Action.ARCHIVE),
    (COMPLETED, EXITED, 1, 60, Action.ARCHIVE), (EXECUTING, RUNNING, 1, 60, Action.ARCHIVE),
    (ARCHIVED, ABSENT, 1, 60, Action.NOTHING), (ARCHIVED, EXITED, 1, 60, Action.CLEAN),
    (ARCHIVED, ABSENT, 60, 60, Action.DELETE), (COMPLETED, ABSENT, 1, 0, Action.DELETE),
    (ARCHIVED, ABSENT, 1, 0, Action.DELETE), (EXECUTING, RUNNING, 1, 0, Action.DELETE),
])
def test_what_is_to_be_done_after_destruction(phase: Phase, status, ago, kept, action):
    now = clock.now()
    job = a_job(phase=phase, lease="w", started=clock.fine_stamp(now), destruction=clock.fine_stamp(clock.later(-ago, now)))
    assert decide(job, State(status, "x"), now, kept) is action


def test_an_archived_job_can_be_read_and_its_files_are_gone(site, engine, worker):
    job_id = submit(site, HELLO, (Parameter("a", "1"),), contract={"contract": "1.0", "parameters": [{"name": "a"}]})
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED and results_of(site, job_id)
    destroy(site, job_id, 1)
    worker.once()
    worker.once()
    job = job_of(site, job_id)
    assert (job.phase, job.exit_code, job.usage["result_files"]) == (ARCHIVED, 0, 1)
    assert phases_of(site, job_id)[-2:] == ["COMPLETED", "ARCHIVED"]
    assert results_of(site, job_id) == {} and not files.folder(site, job_id).exists() and leftovers(site, engine) == []
    with site.database.read() as connection:
        assert store.parameters(connection, job_id) == [Parameter("a", "1")]
        assert [one.id for one in store.references(connection, everybody=True)] == []
        assert [one.id for one in store.references(connection, everybody=True, phases=[ARCHIVED])] == [job_id]
    with pytest.raises(NoSuchThing, match="any more: it is ARCHIVED"):
        jobs.file_of(site, job, "a.json")
    with pytest.raises(Denied, match="time of destruction has come"):
        jobs.set_destruction(site, ROOT, job_id, "2999-01-01")
    destroy(site, job_id, 3600)
    worker.once()
    with pytest.raises(NoJob):
        job_of(site, job_id)


def test_a_job_that_runs_at_its_destruction_is_stopped_and_archived(site, engine, worker):
    running, waiting = submit(site, SLEEPER), submit(site, HELLO)
    worker.hands.engine = None
    worker.once()
    destroy(site, running, 1)
    destroy(site, waiting, 1)
    worker.once()
    for job_id in (running, waiting):
        job = job_of(site, job_id)
        assert job.phase is ARCHIVED and phases_of(site, job_id)[-2] in ("ABORTED", "COMPLETED")
    assert "time of destruction" in job_of(site, running).error
    assert engine.list(site.settings.engine_name) == [] and leftovers(site, engine) == []


def test_a_client_may_delete_an_archived_job(site, engine, worker):
    job_id = submit(site, HELLO)
    worker.once()
    destroy(site, job_id, 1)
    worker.once()
    wish(site, job_id, store.DELETE)
    worker.once()
    with pytest.raises(NoJob):
        job_of(site, job_id)


def test_a_new_time_to_execute_is_heeded_at_once(site, engine, monkeypatch):
    monkeypatch.setattr(loop, "TICK", 3600.0)  # the look at everything shall not be what notices it
    stop, lease = threading.Event(), Lease(site)
    running = threading.Thread(target=loop.Loop(site, engine, lease, stop).run)
    with site.bells.listen(PHASES) as bell:
        job_id = submit(site, SLEEPER, execution_duration=3000)
        running.start()
        try:
            while job_of(site, job_id).phase is not EXECUTING:
                assert bell.wait(20)
            jobs.set_duration(site, ROOT, job_id, "1")
            while job_of(site, job_id).phase is EXECUTING:
                assert bell.wait(20)
        finally:
            stop.set()
            running.join(30)
            lease.close()
    assert job_of(site, job_id).phase is ABORTED and "1 s" in job_of(site, job_id).error
