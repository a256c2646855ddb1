"""A few threads that carry out calls and hand back what came of them; daemons, so that a slow call holds up no exit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


class Crew(Generic[_T, _R]):
    """Carries out `call` on what is given to it; what ends is collected as (given, result or exception)."""

    def __init__(self, call: Callable[[_T], _R], size: int, name: str) -> None:
        self._call = call
        self._tasks: queue.SimpleQueue[_T | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[_T, _R | Exception]] = queue.SimpleQueue()
        self._size = size
        for number in range(size):
            threading.Thread(target=self._work, name=f"{name} {number}", daemon=True).start()

    def give(self, task: _T) -> None:
        """Have it carried out as soon as a thread is free."""
        self._tasks.put(task)

    def ended(self, seconds: float) -> list[tuple[_T, _R | Exception]]:
        """What has ended; waits at most `seconds` for the first."""
        found: list[tuple[_T, _R | Exception]] = []
        try:
            found.append(self._ended.get(timeout=seconds))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            return found

    def dismiss(self) -> None:
        """Let the threads end when they have done what they do now."""
        for _ in range(self._size):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                result: _R | Exception = self._call(task)
            except Exception as error:  # handed to whoever collects; the thread goes on with the next
                result = error
            self._ended.put((task, result))
