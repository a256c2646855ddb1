"""Which job and which of its files a caller may see: the one place where a job's owner is checked. It changes nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from registry.access import Caller
from registry.site import Site
from registry.uws import files, store, values
from registry.uws.errors import NoSuchThing, NotYours
from registry.uws.phases import ARCHIVED
from registry.uws.store import Job, NoJob, Result

MAIN = "result"  # what DALI clients call the one they came for
_WHEN = {False: "yet", True: "any more"}


def visible_in(connection: Connection, caller: Caller, job_id: str) -> Job:
    """`visible` within a transaction, for an admitted caller.

    A job without an owner is open to whoever knows its name, which cannot be guessed.
    """
    if not job_id.isalnum():  # ids are ours; a database may stumble over what others make up
        raise NoJob(job_id)
    job = store.get(connection, job_id)
    if job.desired == store.DELETE:
        raise NoJob(job_id)
    if job.owner is not None and job.owner != caller.name and not caller.administrator:
        raise NotYours(f"Job {job_id} belongs to somebody else: only its owner and administrators may see it.")
    return job


def file_of(site: Site, job: Job, result_id: str) -> tuple[Path, Result]:
    """The file of one result; MAIN is the first where none is called so. Raises NoSuchThing."""
    with site.database.read() as connection:
        listed = store.results(connection, job.id)
    found = {result.id: result for result in listed}
    if listed:
        found.setdefault(MAIN, listed[0])
    if result_id not in found:
        yet = "" if job.final and job.phase is not ARCHIVED else f" {_WHEN[job.final]}: it is {job.phase}"
        has = f" It has {', '.join(result.id for result in listed[:20])}." if listed else ""
        raise NoSuchThing(f"Job {job.id} has no result {values.shown(result_id)}{yet}.{has}")
    path = files.inside(site, job.id, found[result_id].path)
    if path is None:
        raise NoSuchThing(f"The file of result {values.shown(result_id)} of job {job.id} is no longer kept here.")
    return path, found[result_id]
