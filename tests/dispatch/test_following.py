"""A job that runs elsewhere, from its sending to its end, and what may go wrong on the way; the tests play the far worker."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest
from sqlalchemy import update

from registry.access import ANONYMOUS
from registry.applications.parameters import ParameterError
from registry.dispatch import following, sending, store as desk
from registry.dispatch.runners import NoRunner
from registry.dispatch.sending import CannotRunThere
from registry.tables import jobs, runners as table
from registry.uws import files, jobs as use_cases, record, store
from registry.uws.files import Upload
from registry.uws.phases import ABORTED, COMPLETED, ERROR, EXECUTING, FINAL, QUEUED, UNKNOWN
from tests.dispatch.conftest import APP, Pair


def far_set(pair: Pair, **values: Any) -> None:
    """Change the far job's row behind its back."""
    with pair.south.site.database.write() as connection:
        connection.execute(update(jobs).values(values))


def test_a_whole_life(pair: Pair) -> None:
    parts = [Upload("targets", io.BytesIO(b"a,b\r\n"))]
    job, far, follower = pair.sent(("limit", "3"), ("EXECUTIONDURATION", "50"), parts=parts)
    assert (far.run_id, far.image, far.execution_duration) == (job.id, job.image, 50)
    with pair.south.site.database.read() as connection:
        assert [(one.name, one.value) for one in store.parameters(connection, far.id)] == [
            ("limit", "3"), ("targets", "targets")]
    assert (files.inputs(pair.south.site, far.id) / "targets").read_bytes() == b"a,b\r\n"
    assert job.phase is QUEUED and job.node == "ivo://south.example/runner"

    follower.step()
    pair.south.move(far.id, EXECUTING)
    (files.folder(pair.south.site, far.id) / "stdout").write_bytes(b"4")
    follower.step()
    assert pair.north.job(job.id).phase is EXECUTING
    assert use_cases.log(pair.site, job, "stdout") == (b"4", 1)

    pair.south.finish(far.id)
    assert follower.step() is None
    ended = pair.north.job(job.id)
    assert ended.phase is COMPLETED and ended.started == pair.south.job(far.id).started
    for name in ("count.txt", "stdout"):
        path, told = use_cases.file_of(pair.site, ended, name)
        assert path.read_bytes() == b"42\n" and told.size == 3
    assert not list(files.folder(pair.site, job.id).glob("draft*"))
    details = use_cases.details(pair.site, ANONYMOUS, job.id)
    kept = record.document(pair.site, details.job, details.parameters, details.results)
    assert kept["job"] == job.id and kept["elsewhere"]["job"] == far.id and kept["elsewhere"]["datacenter"] == "south.example"
    assert [one["sha256"] for one in kept["elsewhere"]["inputs"]] == [one["sha256"] for one in kept["inputs"]]


def test_the_worker_takes_it_from_the_sending_to_the_end_and_cleans_up(pair: Pair) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=following.run, args=(pair.site, "worker-1", stop))
    worker.start()
    try:
        job = pair.send()
        until(lambda: len(pair.south.jobs()) == 1)
        (far,) = pair.south.jobs()
        pair.south.finish(far.id)
        until(lambda: pair.north.job(job.id).phase is COMPLETED)
        with pair.site.database.write() as connection:
            store.remove(connection, job.id)
        pair.site.bells.ring("work")
        until(lambda: pair.south.job(far.id).desired == store.DELETE and pair.row(job) is None)
    finally:
        stop.set()
        pair.site.bells.ring("work")
        worker.join(10)


