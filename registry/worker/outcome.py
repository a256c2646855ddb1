"""How a job ended, and in which words: from its row, its container's last state and what was collected. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from registry import clock
from registry.executor.runtime import EXITED, State, Usage
from registry.executor.sandbox import OPEN_FILES, scratch_bytes
from registry.uws import store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, Phase
from registry.uws.store import Job
from registry.worker.decide import OVERDISK, OVERTIME

FATAL, TRANSIENT = "fatal", "transient"  # UWS 1.1 §2.1.8
_KILLED = 128 + 9
_FILE_TOO_BIG = 128 + 25  # SIGXFSZ
_UNKNOWN = 255  # what the engine sets where nobody can tell
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_MIB = 2**20
# how programs say that the kernel refused: the words of errno in C, Python, shells and Java
_NO_PROCESS = re.compile(
    r"resource temporarily unavailable|can(no|')?t (start new thread|fork)|unable to create (new )?(native )?thread"
    r"|pthread_create failed", re.I)
_NO_MEMORY = re.compile(r"MemoryError|cannot allocate memory|bad_alloc|OutOfMemoryError|out of memory", re.I)
_TOO_LARGE = re.compile(r"file too large|file size limit exceeded", re.I)
_NO_SPACE = re.compile(r"no space left on device", re.I)
_NO_FILE = re.compile(r"too many open files", re.I)


@dataclass(frozen=True)
class Outcome:
    """The final phase, and what the error summary says: '' for no error."""

    phase: Phase
    error_type: str = ""
    error: str = ""

    @property
    def summary(self) -> dict[str, str | None]:
        """The columns of the row that hold it."""
        return {"error_type": self.error_type or None, "error": self.error or None}


@dataclass(frozen=True)
class Left:
    """What the container left: bytes of results, which quota they pass ('' for none), the last line on stderr.

    And what it had used when it was last looked at.
    """

    bytes: int = 0
    over: str = ""
    last_line: str = ""
    used: Usage = Usage()


def outcome(job: Job, state: State, left: Left) -> Outcome:
    """The end of `job`, whose container has exited or is absent."""
    disk = _given(job, "disk")
    if job.desired == store.ABORT:
        return Outcome(ABORTED)
    if job.step == OVERTIME:
        return Outcome(ABORTED, FATAL, (
            f"The job was ended after the {job.execution_duration} s that it may execute (executionDuration); "
            f"what it had written is kept.{f' It {_crowd(job)}.' if left.used.refused else ''}"))
    if state.status != EXITED:
        return Outcome(ERROR, TRANSIENT, (
            "The job's container is gone and nobody knows how it ended: the Docker engine was cleaned up or set up "
            "anew. Run the job again."))
    if job.step == OVERDISK or left.over:
        return Outcome(ERROR, FATAL, (
            f"The job wrote more results than it may ({left.over or 'its limit was passed while it ran'}; "
            f"the limit is {_amount(disk)}); what fits is kept."))
    if state.stopped:
        return Outcome(ERROR, TRANSIENT, (
            f"The container was stopped from outside and ended with code {state.exit_code}: by an administrator, or "
            "because the Docker engine was restarted. Run the job again."))
    if state.exit_code == 0 and not (disk and left.bytes >= disk):  # files are cut off at the limit, whoever notices
        return Outcome(COMPLETED)
    return _failed(job, state, left, disk)


def _failed(job: Job, state: State, left: Left, disk: int) -> Outcome:
    ended = f"The application ended with code {state.exit_code}"
    said = f": {left.last_line}" if left.last_line else " and said nothing on stderr."
    if state.out_of_memory:
        return Outcome(ERROR, FATAL, (
            f"The application ran out of memory (the limit is {_amount(_given(job, 'memory'))}) and ended "
            f"with code {state.exit_code}."))
    if state.exit_code == _FILE_TOO_BIG or (disk and left.bytes >= disk):
        return Outcome(ERROR, FATAL, f"The application reached its limit of results ({_amount(disk)}). {ended}{said}")
    if state.exit_code == _UNKNOWN and not state.seen:
        return Outcome(ERROR, TRANSIENT, (
            "Nobody saw how the container ended: its machine was switched off, or its engine ended with it. Run the job "
            "again."))
    if state.exit_code == _KILLED:
        return Outcome(ERROR, TRANSIENT, (
            "The container was killed from outside (code 137), perhaps because the Docker engine was restarted. "
            "Run the job again."))
    if state.exit_code in (_NOT_FOUND, _NOT_RUNNABLE) and not left.last_line:
        return Outcome(ERROR, FATAL, f"{ended}: the program that the image names cannot be run.")
    limit = _limit(job, left)
    return Outcome(ERROR, FATAL, f"The application {limit}. {ended}{said}" if limit else f"{ended}{said}")


def _limit(job: Job, left: Left) -> str:
    """Which limit the application met, by the kernel's count or by its own last words; '' where none is seen."""
    if left.used.refused or _NO_PROCESS.search(left.last_line):
        return _crowd(job)
    if _NO_MEMORY.search(left.last_line):
        return f"asked for more memory than it may have (the limit is {_amount(_given(job, 'memory'))})"
    if _TOO_LARGE.search(left.last_line):
        return f"reached its limit of results ({_amount(_given(job, 'disk'))}), which no file may pass"
    if _NO_SPACE.search(left.last_line):
        return f"found a place full (/scratch holds {_amount(scratch_bytes(_given(job, 'memory')))})"
    if _NO_FILE.search(left.last_line):
        return f"had too many open files (the limit is {OPEN_FILES})"
    return ""


def _crowd(job: Job) -> str:
    return f"had too many processes (the limit is {_given(job, 'processes')}, threads included)"


def _given(job: Job, limit: str) -> int:
    return int(job.limits.get(limit, 0))


def _amount(size: int) -> str:
    return f"{size // _MIB} MiB" if size >= _MIB and size % _MIB == 0 else f"{size} bytes"


def times(state: State) -> dict[str, str]:
    """When it ran, as columns of the row; what the engine does not know is left out."""
    moments = {"started": state.started_at, "ended": state.finished_at}
    return {name: clock.fine_stamp(moment) for name, moment in moments.items() if moment is not None}
