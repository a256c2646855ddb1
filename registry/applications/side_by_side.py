"""Calls made side by side, a few at a time, in threads that nobody has to wait for when the program ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from registry.errors import Refusal

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def each(given: Iterable[_In], call: Callable[[_In], _Out], at_once: int) -> Iterator[tuple[_In, _Out | Refusal]]:
    """What `call` makes of each, as it is done, a refusal as it is; any other exception is raised here.

    No more of `given` is taken than is worked at, since it may have no end.
    """
    todo: queue.SimpleQueue[tuple[_In] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[_In, _Out | Exception]] = queue.SimpleQueue()
    for number in range(at_once):
        threading.Thread(target=_work, args=(todo, done, call), name=f"beside {number}", daemon=True).start()
    left, running = iter(given), 0
    try:
        while True:
            while running < 2 * at_once and (one := next(left, None)) is not None:
                todo.put((one,))
                running += 1
            if not running:
                return
            one, result = done.get()
            running -= 1
            if isinstance(result, Exception) and not isinstance(result, Refusal):
                raise result
            yield one, result
    finally:
        while not todo.empty():
            todo.get()
        for _ in range(at_once):
            todo.put(None)


def _work(
    todo: queue.SimpleQueue[tuple[_In] | None], done: queue.SimpleQueue[tuple[_In, _Out | Exception]],
    call: Callable[[_In], _Out],
) -> None:
    while (asked := todo.get()) is not None:
        try:
            done.put((asked[0], call(asked[0])))
        except Exception as error:  # whoever asked is told, whatever it was
            done.put((asked[0], error))