def until(done: Any, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not done():
        assert time.monotonic() < deadline, "it did not come to that"
        pause.wait(0.02)


def test_nobody_here_takes_it(pair: Pair) -> None:
    job, _, _ = pair.sent()

    with pair.site.database.write() as connection:
        assert store.claim(connection, "other", 10) is None
        assert store.leased(connection) == []
        assert store.get(connection, job.id).rank == ""


def test_it_is_sent_once_though_the_worker_dies_before_it_knows(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    job = pair.send()
    change = desk.change

    def dies(connection: Any, row: Any, **values: Any) -> bool:
        if values.get("state") == desk.SENT:
            raise KeyboardInterrupt
        return change(connection, row, **values)

    monkeypatch.setattr(desk, "change", dies)
    with pytest.raises(KeyboardInterrupt):
        pair.follower(job).step()
    monkeypatch.setattr(desk, "change", change)
    assert len(pair.south.jobs()) == 1

    other = pair.follower(job, "worker-2")
    assert other.step() == 1.0  # the first may still be at it
    monkeypatch.setattr(other, "_is_gone", lambda holder: True)
    other.step()

    row = pair.row(job)
    assert len(pair.south.jobs()) == 1 and row is not None and row.url.endswith(pair.south.jobs()[0].id)


def test_unknown_while_the_other_side_is_silent_and_on_when_it_is_back(pair: Pair) -> None:
    job, far, follower = pair.sent()
    pair.south.move(far.id, EXECUTING)
    follower.step()
    pair.south.stop()

    pause = follower.step()
    silent = pair.north.job(job.id)
    assert silent.phase is UNKNOWN and "cannot be read" in silent.message and pause and pause > 0

    pair.south.finish(far.id)
    pair.south.start()
    other = pair.follower(job, "worker-2")  # our own worker is another one by now
    until(lambda: other.step() is None)  # a connection that was kept open breaks first
    assert pair.north.job(job.id).phase is COMPLETED


def test_not_sent_while_silent_it_stays_in_the_queue(pair: Pair) -> None:
    job = pair.send()
    pair.south.stop()
    follower = pair.follower(job)
    follower.step()

    assert pair.north.job(job.id).phase is QUEUED and "cannot be read" in pair.north.job(job.id).message

    pair.south.start()
    until(lambda: follower.step() == 0.0)
    assert [one.run_id for one in pair.south.jobs()] == [job.id]


def test_a_runner_that_accepts_and_never_runs_is_told_and_can_be_left(pair: Pair) -> None:
    job, far, follower = pair.sent()
    far_set(pair, message="There is no engine.")
    follower.step()
    assert pair.north.job(job.id).message == "South has it and has not begun: There is no engine."

    use_cases.abort(pair.site, ANONYMOUS, job.id)
    assert pair.north.job(job.id).phase is ABORTED
    assert follower.step() is None
    assert pair.south.job(far.id).phase is ABORTED


def test_one_that_runs_is_stopped_there(pair: Pair) -> None:
    job, far, follower = pair.sent()
    pair.south.move(far.id, EXECUTING)
    follower.step()
    use_cases.abort(pair.site, ANONYMOUS, job.id)

    follower.step()
    assert pair.north.job(job.id).phase is ABORTED
    assert follower.step() is None
    assert pair.south.job(far.id).desired == store.ABORT


def test_somebody_elses_job_is_not_taken(pair: Pair) -> None:
    job, far, follower = pair.sent()
    pair.south.finish(far.id)
    far_set(pair, run_id="another")

    assert follower.step() is None
    ended = pair.north.job(job.id)
    assert ended.phase is ERROR and "somebody else's job" in (ended.error or "")
    with pair.site.database.read() as connection:
        assert store.results(connection, job.id) == []


def test_another_image_than_asked_for_is_stopped(pair: Pair) -> None:
    job, far, follower = pair.sent()
    far_set(pair, image=f"127.0.0.1:5000/count@sha256:{'0' * 64}")

    follower.step()
    ended = pair.north.job(job.id)
    assert ended.phase is ERROR and "was asked for" in (ended.error or "")
    assert pair.south.job(far.id).phase is ABORTED


@pytest.mark.parametrize(("size", "words"), [(2**40, "are the most that this site takes over"), (1, "larger than agreed")])
def test_results_larger_than_agreed_stay_there(pair: Pair, size: int, words: str) -> None:
    job, far, follower = pair.sent()
    pair.south.finish(far.id, size=size)

    assert follower.step() is None
    ended = pair.north.job(job.id)
    assert ended.phase is ERROR and words in (ended.error or "")
    assert not (files.folder(pair.site, job.id) / "files").exists()


def test_a_job_that_failed_there_failed(pair: Pair) -> None:
    job, far, follower = pair.sent()
    pair.south.move(far.id, EXECUTING, ERROR, error="No stars.", error_type="fatal")

    follower.step()
    ended = pair.north.job(job.id)
    assert (ended.phase, ended.error, ended.error_type) == (ERROR, "No stars.", "fatal")


def test_a_job_deleted_there_is_an_error_that_may_pass(pair: Pair) -> None:
    job, far, follower = pair.sent()
    with pair.south.site.database.write() as connection:
        store.remove(connection, far.id)

    follower.step()
    ended = pair.north.job(job.id)
    assert (ended.phase, ended.error_type) == (ERROR, "transient") and "no longer has the job" in (ended.error or "")


def test_a_refusal_is_told_in_the_runners_words(pair: Pair) -> None:
    job = pair.send()
    object.__setattr__(pair.south.site, "settings", pair.south.site.settings.model_copy(update={"accepted_publishers": []}))
    pair.follower(job).step()

    ended = pair.north.job(job.id)
    assert ended.phase is ERROR and "accepted_publishers" in (ended.error or "") and ended.phase in FINAL


def test_what_cannot_run_there_is_refused_before_there_is_a_job(pair: Pair) -> None:
    with pytest.raises(ParameterError):
        pair.send(("limit", "12"))
    with pytest.raises(NoRunner, match="those known are north.example, south.example"):
        sending.send(pair.site, ANONYMOUS, [("APP", APP)], "nowhere")
    with pair.site.database.write() as connection:
        connection.execute(update(table).values(fault="It is away."))
    with pytest.raises(CannotRunThere, match="It is away"):
        pair.send()
    assert pair.north.jobs() == []
    assert sending.send(pair.site, ANONYMOUS, [("APP", APP)], "north").step == ""  # our own is run here


def late(pair: Pair, job: store.Job) -> None:
    """Let the job have waited for longer than it may."""
    with pair.site.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job.id).values(queued="2026-01-01T00:00:00.000Z"))


