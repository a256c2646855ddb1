"""The runs of harvests as rows: asked for, taken, page by page, ended. It fetches nothing and judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from registry import clock
from registry.db import alone
from registry.errors import NotFound
from registry.harvest.sources import Source
from registry.records.shelf_rows import SHELF
from registry.tables import harvest_problems, harvest_runs, sources

QUEUED, RUNNING, COMPLETE, FAILED, CANCELLED = "queued", "running", "complete", "failed", "cancelled"
COUNTS = ("new", "updated", "unchanged", "deleted", "rejected")
RETRY = 900  # seconds until a source that could not be read is asked again; doubled each time, up to its interval
LONGEST_RETRY = 7 * 86400  # seconds; a server may ask for no more


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


class NoRun(NotFound, LookupError):
    """There is no such run; its source may have been removed."""


def ask(connection: Connection, source: Source, from_: str | None, *, afresh: bool = False) -> Run:
    """The open run of the source, or a new one in the queue that asks for what changed since `from_`.

    Unless `afresh`, it goes on with the token of a run that was interrupted, where there is one.
    """
    last = next(iter(runs(connection, source.id, limit=1)), None)
    if last and last.state in (QUEUED, RUNNING):
        return last
    values = {"source_id": source.id, "state": QUEUED, "started": clock.stamp(), "from_": from_}
    if last and last.state == FAILED and last.token and not afresh:
        values.update(from_=last.from_, token=last.token, first_response=last.first_response, list_size=last.list_size)
    number = connection.execute(insert(harvest_runs).values(values).returning(harvest_runs.c.id)).scalar_one()
    connection.execute(update(sources).where(sources.c.id == source.id).values(
        next_run=clock.stamp(clock.later(source.interval))))
    return get(connection, number)


def get(connection: Connection, run_id: int) -> Run:
    """The run of that number. Raises NoRun."""
    row = connection.execute(select(harvest_runs).where(harvest_runs.c.id == run_id)).first()
    if row is None:
        raise NoRun(f"There is no harvest {run_id}.")
    return _run(row)


def runs(connection: Connection, source_id: int | None = None, limit: int = 20) -> list[Run]:
    """The newest runs, of one source or of all."""
    query = select(harvest_runs).order_by(harvest_runs.c.id.desc()).limit(limit)
    if source_id is not None:
        query = query.where(harvest_runs.c.source_id == source_id)
    return [_run(row) for row in connection.execute(query)]


def problems(connection: Connection, run_id: int, limit: int = 100) -> list[Problem]:
    """What a run did not take."""
    table = harvest_problems
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.id).limit(limit)
    return [Problem(row.ivoid, row.reason, row.raw) for row in connection.execute(query)]


def queued(connection: Connection) -> list[int]:
    """The numbers of the runs that wait, oldest first."""
    query = select(harvest_runs.c.id).where(harvest_runs.c.state == QUEUED).order_by(harvest_runs.c.id)
    return list(connection.execute(query).scalars())


def due(connection: Connection) -> list[int]:
    """The sources whose time has come."""
    query = select(sources.c.id).where(sources.c.paused.is_(False), sources.c.next_run <= clock.stamp())
    return list(connection.execute(query).scalars())


def running(connection: Connection) -> list[Run]:
    """The runs that some process has taken."""
    query = select(harvest_runs).where(harvest_runs.c.state == RUNNING).order_by(harvest_runs.c.id)
    return [_run(row) for row in connection.execute(query)]


def take(connection: Connection, run_id: int, lease: str) -> bool:
    """Make a queued run ours; False when somebody else has it."""
    return _move(connection, run_id, (QUEUED,), "", state=RUNNING, lease=lease)


def requeue(connection: Connection, run: Run) -> bool:
    """Put a run whose process is gone back into the queue, with its token."""
    return _move(connection, run.id, (RUNNING,), run.lease, state=QUEUED, lease="")


def holds(connection: Connection, run: Run) -> bool:
    """Whether the run is still `run`'s; its source is not removed from here to the end of the unit of work."""
    alone(connection, SHELF)
    row = harvest_runs.c
    query = select(row.id).where(row.id == run.id, row.state == RUNNING, row.lease == run.lease)
    return connection.execute(query).first() is not None


def add_page(
    connection: Connection, run: Run, counts: dict[str, int], found: Iterable[Problem], *,
    token: str | None, list_size: int | None, first_response: str,
) -> bool:
    """Count one page and keep its token, in the transaction that stored its records.

    False when the run is no longer `run`'s: a person cancelled it, or another process has it.
    """
    columns = harvest_runs.c
    values: dict[str, Any] = {name: columns[name] + counts.get(name, 0) for name in COUNTS}
    values.update(pages=columns.pages + 1, token=token, first_response=first_response)
    if list_size is not None:
        values["list_size"] = list_size
    if not _move(connection, run.id, (RUNNING,), run.lease, **values):
        return False
    add_problems(connection, run, found)
    return True


def add_problems(connection: Connection, run: Run, found: Iterable[Problem]) -> None:
    """Write down what was not taken."""
    rows = [{"run_id": run.id, "ivoid": item.ivoid, "reason": item.reason, "raw": item.raw} for item in found]
    if rows:
        connection.execute(insert(harvest_problems), rows)


def end(connection: Connection, run: Run, state: str, message: str = "") -> Run:
    """Close the run for good; a complete one sets the moment from which the next goes on."""
    moved = _move(connection, run.id, (RUNNING, QUEUED), run.lease, state=state, message=message, ended=clock.stamp(),
                  token=None, lease="")
    ended = get(connection, run.id)
    if moved and state == COMPLETE and ended.first_response:
        connection.execute(update(sources).where(sources.c.id == run.source_id).values(since=ended.first_response))
    return ended


def interrupt(connection: Connection, run: Run, message: str, retry_after: int | None) -> Run:
    """Close the run as failed, but keep its token for the next, which comes after `retry_after` seconds or soon."""
    if _move(connection, run.id, (RUNNING,), run.lease, state=FAILED, message=message, ended=clock.stamp(), lease=""):
        pause = retry_after if retry_after is not None else _pause(connection, run.source_id)
        next_run = clock.stamp(clock.later(min(pause, LONGEST_RETRY)))
        connection.execute(update(sources).where(sources.c.id == run.source_id).values(next_run=next_run))
    return get(connection, run.id)


def _pause(connection: Connection, source_id: int) -> int:
    """Seconds until a source is asked again, longer with each failure in a row."""
    states = [run.state for run in runs(connection, source_id, limit=8)]
    failures = next((number for number, state in enumerate(states) if state != FAILED), len(states))
    interval = connection.execute(select(sources.c.interval).where(sources.c.id == source_id)).scalar_one()
    return int(min(interval, RETRY * 2 ** max(0, failures - 1)))


def _move(connection: Connection, run_id: int, states: tuple[str, ...], held: str, **values: Any) -> bool:
    where = harvest_runs.c
    done = connection.execute(update(harvest_runs).where(
        where.id == run_id, where.state.in_(states), where.lease == held).values(**values))
    return done.rowcount == 1


def _run(row: Row[Any]) -> Run:
    return Run(**{name: getattr(row, name) for name in Run.__dataclass_fields__})
