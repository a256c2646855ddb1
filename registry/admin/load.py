"""How busy and how well this place is, as the dashboard draws it: numbers with their words. It reads, and draws nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select

from registry import clock
from registry.config import Settings
from registry.harvest import sources
from registry.services.health import rules
from registry.services.own import engine_fault
from registry.tables import health, jobs, records
from registry.uws import store
from registry.uws.phases import Phase

HOURS, DAYS = 24, 14
SHOWN = 12  # endpoints, the worst first
_WAITING = (Phase.PENDING, Phase.QUEUED, Phase.HELD)
_RUNNING = (Phase.EXECUTING, Phase.SUSPENDED)


@dataclass(frozen=True)
class Slot:
    """What belongs to one hour or day: its label and how many of each kind."""

    label: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """Of all kinds."""
        return sum(self.counts.values())

    @property
    def pair(self) -> tuple[str, dict[str, int]]:
        """As it is drawn."""
        return self.label.replace("T", " "), self.counts


@dataclass(frozen=True)
class Age:
    """How old what we have of a source is, in seconds, beside its interval; none before its first whole harvest."""

    name: str
    seconds: int | None
    interval: int
    paused: bool

    @property
    def share(self) -> float:
        """Of the interval; above 1 it is overdue."""
        return 0.0 if self.seconds is None else self.seconds / self.interval

    @property
    def state(self) -> str:
        """In a word."""
        if self.paused:
            return "paused"
        if self.seconds is None:
            return "never yet"
        return "overdue" if self.share > 1.5 else "fresh"


@dataclass(frozen=True)
class Endpoint:
    """One address that is looked at: its state and its last looks, milliseconds or none for no answer."""

    ivoid: str
    url: str
    state: str
    since: str
    recent: tuple[int | None, ...]


@dataclass(frozen=True)
class Engine:
    """The engine's load: jobs that run of how many may, what waits, and what is wrong with it ('' for nothing)."""

    running: int
    slots: int
    waiting: int
    fault: str


def changes_per_day(connection: Connection, now: datetime) -> list[Slot]:
    """Records that changed on each of the last days, today last."""
    labels = [clock.stamp(now - timedelta(days=back))[:10] for back in reversed(range(DAYS))]
    day = func.substr(records.c.datestamp, 1, 10)
    query = select(day, func.count()).where(records.c.datestamp >= labels[0]).group_by(day)
    found: dict[str, int] = dict(connection.execute(query).all())
    return [Slot(label, {"changed": found.get(label, 0)}) for label in labels]


def jobs_per_hour(connection: Connection, now: datetime) -> list[Slot]:
    """Jobs that were made in each of the last hours, by how they are now; the present hour last."""
    labels = [clock.stamp(now - timedelta(hours=back))[:13] for back in reversed(range(HOURS))]
    hour = func.substr(jobs.c.created, 1, 13)
    how = case((jobs.c.phase == Phase.COMPLETED.value, "completed"), (jobs.c.phase == Phase.ERROR.value, "error"), else_="other")
    query = select(hour, how, func.count()).where(jobs.c.created >= labels[0], jobs.c.kind == store.RUNS).group_by(hour, how)
    found: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for label, kind, count in connection.execute(query):
        if label in found:
            found[label][kind] += count
    return [Slot(label, dict(counts)) for label, counts in found.items()]


def ages(connection: Connection, now: datetime) -> list[Age]:
    """All sources, the most overdue first."""
    found = [Age(one.name, int((now - clock.parse(one.since)).total_seconds()) if one.since else None, one.interval, one.paused)
             for one in sources.list_sources(connection)]
    return sorted(found, key=lambda one: (one.seconds is not None, -one.share, one.name))


def endpoints(connection: Connection) -> tuple[Counter[str], list[Endpoint]]:
    """How many addresses are in which state, and the worst of them."""
    query = select(health.c.state, func.count()).group_by(health.c.state)
    counts = Counter[str]({state: count for state, count in connection.execute(query)})  # noqa: C416 - rows are typed as such
    order = case({rules.DOWN: 0, rules.MAINTENANCE: 1, rules.UNKNOWN: 2}, value=health.c.state, else_=3)
    worst = select(health).order_by(order, health.c.failures.desc(), health.c.ivoid).limit(SHOWN)
    return counts, [Endpoint(row.ivoid, row.url, row.state, row.since, _timed(row.recent, row.failures))
                    for row in connection.execute(worst)]


def _timed(recent: list[int | None], failures: int) -> tuple[int | None, ...]:
    """Without a last look that went well and was not timed: the one when a service was described."""
    return tuple(recent[:-1] if recent and recent[-1] is None and not failures else recent)


def engine(connection: Connection, settings: Settings) -> Engine:
    """How full the engine is."""
    phases = store.counts(connection)
    return Engine(_of(phases, _RUNNING), settings.running_jobs, _of(phases, _WAITING), engine_fault(connection))


def _of(phases: dict[Phase, int], wanted: Iterable[Phase]) -> int:
    return sum(phases.get(one, 0) for one in wanted)
