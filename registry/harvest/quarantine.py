"""Records that were not taken, with their bytes, until a person lets one in or wants to hear no more of it.

Letting in is for these very bytes: when the record changes it comes here again. Muting is for the record's name at
its source, whatever it holds. What is put here is `intake`'s to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from registry import bell, clock
from registry.db import alone
from registry.errors import Conflict, NotFound
from registry.harvest.placing import Place, place
from registry.records import authorities, store as shelf
from registry.records.ready import one_record, prepare
from registry.records.shelf_rows import SHELF
from registry.site import Site
from registry.tables import quarantine, sources
from vosi import xmlio

OPEN, ACCEPTED, MUTED = "open", "accepted", "muted"


@dataclass(frozen=True)
class Kept:
    """One record that was not taken: `ivoid` as its header has it, `source` by name, times in UTC."""

    id: int
    source_id: int
    source: str
    run_id: int
    ivoid: str
    reason: str
    raw: bytes | None
    at: str
    state: str
    who: str
    decided: str | None

    @property
    def place(self) -> Place:
        """Where in its bytes the reason lies."""
        return place(self.raw)


class NotKept(NotFound):
    """There is no such record in quarantine."""


class NotAcceptable(Conflict):
    """The record cannot be let in; the message says why."""


@dataclass(frozen=True)
class Known:
    """What is in quarantine of a page's records: number and state by digest, and the muted names (compared form)."""

    entries: dict[str, tuple[int, str]]
    muted: frozenset[str]


def known(connection: Connection, source_id: int, found: Iterable[tuple[str, bytes | None]]) -> Known:
    """What is here already of these records (identifier, bytes) of a source."""
    pairs = list(found)
    digests = [digest(ivoid, raw) for ivoid, raw in pairs]
    names = {name for ivoid, _ in pairs if (name := _name(ivoid))}
    if not pairs:
        return Known({}, frozenset())
    column = quarantine.c
    ours = select(quarantine).where(column.source_id == source_id)
    rows = connection.execute(ours.where(column.digest.in_(digests)))
    muted = connection.execute(ours.with_only_columns(column.ivoid).where(column.state == MUTED)).scalars()
    return Known({row.digest: (row.id, row.state) for row in rows},
                 frozenset(_name(ivoid) for ivoid in muted) & names)


def keep(connection: Connection, source_id: int, run_id: int, ivoid: str, reason: str, raw: bytes | None) -> int:
    """Put a record here; gives its number."""
    values = {"source_id": source_id, "run_id": run_id, "ivoid": ivoid, "digest": digest(ivoid, raw), "reason": reason,
              "raw": raw, "at": clock.stamp(), "state": OPEN}
    return connection.execute(insert(quarantine).values(values).returning(quarantine.c.id)).scalar_one()


def digest(ivoid: str, raw: bytes | None) -> str:
    """Names a record as it came."""
    return hashlib.sha256(ivoid.encode("utf-8", "replace") + b"\0" + (raw or b"")).hexdigest()


def is_muted(state: Known, ivoid: str) -> bool:
    """Whether a person wants to hear no more of the record."""
    return bool(_name(ivoid)) and _name(ivoid) in state.muted


def listing(
    connection: Connection, *, source_id: int | None = None, state: str = OPEN, before: int = 0, limit: int = 100,
) -> list[Kept]:
    """The newest in that state ('' for any), of one source or of all; `before` is the last number seen."""
    query = _all().order_by(quarantine.c.id.desc()).limit(limit)
    for wanted, condition in ((source_id is not None, quarantine.c.source_id == source_id),
                              (state, quarantine.c.state == state), (before, quarantine.c.id < before)):
        if wanted:
            query = query.where(condition)
    return [_kept(row) for row in connection.execute(query)]


def waiting(connection: Connection, source_id: int | None = None) -> int:
    """How many wait for a person."""
    query = select(func.count()).select_from(quarantine).where(quarantine.c.state == OPEN)
    if source_id is not None:
        query = query.where(quarantine.c.source_id == source_id)
    return connection.execute(query).scalar_one()


def states(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """What a person has said of these records, by number."""
    query = select(quarantine.c.id, quarantine.c.state).where(quarantine.c.id.in_(numbers))
    return {row.id: row.state for row in connection.execute(query)}


def get(connection: Connection, number: int) -> Kept:
    """The record of that number. Raises NotKept."""
    row = connection.execute(_all().where(quarantine.c.id == number)).first()
    if row is None:
        raise NotKept(f"There is no record {number} in quarantine; `registry harvest quarantine list` shows what is.")
    return _kept(row)


def mute(connection: Connection, number: int, who: str) -> Kept:
    """Hear no more of that record from its source. Raises NotKept."""
    get(connection, number)
    _decide(connection, number, MUTED, who)
    return get(connection, number)


def accept(site: Site, number: int, who: str) -> Kept:
    """Put the record on the shelf as it came, once. Raises NotKept, NotAcceptable."""
    with site.database.read() as connection:
        kept = get(connection, number)
    try:
        ready = prepare(site.schemas, *one_record(kept.raw or b""))
    except xmlio.XmlRefused as error:
        raise NotAcceptable(f"It cannot be taken as it is: {error}") from None
    if ready.fault:
        raise NotAcceptable(f"It cannot be taken as it is: {ready.fault}")
    with site.database.write() as connection:
        alone(connection, SHELF)
        get(connection, number)  # its source may have been removed meanwhile
        if ready.summary.authority.lower() in authorities.ours(connection):
            raise NotAcceptable(f"{ready.summary.ivoid} is of an authority of ours: nobody else's record is taken.")
        put = shelf.put_ready(connection, ready, origin=shelf.HARVESTED, who=who, source_id=kept.source_id,
                              why=f"accepted from quarantine: {kept.reason}")
        if put.outcome == shelf.REFUSED:
            raise NotAcceptable(put.reason)
        _decide(connection, number, ACCEPTED, who)
        done = get(connection, number)
    site.bells.ring(bell.WORK)
    return done


def _decide(connection: Connection, number: int, state: str, who: str) -> None:
    connection.execute(update(quarantine).where(quarantine.c.id == number).values(
        state=state, who=who, decided=clock.stamp()))


def _all() -> Any:
    return select(quarantine, sources.c.name.label("source")).join(sources, sources.c.id == quarantine.c.source_id)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**{name: getattr(row, name) for name in Kept.__dataclass_fields__})


def _name(ivoid: str) -> str:
    """What a record is muted by: its identifier, compared without case; '' where it has none."""
    return ivoid.strip().lower()
