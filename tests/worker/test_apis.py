"""A job whose application needs an API that is not here, or is down: held with one sentence, no container made, and run later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, update

from registry import clock
from registry.access import ADMINISTRATOR, Caller
from registry.executor.fake import FakeRuntime, Program
from registry.site import Site
from registry.tables import health
from registry.uws import jobs
from registry.uws.phases import COMPLETED, HELD
from tests.gateway.conftest import CONE, capability, publish_service
from tests.worker.bench import Worker, leftovers
from tests.worker.jobs import job_of, phases_of, submit

IMAGE, URL = "repository.example/hello@sha256:1", "http://127.0.0.1:9/cone"
CONTRACT = {"contract": "1.0", "network": "dc", "requires": [CONE]}


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime({IMAGE: Program(b"hello\n")})


@pytest.fixture()
def worker(site: Site, engine: FakeRuntime) -> Iterator[Worker]:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


def test_one_that_is_not_here_holds_the_job_until_it_is(site: Site, engine: FakeRuntime, worker: Worker) -> None:
    job_id = submit(site, IMAGE, contract=CONTRACT)
    worker.once()

    job = job_of(site, job_id)
    assert (job.phase, job.lease, job.step) == (HELD, "", "")
    assert job.message == f"It needs {CONE}, which no service of this datacenter offers: ask for RUN again when one does."
    assert engine.specs == {} and leftovers(site, engine) == []

    publish_service(site, "stars", capability(URL))
    jobs.run(site, Caller("root", ADMINISTRATOR), job_id)
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert phases_of(site, job_id) == ["PENDING", "QUEUED", "HELD", "QUEUED", "EXECUTING", "COMPLETED"]


def test_one_that_is_down_holds_the_job_and_another_that_is_up_does(site: Site, worker: Worker) -> None:
    ivoid = publish_service(site, "stars", capability(URL))
    with site.database.write() as connection:
        connection.execute(insert(health).values(
            key=ivoid, url=URL, ivoid=ivoid, asked="head", state="down", since=clock.stamp()))
    held = submit(site, IMAGE, contract=CONTRACT)
    worker.once()

    assert job_of(site, held).phase is HELD and "every service here that offers it is down" in job_of(site, held).message
    with site.database.write() as connection:
        connection.execute(update(health).values(state="unknown"))  # it may work: the application finds out
    jobs.run(site, Caller("root", ADMINISTRATOR), held)
    worker.once()
    assert job_of(site, held).phase is COMPLETED


def test_a_held_job_takes_no_place(site: Site, worker: Worker) -> None:
    for _ in range(site.settings.running_jobs + 1):
        submit(site, IMAGE, contract=CONTRACT)
    last = submit(site, IMAGE)
    for _ in range(3):
        worker.once()

    assert job_of(site, last).phase is COMPLETED
