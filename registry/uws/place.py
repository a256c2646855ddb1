"""Where in the queue a job is. It reads, and decides of no job when it starts: `fair` does."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, literal_column, or_, select

from registry.tables import jobs
from registry.uws.job import Job


def before(connection: Connection, job: Job) -> int | None:
    """How many jobs in the queue came before this one, whoever's they are; none where it does not wait for a place."""
    if not job.rank:
        return None
    earlier = or_(jobs.c.rank < job.rank, and_(jobs.c.rank == job.rank, jobs.c.id < job.id))
    query = select(func.count()).select_from(jobs).where(jobs.c.rank > literal_column("''"), earlier)
    return int(connection.execute(query).scalar_one())
