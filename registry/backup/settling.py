"""What a restored database has that is no longer so: jobs that were running, log-ins, addresses of networks.

Nothing in it may lay hands on what the datacenter that was backed up has: that one may live on beside this one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from registry import clock
from registry.db import Database
from registry.tables import audit, facts, jobs, sessions
from registry.uws import store
from registry.uws.phases import ERROR, FINAL, QUEUED

_WORDS = "It was running when the backup was made that this datacenter was restored from: run it again."
_FACTS = ("dc gateway", "beat worker", "beat gateway")  # of processes and networks of the first datacenter


@dataclass(frozen=True)
class Settled:
    """How many jobs were running and are errors now, and how many folders belonged to no job."""

    stopped: int
    folders: int


def settle(database: Database, instance: Path, made: str, who: str) -> Settled:
    """Bring a database that has just been restored, and the folder of results with it, to a state in which work may begin."""
    with database.write() as connection:
        stopped = sum(_stop(connection, job) for job in _begun(connection))
        connection.execute(delete(sessions))
        connection.execute(delete(facts).where(facts.c.name.in_(_FACTS)))
        connection.execute(insert(audit).values(
            at=clock.stamp(), who=who, action="restore", subject=f"backup of {made}", detail=f"{stopped} jobs were running"))
    with database.read() as connection:
        known = set(connection.execute(select(jobs.c.id)).scalars())
    folders = [path for path in (instance / "results").glob("*") if path.name not in known]
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)
    return Settled(stopped, len(folders))


def _begun(connection: Connection) -> list[store.Job]:
    """Unfinished jobs that a worker here had taken, or had an answer of its engine about."""
    waiting = [phase.value for phase in (*FINAL, store.PENDING, store.HELD)]
    ids = connection.execute(select(jobs.c.id).where(jobs.c.phase.not_in(waiting), jobs.c.step != store.ELSEWHERE)).scalars()
    return [job for job in (store.get(connection, job_id) for job_id in list(ids)) if job.lease or job.phase is not QUEUED]


def _stop(connection: Connection, job: store.Job) -> bool:
    if job.phase is QUEUED:  # taken, and not begun: another worker takes it, with an attempt of its own
        store.note(connection, job, lease="", step="", message="", rank=job.queued or job.created)
        return False
    store.move(connection, job, ERROR, error=_WORDS, error_type="transient")
    return True
