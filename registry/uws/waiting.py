"""Blocking requests (UWS 1.1 §2.2.1.1): wait until a job moves on, and never with more than half the threads."""

from __future__ import annotations

import time
from collections.abc import Callable

from registry.bell import PHASES
from registry.errors import Busy
from registry.places import place
from registry.site import Site
from registry.uws.phases import ACTIVE, FINAL, HELD, Phase
from registry.uws.store import Job

_LOOK_AGAIN = 5.0  # seconds; a lost ring, or a worker on another host, costs no more than this

Load = Callable[[], Job]  # reads the job in a transaction of its own each time; what it raises ends the wait


def until_moved(site: Site, load: Load, seconds: int, phase: Phase | None = None) -> Job:
    """The job once it has left `phase` (default: the one it is in), after `seconds`, or at once.

    At once: when it is in another phase, in one that does not pass by itself, or when no thread is free to wait.
    """
    job = load()
    start = phase or job.phase

    def moved(job: Job) -> bool:
        return job.phase != start or job.phase not in ACTIVE

    if seconds <= 0 or moved(job):
        return job
    with place(site) as free:
        return _until(site, load, seconds, moved) if free else job


def until_final(site: Site, load: Load, seconds: int) -> Job:
    """The job once it has ended or is HELD, or after `seconds`. Raises Busy when no thread is free to wait."""

    def ended(job: Job) -> bool:
        return job.phase in FINAL or job.phase is HELD

    job = load()
    if ended(job):
        return job
    with place(site) as free:
        if not free:
            raise Busy(f"As many requests wait as may: ask again, or look at job {job.id} now and then.", 5)
        return _until(site, load, seconds, ended)


def _until(site: Site, load: Load, seconds: int, done: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + seconds
    with site.bells.listen(PHASES) as listener:
        job = load()  # it may have moved before we listened
        while not done(job) and (left := deadline - time.monotonic()) > 0:
            listener.wait(min(left, _LOOK_AGAIN))
            job = load()
    return job
