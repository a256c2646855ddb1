"""The queue and the job list when they are long: pages, submissions and claims beside the same with next to nothing there.

The pages and the submissions go by HTTP to a web server of its own process; a claim is the worker's, in this one. No container
runs: what a whole job costs is `benchmarks.jobs`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import delete, insert

from benchmarks import datacenters
from benchmarks.figures import Figure, percentile
from benchmarks.scale import FOLDER
from benchmarks.serving import OURS, Server
from registry import clock, config_file
from registry.applications import catalogue, repository
from registry.site import Site, open_site
from registry.tables import job_phases, jobs
from registry.uws import fair, store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, QUEUED, Phase
from registry.uws.store import Job

LISTED = 100_000
QUEUED_JOBS = (10, 10_000)
OWNERS = 100
_TRIES = 40
_SUBMITTED = 50
_ROUNDS = 4
_BATCH = 5000
_PAGES = {
    "LAST=100": "first page of the job list", "LAST=100&PHASE=ERROR": "first page of those in ERROR",
    "LAST=100&PHASE=EXECUTING": "first page of a phase that none is in", "LAST=100&AFTER=2026-01-01": "first page after a date",
}


def figures() -> Iterator[Figure]:
    """Pages of the list, the whole list's first bytes, submissions, claims."""
    folder = FOLDER / f"queue-{secrets.token_hex(4)}"
    site, application = _site(folder)
    try:
        yield from _lists(site, folder)
        yield from _submissions(site, folder, application)
        yield from _claims(site)
    finally:
        site.close()
        shutil.rmtree(folder)


# --- the list ---------------------------------------------------------------------------------------------------------


def _lists(site: Site, folder: Path) -> Iterator[Figure]:
    with Server(OURS, folder) as server:
        _fill(site, 100, (COMPLETED, ERROR))
        short = {page: _milliseconds(server, f"/jobs?{page}") for page in _PAGES}
        short_start = _first_bytes(server)
        _fill(site, LISTED - 100, (COMPLETED, ERROR))
        for page, words in _PAGES.items():
            ours = _milliseconds(server, f"/jobs?{page}")
            yield Figure(f"{words}, {LISTED:,} jobs", ours, short[page], "ms", "with 100 jobs", target="<= 50")
        yield Figure(f"first bytes of the whole list, {LISTED:,} jobs", _first_bytes(server), short_start, "ms",
                     "with 100 jobs", target="<= 50")
        server.forget_peak()
        resting = server.peak()
        size, seconds = _whole(server)
        yield Figure(f"the whole list of {LISTED:,} jobs", size / 1e6 / seconds, size / 1e6, "MB/s", "MB in it")
        yield Figure("memory while the whole list is read", server.peak(), resting, "MB", "before it", target="<= 150")


def _milliseconds(server: Server, path: str) -> float:
    client = server.client()
    client.get(path)
    taken = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        client.get(path)
        taken.append((time.perf_counter() - began) * 1e3)
    client.close()
    return statistics.median(taken)


