"""A job's way through the worker, on the fake engine: every end it can come to, and every place where it can be cut."""

from __future__ import annotations

import hashlib
import json
import stat

import pytest

from registry import clock
from registry.executor import runtime, tree
from registry.executor.fake import FakeRuntime, Program
from registry.executor.runtime import RepositoryAbsent, Usage
from registry.uws import files, store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, EXECUTING, QUEUED
from registry.uws.store import NoJob, Parameter
from registry.worker import stage
from tests.worker.bench import STEPS, Killed, Worker, killed_at, leftovers
from tests.worker.jobs import job_of, phases_of, results_of, submit, wish

HELLO, SLEEPER, THREE, CROWD, HUNGRY = (
    f"repository.example/{name}@sha256:1" for name in ("hello", "sleeper", "three", "crowd", "hungry"))
PROGRAMS = {
    HELLO: Program(b"hello\n", b"careful\n", {"deep/answer.txt": b"42\n", "a.json": b"{}\n"}),
    SLEEPER: Program(b"asleep\n", files={"partial.txt": b"so far\n"}, until_stopped=True),
    THREE: Program(stderr=b"first\nthe third thing went wrong\n", exit_code=3),
    CROWD: Program(until_stopped=True, used=Usage(1.5, 4096, 7)),
    HUNGRY: Program(out_of_memory=True),
}


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime(PROGRAMS)


@pytest.fixture()
def worker(site, engine) -> Worker:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


def test_a_job_completes_with_its_files_and_logs(site, engine, worker):
    job_id = submit(site, HELLO)
    worker.once()
    job = job_of(site, job_id)
    assert (job.phase, job.exit_code, job.error, job.lease, job.token_hash) == (COMPLETED, 0, None, "", None)
    assert phases_of(site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]
    assert list(results_of(site, job_id)) == ["a.json", "deep/answer.txt", "stdout", "stderr", "exitcode"]
    answer = results_of(site, job_id)["deep/answer.txt"]
    assert (answer.size, answer.media_type) == (3, "text/plain")
    assert answer.sha256 == hashlib.sha256(b"42\n").hexdigest()
    folder = files.folder(site, job_id)
    assert (folder / answer.path).read_bytes() == b"42\n"
    assert (folder / "stdout").read_bytes() == b"hello\n"
    assert (folder / "stderr").read_bytes() == b"careful\n"
    assert (folder / "exitcode").read_text() == "0\n"
    assert leftovers(site, engine) == []
    assert job.started <= job.ended


def test_what_the_container_is_given(site, engine, worker):
    contract = {"contract": "1.0", "network": "dc", "requires": [],
                "parameters": [{"name": "radius", "type": "real"}, {"name": "name", "multiplicity": "0..*"}],
                "inputs": [{"name": "table"}]}
    given = (Parameter("radius", "1.5"), Parameter("name", "a"), Parameter("table", "table", by_reference=True))
    job_id = submit(site, SLEEPER, given, contract=contract)
    inputs = files.inputs(site, job_id)
    inputs.mkdir(parents=True)
    (inputs / "table").write_bytes(b"1,2\n")
    worker.once()
    job = job_of(site, job_id)
    assert job.phase is EXECUTING
    spec = engine.specs[stage.container(site, job)]
    assert spec.name == f"innerspace-{site.settings.engine_name}-{job_id}-1"
    assert spec.environment == {
        "DATACENTER_DIR": "/datacenter", "JOB_DIR": "/job", "RESULTS_DIR": "/results", "JOB_ID": job_id}
    writable = {mount.target: mount.writable for mount in spec.mounts}
    assert writable == {"/datacenter": False, "/job": False, "/results": True}
    assert spec.network == f"innerspace-{site.settings.engine_name}-dc"
    assert spec.hosts == {"dc.internal": "127.0.0.1"}
    place = stage.folder(site, job)
    # whoever the container's user is on this host, and nobody else
    assert stat.S_IMODE((place / "results").stat().st_mode) == 0o777
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert json.loads((place / "job/parameters.json").read_bytes()) == {"radius": 1.5, "name": ["a"]}
    assert (place / "job/inputs/table").read_bytes() == b"1,2\n"
    assert json.loads((place / "datacenter/apis.json").read_bytes())["apis"] == []
    assert b"capabilities" in (place / "datacenter/capabilities.xml").read_bytes()
    token = (place / "job/token").read_bytes()
    assert len(token) >= 32
    assert job.token_hash == hashlib.sha256(token).hexdigest()


def test_the_gateways_address_is_told(site, worker):
    from registry.gateway.main import FACT, _address  # what that process reads

    worker.once()
    assert FACT == "dc gateway"
    assert _address(site) == "127.0.0.1"


