"""How a job ended, and in which words: from its row, its container's last state and what was collected. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from registry.executor.runtime import EXITED, State
from registry.uws import store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, Phase
from registry.uws.store import Job
from registry.worker.decide import OVERDISK, OVERTIME

FATAL, TRANSIENT = "fatal", "transient"  # UWS 1.1 §2.1.8
_KILLED = 128 + 9
_FILE_TOO_BIG = 128 + 25  # SIGXFSZ
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_MIB = 2**20


@dataclass(frozen=True)
class Outcome:
    """The final phase, and what the error summary says: '' for no error."""

    phase: Phase
    error_type: str = ""
    error: str = ""


@dataclass(frozen=True)
class Left:
    """What the container left: bytes of results, which quota they pass ('' for none), the last line on stderr."""

    bytes: int = 0
    over: str = ""
    last_line: str = ""


def outcome(job: Job, state: State, left: Left) -> Outcome:
    """The end of `job`, whose container has exited or is absent."""
    disk = int(job.limits.get("disk", 0))
    if job.desired == store.ABORT:
        return Outcome(ABORTED)
    if job.step == OVERTIME:
        return Outcome(ABORTED, FATAL, (
            f"The job was ended after the {job.execution_duration} s that it may execute (executionDuration); "
            "what it had written is kept."))
    if state.status != EXITED:
        return Outcome(ERROR, TRANSIENT, (
            "The job's container is gone and nobody knows how it ended: the Docker engine was cleaned up or set up "
            "anew. Run the job again."))
    if job.step == OVERDISK or left.over:
        return Outcome(ERROR, FATAL, (
            f"The job wrote more results than it may ({left.over or 'its limit was passed while it ran'}; "
            f"the limit is {_amount(disk)}); what fits is kept."))
    if state.exit_code == 0 and not (disk and left.bytes >= disk):  # files are cut off at the limit, whoever notices
        return Outcome(COMPLETED)
    return _failed(job, state, left, disk)


def _failed(job: Job, state: State, left: Left, disk: int) -> Outcome:
    ended = f"The application ended with code {state.exit_code}"
    said = f": {left.last_line}" if left.last_line else " and said nothing on stderr."
    if state.out_of_memory:
        return Outcome(ERROR, FATAL, (
            f"The application ran out of memory (the limit is {_amount(int(job.limits.get('memory', 0)))}) and ended "
            f"with code {state.exit_code}."))
    if state.exit_code == _FILE_TOO_BIG or (disk and left.bytes >= disk):
        return Outcome(ERROR, FATAL, f"The application reached its limit of results ({_amount(disk)}). {ended}{said}")
    if state.exit_code == _KILLED:
        return Outcome(ERROR, TRANSIENT, (
            "The container was killed from outside (code 137), perhaps because the Docker engine was restarted. "
            "Run the job again."))
    if state.exit_code in (_NOT_FOUND, _NOT_RUNNABLE) and not left.last_line:
        return Outcome(ERROR, FATAL, f"{ended}: the program that the image names cannot be run.")
    return Outcome(ERROR, FATAL, f"{ended}{said}")


def _amount(size: int) -> str:
    return f"{size // _MIB} MiB" if size >= _MIB and size % _MIB == 0 else f"{size} bytes"
