"""Remembers for a moment what a look at something slow said, so that many who ask cause one look and no queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

REMEMBERED = 5.0  # seconds
_MOST = 10_000
_T = TypeVar("_T")


class Memory(Generic[_T]):
    """Values by name; threads share it. While one thread looks again, others are told the last value."""

    def __init__(self, seconds: float = REMEMBERED) -> None:
        self._seconds = seconds
        self._values: dict[str, tuple[float, _T]] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def get(self, name: str, look: Callable[[], _T]) -> _T:
        """The value of `name`, from `look` where none is fresh; what `look` raises is raised and not remembered."""
        with self._lock:
            known = self._values.get(name)
            if known is not None and (time.monotonic() - known[0] < self._seconds or name in self._busy):
                return known[1]
            self._busy.add(name)
        try:
            value = look()
        finally:
            with self._lock:
                self._busy.discard(name)
        with self._lock:
            if len(self._values) >= _MOST:
                self._values.clear()
            self._values[name] = (time.monotonic(), value)
        return value

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
