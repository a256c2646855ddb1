"""The lists of sources, their runs and what was not taken, as people look through them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from registry.harvest import store
from registry.harvest.quarantine import ACCEPTED, MUTED, OPEN, Kept
from registry.harvest.sources import Source
from registry.harvest.store import CANCELLED, COMPLETE, COUNTS, FAILED, HELD, QUEUED, RUNNING, Run
from registry.lists import Column, Listing, Narrow, equal
from registry.tables import harvest_runs, quarantine, sources

ANY = "any"


def last_runs(connection: Connection, of: Collection[Source]) -> dict[int, Run]:
    """The newest run of each of these sources, by the source's number; a source may have none."""
    newest = select(func.max(harvest_runs.c.id)).where(harvest_runs.c.source_id.in_([one.id for one in of]))
    numbers = connection.execute(newest.group_by(harvest_runs.c.source_id)).scalars()
    return {run.source_id: run for run in (store.get(connection, number) for number in numbers)}


@dataclass(frozen=True)
class Line:
    """One run of one source; times in UTC, counts of records."""

    id: int
    source: str
    state: str
    started: str
    ended: str | None
    full: bool
    pages: int
    new: int
    updated: int
    unchanged: int
    deleted: int
    rejected: int
    who: str
    message: str


def _runs() -> Select[Any]:
    column = harvest_runs.c
    return select(
        column.id, column.state, column.started, column.ended, column.from_, column.pages, column.new, column.updated,
        column.unchanged, column.deleted, column.rejected, column.who, column.message, sources.c.name.label("source"),
    ).join(sources, sources.c.id == column.source_id)


def _run(row: Row[Any]) -> Line:
    return Line(**{name: getattr(row, name) for name in Line.__dataclass_fields__ if name != "full"}, full=row.from_ is None)


def _quarantine() -> Select[Any]:
    return select(quarantine, sources.c.name.label("source")).join(sources, sources.c.id == quarantine.c.source_id)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**{name: getattr(row, name) for name in Kept.__dataclass_fields__})


SOURCES: Listing[Source] = Listing(
    "sources",
    (
        Column("name", "Source", searched=True),
        Column("url", "Address", searched=True),
        Column("registry", "Registry", searched=True),
        Column("health", "Last run"),
        Column("paused", "Paused"),
        Column("interval", "Seconds between", number=True),
        Column("priority", "Priority", number=True),
        Column("owner", "Looked after by", searched=True),
        Column("since", "Goes on from (UTC)"),
        Column("next_run", "Next (UTC)"),
    ),
    key="name", sort="name", limit=100,
    narrows=(
        Narrow("health", "Last run", lambda value, row: row.health == value, ("ok", "failing", "held")),
        Narrow("paused", "Paused", lambda value, row: row.paused == (value == "yes"), ("yes", "no")),
        Narrow("owner", "Looked after by", lambda value, row: row.owner == value),
    ),
)
RUNS: Listing[Line] = Listing(
    "runs",
    (
        Column("id", "Run", harvest_runs.c.id, number=True),
        Column("source", "Source", sources.c.name, searched=True),
        Column("state", "State", harvest_runs.c.state),
        Column("started", "Asked for (UTC)", harvest_runs.c.started),
        Column("ended", "Ended (UTC)", harvest_runs.c.ended),
        Column("full", "Of everything", sorts=False),
        Column("pages", "Pages", harvest_runs.c.pages, number=True),
        *(Column(name, "Not taken" if name == "rejected" else name.capitalize(), harvest_runs.c[name], number=True)
          for name in COUNTS),
        Column("who", "Asked for by", harvest_runs.c.who),
        Column("message", "Message", harvest_runs.c.message, sorts=False, searched=True),
    ),
    key="id", sort="-id", query=_runs, make=_run,
    narrows=(
        Narrow("source", "Source", equal(sources.c.name)),
        Narrow("state", "State", equal(harvest_runs.c.state), (QUEUED, RUNNING, COMPLETE, FAILED, CANCELLED, HELD)),
    ),
)
QUARANTINE: Listing[Kept] = Listing(
    "records",
    (
        Column("id", "Number", quarantine.c.id, number=True),
        Column("source", "Source", sources.c.name),
        Column("ivoid", "Record", quarantine.c.ivoid, searched=True),
        Column("reason", "Why it was not taken", quarantine.c.reason, searched=True),
        Column("path", "Place in it", get=lambda row: row.place.path, sorts=False),
        Column("line", "Line", get=lambda row: row.place.line, sorts=False),
        Column("state", "State", quarantine.c.state),
        Column("at", "Since (UTC)", quarantine.c.at),
        Column("who", "Decided by", quarantine.c.who),
        Column("run", "Run", get=lambda row: row.run_id, sorts=False),
        Column("record", "As it came", get=lambda row: (row.raw or b"").decode("utf-8", "replace"), sorts=False),
    ),
    key="id", sort="-id", query=_quarantine, make=_kept,
    narrows=(
        Narrow("source", "Source", equal(sources.c.name)),
        Narrow("state", "State", lambda value: quarantine.c.state == value if value != ANY else None,
               (OPEN, MUTED, ACCEPTED, ANY), standing=OPEN, labels={OPEN: "waiting", ACCEPTED: "let in", ANY: "all"}),
    ),
)