def test_limits_in_a_row_cannot_pass_the_sites(site, engine, worker):
    job_id = submit(site, SLEEPER, limits={"cores": 64, "memory": 2**40, "disk": 2**40, "processes": 9, "log": 8192})
    worker.once()
    limits = engine.specs[stage.container(site, job_of(site, job_id))].limits
    most = site.settings
    assert (limits.cores, limits.memory, limits.disk) == (most.job_cores, most.job_memory, most.job_disk)
    assert limits.processes == 9


def test_another_exit_code_is_an_error_and_the_logs_are_kept(site, worker):
    job_id = submit(site, THREE)
    worker.once()
    job = job_of(site, job_id)
    assert (job.phase, job.exit_code, job.error_type) == (ERROR, 3, "fatal")
    assert job.error == "The application ended with code 3: the third thing went wrong"
    assert (files.folder(site, job_id) / "stderr").read_bytes() == b"first\nthe third thing went wrong\n"
    assert "exitcode" in results_of(site, job_id)


def test_no_more_run_at_once_than_the_site_allows(site, engine, worker):
    jobs = [submit(site, SLEEPER) for _ in range(6)]
    worker.once()
    assert [job_of(site, job).phase for job in jobs] == [EXECUTING] * 4 + [QUEUED] * 2
    engine.finish(stage.container(site, job_of(site, jobs[0])), 0)
    worker.once()
    assert [job_of(site, job).phase for job in jobs] == [COMPLETED] + [EXECUTING] * 4 + [QUEUED]


def test_without_an_engine_jobs_wait_and_say_why(site, engine, worker):
    engine.absent = True
    job_id = submit(site, HELLO)
    worker.once()
    job = job_of(site, job_id)
    assert (job.phase, job.lease) == (QUEUED, "")
    assert "does not answer" in job.message
    engine.absent = False
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert job_of(site, job_id).message == ""


