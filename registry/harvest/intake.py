"""Takes the records of one page: judges each, and shelves those that their source may speak for.

Who may speak for which authority is decided here (STANDARDS: one registry per authority, ours never); who may
replace whom on the shelf is the store's to say. It asks no server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from registry import clock
from registry.harvest.sources import Source
from registry.harvest.store import Problem
from registry.records import authorities, store as shelf
from registry.records.ready import Ready, one_record, prepare
from vosi import xmlio
from vosi.oaipage import OaiItem
from vosi.schemas import Schemas


@dataclass(frozen=True)
class Judged:
    """One record of a page before the transaction: ready to be put, or `fault` says why it never will be."""

    item: OaiItem
    ready: Ready | None = None
    fault: str = ""


def judge(schemas: Schemas, item: OaiItem) -> Judged:
    """What can be said of a record without the shelf."""
    if item.deleted:
        return Judged(item)
    if item.record is None:
        return Judged(item, fault="The list holds its header but no record.")
    try:
        ready = prepare(schemas, *one_record(item.record))
    except xmlio.XmlRefused as error:
        return Judged(item, fault=str(error))
    if not ready.fault and shelf.key_of(ready.summary.ivoid) != shelf.key_of(item.identifier):
        return Judged(item, fault=f"Its header names {item.identifier} and the record itself {ready.summary.ivoid}.")
    return Judged(item, ready, ready.fault)


def shelve(
    connection: Connection, source: Source, judged: Iterable[Judged], managed: frozenset[str],
) -> tuple[Counter[str], list[Problem]]:
    """Put the records of a page on the shelf; says how many became what, and which were not taken."""
    counts: Counter[str] = Counter()
    found: list[Problem] = []
    for one in judged:
        outcome, reason = _store(connection, source, one, managed)
        counts[outcome] += 1
        if reason:
            found.append(Problem(one.item.identifier, reason, one.item.record))
    return counts, found


def _store(
    connection: Connection, source: Source, one: Judged, managed: frozenset[str],
) -> tuple[str, str]:
    """What became of one record: one of store.COUNTS, and the reason of a rejection."""
    fault = _no_say(connection, one.item, managed) or one.fault
    if fault:
        return "rejected", fault
    who = f"harvest:{source.name}"
    old = shelf.get(connection, one.item.identifier)
    if one.ready is None:
        return _bury(connection, old, source, who), ""
    if old and _is_older(one.ready, old, source):
        return "rejected", f"It was updated {one.ready.summary.updated}, and the one here {old.updated}: it is older."
    put = shelf.put_ready(connection, one.ready, origin=shelf.HARVESTED, who=who, source_id=source.id)
    return ("rejected", put.reason) if put.outcome == shelf.REFUSED else (put.outcome, "")


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


def _is_older(ready: Ready, old: shelf.Record, source: Source) -> bool:
    """Whether an outdated copy would replace what the same registry sent before: somebody replays old pages."""
    if old.source_id != source.id or old.deleted or ready.digest == old.digest:
        return False
    try:
        return clock.parse(ready.summary.updated) < clock.parse(old.updated)
    except ValueError:
        return False


def _bury(connection: Connection, old: shelf.Record | None, source: Source, who: str) -> str:
    """The registry that manages it says that it is gone; records that only it may replace go with it (D15)."""
    theirs = old and (old.source_id == source.id or old.origin in (shelf.FOREIGN_FILE, shelf.SHIPPED))
    if old is None or old.deleted or not theirs:
        return "unchanged"
    shelf.delete(connection, old.ivoid, who=who, why="deleted at its registry")
    return "deleted"
