"""Workers killed with -9 at every step, by the dozen: no job is lost, none is run twice, nothing is left, all results once.

The workers are real processes. The fake engine stands in a process of its own (this one), as a real engine does.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.executor.fake import FakeRuntime, Program
from registry.site import Site
from registry.uws import files
from registry.uws.phases import COMPLETED
from registry.worker import stage
from tests.worker.bench import STEPS, leftovers
from tests.worker.jobs import job_of, phases_of, results_of, submit
from tests.worker.nursery import Nursery
from tests.worker.remote import Server
from tests.worker.station import Station

HELLO = "repository.example/hello@sha256:1"
REAL = "echo started >> /results/starts; cat /results/starts"
RESULTS = {"starts", "stdout", "stderr", "exitcode"}
ONCE = ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]


@pytest.fixture()
def engine() -> Iterator[Server]:
    fake = FakeRuntime({HELLO: Program(b"started\n", files={"starts": b"started\n"})})
    with tempfile.TemporaryDirectory(prefix="isf-") as folder:
        server = Server(fake, Path(folder) / "engine")
        yield server
        server.close()


def until(site: Site, done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    with site.bells.listen("phases") as bell:
        while not done():
            assert time.monotonic() < deadline, "it did not come to that"
            bell.wait(0.1)


def killed_again_and_again(site: Site, nursery: Nursery, engine: str, image: str, step: str, times: int,
                           left: Callable[[], list[str]]) -> list[str]:
    """One job after the other, each with a worker that dies at `step` of it; a last worker finishes."""
    jobs: list[str] = []
    for _ in range(times):
        jobs.append(submit(site, image))
        assert nursery.worker(site, engine, step=step, job=jobs[-1]).wait(60) == -signal.SIGKILL
    last = nursery.worker(site, engine)
    until(site, lambda: all(job_of(site, job_id).final for job_id in jobs))
    until(site, lambda: not left())
    last.terminate()
    assert last.wait() == 0
    return jobs


def all_is_there_once(site: Site, jobs: list[str]) -> None:
    for job_id in jobs:
        job = job_of(site, job_id)
        assert (job.phase, job.error, job.attempt, job.lease) == (COMPLETED, None, 1, "")
        assert phases_of(site, job_id) == ONCE
        assert set(results_of(site, job_id)) == RESULTS
        folder = files.folder(site, job_id)
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found - {"endpoints.json"} == {"files/starts", "stdout", "stderr", "exitcode"}
        assert (folder / "files/starts").read_bytes() == (folder / "stdout").read_bytes() == b"started\n"


def on_the_fake(site: Site, nursery: Nursery, server: Server, step: str, times: int) -> None:
    jobs = killed_again_and_again(
        site, nursery, server.address, HELLO, step, times, lambda: leftovers(site, server.engine))
    all_is_there_once(site, jobs)
    assert sorted(server.engine.started) == sorted(stage.container(site, job_of(site, job_id)) for job_id in jobs)
    assert leftovers(site, server.engine) == []


def on_docker(station: Station, step: str, times: int) -> None:
    jobs = killed_again_and_again(
        station.site, station.nursery, "", station.image(REAL), step, times, station.left)
    all_is_there_once(station.site, jobs)
    assert station.left() == []


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step(site, nursery, engine, step):
    on_the_fake(site, nursery, engine, step, 1)


@pytest.mark.docker
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_on_docker(idle, step):
    on_docker(idle, step, 1)


@pytest.mark.soak
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_a_hundred_times(site, nursery, engine, step):
    on_the_fake(site, nursery, engine, step, 100)


@pytest.mark.soak
@pytest.mark.docker
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_on_docker_ten_times(idle, step):
    on_docker(idle, step, 10)


def killed_at_random(site: Site, nursery: Nursery, engine: str, image: str, number: int, seed: int) -> list[str]:
    """Three workers want the same jobs; one after the other is killed at any moment, and another comes."""
    chance = random.Random(seed)
    jobs = [submit(site, image) for _ in range(number)]
    workers = [nursery.worker(site, engine) for _ in range(3)]
    while not all(job_of(site, job_id).final for job_id in jobs):
        time.sleep(chance.uniform(0.0, 0.3))  # what happens is a matter of when: not a wait for anything
        one = chance.randrange(3)
        workers[one].kill()
        workers[one] = nursery.worker(site, engine)
    return jobs


def killed_on_the_fake(site: Site, nursery: Nursery, server: Server, number: int, seed: int) -> None:
    jobs = killed_at_random(site, nursery, server.address, HELLO, number, seed)
    until(site, lambda: leftovers(site, server.engine) == [])
    nursery.clear()
    all_is_there_once(site, jobs)
    assert sorted(server.engine.started) == sorted(stage.container(site, job_of(site, job_id)) for job_id in jobs)


def killed_on_docker(station: Station, number: int, seed: int) -> None:
    jobs = killed_at_random(station.site, station.nursery, "", station.image(REAL), number, seed)
    until(station.site, lambda: not station.left())
    station.nursery.clear()
    all_is_there_once(station.site, jobs)


def test_three_workers_race_and_are_killed_at_any_moment(site, nursery, engine):
    killed_on_the_fake(site, nursery, engine, 12, 1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_three_workers_race_and_are_killed_at_any_moment_for_long(site, nursery, engine, seed):
    killed_on_the_fake(site, nursery, engine, 200, seed)


@pytest.mark.docker
def test_three_workers_race_and_are_killed_on_docker(idle):
    killed_on_docker(idle, 6, 1)


@pytest.mark.soak
@pytest.mark.docker
@pytest.mark.parametrize("seed", range(3))
def test_three_workers_race_and_are_killed_on_docker_for_long(idle, seed):
    killed_on_docker(idle, 40, seed)
