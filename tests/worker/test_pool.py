"""Turns: one at a time for each job, none forgotten, and a fault in one ends no thread."""

from __future__ import annotations

import threading

from registry.worker.pool import Pool


def test_a_job_has_one_turn_at_a_time_and_another_when_asked_for_meanwhile():
    entered, go_on, turns = threading.Semaphore(0), threading.Semaphore(0), []

    def turn(job_id: str) -> None:
        turns.append(job_id)
        entered.release()
        go_on.acquire()

    pool = Pool(turn, 4)
    pool.ask("a")
    assert entered.acquire(timeout=5)
    for _ in range(5):
        pool.ask("a")
    pool.ask("b")
    assert entered.acquire(timeout=5)
    assert turns == ["a", "b"]  # the other threads leave `a` alone while it has its turn
    go_on.release(2)
    assert entered.acquire(timeout=5)
    go_on.release(10)
    pool.close()
    assert turns == ["a", "b", "a"]


def test_new_jobs_come_after_those_that_run():
    go_on, turns, entered = threading.Event(), [], threading.Event()

    def turn(job_id: str) -> None:
        turns.append(job_id)
        entered.set()
        go_on.wait(5)
        if len(turns) == 4:
            done.set()

    done = threading.Event()
    pool = Pool(turn, 1)
    pool.ask("first")
    assert entered.wait(5)
    for job_id in ("new 1", "new 2"):
        pool.ask(job_id, new=True)
    pool.ask("ended")
    go_on.set()
    assert done.wait(5)
    pool.close()
    assert turns == ["first", "ended", "new 1", "new 2"]


def test_a_fault_ends_no_thread(caplog):
    done = threading.Event()

    def turn(job_id: str) -> None:
        if job_id == "bad":
            raise RuntimeError("the test wants it so")
        done.set()

    pool = Pool(turn, 1)
    pool.ask("bad")
    pool.ask("good")
    assert done.wait(5)
    pool.close()
    assert "job bad" in caplog.text
