"""A job's whole life on the real engine, driven by other people's clients: curl, pyvo, vo-models."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyvo.dal import AsyncTAPJob
from vo_models.uws.models import Jobs, JobSummary, Parameters

from applications.demo import image
from applications.demo.datacenter import FINAL, Datacenter
from tests.journeys.conftest import WIRING

pytestmark = pytest.mark.docker

TABLE = b"ra,dec\n10.5,-3.25\n" + bytes(range(256)) * 40
# reads what was uploaded; tells a line at a time until it is stopped, and says that it was
PROGRAMS = {
    "reads": """
        cat /job/inputs/table > /results/copy.bin
        for one in /job/inputs/more*; do echo "$(basename $one) $(cat $one)"; done > /results/more.txt
        touch /job/inputs/table /job/inputs/mine 2> /dev/null && echo "inputs can be written" >&2 && exit 9
        cat /job/parameters.json""",
    "talks": """
        trap 'echo stopped; exit 0' TERM
        echo "so far" > /results/partial.txt
        n=0; while [ $n -lt 600 ]; do n=$((n+1)); echo "line $n"; echo "careful $n" >&2; sleep 0.1; done""",
}
CONTRACT: dict[str, Any] = {
    "contract": "1.0", "title": "Test", "description": "A test.", "requires": [], "resources": {}, "network": "none",
    "parameters": [{"name": "count", "type": "integer", "default": 1, "min": 1, "max": 10}],
    "inputs": [{"name": "table", "multiplicity": "0..1"}, {"name": "more", "multiplicity": "0..*"}],
    "outputs": [{"path": "copy.bin", "media_type": "application/octet-stream", "primary": True}],
}


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory, datacenter: Datacenter, docker_engine: Any, docker_repository: Any,
         base: str) -> dict[str, str]:
    """The identifiers of PROGRAMS as applications."""
    for name, script in PROGRAMS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "application.json").write_text(json.dumps(CONTRACT))
        (folder / "run.sh").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "Dockerfile").write_text(
            'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY run.sh /app/run.sh\nENTRYPOINT ["/bin/sh", "/app/run.sh"]\n')
        reference = image.build_and_push(
            folder, docker_repository.address, name, "1.0", base, client=docker_engine.client)
        datacenter.registry("app", "register", reference)
    return {name: f"ivo://{WIRING.authority}/app/{name}" for name in PROGRAMS}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to be uploaded."""
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "table.csv").write_bytes(TABLE)
    (folder / "a.txt").write_text("one")
    (folder / "b.txt").write_text("two")
    (folder / "large").write_bytes(b"x" * 17 * 2**20)
    return folder


def curl(*words: str) -> bytes:
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "100", *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def head(*words: str) -> tuple[int, dict[str, str]]:
    """Status and header of an answer."""
    lines = curl("--dump-header", "-", "--output", "/dev/null", *words).decode().splitlines()
    last = max(index for index, line in enumerate(lines) if line.startswith("HTTP/"))
    pairs = [line.split(": ", 1) for line in lines[last + 1:] if ": " in line]
    return int(lines[last].split()[1]), {name.lower(): value for name, value in pairs}


def made(datacenter: Datacenter, *words: str) -> str:
    """The address of a job that curl has made."""
    parts = [part for word in words for part in ("--form", word)]
    url = curl("--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}", *parts, f"{datacenter.base_url}jobs")
    status, _, address = url.decode().partition(" ")
    assert status == "303", curl(*parts, f"{datacenter.base_url}jobs").decode()
    return address


def summary(job: str, wait: int = 0) -> JobSummary[Parameters]:
    return JobSummary[Parameters].from_xml(curl(f"{job}?WAIT={wait}"))