def _first_bytes(server: Server) -> float:
    taken = []
    for _ in range(_TRIES // 4):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", "/jobs")
        connection.getresponse().read(1000)
        taken.append((time.perf_counter() - began) * 1e3)
        connection.close()
    return statistics.median(taken)


def _whole(server: Server) -> tuple[int, float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    began = time.perf_counter()
    connection.request("GET", "/jobs")
    answer, size = connection.getresponse(), 0
    while piece := answer.read(1 << 16):
        size += len(piece)
    connection.close()
    return size, time.perf_counter() - began


# --- the queue --------------------------------------------------------------------------------------------------------


def _submissions(site: Site, folder: Path, application: str) -> Iterator[Figure]:
    """Rounds by turns: the same requests on a short queue and on a long one."""
    taken: dict[int, list[float]] = {number: [] for number in QUEUED_JOBS}
    with Server(OURS, folder) as server:
        for _ in range(_ROUNDS):
            for number in QUEUED_JOBS:
                _only(site, number, 1)
                taken[number].append(_submit(server, application))
    few, many = (_SUBMITTED / statistics.median(taken[number]) for number in QUEUED_JOBS)
    yield Figure(f"submissions of one client with {QUEUED_JOBS[1]:,} jobs in the queue", many, few, "a second",
                 f"with {QUEUED_JOBS[0]}", wanted=">= 0.9")


def _submit(server: Server, application: str) -> float:
    """Seconds that some submissions of one client take, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    body, header = urlencode({"APP": application, "PHASE": "RUN"}), {"Content-Type": "application/x-www-form-urlencoded"}
    began = time.perf_counter()
    for _ in range(_SUBMITTED):
        connection.request("POST", "/jobs", body, header)
        answer = connection.getresponse()
        words = answer.read()
        if answer.status != 303:
            raise SystemExit(f"A job was not taken: {answer.status} {words.decode()}")
    connection.close()
    return time.perf_counter() - began


def _claims(site: Site) -> Iterator[Figure]:
    few, many = QUEUED_JOBS
    for owners, words in ((1, "one owner's"), (OWNERS, f"{OWNERS} owners'")):
        taken: dict[int, list[float]] = {few: [], many: []}
        for _ in range(_ROUNDS):
            for number in QUEUED_JOBS:
                _only(site, number, owners)
                taken[number] += _claim(site)
        for share in (50, 99):
            yield Figure(f"claim from a queue of {many:,}, {words}, p{share}", percentile(taken[many], share),
                         percentile(taken[few], share), "ms", f"from a queue of {few}", wanted="<= 2" if share == 50 else "")


def _claim(site: Site) -> list[float]:
    """Milliseconds of claims, each committed; every job taken ends and another comes, so that the queue stays as it is."""
    taken, shares = [], fair.shares(site.settings)
    for _ in range(_TRIES):
        began = time.perf_counter()
        with site.database.write() as connection:
            job = store.claim(connection, "bench", 1000, shares)
        taken.append((time.perf_counter() - began) * 1e3)
        assert job is not None
        with site.database.write() as connection:
            store.move(connection, job, ABORTED)
            store.insert(connection, _job(QUEUED, job.owner))
    return taken


# --- what there is ----------------------------------------------------------------------------------------------------


def _site(folder: Path) -> tuple[Site, str]:
    """A new datacenter with one application, whose image nobody will ask for."""
    founded = datacenters.found(folder)
    founded.close()
    config_file.write(folder, {"queued_jobs": 100_000})
    site = open_site(folder)
    label = {"contract": "1.0", "title": "Nothing", "description": "It does nothing.", "network": "none"}
    digest = "sha256:" + "0" * 64
    image = repository.Image(
        f"{site.settings.repository}/nothing@{digest}", f"http://{site.settings.repository}/v2/nothing/manifests/{digest}", "1.0",
        {"innerspace.application": json.dumps(label), "org.opencontainers.image.version": "1.0"}, 1)
    resolve = repository.resolve
    repository.resolve = lambda _site, _reference: image  # there is no Docker repository here
    try:
        return site, catalogue.register(site, f"{site.settings.repository}/nothing:1.0", who="bench").ivoid
    finally:
        repository.resolve = resolve


def _only(site: Site, number: int, owners: int) -> None:
    """The queue has so many jobs of so many owners, and no job is anywhere else but in the list's end."""
    with site.database.write() as connection:
        connection.execute(delete(job_phases))
        connection.execute(delete(jobs).where(jobs.c.phase.in_([QUEUED.value, ABORTED.value])))
    _fill(site, number, (QUEUED,), owners)


def _fill(site: Site, number: int, phases: tuple[Phase, ...], owners: int = 1) -> None:
    for first in range(0, number, _BATCH):
        made = [_job(phases[n % len(phases)], f"o{n % owners}" if owners > 1 else None)
                for n in range(first, min(first + _BATCH, number))]
        with site.database.write() as connection:
            connection.execute(insert(jobs), [{**vars(one), "phase": one.phase.value} for one in made])


def _job(phase: Phase, owner: str | None) -> Job:
    now = clock.fine_stamp()
    return Job(
        id=secrets.token_hex(10), owner=owner, run_id=None, phase=phase, version=1, application="ivo://bench.example/app/nothing",
        application_version="1.0", image="127.0.0.1:5000/nothing@sha256:0", created=now, queued=now, started=None, ended=None,
        execution_duration=600, destruction=clock.fine_stamp(clock.later(86400)), quote=None, limits={"cores": 1.0},
        contract={"contract": "1.0"}, message="", error_type=None, error=None, exit_code=None, usage={}, node="",
        desired=store.RUN, attempt=0, step="", lease="", beat=0, token_hash=None,
        rank=now if phase is QUEUED else "")