def test_a_runner_that_holds_a_job_for_too_long_loses_it(pair: Pair) -> None:
    job, far, follower = pair.sent()
    far_set(pair, phase="HELD", message="It needs more memory than there is.")
    follower.step()
    assert pair.north.job(job.id).phase is QUEUED
    assert pair.north.job(job.id).message == "South has it and has not begun: It needs more memory than there is."

    late(pair, job)
    follower.step()
    ended = pair.north.job(job.id)
    assert (ended.phase, ended.error_type) == (ERROR, "transient")
    assert ended.error == ("South accepted the job and did not begin it within 86400 seconds (elsewhere_wait). It says: It needs "
                           "more memory than there is.")
    assert follower.step() is None
    assert pair.south.job(far.id).phase is ABORTED


def test_one_that_began_is_not_given_up(pair: Pair) -> None:
    job, far, follower = pair.sent()
    pair.south.move(far.id, EXECUTING)
    late(pair, job)
    follower.step()

    assert pair.north.job(job.id).phase is EXECUTING


def test_a_runner_that_was_silent_for_too_long_is_not_sent_the_job_any_more(pair: Pair) -> None:
    job = pair.send()
    pair.south.stop()
    late(pair, job)
    follower = pair.follower(job)
    follower.step()

    ended = pair.north.job(job.id)
    assert ended.phase is ERROR and "South could not be sent the job within" in (ended.error or "")
    pair.south.start()
    until(lambda: follower.step() is None)
    assert pair.south.jobs() == []


def test_a_result_of_a_job_here_goes_along_as_an_input(pair: Pair) -> None:
    first = sending.send(pair.site, ANONYMOUS, [("APP", APP), ("PHASE", "RUN")], "north")
    pair.north.finish(first.id)

    job, far, _ = pair.sent(("targets", f"job:{first.id}/results/count.txt"))

    assert (files.inputs(pair.south.site, far.id) / "targets").read_bytes() == b"42\n"
    with pair.site.database.read() as connection:
        (sent,) = store.parameters(connection, job.id)
    assert (sent.by_reference, sent.origin) == (True, f"job:{first.id}/results/count.txt")
