"""The list of jobs as people look through it; whose jobs are shown is its caller's to say, as everywhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from registry.access import Caller
from registry.lists import Column, Listing, Narrow
from registry.tables import jobs
from registry.uws.phases import Phase
from registry.uws.store import RUNS


def _query() -> Select[Any]:
    return select(*(jobs.c[one.name] for one in JOBS.columns)).where(jobs.c.kind == RUNS, jobs.c.desired != "DELETE")


def _in_phase(value: str) -> ColumnElement[bool]:
    """Without one, all that are not put away."""
    return jobs.c.phase == value if value else jobs.c.phase != Phase.ARCHIVED.value


def _as_it_is(row: Row[Any]) -> Row[Any]:
    return row


def theirs(caller: Caller) -> list[ColumnElement[bool]]:
    """Whose jobs the caller sees: its own, and an administrator everybody's."""
    return [] if caller.administrator else [jobs.c.owner == caller.name]


JOBS: Listing[Row[Any]] = Listing(
    "jobs",
    (
        Column("id", "Job", jobs.c.id, searched=True),
        Column("run_id", "Name", jobs.c.run_id, searched=True),
        Column("application", "Application", jobs.c.application, searched=True),
        Column("application_version", "Version", jobs.c.application_version, sorts=False),
        Column("phase", "Phase", jobs.c.phase),
        Column("owner", "Owner", jobs.c.owner, searched=True),
        Column("created", "Made (UTC)", jobs.c.created),
        Column("started", "Started (UTC)", jobs.c.started),
        Column("ended", "Ended (UTC)", jobs.c.ended),
        Column("exit_code", "Exit code", jobs.c.exit_code, number=True),
        Column("error", "Error", jobs.c.error, sorts=False, searched=True),
    ),
    key="id", sort="-created", query=_query, make=_as_it_is,
    narrows=(Narrow("phase", "Phase", _in_phase, tuple(one.value for one in Phase)),),
)