def until(job: str, *phases: str) -> JobSummary[Parameters]:
    """The job, by blocking requests, once it is in one of the phases."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        found = summary(job, 10)
        if found.phase in phases:
            return found
        assert found.phase not in FINAL, curl(job).decode()
    raise AssertionError(curl(job).decode())


def test_uploads_come_into_the_container_and_results_out_of_it(datacenter: Datacenter, apps: Any, files: Path) -> None:
    job = made(datacenter, f"APP={apps['reads']}", "PHASE=RUN", "COUNT=7", "RUNID=with files", f"table=@{files}/table.csv",
               "UPLOAD=more,param:second", f"second=@{files}/b.txt", f"more=@{files}/a.txt")
    found = until(job, *FINAL)
    assert (found.phase, found.run_id) == ("COMPLETED", "with files"), curl(job).decode()
    assert set(by_reference(job)) == {"table", "more"}
    assert curl(by_reference(job)["table"]) == TABLE
    assert curl(f"{job}/results/copy.bin") == TABLE == curl(f"{job}/results/result")
    assert curl(f"{job}/results/more.txt").decode().splitlines() == ["more two", "more.2 one"], "UPLOAD names its files first"
    assert json.loads(curl(f"{job}/results/stdout")) == {"count": 7}
    listed = Jobs.from_xml(curl(f"{datacenter.base_url}jobs?LAST=100&PHASE=COMPLETED"))
    assert job.rpartition("/")[2] in [one.job_id for one in listed.jobref or ()]


def by_reference(job: str) -> dict[str, str]:
    """The addresses of the job's files."""
    found = etree.fromstring(curl(f"{job}/parameters"))
    return {one.get("id"): one.text for one in found if one.get("byReference") == "true"}


def test_a_result_comes_whole_in_parts_and_not_again(datacenter: Datacenter, apps: Any, files: Path) -> None:
    job = made(datacenter, f"APP={apps['reads']}", "PHASE=RUN", f"table=@{files}/table.csv")
    until(job, "COMPLETED")
    url = f"{job}/results/copy.bin"
    status, whole = head(url)
    assert (status, whole["content-length"]) == (200, str(len(TABLE)))
    assert whole["etag"] == f'"{hashlib.sha256(TABLE).hexdigest()}"' and whole["content-disposition"].startswith("attachment")
    assert whole["x-content-type-options"] == "nosniff" and "sandbox" in whole["content-security-policy"]
    assert curl("--range", "7-11", url) == TABLE[7:12]
    assert head("--range", "7-11", url)[0] == 206 and head("--range", "99999999-", url)[0] == 416
    assert head("--header", f"If-None-Match: {whole['etag']}", url)[0] == 304


def test_a_synchronous_request_leads_to_the_main_result(datacenter: Datacenter, apps: Any, files: Path) -> None:
    body = curl("--location", "--max-redirs", "50", "--form", f"APP={apps['reads']}", "--form", f"table=@{files}/table.csv",
                f"{datacenter.base_url}sync")
    assert body == TABLE


def test_pyvo_runs_a_job_and_follows_it_to_its_end(datacenter: Datacenter, apps: Any, files: Path) -> None:
    url = made(datacenter, f"APP={apps['reads']}", f"table=@{files}/table.csv")
    job = AsyncTAPJob(url, delete=False)
    assert job.phase == "PENDING"
    job.execution_duration = 30
    job.run().wait(timeout=90)
    job.raise_if_error()
    assert job.phase == "COMPLETED" and job.execution_duration.value == 30
    assert [one.id_ for one in job.job.results] == ["copy.bin", "more.txt", "stdout", "stderr", "exitcode"]
    job.delete()
    assert head(url)[0] == 404


