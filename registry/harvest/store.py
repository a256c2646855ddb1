"""The runs of harvests as rows: asked for, taken, page by page, ended. It fetches nothing and judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from registry import clock
from registry.harvest.sources import Source
from registry.tables import harvest_problems, harvest_runs, sources

QUEUED, RUNNING, COMPLETE, FAILED, CANCELLED = "queued", "running", "complete", "failed", "cancelled"
COUNTS = ("new", "updated", "unchanged", "deleted", "rejected")


@dataclass(frozen=True)
class Run:
    """One harvest of one source; counts of records, times in UTC."""

    id: int
    source_id: int
    state: str
    started: str
    ended: str | None
    from_: str | None
    first_response: str | None
    token: str | None
    pages: int
    list_size: int | None
    new: int
    updated: int
    unchanged: int
    deleted: int
    rejected: int
    message: str
    lease: str

    @property
    def records(self) -> int:
        """How many records have been looked at."""
        return sum(getattr(self, name) for name in COUNTS)


@dataclass(frozen=True)
class Problem:
    """One record that was not taken: why, and its bytes."""

    ivoid: str
    reason: str
    raw: bytes | None = None


def ask(connection: Connection, source: Source, from_: str | None) -> Run:
    """The open run of the source, or a new one in the queue that asks for what changed since `from_`."""
    query = select(harvest_runs).where(
        harvest_runs.c.source_id == source.id, harvest_runs.c.state.in_((QUEUED, RUNNING)))
    row = connection.execute(query).first()
    if row is not None:
        return _run(row)
    values = {"source_id": source.id, "state": QUEUED, "started": clock.stamp(), "from_": from_}
    number = connection.execute(insert(harvest_runs).values(values)).inserted_primary_key[0]
    connection.execute(update(sources).where(sources.c.id == source.id).values(
        next_run=clock.stamp(clock.later(source.interval))))
    return get(connection, number)


def get(connection: Connection, run_id: int) -> Run:
    """The run of that number. Raises LookupError."""
    row = connection.execute(select(harvest_runs).where(harvest_runs.c.id == run_id)).first()
    if row is None:
        raise LookupError(f"There is no harvest {run_id}.")
    return _run(row)


def runs(connection: Connection, source_id: int | None = None, limit: int = 20) -> list[Run]:
    """The newest runs, of one source or of all."""
    query = select(harvest_runs).order_by(harvest_runs.c.id.desc()).limit(limit)
    if source_id is not None:
        query = query.where(harvest_runs.c.source_id == source_id)
    return [_run(row) for row in connection.execute(query)]


def problems(connection: Connection, run_id: int, limit: int = 100) -> list[Problem]:
    """What a run did not take."""
    query = select(harvest_problems).where(harvest_problems.c.run_id == run_id).order_by(harvest_problems.c.id).limit(limit)
    return [Problem(row.ivoid, row.reason, row.raw) for row in connection.execute(query)]


def queued(connection: Connection) -> list[int]:
    """The numbers of the runs that wait, oldest first."""
    query = select(harvest_runs.c.id).where(harvest_runs.c.state == QUEUED).order_by(harvest_runs.c.id)
    return list(connection.execute(query).scalars())


def due(connection: Connection) -> list[int]:
    """The sources whose time has come."""
    query = select(sources.c.id).where(sources.c.paused.is_(False), sources.c.next_run <= clock.stamp())
    return list(connection.execute(query).scalars())


def take(connection: Connection, run_id: int, lease: str) -> bool:
    """Make a queued run ours; False when somebody else has it."""
    return _move(connection, run_id, (QUEUED,), state=RUNNING, lease=lease)


def requeue(connection: Connection, run_id: int, lease: str) -> bool:
    """Put a run whose process is gone back into the queue, with its token."""
    where = harvest_runs.c
    done = connection.execute(update(harvest_runs).where(
        where.id == run_id, where.state == RUNNING, where.lease == lease).values(state=QUEUED, lease=""))
    return done.rowcount == 1


def add_page(
    connection: Connection, run: Run, counts: dict[str, int], found: Iterable[Problem], *,
    token: str | None, list_size: int | None, first_response: str,
) -> bool:
    """Count one page and keep its token, in the transaction that stored its records; False when the run was cancelled."""
    columns = harvest_runs.c
    values: dict[str, Any] = {name: columns[name] + counts.get(name, 0) for name in COUNTS}
    values.update(pages=columns.pages + 1, token=token, first_response=first_response)
    if list_size is not None:
        values["list_size"] = list_size
    if not _move(connection, run.id, (RUNNING,), **values):
        return False
    rows = [{"run_id": run.id, "ivoid": item.ivoid, "reason": item.reason, "raw": item.raw} for item in found]
    if rows:
        connection.execute(insert(harvest_problems), rows)
    return True


def end(connection: Connection, run: Run, state: str, message: str = "") -> Run:
    """Close the run; a complete one sets the moment from which the next goes on."""
    moved = _move(connection, run.id, (RUNNING, QUEUED), state=state, message=message, ended=clock.stamp(), lease="")
    ended = get(connection, run.id)
    if moved and state == COMPLETE and ended.first_response:
        connection.execute(update(sources).where(sources.c.id == run.source_id).values(since=ended.first_response))
    return ended


def _move(connection: Connection, run_id: int, states: tuple[str, ...], **values: Any) -> bool:
    where = harvest_runs.c
    done = connection.execute(update(harvest_runs).where(where.id == run_id, where.state.in_(states)).values(**values))
    return done.rowcount == 1


def _run(row: Row[Any]) -> Run:
    return Run(**{name: getattr(row, name) for name in Run.__dataclass_fields__})
