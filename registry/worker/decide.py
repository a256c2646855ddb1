"""What is to be done with a job, from its row and its container as they are now. It remembers nothing and does nothing.

Called again after every action and after every interruption: a worker that was killed anywhere is followed by one that
looks, and goes on.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from registry import clock
from registry.executor.runtime import ABSENT, CREATED, EXITED, PAUSED, State
from registry.uws import store
from registry.uws.phases import ARCHIVED, EXECUTING, QUEUED, SUSPENDED, UNKNOWN
from registry.uws.store import Job

# steps that the worker writes; the store writes `claimed`
STAGED, OVERTIME, OVERDISK = "staged", "overtime", "overdisk"


class Action(StrEnum):
    """One thing to do with a job."""

    NOTHING = "nothing"  # it runs, waits, or has ended and is cleaned up
    START = "start"      # fetch the image, lay out the folders, make the container, start it
    RUNNING = "running"  # its container has been started: say so
    SUSPEND = "suspend"  # its container has been paused from outside: say so
    STOP = "stop"        # its container is to end
    FINISH = "finish"    # its container has ended: take the results, write the last phase
    LOST = "lost"        # it was started, and the engine has no such container
    ABORT = "abort"      # nobody wants it any more, and nothing of it runs
    CLEAN = "clean"      # its phase is final: remove container and folders
    ARCHIVE = "archive"  # remove all but its row, which stays to be read
    DELETE = "delete"    # remove everything of it


def decide(job: Job, state: State, now: datetime, kept: int = 0) -> Action:
    """The next action for `job`, whose present attempt has the container `state`, at the moment `now`.

    Its row is `kept` for so many seconds after its destruction (UWS 1.1 §2.1.3, ARCHIVED).
    """
    destruction = clock.parse(job.destruction)
    if job.desired == store.DELETE or clock.later(kept, destruction) <= now:
        return Action.DELETE
    if destruction <= now and job.phase is not ARCHIVED:
        return Action.ARCHIVE
    if job.final:
        return Action.NOTHING if state.status == ABSENT else Action.CLEAN
    if state.status in (ABSENT, CREATED):
        return _not_running(job)
    if state.status == EXITED:
        # from neither of these does a way lead to COMPLETED (UWS 1.1 §2.1.3)
        late = job.phase in (QUEUED, SUSPENDED) and job.desired == store.RUN
        return Action.RUNNING if late else Action.FINISH
    return _running(job, state, now)


def _not_running(job: Job) -> Action:
    if job.desired == store.ABORT:
        return Action.ABORT
    if job.phase in (EXECUTING, SUSPENDED, UNKNOWN):
        return Action.LOST
    return Action.START if job.phase is QUEUED and job.lease else Action.NOTHING


def _running(job: Job, state: State, now: datetime) -> Action:
    if job.desired == store.ABORT or job.step in (OVERTIME, OVERDISK):
        return Action.STOP
    if state.status == PAUSED and job.phase is not QUEUED:
        return Action.NOTHING if job.phase is SUSPENDED else Action.SUSPEND
    if job.phase is not EXECUTING:
        return Action.RUNNING
    return Action.STOP if is_overtime(job, now) else Action.NOTHING


def is_overtime(job: Job, now: datetime) -> bool:
    """Whether the job has executed for as long as it may (UWS 1.1 §2.1.5: 0 is without limit)."""
    if job.started is None or job.execution_duration == 0:
        return False
    return clock.later(job.execution_duration, clock.parse(job.started)) <= now
