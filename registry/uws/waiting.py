"""Blocking requests (UWS 1.1 §2.2.1.1): wait until a job leaves its phase, and never with more than half the threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.bell import PHASES
from registry.site import Site
from registry.uws.phases import ACTIVE, Phase
from registry.uws.store import Job

_LOOK_AGAIN = 5.0  # seconds; a lost ring, or a worker on another host, costs no more than this
_places: dict[Path, threading.BoundedSemaphore] = {}
_places_lock = threading.Lock()


def until_moved(site: Site, load: Callable[[], Job], seconds: int, phase: Phase | None) -> Job:
    """The job once it has left `phase` (default: the one it is in), after `seconds`, or at once.

    At once: when it is in another phase, in one that does not pass by itself, or when no thread is free to wait.
    `load` reads the job in a transaction of its own, each time it is called, and may raise: that ends the wait.
    """
    deadline = time.monotonic() + seconds
    job = load()
    start = phase or job.phase
    if seconds <= 0 or not _waits(job, start):
        return job
    with place(site) as free:
        if not free:
            return job
        with site.bells.listen(PHASES) as listener:
            job = load()  # it may have moved before we listened
            while _waits(job, start) and (left := deadline - time.monotonic()) > 0:
                listener.wait(min(left, _LOOK_AGAIN))
                job = load()
    return job


@contextmanager
def place(site: Site) -> Iterator[bool]:
    """One of the places for waiters of this process; False when all are taken."""
    with _places_lock:
        places = _places.setdefault(site.settings.instance, threading.BoundedSemaphore(site.settings.threads // 2))
    taken = places.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            places.release()


def _waits(job: Job, start: Phase) -> bool:
    return job.phase == start and job.phase in ACTIVE
