"""Takes the records of one page: judges each, and shelves those that their source may speak for.

Who may speak for which authority is decided here (STANDARDS: one registry per authority, ours never); who may
replace whom on the shelf is the store's to say. A record that came before with the same bytes is not judged again.
It asks no server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from registry import clock
from registry.db import alone
from registry.harvest import quarantine
from registry.harvest.sources import Source
from registry.harvest.store import FLAGGED, Problem
from registry.harvest.tally import Tally
from registry.harvest.verdicts import Verdict, verdict
from registry.records import authorities, store as shelf
from registry.records.ready import Ready
from registry.records.shelf_rows import SHELF, Pending
from registry.tables import records
from vosi.oaipage import OaiItem
from vosi.schemas import Schemas

_AT_ONCE = 50  # records that are held with all that was made of them
AHEAD = timedelta(days=1)  # that a date may lie in the future: clocks and zones differ


@dataclass(frozen=True)
class Before:
    """A record as it came from the same source before: its bytes, and what the schemas said of them."""

    xml: bytes
    digest: str
    profile: str
    problems: list[Any]
    updated: str


@dataclass(frozen=True)
class Judged:
    """One record of a page before the transaction: ready to be put, or `fault` says why not.

    `before` is what came under its name the last time; without `ready` these very bytes.
    """

    item: OaiItem
    ready: Ready | None = None
    fault: str = ""
    before: Before | None = None

    @property
    def same(self) -> bool:
        """Whether it is, byte by byte, what came before."""
        return self.ready is None and self.before is not None


@dataclass
class Taken:
    """What became of the records of a page."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def __iter__(self) -> Any:
        return iter((self.counts, self.problems))


def came_before(connection: Connection, source: Source, items: Iterable[OaiItem]) -> dict[str, Before]:
    """What is on the shelf of the page's records, by key: of this source's alone, and not deleted."""
    keys = [key for item in items if item.record and (key := shelf.key_of(item.identifier))]
    columns = records.c
    query = select(columns.key, columns.xml, columns.digest, columns.profile, columns.problems, columns.updated).where(
        columns.key.in_(keys), columns.source_id == source.id, columns.origin == shelf.HARVESTED,
        columns.status != shelf.DELETED)
    return {row.key: Before(row.xml, row.digest, row.profile, row.problems, row.updated)
            for row in connection.execute(query)}


def unknown(item: OaiItem, before: Before | None) -> bytes | None:
    """The record where it must be judged; none where there is none, or it came before with the same bytes."""
    return None if item.deleted or before and before.xml == item.record else item.record


def judge(schemas: Schemas, item: OaiItem, before: Before | None = None) -> Judged:
    """What can be said of a record without the shelf; `before` is what came under its name the last time."""
    return judged(item, before, lambda record: verdict(schemas, record))


def judged(item: OaiItem, before: Before | None, judging: Callable[[bytes], Verdict]) -> Judged:
    """The same with `judging` asked for the verdict on the record, once, where it is `unknown`."""
    if item.deleted:
        return Judged(item)
    if item.record is None:
        return Judged(item, fault="The list holds its header but no record.")
    record = unknown(item, before)
    if record is None:
        return Judged(item, before=before)
    found = judging(record)
    if isinstance(found, str):
        return Judged(item, fault=found)
    if not found.fault and shelf.key_of(found.summary.ivoid) != shelf.key_of(item.identifier):
        return Judged(item, fault=f"Its header names {item.identifier} and the record itself {found.summary.ivoid}.")
    return Judged(item, found, found.fault, before)


def shelve(
    connection: Connection, source: Source, found: Iterable[Judged], managed: frozenset[str], run_id: int = 0,
) -> Taken:
    """Put the records of a page on the shelf; says how many became what, and which were not taken.

    A few at a time, so that `found` may make them as they are asked for.
    """
    alone(connection, SHELF)  # what is looked up now must still be so when it is decided by
    taken, rows, all_of_them = Taken(), Pending(), iter(found)
    while few := list(islice(all_of_them, _AT_ONCE)):
        _shelve(connection, source, few, managed, run_id, taken, rows)
    return taken