def test_the_log_of_a_running_job_is_read_by_offset_and_abort_keeps_what_there_is(datacenter: Datacenter, apps: Any) -> None:
    url = made(datacenter, f"APP={apps['talks']}", "PHASE=RUN")
    until(url, "EXECUTING")
    text, since, pieces = b"", 0, 0
    deadline = time.monotonic() + 30
    while pieces < 3 and time.monotonic() < deadline:
        answer = curl("--include", f"{url}/logs/stdout?since={since}")
        fields, _, body = answer.partition(b"\r\n\r\n")
        since = int(next(line for line in fields.decode().splitlines() if line.lower().startswith("x-next-offset")).split()[1])
        text, pieces = text + body, pieces + bool(body)
        if not body:
            time.sleep(0.05)  # there is no event for a log's next line: it is polled
    assert pieces == 3 and since == len(text) and text.startswith(b"line 1\nline 2\n")
    assert summary(url).phase == "EXECUTING", "all that was read of a job that runs"
    job = AsyncTAPJob(url, delete=False)
    job.abort()
    assert until(url, *FINAL).phase == "ABORTED"
    assert curl(f"{url}/results/partial.txt") == b"so far\n"
    stdout = curl(f"{url}/results/stdout")
    assert stdout.startswith(text) and stdout.endswith(b"stopped\n")
    assert curl(f"{url}/results/stderr").startswith(b"careful 1\n")
    assert curl(f"{url}/results/exitcode") == b"0\n"


def test_a_running_job_that_is_deleted_leaves_nothing(datacenter: Datacenter, apps: Any, docker_engine: Any) -> None:
    url = made(datacenter, f"APP={apps['talks']}", "PHASE=RUN")
    number = url.rpartition("/")[2]
    until(url, "EXECUTING")

    def left() -> list[str]:
        labelled = docker_engine.client.containers.list(all=True, filters={"label": f"innerspace.job={number}"})
        folders = [*datacenter.folder.glob(f"staging/{number}-*"), *datacenter.folder.glob(f"results/{number}")]
        return [*(one.name for one in labelled), *(path.name for path in folders)]

    assert len(left()) == 3
    AsyncTAPJob(url, delete=False).delete()
    assert head(url)[0] == 404 and head(f"{url}/results/stdout")[0] == 404
    deadline = time.monotonic() + 30
    while left() and time.monotonic() < deadline:
        time.sleep(0.1)  # the job is gone for its clients: nobody tells when its remains are
    assert left() == []
    listed = Jobs.from_xml(curl(f"{datacenter.base_url}jobs?LAST=100"))
    assert number not in [one.job_id for one in listed.jobref or ()]


def test_the_container_has_the_limits_that_were_asked_for(datacenter: Datacenter, apps: Any, docker_engine: Any) -> None:
    url = made(datacenter, f"APP={apps['talks']}", "PHASE=RUN", "MEMORY=48MiB", "CORES=0.5", "PROCESSES=20", "DISK=1MiB")
    number = url.rpartition("/")[2]
    until(url, "EXECUTING")
    [container] = docker_engine.client.containers.list(filters={"label": f"innerspace.job={number}"})
    host = docker_engine.client.api.inspect_container(container.id)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]) == (48 * 2**20, 48 * 2**20, 5 * 10**8, 20)
    answer = json.loads(curl("--header", "Accept: application/json", url))
    assert answer["jobInfo"]["limits"] == {
        "cores": 0.5, "memory": 48 * 2**20, "disk": 2**20, "processes": 20, "log": 2**20}
    # and it may be stopped sooner than it was to be, while it runs
    curl("--data", "EXECUTIONDURATION=1", f"{url}/executionduration")
    ended = until(url, *FINAL)
    assert ended.phase == "ABORTED" and "1 s" in curl(f"{url}/error").decode()


def test_a_body_that_is_too_large_is_refused_in_one_sentence(datacenter: Datacenter, apps: Any, files: Path) -> None:
    parts = ("--form", f"APP={apps['reads']}", "--form", f"table=@{files}/large")
    for expect in ("Expect:", "Expect: 100-continue"):
        words = (*parts, "--header", expect, f"{datacenter.base_url}jobs")
        assert head(*words)[0] == 413 and curl(*words).count(b"\n") == 1
        assert json.loads(curl("--header", "Accept: application/json", *words))["status"] == 413
