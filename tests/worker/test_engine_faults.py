"""A Docker engine killed with -9 under its jobs and started again: none is called complete that did not come to its end.

The engine is the tests' own. What becomes of a running container depends on live-restore: with it the container runs on,
without it the engine ends what it finds when it starts anew, even by a signal that a program answers with exit code 0.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from registry.executor.docker_runtime import DockerRuntime
from registry.schema import upgrade
from registry.site import Site
from registry.uws import files
from registry.uws.phases import COMPLETED, ERROR, EXECUTING, QUEUED, UNKNOWN
from registry.uws.store import Job
from registry.worker import stage, survey
from registry.worker.lease import Lease
from registry.worker.loop import Loop
from tests.engines import OwnEngine, own_engine
from tests.executor.engines import Images
from tests.worker.conftest import site_in
from tests.worker.jobs import job_of, phases_of, results_of, submit

pytestmark = pytest.mark.docker
KEEP = "--live-restore"
STEPS = ("claimed", "created", "running", "exited")
# why a job did not come to its end, in the words that name it
CAUSES = ("was stopped from outside", "Nobody saw how the container ended", "does not start the container")
# each marks its start and its end; between them it works until it is told to go on, or for a second
WAIT = "echo started >> /results/starts; while [ ! -e /results/go ]; do sleep 0.05; done; echo end"
PROGRAMS = {
    "waits": WAIT,
    "polite": f"trap 'exit 0' TERM; {WAIT}",  # a graceful end is no success
    "quick": "echo started >> /results/starts; echo end",
    "works": "trap 'exit 0' TERM; echo started >> /results/starts; "
             "i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done; echo end",
}


class Bench:
    """A datacenter whose worker, a thread, uses an engine of its own; at a step of the worker the engine is killed."""

    def __init__(self, site: Site, engine: OwnEngine, images: Images) -> None:
        self.site, self.engine, self.images = site, engine, images
        self.step, self.killed = "", threading.Event()
        self.before_kill: Callable[[Job], None] = lambda job: None
        self.after_kill: Callable[[Job], None] = lambda job: None
        self.stop = threading.Event()
        self.runtime, self.lease = DockerRuntime(engine.address), Lease(site)
        self.loop = Loop(site, self.runtime, self.lease, self.stop, observe=self._observe)
        self.thread = threading.Thread(target=self.loop.run)

    def _observe(self, step: str, job: Job) -> None:
        if step == self.step:
            self.step = ""
            self.before_kill(job)
            self.engine.kill()
            self.after_kill(job)
            self.killed.set()

    def submit(self, program: str) -> str:
        return submit(self.site, self.images.of(PROGRAMS[program]))

    def until(self, done: Callable[[], bool], seconds: float = 45.0) -> None:
        """Wait for the bell of phases until it is so."""
        deadline = time.monotonic() + seconds
        with self.site.bells.listen("phases") as bell:
            while not done():
                assert time.monotonic() < deadline, "it did not come to that"
                bell.wait(0.1)

    def until_final(self, job_id: str) -> Job:
        self.until(lambda: job_of(self.site, job_id).final)
        return job_of(self.site, job_id)

    def go_on(self, job_id: str) -> None:
        """Tell the program to come to its end."""
        (stage.results(self.site, job_of(self.site, job_id)) / "go").touch()

    def text(self, job_id: str, name: str) -> str:
        return (files.folder(self.site, job_id) / name).read_text()

    def close(self) -> None:
        self.stop.set()
        if self.thread.ident:
            self.thread.join(30)
        self.lease.close()
        self.runtime.close()


@pytest.fixture(scope="module", params=["plain", "live-restore"])
def engine(request: pytest.FixtureRequest) -> Iterator[OwnEngine]:
    options = (KEEP,) if request.param == "live-restore" else ()
    with own_engine(*options) as running:
        yield running


@pytest.fixture(scope="module")
def own_images(engine: OwnEngine) -> Iterator[Images]:
    client: docker.DockerClient = engine.client
    made = Images(client)
    for program in PROGRAMS.values():
        made.of(program)
    yield made
    client.close()


@pytest.fixture()
def bench(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, instance: str, engine: OwnEngine, own_images: Images,
) -> Iterator[Bench]:
    monkeypatch.setattr(survey, "SIGHT", 0.0)
    site = site_in(tmp_path / "instance", instance, docker_host=engine.address, firewall=False)
    upgrade(site.database)
    made = Bench(site, engine, own_images)
    yield made
    if not engine.runs:
        engine.start()
    made.close()
    with contextlib.closing(engine.client) as client:
        for container in client.containers.list(all=True):
            container.remove(force=True)
    site.close()


def survives(engine: OwnEngine) -> bool:
    return KEEP in engine.options


def orphaned(bench: Bench, step: str, program: str) -> str:
    """A job under which the engine has been killed at `step`, and which says so; its name."""
    bench.step = step
    bench.thread.start()
    job_id = bench.submit(program)
    assert bench.killed.wait(45)
    # all that one wrote that has ended may have been read by then
    bench.until(lambda: noticed(job_of(bench.site, job_id)) or step == "exited" and job_of(bench.site, job_id).final)
    return job_id


def noticed(job: Job) -> bool:
    """Whether the job says that the engine is away."""
    return "Docker engine" in job.message and "cannot be used" in job.message and job.phase in (QUEUED, UNKNOWN)


@pytest.mark.parametrize("step", ["claimed", "created"])
def test_a_job_that_had_not_started_runs_once_when_the_engine_is_back(bench: Bench, step: str):
    job_id = orphaned(bench, step, "quick")
    bench.engine.start()
    job = bench.until_final(job_id)
    assert (job.phase, job.error, job.message) == (COMPLETED, None, "")
    assert bench.text(job.id, "files/starts") == "started\n"
    assert bench.text(job.id, "stdout") == "end\n"
    assert phases_of(bench.site, job.id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]


def test_an_engine_killed_in_the_middle_of_a_start_leaves_no_second_run_and_no_orphan(bench: Bench):
    """The program runs, and neither the engine nor the job knows: what it has written is not taken for a result."""
    inside: list[int] = []

    def has_begun(job: Job) -> None:
        starts = stage.results(bench.site, job) / "starts"
        bench.until(lambda: starts.is_file() and starts.read_text() == "started\n")
        inside.append(bench.engine.pid_of(stage.container(bench.site, job)))

    bench.before_kill = has_begun
    bench.after_kill = lambda job: bench.engine.forget_start(stage.container(bench.site, job))
    job_id = orphaned(bench, "started", "waits")
    bench.engine.start()
    bench.until(lambda: job_of(bench.site, job_id).phase is EXECUTING)
    assert not Path("/proc", str(inside[0])).exists()
    bench.go_on(job_id)
    job = bench.until_final(job_id)
    assert (job.phase, job.error) == (COMPLETED, None)
    assert bench.text(job.id, "files/starts") == "started\n"
    assert set(bench.text(job.id, "stdout").split()) == {"end"}  # with live-restore such an engine logs each line twice


@pytest.mark.parametrize("program", ["waits", "polite"])
def test_a_running_job_runs_on_or_is_said_to_have_been_stopped(bench: Bench, program: str):
    job_id = orphaned(bench, "running", program)
    bench.engine.start()
    if survives(bench.engine):
        bench.until(lambda: job_of(bench.site, job_id).phase is EXECUTING)
        bench.go_on(job_id)
    job = bench.until_final(job_id)
    assert bench.text(job.id, "files/starts") == "started\n"
    assert phases_of(bench.site, job.id)[2:4] == ["EXECUTING", "UNKNOWN"]
    if survives(bench.engine):
        assert (job.phase, job.error, job.message) == (COMPLETED, None, "")
        assert bench.text(job.id, "stdout") == "end\n"
    else:
        assert (job.phase, job.error_type) == (ERROR, "transient")
        assert "stopped from outside" in job.error and "engine was restarted" in job.error
        assert bench.text(job.id, "stdout") == ""


def test_a_job_that_ends_while_the_engine_is_away_has_its_own_end(bench: Bench):
    job_id = orphaned(bench, "running", "waits")
    bench.go_on(job_id)
    bench.until(lambda: not bench.engine.works_on(stage.container(bench.site, job_of(bench.site, job_id))))
    bench.engine.start()
    job = bench.until_final(job_id)
    assert (job.phase, job.error, job.exit_code) == (COMPLETED, None, 0)
    assert set(results_of(bench.site, job.id)) == {"starts", "go", "stdout", "stderr", "exitcode"}
    assert "may be missing" in job.usage["problems"][0]


def test_a_job_that_had_ended_completes_with_all_it_wrote(bench: Bench):
    job_id = orphaned(bench, "exited", "quick")
    bench.engine.start()
    job = bench.until_final(job_id)
    assert (job.phase, job.error) == (COMPLETED, None)
    assert bench.text(job.id, "stdout") == "end\n"
    assert bench.text(job.id, "files/starts") == "started\n"


def test_a_job_submitted_without_an_engine_waits_and_runs_when_it_comes(bench: Bench):
    bench.engine.kill()
    bench.thread.start()
    job_id = bench.submit("quick")
    bench.until(lambda: noticed(job_of(bench.site, job_id)))
    job = job_of(bench.site, job_id)
    assert job.phase is QUEUED
    assert "it does not run: an administrator starts it" in job.message
    bench.engine.start()
    assert bench.until_final(job_id).phase is COMPLETED
    assert job_of(bench.site, job_id).message == ""


def test_a_machine_that_is_switched_off_under_a_job_makes_no_success(bench: Bench):
    bench.thread.start()
    job_id = bench.submit("polite")
    bench.until(lambda: job_of(bench.site, job_id).phase is EXECUTING)
    bench.engine.cut_off()
    bench.until(lambda: noticed(job_of(bench.site, job_id)))
    bench.engine.start()
    job = bench.until_final(job_id)
    assert (job.phase, job.error_type) == (ERROR, "transient")
    assert "Nobody saw how the container ended" in job.error


def test_an_administrator_who_stops_a_container_makes_no_success(bench: Bench):
    bench.thread.start()
    job_id = bench.submit("polite")
    bench.until(lambda: (files.folder(bench.site, job_id) / "stdout").is_file())
    with contextlib.closing(bench.engine.client) as client:
        client.containers.list()[0].stop(timeout=5)
    job = bench.until_final(job_id)
    assert (job.phase, job.error_type, job.exit_code) == (ERROR, "transient", 0)
    assert "by an administrator" in job.error


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_and_more_than_once_every_job_has_one_right_end(bench: Bench, seed: int):
    """Four jobs at once, three kills at moments of a fixed seed."""
    moments = random.Random(seed)
    bench.thread.start()
    jobs = [bench.submit(program) for program in ("works", "works", "quick", "works")]
    for _ in range(3):
        time.sleep(moments.uniform(0.0, 1.5))
        bench.engine.kill()
        time.sleep(moments.uniform(0.0, 1.5))
        bench.engine.start()
    for job_id in jobs:
        job = bench.until_final(job_id)
        if job.phase is COMPLETED:
            assert bench.text(job_id, "files/starts") == "started\n"
            assert set(bench.text(job_id, "stdout").split()) == {"end"} or "may be missing" in job.usage["problems"][0]
        else:
            assert (job.phase, job.error_type) == (ERROR, "transient"), job.error
            assert any(cause in job.error for cause in CAUSES), job.error
    bench.until(lambda: bench.runtime.list(bench.site.settings.engine_name) == [])
