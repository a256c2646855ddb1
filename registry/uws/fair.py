"""Whose job runs next, and what one owner may have: places at once, core-hours within a window. It writes no job.

Owners take turns: first who has least running, then who has used least lately, then whose job has waited longest. So
however many jobs one owner has, another's first waits for one place to become free and no longer. All callers without
an account are one owner here, named ''.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from registry import clock
from registry.config import Settings
from registry.tables import job_usage, jobs
from registry.uws.kinds import RUNS

_HOUR = 3600
_KEPT = 32 * 86400  # seconds; no window is longer
_MOST_NAMED = 500  # owners in one condition
_TO_THE_HOUR = len("2026-01-01T00")

# the owners in the queue, each with the rank of their first job, found by the index jobs_ready from owner to owner
_HEADS = text("""
    WITH RECURSIVE heads(owner) AS (
        SELECT (SELECT coalesce(owner, '') FROM jobs WHERE rank > '' ORDER BY coalesce(owner, '') LIMIT 1)
        UNION ALL
        SELECT (SELECT coalesce(jobs.owner, '') FROM jobs WHERE rank > '' AND coalesce(jobs.owner, '') > heads.owner
                ORDER BY coalesce(jobs.owner, '') LIMIT 1)
        FROM heads WHERE heads.owner IS NOT NULL
    )
    SELECT owner, (SELECT rank FROM jobs WHERE rank > '' AND coalesce(jobs.owner, '') = heads.owner
                   ORDER BY rank LIMIT 1) AS rank
    FROM heads WHERE owner IS NOT NULL
""")


@dataclass(frozen=True)
class Shares:
    """What one owner may have: jobs running at once, core-seconds within `window` seconds; None is without limit."""

    running: int | None = None
    core_seconds: float | None = None
    window: int = 86400


@dataclass(frozen=True)
class _Present:
    """What runs: how many jobs of each owner, and the core-seconds that these have used so far."""

    running: Counter[str]
    core_seconds: Counter[str]


def shares(settings: Settings) -> Shares:
    """What the site gives one owner."""
    return Shares(settings.owner_running_jobs or None, settings.owner_core_hours * _HOUR or None, settings.usage_window)


def rank(settings: Settings, queued: str, execution_duration: int) -> str:
    """By what a job that came into the queue at `queued` is ordered among its owner's: short ones get a head start."""
    short = 0 < execution_duration <= settings.short_job
    return clock.fine_stamp(clock.later(-settings.short_head_start, clock.parse(queued))) if short else queued


def owners(connection: Connection, allowed: Shares, running_limit: int) -> list[str]:
    """The owners with jobs in the queue that may have a place, the next first; none where all places are taken."""
    present = _present(connection)
    if present.running.total() >= running_limit:
        return []
    heads: dict[str, str] = {row.owner: row.rank for row in connection.execute(_HEADS)}
    if allowed.running is not None:
        heads = {owner: first for owner, first in heads.items() if present.running[owner] < allowed.running}
    if len(heads) < 2 and allowed.core_seconds is None:
        return list(heads)
    used = _used(connection, heads, allowed.window) + present.core_seconds
    if allowed.core_seconds is not None:
        heads = {owner: first for owner, first in heads.items() if used[owner] < allowed.core_seconds}
    return sorted(heads, key=lambda owner: (present.running[owner], used[owner], heads[owner], owner))


def held_back(connection: Connection, allowed: Shares, owner: str | None) -> str:
    """Why no job of `owner` may have a place now, in one sentence; '' where one may."""
    if allowed.running is None and allowed.core_seconds is None:
        return ""
    name, who = owner or "", owner or "Callers without an account"
    present = _present(connection)
    if allowed.running is not None and present.running[name] >= allowed.running:
        return (f"{who} may have {allowed.running} jobs running at once here and {'has' if owner else 'have'} as many: "
                "the job starts when one of them has ended.")
    spent = _used(connection, [name], allowed.window)[name] + present.core_seconds[name]
    if allowed.core_seconds is not None and spent >= allowed.core_seconds:
        return (f"{who} may use {allowed.core_seconds / _HOUR:g} core-hours within {allowed.window / _HOUR:g} hours "
                f"here and {'has' if owner else 'have'} used {spent / _HOUR:.2f}: the job starts when some of them lie "
                "longer ago.")
    return ""


def used(connection: Connection, owner: str | None, window: int) -> float:
    """The core-seconds of the jobs of `owner` that ended within `window` seconds, to the hour."""
    return _used(connection, [owner or ""], window)[owner or ""]


def account(
    connection: Connection, owner: str | None, limits: Mapping[str, Any], started: str | None, ended: str | None,
) -> None:
    """Count what a job that is over has used."""
    spent = core_seconds(limits.get("cores") or 1.0, started, ended)
    if spent:
        count(connection, owner, spent)


def count(connection: Connection, owner: str | None, core_seconds: float) -> None:
    """Add what a job has used to its owner's account."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    name, now = owner or "", clock.now()
    query = insert(job_usage).values(owner=name, hour=clock.stamp(now)[:_TO_THE_HOUR], core_seconds=core_seconds)
    connection.execute(query.on_conflict_do_update(
        index_elements=[job_usage.c.owner, job_usage.c.hour],
        set_={"core_seconds": job_usage.c.core_seconds + core_seconds}))
    old = clock.stamp(clock.later(-_KEPT, now))[:_TO_THE_HOUR]
    connection.execute(delete(job_usage).where(job_usage.c.owner == name, job_usage.c.hour < old))


def core_seconds(cores: float, started: str | None, ended: str | None) -> float:
    """What a job has used, up to now where it has not ended. A clock set back makes it nothing, never less."""
    if started is None:
        return 0.0
    until = clock.parse(ended) if ended else clock.now()
    return cores * max(0.0, (until - clock.parse(started)).total_seconds())


def _present(connection: Connection) -> _Present:
    taken = select(jobs.c.owner, jobs.c.limits, jobs.c.started).where(
        jobs.c.lease > literal_column("''"), jobs.c.kind == RUNS)
    found = _Present(Counter(), Counter())
    for owner, limits, started in connection.execute(taken):
        found.running[owner or ""] += 1
        found.core_seconds[owner or ""] += core_seconds(limits.get("cores") or 1.0, started, None)  # type: ignore[assignment]
    return found


def _used(connection: Connection, names: Collection[str], window: int) -> Counter[str]:
    since = clock.stamp(clock.later(-window))[:_TO_THE_HOUR]
    query = select(job_usage.c.owner, func.sum(job_usage.c.core_seconds)).where(job_usage.c.hour >= since)
    if len(names) <= _MOST_NAMED:
        query = query.where(job_usage.c.owner.in_(names))
    found: Counter[str] = Counter()
    for owner, total in connection.execute(query.group_by(job_usage.c.owner)):
        found[owner] = total
    return found
