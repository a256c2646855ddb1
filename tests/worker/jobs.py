"""Jobs for tests of the worker: rows as the web writes them, and what is to be seen of them afterwards."""

from __future__ import annotations

import secrets
from typing import Any

from registry import clock
from registry.bell import WORK
from registry.site import Site
from registry.uws import store
from registry.uws.phases import PENDING, QUEUED
from registry.uws.store import Job, Parameter, Result


def a_job(image: str = "repository.example/hello@sha256:1", **values: Any) -> Job:
    """A PENDING job as it would be inserted."""
    blank: dict[str, Any] = {
        "id": secrets.token_hex(10), "owner": None, "run_id": None, "phase": PENDING, "version": 1,
        "application": "ivo://north.example/app/test", "application_version": "1", "image": image,
        "created": clock.fine_stamp(), "queued": None, "started": None, "ended": None, "execution_duration": 60,
        "destruction": clock.fine_stamp(clock.later(3600)), "quote": None,
        "limits": {"cores": 1.0, "memory": 64 * 2**20, "disk": 2**20, "processes": 32, "log": 8192},
        "contract": {"contract": "1.0", "network": "none"}, "message": "", "error_type": None, "error": None,
        "exit_code": None, "usage": {}, "node": "", "desired": store.RUN, "attempt": 0, "step": "", "lease": "",
        "beat": 0, "token_hash": None,
    }
    return Job(**{**blank, **values})


def submit(site: Site, image: str, parameters: tuple[Parameter, ...] = (), **values: Any) -> str:
    """Put a job into the queue and ring for it; its name."""
    job = a_job(image, **values)
    with site.database.write() as connection:
        store.insert(connection, job, parameters)
        store.move(connection, job, QUEUED)
    site.bells.ring(WORK)
    return job.id


def job_of(site: Site, job_id: str) -> Job:
    with site.database.read() as connection:
        return store.get(connection, job_id)


def results_of(site: Site, job_id: str) -> dict[str, Result]:
    with site.database.read() as connection:
        return {result.id: result for result in store.results(connection, job_id)}


def phases_of(site: Site, job_id: str) -> list[str]:
    with site.database.read() as connection:
        return [change.phase.value for change in store.history(connection, job_id)]


def wish(site: Site, job_id: str, desired: str) -> None:
    """Want something of the job, as the web does."""
    with site.database.write() as connection:
        store.note(connection, store.get(connection, job_id), desired=desired)
    site.bells.ring(WORK)
