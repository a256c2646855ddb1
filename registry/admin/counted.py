"""Counts what the web process is asked and how long it took, by room; outermost, so that nothing goes past it.

Kept in memory: the numbers begin at zero with the process, as whoever collects them expects.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

ROOMS = frozenset({
    "admin", "api", "applications", "availability", "capabilities", "find", "healthz", "jobs", "metrics", "oai", "readyz",
    "records", "runner", "search", "services", "standards", "static", "sync", "tables", "tap", "where"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)  # seconds


@dataclass
class Times:
    """How long answers of one room took until they began: a count for each of BOUNDS and beyond, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0


class Counted:
    """The application, and what was asked of it."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, str], int] = {}
        self._times: dict[str, Times] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.monotonic()

        def begin(status: str, *rest: Any) -> Any:
            self._count(environ, status[:3], time.monotonic() - began)
            return start_response(status, *rest)

        return self._application(environ, begin)

    def _count(self, environ: dict[str, Any], status: str, seconds: float) -> None:
        room, method = room_of(environ.get("PATH_INFO", "")), environ.get("REQUEST_METHOD", "")
        key = (room, method if method in METHODS else "other", status)
        with self._lock:
            self._requests[key] = self._requests.get(key, 0) + 1
            times = self._times.setdefault(room, Times())
            times.counts[bisect_left(BOUNDS, seconds)] += 1
            times.total += seconds

    def numbers(self) -> tuple[dict[tuple[str, str, str], int], dict[str, Times]]:
        """How often by room, method and status, and the times by room, as they are now."""
        with self._lock:
            return dict(self._requests), {room: Times(list(times.counts), times.total) for room, times in self._times.items()}


def room_of(path: str) -> str:
    """The class of addresses that `path` is in: one of ROOMS, `front`, or `other` for all that nothing is at."""
    first = path.strip("/").partition("/")[0].partition(".")[0]
    return first if first in ROOMS else "other" if first else "front"
