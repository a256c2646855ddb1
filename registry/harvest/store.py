"""The runs of harvests as rows: asked for, taken, page by page, ended. It fetches nothing and judges nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from registry import clock
from registry.db import alone
from registry.errors import NotFound
from registry.harvest import placing, seen
from registry.harvest.sources import Source
from registry.harvest.tally import Tally, merged
from registry.records.shelf_rows import SHELF
from registry.tables import harvest_problems, harvest_runs, quarantine, sources

QUEUED, RUNNING, COMPLETE, FAILED, CANCELLED = "queued", "running", "complete", "failed", "cancelled"
HELD = "held"  # complete, but more is missing from it than is deleted without a person's word
REJECTED, FLAGGED, CONFLICT = "rejected", "flagged", "conflict"  # kinds of problems
COUNTS = ("new", "updated", "unchanged", "deleted", "rejected")
RETRY = 900  # seconds until a source that could not be read is asked again; doubled each time, up to its interval
LONGEST_RETRY = 7 * 86400  # seconds; a server may ask for no more
_TAIL, _LONGEST_IN_TAIL = 8, 200  # identifiers, and characters of each, that show how far a run is
_MOST = 2**53  # a list that is said to be longer is not
JITTER = 0.1  # of an interval, so that sources which were added together are not asked together for ever


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
    who: str
    accept_loss: bool
    missing: int
    editions: dict[str, int]
    faults: list[list[Any]]
    taken: str | None = None
    taken_pages: int = 0
    skipped: int = 0
    tail: list[str] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether it asks for everything, and not only for what has changed."""
        return self.from_ is None

    @property
    def read(self) -> bool:
        """Whether the list has been read to its end."""
        return self.pages > 0 and not self.token

    @property
    def records(self) -> int:
        """How many records have been looked at."""
        return sum(getattr(self, name) for name in COUNTS)


@dataclass(frozen=True)
class Problem:
    """One record with something wrong: why, its bytes where they are in quarantine, and its number there.

    `kind` is REJECTED (not taken), FLAGGED (odd, and nothing else done about it) or CONFLICT (a second claim to an
    authority).
    """

    ivoid: str
    reason: str
    raw: bytes | None = None
    kind: str = REJECTED
    quarantine_id: int | None = None

    @property
    def place(self) -> placing.Place:
        """Where in its bytes the reason lies; nowhere unless they are in quarantine."""
        return placing.place(self.raw)


class NoRun(NotFound, LookupError):
    """There is no such run; its source may have been removed."""


def ask(
    connection: Connection, source: Source, from_: str | None, *,
    afresh: bool = False, who: str = "", accept_loss: bool = False,
) -> Run:
    """The open run of the source, or a new one in the queue that asks for what changed since `from_`.

    Unless `afresh`, it goes on with the token of a run that was interrupted or cancelled, where there is one.
    """
    last = next(iter(runs(connection, source.id, limit=1)), None)
    if last and last.state in (QUEUED, RUNNING):
        return last
    values = {"source_id": source.id, "state": QUEUED, "started": clock.stamp(), "from_": from_, "who": who,
              "accept_loss": accept_loss}
    goes_on = last and last.state in (FAILED, CANCELLED) and last.token and not afresh
    if last and goes_on:
        values.update(from_=last.from_, token=last.token, first_response=last.first_response, list_size=last.list_size,
                      skipped=last.skipped + last.records)
    number = connection.execute(insert(harvest_runs).values(values).returning(harvest_runs.c.id)).scalar_one()
    if last and goes_on:
        seen.pass_on(connection, last.id, number)
    elif from_ is None:
        seen.forget(connection, source.id)
    connection.execute(update(sources).where(sources.c.id == source.id).values(
        next_run=clock.stamp(clock.later(source.interval * random.uniform(1 - JITTER, 1 + JITTER)))))
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
    query = (select(table, quarantine.c.raw).outerjoin(quarantine, quarantine.c.id == table.c.quarantine_id)
             .where(table.c.run_id == run_id).order_by(table.c.id).limit(limit))
    return [Problem(row.ivoid, row.reason, row.raw, row.kind, row.quarantine_id) for row in connection.execute(query)]


def newest_problems(connection: Connection, run_id: int, limit: int = 5) -> list[Problem]:
    """The last records that a run did not take, without their bytes, oldest first."""
    table = harvest_problems
    query = (select(table).where(table.c.run_id == run_id, table.c.kind == REJECTED).order_by(table.c.id.desc()).limit(limit))
    found = [Problem(row.ivoid, row.reason, None, row.kind, row.quarantine_id) for row in connection.execute(query)]
    return found[::-1]


def queued(connection: Connection) -> list[int]:
    """The numbers of the runs that wait: those of sources with a higher priority first, then the oldest."""
    query = (select(harvest_runs.c.id).join(sources, sources.c.id == harvest_runs.c.source_id)
             .where(harvest_runs.c.state == QUEUED).order_by(sources.c.priority.desc(), harvest_runs.c.id))
    return list(connection.execute(query).scalars())


