"""Which of our jobs run elsewhere, as rows: the only module that writes the table `dispatched`. It asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from registry.tables import dispatched, jobs

NEW, SENDING, SENT, DONE = "new", "sending", "sent", "done"


@dataclass(frozen=True)
class Dispatched:
    """One job of ours elsewhere: `url` is the far job's address once it is known, `control` goes along with it."""

    job_id: str
    runner: str
    title: str
    jobs_url: str
    control: tuple[tuple[str, str], ...] = ()
    state: str = NEW
    holder: str = ""
    url: str = ""


def add(connection: Connection, row: Dispatched) -> None:
    """Remember a job that is to be sent."""
    connection.execute(insert(dispatched).values({**vars(row), "control": [list(pair) for pair in row.control]}))


def get(connection: Connection, job_id: str) -> Dispatched | None:
    """Where the job runs; None for one that runs here, or that nobody needs to look after any more."""
    row = connection.execute(select(dispatched).where(dispatched.c.job_id == job_id)).first()
    return _row(row) if row else None


def open_ones(connection: Connection) -> list[Dispatched]:
    """All that need looking after: what is not over, and what is over and whose job here has been deleted."""
    deleted = dispatched.c.job_id.not_in(select(jobs.c.id))
    query = select(dispatched).where(or_(dispatched.c.state != DONE, deleted)).order_by(dispatched.c.job_id)
    return [_row(row) for row in connection.execute(query)]


def change(connection: Connection, row: Dispatched, **values: Any) -> bool:
    """Set `values`, unless state or holder have changed since `row` was read: whether it was done."""
    unmoved = (dispatched.c.job_id == row.job_id, dispatched.c.state == row.state, dispatched.c.holder == row.holder)
    return connection.execute(update(dispatched).where(*unmoved).values(values)).rowcount == 1


def forget(connection: Connection, job_id: str) -> None:
    """Nobody needs to look after the job any more."""
    connection.execute(delete(dispatched).where(dispatched.c.job_id == job_id))


def _row(row: Row[Any]) -> Dispatched:
    return Dispatched(**{**row._mapping, "control": tuple((name, value) for name, value in row.control)})
