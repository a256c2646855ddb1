"""How many lists are made at once: more of them make every one slower, and leave no thread for anything else.

It knows nothing of OAI-PMH but that a harvester told to come back later does (§3.1.2.2).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import Unavailable

RETRY_AFTER = 10  # seconds
PATIENCE = 1.0  # seconds: a page takes far less


class Overloaded(Unavailable):
    """There are as many lists under way as this process makes at once."""


class Load:
    """Room for some lists at once, out of `threads` that serve the web."""

    def __init__(self, threads: int, *, patience: float = PATIENCE) -> None:
        # blocking waits for jobs may take half of the threads; one stays free of both
        self.room = max(1, threads // 2 - 1)
        self._free = threading.BoundedSemaphore(self.room)
        self._patience = patience

    @contextmanager
    def one_list(self) -> Iterator[None]:
        """Have one of the places meanwhile. Raises Overloaded when none comes free soon."""
        if not self._free.acquire(timeout=self._patience):
            raise Overloaded(f"{self.room} lists are being made already: ask again in {RETRY_AFTER} s.")
        try:
            yield
        finally:
            self._free.release()
