"""What is to be done with a job, row by row: phase, wish, step and container in; one action out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry import clock
from registry.executor.runtime import ABSENT, CREATED, EXITED, PAUSED, RUNNING, State
from registry.uws.phases import Phase
from registry.worker.decide import OVERDISK, OVERTIME, Action, decide, is_overtime
from tests.worker.jobs import a_job

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BEFORE, AFTER = clock.fine_stamp(clock.later(-5, NOW)), clock.fine_stamp(clock.later(5, NOW))

# phase, wish, step, container -> action
TABLE = [
    ("PENDING", "RUN", "", ABSENT, Action.NOTHING),
    ("HELD", "RUN", "", ABSENT, Action.NOTHING),
    ("PENDING", "ABORT", "", ABSENT, Action.ABORT),
    ("PENDING", "DELETE", "", ABSENT, Action.DELETE),
    ("QUEUED", "RUN", "claimed", ABSENT, Action.START),
    ("QUEUED", "RUN", "staged", ABSENT, Action.START),
    ("QUEUED", "RUN", "staged", CREATED, Action.START),
    ("QUEUED", "RUN", "staged", RUNNING, Action.RUNNING),
    ("QUEUED", "RUN", "staged", EXITED, Action.RUNNING),
    ("QUEUED", "ABORT", "claimed", ABSENT, Action.ABORT),
    ("QUEUED", "ABORT", "staged", CREATED, Action.ABORT),
    ("QUEUED", "ABORT", "staged", RUNNING, Action.STOP),
    ("QUEUED", "ABORT", "staged", EXITED, Action.FINISH),
    ("QUEUED", "DELETE", "staged", RUNNING, Action.DELETE),
    ("EXECUTING", "RUN", "staged", RUNNING, Action.NOTHING),
    ("EXECUTING", "RUN", "staged", PAUSED, Action.SUSPEND),
    ("QUEUED", "RUN", "staged", PAUSED, Action.RUNNING),
    ("SUSPENDED", "RUN", "staged", PAUSED, Action.NOTHING),
    ("SUSPENDED", "RUN", "staged", RUNNING, Action.RUNNING),
    ("SUSPENDED", "RUN", "staged", EXITED, Action.RUNNING),
    ("SUSPENDED", "RUN", "staged", ABSENT, Action.LOST),
    ("SUSPENDED", "ABORT", "staged", PAUSED, Action.STOP),
    ("SUSPENDED", "ABORT", "staged", EXITED, Action.FINISH),
    ("SUSPENDED", "RUN", OVERDISK, PAUSED, Action.STOP),
    ("SUSPENDED", "DELETE", "staged", PAUSED, Action.DELETE),
    ("UNKNOWN", "RUN", "staged", PAUSED, Action.SUSPEND),
    ("EXECUTING", "RUN", "staged", EXITED, Action.FINISH),
    ("EXECUTING", "RUN", "staged", ABSENT, Action.LOST),
    ("EXECUTING", "RUN", "staged", CREATED, Action.LOST),
    ("EXECUTING", "RUN", OVERDISK, RUNNING, Action.STOP),
    ("EXECUTING", "RUN", OVERTIME, RUNNING, Action.STOP),
    ("EXECUTING", "RUN", OVERTIME, EXITED, Action.FINISH),
    ("EXECUTING", "ABORT", "staged", RUNNING, Action.STOP),
    ("EXECUTING", "ABORT", "staged", PAUSED, Action.STOP),
    ("EXECUTING", "ABORT", "staged", EXITED, Action.FINISH),
    ("EXECUTING", "ABORT", "staged", ABSENT, Action.ABORT),
    ("EXECUTING", "DELETE", "staged", RUNNING, Action.DELETE),
    ("UNKNOWN", "RUN", "staged", RUNNING, Action.RUNNING),
    ("UNKNOWN", "RUN", "staged", EXITED, Action.FINISH),
    ("UNKNOWN", "RUN", "staged", ABSENT, Action.LOST),
    ("COMPLETED", "RUN", "", EXITED, Action.CLEAN),
    ("COMPLETED", "RUN", "", ABSENT, Action.NOTHING),
    ("ERROR", "RUN", "", RUNNING, Action.CLEAN),
    ("ABORTED", "RUN", "", CREATED, Action.CLEAN),
    ("COMPLETED", "DELETE", "", ABSENT, Action.DELETE),
]


@pytest.mark.parametrize(("phase", "desired", "step", "status", "action"), TABLE)
def test_the_table(phase, desired, step, status, action):
    job = a_job(phase=Phase(phase), desired=desired, step=step, lease="w", started=BEFORE, destruction=AFTER)
    assert decide(job, State(status, "n"), NOW) is action


def test_nobody_starts_a_job_that_no_worker_has_taken():
    job = a_job(phase=Phase.QUEUED, lease="", destruction=AFTER)
    assert decide(job, State(ABSENT, "n"), NOW) is Action.NOTHING


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("status", [ABSENT, CREATED, RUNNING, PAUSED, EXITED])
def test_destruction_comes_before_everything(phase, status):
    job = a_job(phase=phase, lease="w", started=BEFORE, destruction=clock.fine_stamp(NOW))
    assert decide(job, State(status, "n"), NOW) is Action.DELETE


@pytest.mark.parametrize(("seconds", "over"), [(4, True), (5, True), (6, False), (0, False)])
def test_a_job_that_has_executed_long_enough_is_stopped(seconds, over):
    job = a_job(phase=Phase.EXECUTING, lease="w", started=BEFORE, execution_duration=seconds, destruction=AFTER)
    assert is_overtime(job, NOW) is over
    assert decide(job, State(RUNNING, "n"), NOW) is (Action.STOP if over else Action.NOTHING)


def test_one_that_ended_in_time_is_finished_however_late_we_look():
    job = a_job(phase=Phase.EXECUTING, lease="w", started=BEFORE, execution_duration=1, destruction=AFTER)
    assert decide(job, State(EXITED, "n", exit_code=0), NOW) is Action.FINISH