def test_an_engine_that_goes_away_while_a_job_runs_ends_no_job(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    engine.absent = True
    worker.hands.turn(job_id)
    assert job_of(site, job_id).phase is EXECUTING
    assert "does not answer" in job_of(site, job_id).message
    engine.absent = False
    worker.once()
    assert job_of(site, job_id).message == ""
    engine.finish(stage.container(site, job_of(site, job_id)), 0)
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED


def test_an_image_that_is_not_here_is_fetched_meanwhile_others_run(site, engine, worker):
    engine.remote["repository.example/far@sha256:1"] = PROGRAMS[HELLO]
    job_id = submit(site, "repository.example/far@sha256:1")
    worker.until(lambda: job_of(site, job_id).phase is COMPLETED)
    assert phases_of(site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]


def test_while_the_repository_is_silent_the_job_waits_and_says_why(site, engine, worker):
    image = "repository.example/far@sha256:1"
    engine.faults[image] = RepositoryAbsent("The Docker repository does not answer.")
    waiting = [submit(site, image) for _ in range(5)]
    said = "The Docker repository does not answer."
    worker.until(lambda: all(job_of(site, job).message == said for job in waiting[:4]))
    assert {job_of(site, job).phase for job in waiting} == {QUEUED}
    other = submit(site, HELLO)  # those that wait take no place from it
    worker.until(lambda: job_of(site, other).phase is COMPLETED)
    engine.remote[image] = PROGRAMS[HELLO]
    del engine.faults[image]
    worker.until(lambda: {job_of(site, job).phase for job in waiting} == {COMPLETED})


def test_one_that_waits_for_its_image_can_be_aborted(site, engine, worker):
    image = "repository.example/far@sha256:1"
    engine.faults[image] = RepositoryAbsent("The Docker repository does not answer.")
    job_id = submit(site, image)
    worker.until(lambda: job_of(site, job_id).message == "The Docker repository does not answer.")
    wish(site, job_id, store.ABORT)
    worker.once()
    assert job_of(site, job_id).phase is ABORTED
    assert worker.hands.fetches.waiting() == 0


def test_an_image_that_nobody_has_is_an_error(site, worker):
    job_id = submit(site, "repository.example/none@sha256:1")
    worker.until(lambda: job_of(site, job_id).phase is ERROR)
    assert "no image repository.example/none@sha256:1" in job_of(site, job_id).error
    assert job_of(site, job_id).error_type == "fatal"


def test_a_container_that_the_engine_does_not_start_is_an_error(site, engine, worker):
    engine.programs["repository.example/bad@sha256:1"] = Program(starts=False)
    job_id = submit(site, "repository.example/bad@sha256:1")
    worker.once()
    assert job_of(site, job_id).phase is ERROR
    assert "does not start" in job_of(site, job_id).error
    assert leftovers(site, engine) == []


def test_out_of_memory_is_named(site, engine, worker):
    engine.programs["repository.example/big@sha256:1"] = Program(exit_code=137, out_of_memory=True)
    job_id = submit(site, "repository.example/big@sha256:1")
    worker.once()
    assert "out of memory" in job_of(site, job_id).error


def test_too_many_results_are_named_and_what_fits_is_kept(site, engine, worker):
    engine.programs["repository.example/much@sha256:1"] = Program(files={"a": b"x" * 2**19, "b": b"y" * 2**20})
    job_id = submit(site, "repository.example/much@sha256:1")
    worker.once()
    job = job_of(site, job_id)
    assert job.phase is ERROR
    assert "more results than it may" in job.error
    assert len({"a", "b"} & set(results_of(site, job_id))) == 1


def test_a_running_job_that_writes_too_much_is_stopped(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    worker.hands.measure()
    assert job_of(site, job_id).step == "staged"
    (stage.results(site, job_of(site, job_id)) / "big").write_bytes(b"x" * (2**20 + 1))
    worker.hands.measure()
    worker.until(lambda: job_of(site, job_id).phase is ERROR)
    assert "more results than it may" in job_of(site, job_id).error
    assert "partial.txt" in results_of(site, job_id)


def test_a_running_job_is_aborted_and_keeps_its_results(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    wish(site, job_id, store.ABORT)
    worker.until(lambda: job_of(site, job_id).phase is ABORTED)
    assert (job_of(site, job_id).desired, job_of(site, job_id).error) == (store.RUN, None)
    assert {"partial.txt", "stdout"} <= set(results_of(site, job_id))
    assert leftovers(site, engine) == []


def test_a_job_over_its_time_is_aborted_and_keeps_its_results(site, engine, worker):
    job_id = submit(site, SLEEPER, execution_duration=1)
    worker.until(lambda: job_of(site, job_id).phase is ABORTED)
    assert "1 s" in job_of(site, job_id).error
    assert "partial.txt" in results_of(site, job_id)


def test_a_step_of_the_clock_ages_no_running_job(site, engine, worker, monkeypatch):
    job_id = submit(site, SLEEPER, execution_duration=60, destruction=clock.fine_stamp(clock.later(10**6)))
    worker.once()
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: clock.later(3600, real()))
    worker.once()
    assert job_of(site, job_id).phase is EXECUTING


def test_a_deleted_job_goes_with_all_that_is_its(site, engine, worker):
    running, done = submit(site, SLEEPER), submit(site, HELLO)
    worker.once()
    for job_id in (running, done):
        wish(site, job_id, store.DELETE)
    worker.once()
    for job_id in (running, done):
        with pytest.raises(NoJob):
            job_of(site, job_id)
        assert not files.folder(site, job_id).exists()
    assert leftovers(site, engine) == []


def test_destruction_deletes_whatever_the_phase(site, engine, worker):
    running, done = submit(site, SLEEPER), submit(site, HELLO)
    worker.once()
    with site.database.write() as connection:
        for job_id in (running, done):
            store.note(connection, store.get(connection, job_id), destruction=clock.fine_stamp(clock.later(-1)))
    worker.once()
    for job_id in (running, done):
        with pytest.raises(NoJob):
            job_of(site, job_id)
    assert leftovers(site, engine) == []


def test_a_folder_that_we_may_not_remove_leaves_no_container(site, engine, worker, monkeypatch):
    """A worker that is not root cannot remove folders that a job made."""

    def refused(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    job_id, real = submit(site, HELLO), tree.remove
    monkeypatch.setattr("registry.executor.tree.remove", lambda path: refused(path) if path.parent.name == "staging" and
                        job_of(site, job_id).final else real(path))
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert engine.list(site.settings.engine_name) == []


def test_a_container_that_vanished_is_a_transient_error(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    engine.forget(stage.container(site, job_of(site, job_id)))
    worker.once()
    assert (job_of(site, job_id).phase, job_of(site, job_id).error_type) == (ERROR, "transient")


def test_strays_of_ours_are_removed_and_those_of_a_namesake_are_not(site, engine, worker):
    for home, job in ((stage.home(site), "gone"), ("somebody else", "theirs")):
        engine.create(runtime.Spec(
            f"innerspace-{site.settings.engine_name}-{job}-1", HELLO,
            {runtime.INSTANCE: site.settings.engine_name, runtime.JOB: job, runtime.HOME: home}, {}, (),
            runtime.Limits(1, 2**26, 8, 2**20, 4096)))
    stray = site.settings.instance / "staging/gone-1/results"
    stray.mkdir(parents=True)
    worker.once()
    assert leftovers(site, engine) == [f"innerspace-{site.settings.engine_name}-theirs-1"]


def test_a_change_that_comes_while_results_are_taken_is_not_lost(site, engine):
    def meanwhile(step, job):
        if step == "collecting":
            wish(site, job.id, store.ABORT)

    worker = Worker(site, engine, meanwhile)
    job_id = submit(site, HELLO)
    worker.once()
    assert job_of(site, job_id).phase is ABORTED
    assert "a.json" in results_of(site, job_id)


def test_a_worker_that_lost_its_lease_changes_nothing(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    with site.database.write() as connection:
        store.adopt(connection, store.get(connection, job_id), "another-1-a")
    engine.finish(stage.container(site, job_of(site, job_id)), 0)
    worker.hands.turn(job_id)
    assert (job_of(site, job_id).phase, job_of(site, job_id).lease) == (EXECUTING, "another-1-a")


@pytest.mark.parametrize("round_", range(3))
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_worker_ends_the_job_once(site, engine, step, round_):
    job_id = submit(site, HELLO)
    other = submit(site, THREE)
    first = Worker(site, engine, killed_at(step))
    with pytest.raises(Killed):
        first.once()
    first.die()
    second = Worker(site, engine)
    second.until(lambda: all(job_of(site, job).final for job in (job_id, other)))
    second.once()
    assert (job_of(site, job_id).phase, job_of(site, other).phase) == (COMPLETED, ERROR)
    name = f"innerspace-{site.settings.engine_name}"
    assert sorted(engine.started) == sorted(f"{name}-{job}-1" for job in (job_id, other))
    assert phases_of(site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]
    assert list(results_of(site, job_id)) == ["a.json", "deep/answer.txt", "stdout", "stderr", "exitcode"]
    assert leftovers(site, engine) == []


@pytest.mark.parametrize("step", ["running", "exited", "collecting"])
def test_killed_twice_at_the_same_step_it_still_ends_once(site, engine, step):
    job_id = submit(site, HELLO)
    for _ in range(2):
        worker = Worker(site, engine, killed_at(step))
        try:
            worker.once()
        except Killed:
            worker.die()
    last = Worker(site, engine)
    last.until(lambda: job_of(site, job_id).final)
    assert engine.started == [f"innerspace-{site.settings.engine_name}-{job_id}-1"]
    assert (files.folder(site, job_id) / "stdout").read_bytes() == b"hello\n"


def test_a_live_workers_jobs_are_left_to_it(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    second = Worker(site, engine)
    second.once()
    assert job_of(site, job_id).lease == worker.lease.name
    worker.hands.leave()
    worker.die()
    second.once()
    assert job_of(site, job_id).lease == second.lease.name
    engine.finish(stage.container(site, job_of(site, job_id)), 0)
    second.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert engine.started == [stage.container(site, job_of(site, job_id))]


def test_what_a_job_has_used_is_kept_and_processes_that_it_was_refused_are_named(site, engine, worker):
    job_id = submit(site, CROWD)
    worker.once()
    worker.hands.measure()
    engine.finish(stage.container(site, job_of(site, job_id)), 2)
    worker.once()
    job = job_of(site, job_id)
    assert job.phase is ERROR
    assert "too many processes (the limit is 32, threads included)" in job.error
    assert (job.usage["cpu_seconds"], job.usage["peak_memory"]) == (1.5, 4096)


def test_a_child_that_ran_out_of_memory_is_told_of_in_a_job_that_succeeds(site, engine, worker):
    job_id = submit(site, HUNGRY)
    worker.once()
    job = job_of(site, job_id)
    assert job.phase is COMPLETED
    assert job.usage["problems"] == ["A process of the application was ended because the job's memory was used up."]


def test_what_a_run_that_nobody_saw_has_written_is_no_result(site, engine, worker):
    """An engine that was restarted in the middle of a start shows the container as created."""
    job_id = submit(site, HELLO)
    broken = Worker(site, engine, observe=killed_at("created"))
    with pytest.raises(Killed):
        broken.once()
    broken.die()
    name = stage.container(site, job_of(site, job_id))
    (stage.results(site, job_of(site, job_id)) / "half").write_text("written by a run that was lost")
    engine.lose_sight(name)
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert list(results_of(site, job_id)) == ["a.json", "deep/answer.txt", "stdout", "stderr", "exitcode"]
    assert set(engine.reaped) == {name}
    assert leftovers(site, engine) == []


@pytest.mark.parametrize("step", ["staged", "created", "started"])
def test_an_engine_that_goes_away_in_mid_turn_is_named_in_the_job(site, engine, step):
    """The turn has written the row itself by then."""

    def go_away(seen, job) -> None:
        engine.absent = engine.absent or seen == step

    worker = Worker(site, engine, observe=go_away)
    job_id = submit(site, HELLO)
    worker.once()
    job = job_of(site, job_id)
    assert (job.phase, job.lease) == (QUEUED, worker.lease.name)
    assert "does not answer" in job.message
    engine.absent = False
    worker.hands.leave()
