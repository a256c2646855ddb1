"""Everything that is known of one service, for its page and for programs: where it is, whether it works, what changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from registry import clock
from registry.errors import NotFound
from registry.records import store as shelf
from registry.records.store import Record
from registry.services import answers, query, watches
from registry.services.find import Endpoint
from registry.services.health import rules, store
from registry.services.health.rules import Row
from registry.services.health.store import Change
from registry.services.watches import Held, Watch
from registry.site import Site
from vosi import resource, xmlio
from vosi.resource import Summary

DAY, MONTH = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True)
class Seen:
    """One address that is looked at; uptimes are shares (0 to 1) of the last day and the last 30, None for unknown."""

    row: Row
    day: float | None
    month: float | None

    @property
    def bars(self) -> list[tuple[int, int, bool]]:
        """The last looks as bars of a sparkline: x, height (2 to 24), whether it answered."""
        found = []
        for number, millis in enumerate(self.row.recent):
            height = 24 if millis is None else max(2, min(24, 2 + 5 * len(f"{max(millis, 0):b}") // 2))
            found.append((number * 4, height, millis is not None))
        return found


@dataclass(frozen=True)
class Told:
    """A service of ours; `watch` and `held` are None where there is none."""

    record: Record
    summary: Summary
    state: str
    endpoints: list[Endpoint]
    seen: list[Seen]
    changes: list[Change]
    watch: Watch | None
    held: Held | None


class NoSuchService(NotFound):
    """There is no such service of ours."""


def told(connection: Connection, site: Site, ivoid: str) -> Told:
    """What is known of the service. Raises NoSuchService."""
    record = shelf.get(connection, ivoid)
    ours = record is not None and record.origin == shelf.OWN and record.status == shelf.ACTIVE
    found = query.answer(connection, site.settings, query.Asked(ivoid=ivoid)) if ours else []
    if record is None or not found:
        raise NoSuchService(f"There is no service {ivoid} of ours; `registry api list` shows what there is.")
    rows = store.rows(connection, record.key)
    changes = store.history(connection, record.key)
    return Told(
        record=record, summary=resource.summarise(xmlio.parse(record.xml)),
        state=rules.whole(row.state for row in rows), endpoints=found,
        seen=[_seen(row, changes) for row in rows], changes=changes[:50],
        watch=watches.watch(connection, record.key), held=watches.held(connection, record.key))


def document(found: Told) -> dict[str, Any]:
    """The same for programs."""
    return {
        "ivoid": found.record.ivoid, "title": found.record.title, "type": found.record.type,
        "version": found.record.version, "datestamp": found.record.datestamp, "status": found.state,
        "endpoints": answers.as_dictionaries(found.endpoints),
        "looks": [
            {"url": one.row.url, "asked": one.row.asked, "status": one.row.state, "since": one.row.since,
             "seen": one.row.seen, "failures": one.row.failures, "milliseconds": one.row.millis,
             "message": one.row.message, "said": one.row.said, "recent": one.row.recent, "uptime_day": one.day,
             "uptime_30_days": one.month} for one in found.seen],
        "changes": [
            {"at": one.at, "url": one.url, "was": one.was, "status": one.state, "message": one.message}
            for one in found.changes],
        "watched": asdict(found.watch) if found.watch else None,
        "held": {"at": found.held.at, "changes": found.held.changes} if found.held else None,
    }


def _seen(row: Row, changes: list[Change]) -> Seen:
    now = clock.now()
    path = [(one.at, one.state) for one in reversed(changes) if one.url == row.url]
    return Seen(row, rules.uptime(path, now - DAY, now), rules.uptime(path, now - MONTH, now))
