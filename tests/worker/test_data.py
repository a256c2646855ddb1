"""A job's data sets and linked inputs: laid out by the worker, read by the job and changed by nobody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import docker
import pytest

from registry.data_sets import DataSet
from registry.executor.fake import FakeRuntime, Program
from registry.site import Site
from registry.uws import files
from registry.uws.files import Upload
from registry.uws.phases import COMPLETED, ERROR
from registry.uws.store import Parameter
from registry.worker import stage
from tests.worker.bench import Worker
from tests.worker.jobs import job_of, results_of, submit
from tests.worker.station import Station

IMAGE = "repository.example/hello@sha256:1"


def offer(site: Site, **data: DataSet) -> None:
    object.__setattr__(site, "settings", site.settings.model_copy(update={"data": data}))


@pytest.fixture()
def worker(site: Site) -> Any:
    made = Worker(site, FakeRuntime({IMAGE: Program()}))
    yield made
    made.hands.leave()


def test_what_a_job_was_granted_is_mounted_for_reading(site: Site, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "gaia").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "gaia")
    offer(site, gaia=DataSet(path=tmp_path / "link"), other=DataSet(path=tmp_path / "gaia"), kept=DataSet(volume="kept"))

    job = job_of(site, submit(site, IMAGE, data=["gaia", "kept"]))
    mounts = stage.spec(site, job, None).mounts[3:]

    assert [(one.target, one.source, one.volume, one.writable, one.shared) for one in mounts] == [
        ("/data/gaia", tmp_path / "gaia", "", False, True), ("/data/kept", Path(), "kept", False, False)]


@pytest.mark.parametrize("happens", ["taken out of the settings", "unmounted", "turned into a way to the keys", "no volume"])
def test_a_data_set_that_went_away_is_told_and_nothing_runs(
    site: Site, worker: Worker, tmp_path: Path, happens: str,
) -> None:
    (tmp_path / "gaia").mkdir()
    offer(site, gaia=DataSet(path=tmp_path / "gaia"))
    job_id = submit(site, IMAGE, data=["gaia"])
    if happens == "taken out of the settings":
        offer(site)
    elif happens == "no volume":
        offer(site, gaia=DataSet(volume="gone"))
    else:
        (tmp_path / "gaia").rmdir()
        if happens.startswith("turned"):
            (tmp_path / "gaia").symlink_to(site.settings.instance)
    worker.once()

    job = job_of(site, job_id)
    assert (job.phase, job.error_type) == (ERROR, "transient") and worker.hands.runtime.started == []
    words = {"taken": "no longer has the data set gaia", "unmounted": "its folder is missing", "turned": "instance folder",
             "no volume": "is missing"}
    assert next(text for start, text in words.items() if happens.startswith(start)) in (job.error or "")


@pytest.mark.docker
def test_on_a_real_engine_data_is_read_and_cannot_be_written(
    station: Station, tmp_path: Path, docker_client: docker.DockerClient,
) -> None:
    gaia = tmp_path / "gaia"
    (gaia / "deep").mkdir(parents=True)
    (gaia / "deep/stars.csv").write_text("1,2\n")
    for path in (tmp_path, gaia, gaia / "deep"):
        path.chmod(0o777)
    (gaia / "deep/stars.csv").chmod(0o666)
    volume = docker_client.volumes.create(f"innerspace-test-{os.getpid()}-{station.site.settings.engine_name}")
    try:
        offer(station.site, gaia=DataSet(path=gaia), kept=DataSet(volume=volume.name))
        job_id = submit(station.site, station.image(
            "cat /data/gaia/deep/stars.csv; grep -c ' /data/gaia [^ ]* ro,' /proc/mounts; ls /data; "
            "for p in /data/x /data/gaia/new /data/kept/new; do touch $p && echo WROTE $p; done 2>/dev/null; "
            "echo 9 > /data/gaia/deep/stars.csv && echo WROTE; rm /data/gaia/deep/stars.csv && echo WROTE; "
            "mount -o remount,rw /data/gaia && echo WROTE; echo end"), data=["gaia", "kept"])
        job = station.until_final(job_id)
        absent = submit(station.site, station.image("true"), data=["gone"])
        offer(station.site, gone=DataSet(volume="innerspace-test-no-such-volume"))
        assert station.until_final(absent).phase is ERROR
        assert not docker_client.volumes.list(filters={"name": "innerspace-test-no-such-volume"})
    finally:
        station.until(lambda: not station.left())
        volume.remove()
    assert job.phase is COMPLETED
    said = station.text(job_id, "stdout").split()
    assert said == ["1,2", "1", "gaia", "kept", "end"]
    assert (gaia / "deep/stars.csv").read_text() == "1,2\n" and sorted(os.listdir(gaia)) == ["deep"]


@pytest.mark.docker
def test_what_is_mounted_below_a_data_set_is_not_shown_writable(station: Station, tmp_path: Path) -> None:
    below = tmp_path / "gaia/below"
    below.mkdir(parents=True)
    for path in (tmp_path, tmp_path / "gaia"):
        path.chmod(0o755)
    assert os.system(f"mount -t tmpfs -o size=65536,mode=777 none {below}") == 0
    try:
        offer(station.site, gaia=DataSet(path=tmp_path / "gaia"))
        job_id = submit(station.site, station.image(
            "touch /data/gaia/below/x 2>/dev/null && echo WROTE; echo end"), data=["gaia"])
        assert station.until_final(job_id).phase is COMPLETED
        assert station.text(job_id, "stdout") == "end\n" and os.listdir(below) == []
        station.until(lambda: not station.left())
    finally:
        os.system(f"umount {below}")


@pytest.mark.docker
def test_an_input_that_is_another_jobs_result_cannot_be_changed_by_the_job(station: Station) -> None:
    first = submit(station.site, station.image("echo 42 > /results/answer.txt"))
    assert station.until_final(first).phase is COMPLETED
    answer = files.folder(station.site, first) / "files/answer.txt"
    files.save(station.site, "next1", [("targets", Upload("targets", answer))])
    job_id = submit(station.site, station.image(
        "cat /job/inputs/targets; { echo 9 > /job/inputs/targets || rm /job/inputs/targets || "
        "chmod 777 /job/inputs/targets || ln /job/inputs/targets /results/stolen; } 2>/dev/null; cat /job/inputs/targets"),
        (Parameter("targets", "targets", True, f"job:{first}/results/answer.txt"),), id="next1")

    assert station.until_final(job_id).phase is COMPLETED
    assert station.text(job_id, "stdout") == "42\n42\n" and answer.read_text() == "42\n"
    assert set(results_of(station.site, job_id)) == {"stdout", "stderr", "exitcode"}
