"""An engine that says nothing: a moment changes nothing for anybody, after that nobody knows, and then all goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.access import ANONYMOUS
from registry.executor import docker_runtime
from registry.executor.docker_runtime import DockerRuntime
from registry.executor.fake import FakeRuntime, Program
from registry.executor.runtime import EngineAbsent
from registry.uws import jobs
from registry.uws.phases import COMPLETED, EXECUTING, SUSPENDED, UNKNOWN, Phase
from registry.worker import stage, survey
from tests.worker.bench import Worker
from tests.worker.jobs import job_of, phases_of, submit

SLEEPER = "repository.example/sleeper@sha256:1"


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime({SLEEPER: Program(b"asleep\n", until_stopped=True)})


@pytest.fixture()
def worker(site, engine) -> Iterator[Worker]:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


@pytest.fixture()
def clock(monkeypatch) -> list[float]:
    """Seconds by which the worker's clock is ahead."""
    ahead, real = [0.0], time.monotonic
    monkeypatch.setattr(survey.time, "monotonic", lambda: real() + ahead[0])
    return ahead


def test_a_moment_of_silence_is_no_news_and_whoever_waits_waits_on(site, engine, worker):
    job_id = submit(site, SLEEPER)
    worker.once()
    seen: list[Phase] = []
    waiter = threading.Thread(target=lambda: seen.append(jobs.wait(site, ANONYMOUS, job_id, 30).phase))
    waiter.start()
    engine.absent = True
    worker.once()
    assert job_of(site, job_id).phase is EXECUTING
    engine.absent = False
    worker.once()
    assert waiter.is_alive()
    engine.finish(stage.container(site, job_of(site, job_id)), 0)
    worker.once()
    waiter.join(10)
    assert seen == [COMPLETED]
    assert phases_of(site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]


def test_after_that_nobody_knows_until_it_answers(site, engine, worker, clock):
    running, paused = submit(site, SLEEPER), submit(site, SLEEPER)
    worker.once()
    engine.pause(stage.container(site, job_of(site, paused)))
    worker.once()
    started = job_of(site, running).started
    engine.absent = True
    worker.once()
    clock[0] += survey.SIGHT
    worker.once()
    for job_id in (running, paused):
        assert job_of(site, job_id).phase is UNKNOWN
        assert "does not answer" in job_of(site, job_id).message
    engine.absent = False
    worker.once()
    assert (job_of(site, running).phase, job_of(site, running).message) == (EXECUTING, "")
    assert job_of(site, running).started == started
    assert job_of(site, paused).phase is SUSPENDED
    engine.absent = True
    worker.once()
    assert job_of(site, running).phase is EXECUTING  # the next silence is measured anew


def test_jobs_of_a_worker_that_died_meanwhile_are_no_secret(site, engine, worker, clock):
    job_id = submit(site, SLEEPER)
    worker.once()
    worker.hands.leave()
    worker.die()
    engine.absent = True
    second = Worker(site, engine)
    second.once()
    clock[0] += survey.SIGHT
    second.once()
    assert (job_of(site, job_id).phase, job_of(site, job_id).lease) == (UNKNOWN, second.lease.name)
    engine.absent = False
    engine.finish(stage.container(site, job_of(site, job_id)), 0)
    second.once()
    assert job_of(site, job_id).phase is COMPLETED


def test_an_engine_that_hangs_is_given_up_soon(monkeypatch, httpserver: HTTPServer):
    """It takes connections and answers nothing, as a halted process does."""
    over = threading.Event()

    def hang(request: Request) -> Response:
        over.wait(30)
        return Response("[]")

    version = {"ApiVersion": "1.41", "Components": []}
    httpserver.expect_request("/version").respond_with_json(version)
    httpserver.expect_request("/v1.41/version").respond_with_json(version)
    httpserver.expect_request("/v1.41/containers/json").respond_with_handler(hang)
    monkeypatch.setattr(docker_runtime, "LOOK", 0.3)
    runtime = DockerRuntime(f"tcp://{httpserver.host}:{httpserver.port}")
    began = time.monotonic()
    with pytest.raises(EngineAbsent, match="does not answer"):
        runtime.list("x")
    assert time.monotonic() - began < 20
    over.set()
    runtime.close()
