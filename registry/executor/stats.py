"""What a running container uses, as its engine tells it: for an engine on another machine. It asks nobody itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry.executor.runtime import Usage


class StatsMeter:
    """Asks by `ask`, which gives the engine's answer to `GET /containers/<name>/stats`, or None."""

    def __init__(self, ask: Callable[[], Mapping[str, Any] | None]) -> None:
        self._ask, self._peak = ask, 0

    def read(self) -> Usage | None:
        """What has been used so far; the memory is the most that was seen."""
        found = usage(self._ask() or {})
        if found is None:
            return None
        self._peak = max(self._peak, found.peak_memory)
        return Usage(found.cpu_seconds, self._peak, 0, found.written)

    def fileno(self) -> int:
        """Nothing tells the end before the engine's event does."""
        return -1

    def close(self) -> None:
        """There is nothing to let go of."""


def usage(answer: Mapping[str, Any]) -> Usage | None:
    """The engine's answer in our terms; None for a container that does not run. It does not tell of refused processes."""
    cpu = (answer.get("cpu_stats") or {}).get("cpu_usage") or {}
    memory = answer.get("memory_stats") or {}
    if not cpu.get("total_usage") and not memory:
        return None
    writes = (answer.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return Usage(
        int(cpu.get("total_usage") or 0) / 1e9, int(memory.get("max_usage") or memory.get("usage") or 0), 0,
        sum(int(entry.get("value") or 0) for entry in writes if str(entry.get("op")).lower() == "write"))
