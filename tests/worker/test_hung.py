"""A worker that hangs (SIGSTOP) at any step and wakes later: its beat stands still, another takes over, and it spoils nothing."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from registry.access import ANONYMOUS
from registry.uws import jobs
from registry.uws.phases import ABORTED, COMPLETED
from registry.worker import stage
from tests.worker.bench import STEPS, leftovers
from tests.worker.jobs import job_of, results_of, submit
from tests.worker.nursery import Nursery
from tests.worker.test_kills import HELLO, REAL, all_is_there_once, engine, until  # noqa: F401

QUICK: dict[str, Any] = {"beat": 0.2, "patience": 1.0, "tick": 0.3}


def hung_at(site, nursery: Nursery, address: str, image: str, step: str, left) -> list[str]:
    """Two jobs: the first worker hangs at `step` of the one, a second ends it, and both live through the other."""
    first = submit(site, image)
    hung = nursery.worker(site, address, step=step, job=first, number=signal.SIGSTOP, **QUICK)
    hung.until_stopped()
    other = nursery.worker(site, address, **QUICK)
    until(site, lambda: job_of(site, first).final)
    until(site, lambda: not left())
    hung.send(signal.SIGCONT)
    second = submit(site, image)
    until(site, lambda: job_of(site, second).final)
    until(site, lambda: not left())
    for worker in (hung, other):
        worker.terminate()
        assert worker.wait() == 0
    return [first, second]


@pytest.mark.parametrize("step", STEPS)
def test_another_takes_over_and_the_late_one_spoils_nothing(site, nursery, engine, step):  # noqa: F811
    made = hung_at(site, nursery, engine.address, HELLO, step, lambda: leftovers(site, engine.engine))
    all_is_there_once(site, made)
    assert sorted(engine.engine.started) == sorted(stage.container(site, job_of(site, one)) for one in made)


@pytest.mark.docker
@pytest.mark.parametrize("step", ["staged", "created", "collecting"])
def test_on_docker_too(idle, step):
    """Docker would start a container that has ended once more."""
    made = hung_at(idle.site, idle.nursery, "", idle.image(REAL), step, idle.left)
    all_is_there_once(idle.site, made)


def aborts_race(site, nursery: Nursery, server, number: int) -> None:
    """Every job is aborted while it ends by itself: it is one or the other, with all its results."""
    worker = nursery.worker(site, server.address)
    made = [submit(site, HELLO) for _ in range(number)]
    threads = [threading.Thread(target=lambda part=part: [jobs.abort(site, ANONYMOUS, one) for one in part])
               for part in (made[::2], made[1::2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(site, lambda: all(job_of(site, one).final for one in made))
    until(site, lambda: not leftovers(site, server.engine))
    started = set(server.engine.started)
    assert len(started) == len(server.engine.started)
    for one in made:
        job = job_of(site, one)
        assert job.phase in (COMPLETED, ABORTED) and job.error is None and job.lease == ""
        if stage.container(site, job) in started:
            assert set(results_of(site, one)) == {"starts", "stdout", "stderr", "exitcode"}
        else:
            assert job.phase is ABORTED and not results_of(site, one)
    worker.terminate()
    assert worker.wait() == 0


def test_an_abort_races_the_end(site, nursery, engine):  # noqa: F811
    aborts_race(site, nursery, engine, 30)


@pytest.mark.soak
def test_aborts_race_the_end_a_thousand_times(site, nursery, engine):  # noqa: F811
    aborts_race(site, nursery, engine, 1000)
