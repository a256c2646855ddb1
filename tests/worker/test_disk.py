"""What the disk has to do with jobs: results are on it before anybody is told, and a full one starts no job."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.executor import durable
from registry.executor.fake import FakeRuntime, Program
from registry.services import own
from registry.uws import files
from registry.uws.phases import COMPLETED, EXECUTING, QUEUED
from registry.worker.survey import survey
from tests.worker.bench import Worker, leftovers
from tests.worker.jobs import job_of, results_of, submit

HELLO = "repository.example/hello@sha256:1"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture()
def engine() -> FakeRuntime:
    return FakeRuntime({HELLO: Program(b"hello\n", files={"answer.txt": b"42\n"})})


@pytest.fixture()
def worker(site, engine) -> Iterator[Worker]:
    made = Worker(site, engine)
    yield made
    made.hands.leave()


@pytest.fixture()
def free(monkeypatch) -> dict[str, int]:
    """Bytes free on every disk, as the test sets them."""
    amount = {"free": 2**40}
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(2**41, 0, amount["free"]))
    return amount


def test_results_are_on_the_disk_before_the_job_is_completed(site, worker, monkeypatch):
    job_id = submit(site, HELLO)
    seen = []

    def settle(folder: Path) -> None:
        seen.append((folder, {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()},
                     job_of(site, job_id).phase))

    monkeypatch.setattr(durable, "settle", settle)
    worker.once()
    [(folder, written, phase)] = seen
    assert (folder, phase) == (files.folder(site, job_id), EXECUTING)
    assert written >= {"exitcode", "files/answer.txt", "stderr", "stdout"}
    assert job_of(site, job_id).phase is COMPLETED


def test_a_disk_that_takes_no_results_ends_no_job_and_loses_none(site, engine, worker, monkeypatch):
    job_id = submit(site, HELLO)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "settle", full)
        worker.once()
    job = job_of(site, job_id)
    assert job.phase is EXECUTING
    assert job.message == "The files of the job cannot be written: No space left on device."
    worker.once()
    assert job_of(site, job_id).phase is COMPLETED
    assert job_of(site, job_id).message == ""
    assert list(results_of(site, job_id)) == ["answer.txt", "stdout", "stderr", "exitcode"]
    assert leftovers(site, engine) == []


def test_a_folder_is_put_on_the_disk(tmp_path):
    durable.settle(tmp_path)
    with pytest.raises(FileNotFoundError):
        durable.settle(tmp_path / "missing")


def test_a_full_disk_starts_no_job_says_why_and_goes_on_by_itself(site, worker, free):
    free["free"] = 100 * 2**20
    jobs = [submit(site, HELLO) for _ in range(6)]
    worker.once()
    assert [job_of(site, job).phase for job in jobs] == [QUEUED] * 6
    for job in jobs:
        assert "The instance's disk is nearly full: 100 MiB are free where 512 must be" in job_of(site, job).message
        assert job_of(site, job).lease == ""
    assert any("disk is nearly full" in note for note in own.availability(site).notes)
    free["free"] = 2**40
    worker.once()
    assert {job_of(site, job).phase for job in jobs} == {COMPLETED}
    assert not any("disk" in note for note in own.availability(site).notes)


def test_a_job_that_cannot_start_yet_no_longer_says_that_the_disk_is_full(site, worker, free):
    job_id = submit(site, HELLO)
    free["free"] = 0
    worker.once()
    assert job_of(site, job_id).message
    free["free"] = 2**40
    survey(worker.hands)  # a look, before anything is claimed
    assert (job_of(site, job_id).phase, job_of(site, job_id).message) == (QUEUED, "")


def test_a_full_disk_of_the_engine_counts_too(site, engine, worker, free, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(2**41, 0, 0 if Path(place) == tmp_path else 2**40))
    engine.folder = str(tmp_path)
    job_id = submit(site, HELLO)
    worker.once()
    assert "The Docker engine's disk is nearly full" in job_of(site, job_id).message
    assert any("Docker engine's disk" in note for note in own.availability(site).notes)
