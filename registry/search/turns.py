"""Turns that are had in the order in which they were asked for: a semaphore lets whoever comes late slip past those who wait."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """At most so many at once."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = most
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout: float) -> bool:
        """Have a turn, within so many seconds; False where none came."""
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout):
            return True
        with self._lock:
            if mine.is_set():  # it came just now
                return True
            self._waiting.remove(mine)
            return False

    def release(self) -> None:
        """Give the turn to who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class Turn:
    """A turn that somebody has, for a work of unknown length: long ones make room for others, and are few."""

    def __init__(self, turns: Turns, long: Turns) -> None:
        self._lock = threading.Lock()
        self._has: Turns | None = turns
        self._long = long

    def pass_on(self) -> bool:
        """Go on as a long one, and leave the turn to others. False where there are as many long ones as may be."""
        with self._lock:
            if self._has is None or self._has is self._long:
                return True
            if not self._long.acquire(0):
                return False
            self._has.release()
            self._has = self._long
            return True

    def give_back(self) -> None:
        """Be done."""
        with self._lock:
            if self._has is not None:
                self._has.release()
            self._has = None
