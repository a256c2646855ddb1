"""A worker without threads, driven step by step, that can be made to die at any of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from registry.executor.fake import FakeRuntime
from registry.executor.runtime import Runtime
from registry.site import Site
from registry.uws.store import Job
from registry.worker.hands import Hands
from registry.worker.lease import Lease
from registry.worker.survey import survey

STEPS = ("claimed", "staged", "created", "started", "running", "exited", "collecting", "published", "cleaned")


class Killed(BaseException):
    """The worker is dead from here on: no handler of its code sees this."""


class Worker:
    """Hands, and the loop's duties one after the other."""

    def __init__(
        self, site: Site, runtime: Runtime, observe: Callable[[str, Job], None] = lambda step, job: None,
    ) -> None:
        self.site, self.lease = site, Lease(site)
        self.asked: list[str] = []
        self.hands = Hands(
            site, runtime, self.lease, stop=threading.Event(), news=self.asked.append,
            freed=lambda: self.asked.extend(self.hands.claim()), observe=observe)

    def once(self) -> None:
        """One look at everything, one claim, and every turn that follows."""
        self.asked += survey(self.hands)
        self.asked += self.hands.claim()
        while self.asked:
            self.hands.turn(self.asked.pop(0))

    def until(self, done: Callable[[], bool], seconds: float = 20.0) -> None:
        """Look again until it is so."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "it did not come to that"
            self.once()

    def die(self) -> None:
        """What the kernel does for a killed process; threads and memory are gone with it."""
        self.lease.close()


def killed_at(step: str) -> Callable[[str, Job], None]:
    """An observer that is the end of the worker when it comes to `step`."""

    def observe(seen: str, job: Job) -> None:
        if seen == step:
            raise Killed(step)

    return observe


def leftovers(site: Site, runtime: FakeRuntime) -> list[str]:
    """Containers and staging folders that are still there."""
    staging = site.settings.instance / "staging"
    folders = [path.name for path in staging.iterdir()] if staging.is_dir() else []
    return [state.name for state in runtime.list(site.settings.engine_name)] + folders
