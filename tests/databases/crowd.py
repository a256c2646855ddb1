"""Several at once: threads that begin together, whose faults reach the test."""

from __future__ import annotations

import threading
from collections.abc import Callable


def at_once(*calls: Callable[[], object], seconds: float = 60) -> None:
    """Make all the calls at the same time, each in a thread; raises what the first of them raised."""
    begin = threading.Barrier(len(calls))
    faults: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        begin.wait(seconds)
        try:
            call()
        except BaseException as error:  # it must fail the test, not end a thread
            faults.append(error)

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    if faults:
        raise faults[0]
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
