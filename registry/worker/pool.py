"""Turns at jobs, each by one thread at a time: a job asked for while it has its turn gets another one after it."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger("registry.worker")


class Pool:
    """Threads that give jobs their turns: what has a container already first, new ones after."""

    def __init__(self, turn: Callable[[str], None], threads: int) -> None:
        self._turn = turn
        self._queue: queue.PriorityQueue[tuple[int, int, str]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._busy: set[str] = set()
        self._threads = [threading.Thread(target=self._work, name=f"turn {number}") for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, job_id: str, *, new: bool = False) -> None:
        """Give the job a turn, soon."""
        with self._lock:
            if job_id in self._asked:
                return
            self._asked.add(job_id)
            if job_id not in self._busy:
                self._queue.put((int(new), next(self._order), job_id))

    def close(self) -> None:
        """End after the turns that have begun."""
        for _ in self._threads:
            self._queue.put((-1, next(self._order), ""))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            _, _, job_id = self._queue.get()
            if not job_id:
                return
            with self._lock:
                self._asked.discard(job_id)
                self._busy.add(job_id)
            try:
                self._turn(job_id)
            except Exception:  # a fault at one job must not end the thread: the next look comes in a few seconds
                _log.exception("job %s: its turn failed", job_id)
            with self._lock:
                self._busy.discard(job_id)
                if job_id in self._asked:
                    self._queue.put((0, next(self._order), job_id))