def _shelve(
    connection: Connection, source: Source, few: list[Judged], managed: frozenset[str], run_id: int, taken: Taken, rows: Pending,
) -> None:
    faults = {id(one): _no_say(connection, one.item, managed) or one.fault for one in few}
    kept = quarantine.known(connection, source.id, [
        (one.item.identifier, one.item.record) for one in few if faults[id(one)]])
    rows.foresee(connection, [shelf.key_of(one.item.identifier) for one in few if not (faults[id(one)] or one.same)])
    for one in few:
        fault = faults[id(one)]
        outcome, reason = ("rejected", fault) if fault else _store(connection, source, one, rows)
        if outcome == "rejected":
            outcome = _put_aside(connection, source, run_id, one, reason, kept, taken)
        elif reason:
            taken.problems.append(Problem(one.item.identifier, reason, kind=FLAGGED))
        taken.counts[outcome] += 1
        _sum_up(taken.tally, one, reason, outcome != "rejected")
    rows.flush(connection)


def _sum_up(tally: Tally, one: Judged, reason: str, here: bool) -> None:
    name, found = one.item.identifier, one.ready or one.before
    if found and here:
        texts = [row[1] if isinstance(row, list) else row.what for row in found.problems]
        tally.judged(name, found.profile, texts)
    if reason:
        tally.found(name, [reason])


def _put_aside(
    connection: Connection, source: Source, run_id: int, one: Judged, reason: str, kept: quarantine.Known, taken: Taken,
) -> str:
    """Let a record wait for a person, unless one has spoken already; how it is counted."""
    name, raw = one.item.identifier, one.item.record
    number, state = kept.entries.get(quarantine.digest(name, raw), (None, ""))
    if state == quarantine.ACCEPTED:
        return "unchanged"
    if quarantine.is_muted(kept, name):
        return "rejected"
    if number is None and raw is not None:
        number = quarantine.keep(connection, source.id, run_id, name, reason, raw)
        kept.entries[quarantine.digest(name, raw)] = (number, quarantine.OPEN)
    taken.problems.append(Problem(name, reason, raw, quarantine_id=number))
    return "rejected"


def _store(connection: Connection, source: Source, one: Judged, rows: Pending) -> tuple[str, str]:
    """What became of one record: one of store.COUNTS, and why it was rejected or what is odd about it."""
    if one.same and one.before:
        return "unchanged", _ahead(one.before.updated)
    who = f"harvest:{source.name}"
    if one.ready is None:
        return _bury(connection, one.item.identifier, source, who, rows), ""
    if one.before and _is_older(one.ready, one.before):
        return "unchanged", (
            f"It was updated {one.ready.summary.updated}, and the one here {one.before.updated}: it is older.")
    put = shelf.put_ready(connection, one.ready, origin=shelf.HARVESTED, who=who, source_id=source.id, pending=rows)
    if put.outcome == shelf.REFUSED:
        return "rejected", put.reason
    return put.outcome, _ahead(one.ready.summary.updated)


def _no_say(connection: Connection, item: OaiItem, managed: frozenset[str]) -> str:
    """Why the source may not speak for this record; '' where it may."""
    authority = item.identifier.strip().lower().removeprefix("ivo://").split("/")[0].split("?")[0].split("#")[0]
    if authority in managed:
        return ""
    if authority in authorities.ours(connection):
        return f"The authority {authority} is ours: nobody else's record of it is taken."
    holder = authorities.holder(connection, authority)
    return (f"The source does not manage the authority {authority or 'of no name'}"
            + (f", which {holder} does." if holder else " (it is not among its managedAuthority)."))


def _is_older(ready: Ready, old: Before) -> bool:
    """Whether an outdated copy would replace what the same registry sent before: somebody replays old pages.

    A date in the future keeps nobody out: whoever wrote one by mistake writes an earlier one next.
    """
    if ready.digest == old.digest or _ahead(old.updated):
        return False
    try:
        return clock.parse(ready.summary.updated) < clock.parse(old.updated)
    except ValueError:
        return False


def _ahead(updated: str) -> str:
    """What is odd about a date in the future; '' for any other."""
    try:
        ahead = clock.parse(updated) > clock.now() + AHEAD
    except (ValueError, OverflowError):
        return ""
    return f"It was updated {updated}, which lies in the future." if ahead else ""


def _bury(connection: Connection, ivoid: str, source: Source, who: str, rows: Pending) -> str:
    """The registry that manages it says that it is gone; records that only it may replace go with it (D15)."""
    old = shelf.get(connection, ivoid)
    theirs = old and (old.source_id == source.id or old.origin in (shelf.FOREIGN_FILE, shelf.SHIPPED))
    if old is None or old.deleted or not theirs:
        return "unchanged"
    rows.drop(old.key)
    shelf.delete(connection, old.ivoid, who=who, why="deleted at its registry")
    return "deleted"
