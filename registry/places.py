"""The places for requests that wait (blocking queries, WAIT): at most half of a process's web threads, whoever asks.

All rooms share them, so that no mixture of waiters keeps ordinary requests from their threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.site import Site

# bytes of an answer that is made while it is sent. The server takes more of one from its maker than that, onto the disk, so
# that no thread waits for whoever reads slowly or not at all
LONGEST_ANSWER = 128 * 2**20
_places: dict[Path, threading.BoundedSemaphore] = {}
_lock = threading.Lock()


@contextmanager
def place(site: Site) -> Iterator[bool]:
    """One of the places for waiters of this process; False when all are taken."""
    with _lock:
        places = _places.setdefault(site.settings.instance, threading.BoundedSemaphore(site.settings.threads // 2))
    taken = places.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            places.release()
