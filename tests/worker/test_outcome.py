"""How a job ended, in its last phase and in words."""

from __future__ import annotations

import pytest

from registry.executor.runtime import ABSENT, CREATED, EXITED, State, Usage
from registry.uws.phases import ABORTED, COMPLETED, ERROR
from registry.worker.decide import OVERDISK, OVERTIME
from registry.worker.outcome import FATAL, TRANSIENT, Left, outcome
from tests.worker.jobs import a_job


def end(exit_code=0, *, step="staged", desired="RUN", status=EXITED, memory=False, left=None):
    state = State(status, "n", exit_code=exit_code, out_of_memory=memory)
    return outcome(a_job(step=step, desired=desired, lease="w"), state, left or Left())


def test_zero_is_success():
    assert end(0) == end(0, memory=True)
    assert (end(0).phase, end(0).error) == (COMPLETED, "")


def test_success_with_results_cut_off_at_the_limit_is_none():
    found = end(0, left=Left(bytes=a_job().limits["disk"]))
    assert (found.phase, found.error_type) == (ERROR, FATAL) and "reached its limit of results" in found.error


def test_another_code_is_an_error_with_the_last_word_on_stderr():
    found = end(3, left=Left(last_line="the third thing went wrong"))
    assert (found.phase, found.error_type) == (ERROR, FATAL)
    assert found.error == "The application ended with code 3: the third thing went wrong"


def test_silence_is_said_to_be_one():
    assert end(1).error == "The application ended with code 1 and said nothing on stderr."


def test_out_of_memory_is_named_with_its_limit():
    assert "ran out of memory (the limit is 64 MiB)" in end(137, memory=True).error
    assert end(137, memory=True).error_type == FATAL


def test_a_kill_that_was_not_ours_is_worth_another_try():
    assert (end(137).phase, end(137).error_type) == (ERROR, TRANSIENT)


@pytest.mark.parametrize(("code", "left", "step"), [
    (0, Left(over="more than 10000 files and folders"), "staged"), (1, Left(bytes=2**20), "staged"),
    (153, Left(), "staged"), (143, Left(), OVERDISK), (0, Left(), OVERDISK),
])
def test_too_much_written_is_named_with_its_limit(code, left, step):
    found = end(code, left=left, step=step)
    assert (found.phase, found.error_type) == (ERROR, FATAL)
    assert "1 MiB" in found.error
    assert "results" in found.error


@pytest.mark.parametrize("code", [0, 1, 137, 143])
def test_an_aborted_job_is_aborted_whatever_its_code(code):
    assert end(code, desired="ABORT").phase is ABORTED


@pytest.mark.parametrize("code", [0, 143, 137])
def test_a_job_over_its_time_is_aborted_and_told_so(code):
    found = end(code, step=OVERTIME)
    assert found.phase is ABORTED
    assert "60 s" in found.error


@pytest.mark.parametrize("status", [ABSENT, CREATED])
def test_a_container_that_did_not_run_to_its_end_is_never_a_success(status):
    found = end(0, status=status)
    assert (found.phase, found.error_type) == (ERROR, TRANSIENT)
    assert end(0, status=status, desired="ABORT").phase is ABORTED


@pytest.mark.parametrize(("last_line", "words"), [
    ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "too many processes (the limit is 32"),
    ("RuntimeError: can't start new thread", "too many processes"),
    ("sh: can't fork: Resource temporarily unavailable", "too many processes"),
    ("java.lang.OutOfMemoryError: unable to create native thread", "too many processes"),
    ("MemoryError: Unable to allocate 7.45 GiB for an array", "more memory than it may have (the limit is 64 MiB)"),
    ("terminate called after throwing an instance of 'std::bad_alloc'", "more memory than it may have"),
    ("OSError: [Errno 27] File too large", "limit of results (1 MiB)"),
    ("dd: error writing '/scratch/x': No space left on device", "/scratch holds 16 MiB"),
    ("OSError: [Errno 24] Too many open files: '/dev/null'", "too many open files (the limit is 1024)"),
])
def test_a_limit_that_the_last_word_speaks_of_is_named_with_it(last_line, words):
    found = end(1, left=Left(last_line=last_line))
    assert (found.phase, found.error_type) == (ERROR, FATAL)
    assert words in found.error
    assert found.error.endswith(last_line)


@pytest.mark.parametrize(("code", "step"), [(2, "staged"), (137, OVERTIME)])
def test_processes_that_the_kernel_refused_are_named_whatever_the_program_says(code, step):
    found = end(code, step=step, left=Left(used=Usage(refused=1)))
    assert "too many processes (the limit is 32, threads included)" in found.error


def test_success_is_one_even_where_processes_were_refused():
    assert end(0, left=Left(used=Usage(refused=1))).phase is COMPLETED


@pytest.mark.parametrize("code", [0, 3, 137, 143, 255])
def test_a_container_that_was_stopped_from_outside_is_never_a_success(code):
    state = State(EXITED, "n", exit_code=code, stopped=True)
    found = outcome(a_job(lease="w"), state, Left())
    assert (found.phase, found.error_type) == (ERROR, TRANSIENT)
    assert "stopped from outside" in found.error
    assert outcome(a_job(lease="w", desired="ABORT"), state, Left()).phase is ABORTED
    assert outcome(a_job(lease="w", step=OVERTIME), state, Left()).phase is ABORTED
    assert "results" in outcome(a_job(lease="w", step=OVERDISK), state, Left()).error


def test_an_end_that_the_engine_did_not_see_is_worth_another_try():
    found = outcome(a_job(lease="w"), State(EXITED, "n", exit_code=255, seen=False), Left())
    assert (found.phase, found.error_type) == (ERROR, TRANSIENT)
    assert "switched off" in found.error
    assert outcome(a_job(lease="w"), State(EXITED, "n", exit_code=0, seen=False), Left()).phase is COMPLETED
    assert "code 3" in outcome(a_job(lease="w"), State(EXITED, "n", exit_code=3, seen=False), Left()).error
    assert "code 255" in outcome(a_job(lease="w"), State(EXITED, "n", exit_code=255), Left()).error