def place(connection: Connection, run: Run) -> int | None:
    """How many runs wait before this one; none where it does not wait."""
    waiting = queued(connection)
    return waiting.index(run.id) if run.id in waiting else None


def due(connection: Connection) -> list[int]:
    """The sources whose time has come, or lies so far ahead that the clock must have been wrong when it was set."""
    columns = sources.c
    query = select(columns.id, columns.next_run, columns.interval).where(columns.paused.is_(False))
    now = clock.stamp()
    return [row.id for row in connection.execute(query) if row.next_run <= now
            or row.next_run > clock.stamp(clock.later(2 * max(row.interval, LONGEST_RETRY)))]


def running(connection: Connection) -> list[Run]:
    """The runs that some process has taken."""
    query = select(harvest_runs).where(harvest_runs.c.state == RUNNING).order_by(harvest_runs.c.id)
    return [_run(row) for row in connection.execute(query)]


def open_runs(connection: Connection) -> frozenset[int]:
    """The numbers of the runs that wait or are under way."""
    query = select(harvest_runs.c.id).where(harvest_runs.c.state.in_((QUEUED, RUNNING)))
    return frozenset(connection.execute(query).scalars())


def take(connection: Connection, run_id: int, lease: str) -> bool:
    """Make a queued run ours; False when somebody else has it."""
    return _move(connection, run_id, (QUEUED,), "", state=RUNNING, lease=lease, taken=clock.stamp(),
                 taken_pages=harvest_runs.c.pages)


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
    token: str | None, list_size: int | None, first_response: str, tally: Tally | None = None,
    ivoids: Iterable[str] = (),
) -> bool:
    """Count one page and keep its token, in the transaction that stored its records; `ivoids` is what it held.

    False when the run is no longer `run`'s: a person cancelled it, or another process has it.
    """
    columns = harvest_runs.c
    values: dict[str, Any] = {name: columns[name] + counts.get(name, 0) for name in COUNTS}
    values.update(pages=columns.pages + 1, token=token, first_response=first_response)
    names = list(ivoids)
    values["tail"] = [name[:_LONGEST_IN_TAIL] for name in names[-_TAIL:]]
    if list_size is not None and list_size < _MOST:
        values["list_size"] = list_size
    if tally is not None:
        now = get(connection, run.id)
        values.update(editions=dict(Counter(now.editions) + tally.editions), faults=merged(now.faults, tally))
    if not _move(connection, run.id, (RUNNING,), run.lease, **values):
        return False
    add_problems(connection, run, found)
    watched = run.id if run.full else seen.held(connection, run.source_id, HELD)
    if watched is not None:
        seen.note(connection, watched, names)
    return True


def add_problems(connection: Connection, run: Run, found: Iterable[Problem]) -> None:
    """Write down what was not taken."""
    rows = [{"run_id": run.id, "ivoid": item.ivoid, "reason": item.reason, "kind": item.kind,
             "quarantine_id": item.quarantine_id} for item in found]
    if rows:
        connection.execute(insert(harvest_problems), rows)


def end(connection: Connection, run: Run, state: str, message: str = "") -> Run:
    """Close the run for good; one that read its whole list sets the moment from which the next goes on.

    A cancelled one keeps its token, for whoever wants it to go on.
    """
    token = {} if state == CANCELLED else {"token": None}
    if not _move(connection, run.id, (RUNNING, QUEUED), run.lease, state=state, message=message, ended=clock.stamp(),
                 lease="", **token):
        return get(connection, run.id)
    ended = get(connection, run.id)
    values: dict[str, Any] = {}
    if state in (COMPLETE, HELD) and ended.first_response:
        values["since"] = ended.first_response
    if state in (COMPLETE, HELD) and run.full:
        values["last_full"] = ended.ended
    if values:
        connection.execute(update(sources).where(sources.c.id == run.source_id).values(values))
    if state in (COMPLETE, FAILED) and run.full:
        seen.forget(connection, run.source_id)
    return ended


def released(connection: Connection, run: Run, message: str) -> Run:
    """Make a run that was held a complete one: a person has spoken."""
    connection.execute(update(harvest_runs).where(harvest_runs.c.id == run.id, harvest_runs.c.state == HELD).values(
        state=COMPLETE, message=message))
    seen.forget(connection, run.source_id)
    return get(connection, run.id)


def count_missing(connection: Connection, run: Run, missing: int, deleted: int) -> None:
    """Write down how many records a full list no longer holds, and how many were deleted for it."""
    columns = harvest_runs.c
    connection.execute(update(harvest_runs).where(columns.id == run.id).values(
        missing=missing, deleted=columns.deleted + deleted))


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
