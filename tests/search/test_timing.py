"""Queries end in time and have their turns in order, however the moments fall."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from registry.schema import upgrade
from registry.search import timing
from registry.search.running import Queries
from registry.search.timing import Clock, Deadlines, Stop, TooLong
from registry.search.turns import Turns
from registry.site import open_site

MANY = "SELECT count(*) FROM tap_schema.columns a, tap_schema.columns b, tap_schema.columns c, tap_schema.columns d"


def test_a_call_is_made_at_its_time_and_again_until_it_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_AGAIN", 0.001)
    deadlines, calls = Deadlines(), threading.Semaphore(0)
    far = deadlines.set(time.monotonic() + 1000, lambda: None)
    ticket = deadlines.set(time.monotonic() + 0.01, calls.release)  # earlier than the one that is waited for
    assert all(calls.acquire(timeout=10) for _ in range(3))
    deadlines.take_off(ticket)
    while calls.acquire(blocking=False):
        pass
    assert not calls.acquire(timeout=0.02)
    deadlines.take_off(far)


def test_the_thread_that_watches_ends_without_deadlines_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_IDLE", 0.01)
    deadlines, called = Deadlines(), threading.Event()
    deadlines.take_off(deadlines.set(time.monotonic(), lambda: None))
    thread = deadlines._thread
    assert thread is not None
    thread.join(10)
    ticket = deadlines.set(time.monotonic() + 0.01, called.set)
    assert called.wait(10) and deadlines._thread is not thread
    deadlines.take_off(ticket)


def test_whoever_asks_before_the_statement_has_begun_ends_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = open_site(tmp_path)
    upgrade(site.database)
    queries, stop = Queries(site), Stop()
    monkeypatch.setattr(Clock, "check", lambda clock: None)  # which was just before
    stop.asked = True  # and the call that goes with it found nothing to interrupt
    with pytest.raises(TooLong), queries.answer(MANY, seconds=100, stop=stop) as answer:
        list(answer.rows)
    queries.close()
    site.close()


def test_a_stop_that_is_taken_back_calls_nobody() -> None:
    calls: list[Any] = []
    stop = Stop()
    stop.by(lambda: calls.append("first"))
    stop.by(None)
    stop.ask()
    assert stop.asked and calls == []


def test_turns_are_had_in_the_order_in_which_they_are_asked_for() -> None:
    turns, had = Turns(1), []
    assert turns.acquire(0) and not turns.acquire(0)

    def wait(number: int) -> None:
        assert turns.acquire(10)
        had.append(number)
        turns.release()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(turns._waiting) <= number:
            time.sleep(0.0005)
    assert not turns.acquire(0.01)  # one who gives up is passed over
    turns.release()
    for thread in threads:
        thread.join(10)
    assert had == list(range(8)) and turns.acquire(0) and not turns.acquire(0)
