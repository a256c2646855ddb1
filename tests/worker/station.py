"""A datacenter on the real engine, whose worker is a thread of the test or a process that can be killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from registry.executor import firewall
from registry.executor.docker_runtime import DockerRuntime
from registry.site import Site
from registry.uws import files, store
from registry.worker import stage
from registry.worker.main import run
from tests.executor.engines import PROGRAMS, Images
from tests.worker.jobs import job_of
from tests.worker.nursery import Mortal, Nursery


class Station:
    """A datacenter with its worker at work, in a thread or in a process that can be killed."""

    def __init__(self, site: Site, images: Images, nursery: Nursery) -> None:
        self.site, self.images, self.nursery, self.runtime = site, images, nursery, DockerRuntime()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=run, args=(site, self.stop))

    def image(self, name: str) -> str:
        return self.images.of(PROGRAMS.get(name, (name, None))[0])

    def process(self, step: str = "", job: str = "") -> Mortal:
        """A worker of its own process, which kills itself with -9 at the step `step` of `job`."""
        return self.nursery.worker(self.site, step=step, job=job)

    def until(self, done: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for the bell of phases until it is so."""
        deadline = time.monotonic() + seconds
        with self.site.bells.listen("phases") as bell:
            while not done():
                assert time.monotonic() < deadline, "it did not come to that"
                bell.wait(0.1)

    def until_final(self, job_id: str) -> store.Job:
        self.until(lambda: job_of(self.site, job_id).final)
        return job_of(self.site, job_id)

    def left(self) -> list[str]:
        """Containers and folders of attempts that are still there."""
        staging = self.site.settings.instance / "staging"
        names = [path.name for path in staging.iterdir()] if staging.is_dir() else []
        return [state.name for state in self.runtime.list(self.site.settings.engine_name)] + names

    def text(self, job_id: str, name: str) -> str:
        return (files.folder(self.site, job_id) / name).read_text(errors="replace")

    def close(self) -> None:
        self.stop.set()
        if self.thread.ident:
            self.thread.join(30)
        self.nursery.clear()
        for state in self.runtime.list(self.site.settings.engine_name):
            self.runtime.remove(state.name)
        network = self.runtime.ensure_network(stage.network(self.site))
        firewall.open_again(network.interface)
        self.runtime.remove_network(stage.network(self.site))
        self.runtime.close()


@pytest.fixture()
def idle(site: Site, images: Images, nursery: Nursery) -> Iterator[Station]:
    """Nobody at work yet."""
    made = Station(site, images, nursery)
    yield made
    made.close()


@pytest.fixture()
def station(idle: Station) -> Station:
    idle.thread.start()
    return idle
