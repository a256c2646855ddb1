"""What the worker tells the other processes of the engine: availability and the runner's offer say it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.executor.fake import FakeRuntime
from registry.services import own, runner
from tests.worker.bench import Worker


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime({})


@pytest.fixture()
def worker(site, engine) -> Iterator[Worker]:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


def fault_of(site) -> str:
    with site.database.read() as connection:
        assert runner.offer(connection, site)["engine"]["working"] is (own.engine_fault(connection) == "")
        return own.engine_fault(connection)


def test_an_engine_that_goes_and_comes_back_is_told(site, engine, worker):
    worker.once()
    assert fault_of(site) == ""
    engine.absent = True
    worker.once()
    assert "does not answer" in fault_of(site)
    assert any("Docker engine" in note for note in own.availability(site).notes)
    engine.absent = False
    worker.once()
    assert fault_of(site) == ""
