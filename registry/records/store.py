"""The shelf itself: the only module that writes a record, and the queries that read records back.

A record is its XML, kept as it came (decision D1); what the tables say beside it is derived here, in the same
transaction. The store decides who may replace whom (D15) and when a datestamp moves (D2). It does not decide
what may be published (`publish`), and it opens no transaction of its own: every function takes a connection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lxml import etree
from sqlalchemy import Connection, Row, bindparam, insert, select as sql_select, update

from registry import clock
from registry.db import alone, before_commit
from registry.errors import NotFound
from registry.records import projection, shelf_rows
from registry.records.projection.values import pack
from registry.records.ready import Ready, one_record, prepare
from registry.records.shelf_rows import SHELF, Pending
from registry.records.stamping import LAST_STAMP, given, last_stamp as last_stamp, next_stamp
from registry.tables import record_versions, records, sources
from vosi import identifiers, xmlio
from vosi.schemas import Schemas

OWN, HARVESTED, FOREIGN_FILE, SHIPPED = "own", "harvested", "foreign-file", "shipped"
NEW, UPDATED, UNCHANGED, REFUSED = "new", "updated", "unchanged", "refused"
ACTIVE, INACTIVE, DELETED, DRAFT = "active", "inactive", "deleted", "draft"
_BY_KEY = sql_select(records).where(records.c.key == bindparam("key"))

# D15: a record of the origin on the left may replace one of the origins on the right
_MAY_REPLACE = {
    OWN: {OWN, HARVESTED, FOREIGN_FILE, SHIPPED},
    HARVESTED: {HARVESTED, FOREIGN_FILE, SHIPPED},
    FOREIGN_FILE: {FOREIGN_FILE},
    SHIPPED: {SHIPPED, FOREIGN_FILE},
}
SAYS = {
    OWN: "is one of ours, and only publishing changes it",
    HARVESTED: "came by harvest from its registry, which alone may change it",
    SHIPPED: "came with this product; a harvest from its registry, or import --own --force-own, replaces it",
    FOREIGN_FILE: "was imported from a file",
}


@dataclass(frozen=True)
class Record:
    """One record as it is on the shelf; `datestamp` is '' until the transaction that changed it commits."""

    key: str
    ivoid: str
    authority: str
    origin: str
    source_id: int | None
    type: str
    title: str
    status: str
    managed: bool
    datestamp: str
    digest: str
    version: int
    profile: str
    problems: list[list[Any]]
    xml: bytes
    updated: str

    @property
    def deleted(self) -> bool:
        """Whether only its tombstone is left."""
        return self.status == DELETED


@dataclass(frozen=True)
class Put:
    """What `put` did: `record` is none where `outcome` is refused, and `reason` says why."""

    record: Record | None
    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class Version:
    """One state a record has been in, the present one included."""

    version: int
    status: str
    at: str
    who: str
    why: str
    xml: bytes


class NoRecord(NotFound):
    """There is no record of that name; the message is one sentence."""

    def __init__(self, ivoid: str) -> None:
        super().__init__(f"There is no record {ivoid} here; `registry records list` shows what there is.")


def key_of(ivoid: str) -> str:
    """The form in which identifiers are compared (IVOA Identifiers 2.0 §2.3.1); '' for a text that is none.

    No record has the key '', so whatever a person or a program asks for, there is an answer.
    """
    try:
        return identifiers.key(ivoid)
    except identifiers.InvalidIdentifier:
        return ""


def get(connection: Connection, ivoid: str) -> Record | None:
    """The record named `ivoid` in whatever case, tombstones included.

    A unit of work that writes decides by it: nobody else changes the shelf from here to that unit's end.
    """
    alone(connection, SHELF)
    row = _row(connection, key_of(ivoid))
    return record_of(row) if row else None


def _row(connection: Connection, key: str) -> Row[Any] | None:
    pending = shelf_rows.waiting(connection)
    if pending and pending.holds(key):
        pending.write(connection)
        before_commit(connection, LAST_STAMP, _stamp)
    elif pending and pending.foreseen(key):
        return pending.take(key)
    return connection.execute(_BY_KEY, {"key": key}).first()


def put(
    connection: Connection, schemas: Schemas, xml: bytes, *,
    origin: str, who: str, why: str = "", source_id: int | None = None, draft: bool = False,
) -> Put:
    """Store the one record in `xml`; says what became of it and never raises on bad input.

    The bytes are kept but for namespace declarations in scope, added to the root, and line ends. A digest that
    is there already changes nothing. A record with faults is stored with them listed: `publish` is stricter.
    """
    try:
        kept, element = one_record(xml)
    except xmlio.XmlRefused as error:
        return Put(None, REFUSED, str(error))
    return put_element(connection, schemas, kept, element, origin=origin, who=who, why=why, source_id=source_id,
                       draft=draft)


def put_element(
    connection: Connection, schemas: Schemas, kept: bytes, element: etree._Element, *,
    origin: str, who: str, why: str = "", source_id: int | None = None, draft: bool = False,
) -> Put:
    """`put` for bytes that stand alone and what they parse to (`one_record`)."""
    return put_ready(connection, prepare(schemas, kept, element), origin=origin, who=who, why=why,
                     source_id=source_id, draft=draft)


def put_ready(
    connection: Connection, ready: Ready, *,
    origin: str, who: str, why: str = "", source_id: int | None = None, draft: bool = False,
    pending: Pending | None = None,
) -> Put:
    """`put` for a record that was judged before the transaction began (`ready.prepare`).

    With `pending` what is new waits there: many records are put faster so.
    """
    if ready.fault:
        return Put(None, REFUSED, ready.fault)
    old = get(connection, ready.summary.ivoid)
    new = _described(ready, origin, source_id, draft)
    if old and old.origin not in _MAY_REPLACE[origin]:
        if (old.digest, old.status) == (new.digest, new.status):
            return Put(old, UNCHANGED)
        return Put(None, REFUSED, f"{old.ivoid} {SAYS[old.origin]}: it is left as it is.")
    if old and _same(old, new):
        return Put(old, UNCHANGED)
    return Put(_write(connection, old, new, ready, who, why, pending), UPDATED if old else NEW)


def delete(connection: Connection, ivoid: str, *, who: str, why: str) -> Record:
    """Leave a tombstone of the record: it keeps its name, its last XML and its sets. Raises NoRecord."""
    old = get(connection, ivoid)
    if old is None:
        raise NoRecord(ivoid)
    if old.deleted:
        return old
    gone = replace(old, status=DELETED, version=old.version + 1, datestamp="")
    connection.execute(update(records).where(records.c.key == old.key).values(
        status=DELETED, version=gone.version, datestamp="", projected=""))
    shelf_rows.clear(connection, old.key)
    _past(connection, old)
    connection.execute(insert(record_versions).values(_version(gone, who, why)))
    before_commit(connection, LAST_STAMP, _stamp)
    return gone


def restamp(connection: Connection, keys: list[str]) -> None:
    """Give records a new datestamp though they stay as they are: what OAI-PMH tells of them has changed, their sets."""
    alone(connection, SHELF)
    for key in keys:
        connection.execute(update(records).where(records.c.key == key).values(datestamp=""))
    if keys:
        before_commit(connection, LAST_STAMP, _stamp)


def versions(connection: Connection, ivoid: str) -> list[Version]:
    """Every state of the record, newest first."""
    table = record_versions
    query = (sql_select(table, records.c.xml.label("present")).join(records, records.c.key == table.c.key)
             .where(table.c.key == key_of(ivoid)).order_by(table.c.version.desc()))
    return [Version(row.version, row.status, row.at, row.who, row.why, row.xml or row.present)
            for row in connection.execute(query)]


def record_of(row: Row[Any]) -> Record:
    """A row of the table as what the rooms hand to each other."""
    names = Record.__dataclass_fields__
    return Record(**{name: getattr(row, name) for name in names})


def _described(ready: Ready, origin: str, source_id: int | None, draft: bool) -> Record:
    summary = ready.summary
    status = summary.status if summary.status in (ACTIVE, INACTIVE, DELETED) else ACTIVE
    return Record(
        key=key_of(summary.ivoid), ivoid=summary.ivoid, authority=summary.authority.lower(), origin=origin,
        source_id=source_id, type=summary.type, title=summary.title, status=DRAFT if draft else status,
        managed=origin == OWN, datestamp="", digest=ready.digest, version=1, profile=ready.profile,
        problems=[[p.where, p.what, p.field, p.line] for p in ready.problems], xml=ready.xml, updated=summary.updated,
    )


def _same(old: Record, new: Record) -> bool:
    return (old.digest, old.status, old.origin, old.source_id) == (new.digest, new.status, new.origin, new.source_id)


def _write(
    connection: Connection, old: Record | None, new: Record, ready: Ready, who: str, why: str, pending: Pending | None,
) -> Record:
    """Make `new` the present state. Its datestamp stays where only the keeper of unmanaged equal bytes has changed."""
    active = new.status == ACTIVE
    if old is None:
        _insert(connection, new, who, why, pending)
    else:
        new = _replace(connection, old, new, who, why)
        shelf_rows.clear(connection, new.key, pending)
    if active:
        rows = shelf_rows.handed_by(ready.rows, _source_registry(connection, new.source_id))
        shelf_rows.write(connection, new.key, rows, pending)
    return new


def _insert(connection: Connection, new: Record, who: str, why: str, pending: Pending | None) -> None:
    row, version = _columns(new), _version(new, who, why)
    if pending is not None:
        pending.add_record(connection, row, version)
        return
    connection.execute(insert(records).values(row))
    connection.execute(insert(record_versions).values(version))
    before_commit(connection, LAST_STAMP, _stamp)


def _replace(connection: Connection, old: Record, new: Record, who: str, why: str) -> Record:
    if old.digest == new.digest:  # the same record: keep the bytes that people have seen
        new = replace(new, xml=old.xml)
    moved = (old.digest, old.status, old.managed) != (new.digest, new.status, new.managed)
    new = replace(new, version=old.version + moved, datestamp="" if moved else old.datestamp)
    connection.execute(update(records).where(records.c.key == new.key).values(_columns(new)))
    if moved:
        _past(connection, old)
        connection.execute(insert(record_versions).values(_version(new, who, why)))
    before_commit(connection, LAST_STAMP, _stamp)
    return new


def project(connection: Connection, record: Record) -> None:
    """Write the rr_* rows of `record` anew: none unless it is active (D17)."""
    alone(connection, SHELF)
    shelf_rows.clear(connection, record.key)
    if record.status == ACTIVE:
        registry = _source_registry(connection, record.source_id)
        rows = pack(projection.rows(xmlio.parse(record.xml), record.key, record.xml))
        shelf_rows.write(connection, record.key, shelf_rows.handed_by(rows, registry))
    digest = record.digest if record.status == ACTIVE else ""
    connection.execute(update(records).where(records.c.key == record.key).values(projected=digest))


def _source_registry(connection: Connection, source_id: int | None) -> str:
    if source_id is None:
        return ""
    return connection.execute(sql_select(sources.c.registry).where(sources.c.id == source_id)).scalar() or ""


def _past(connection: Connection, old: Record) -> None:
    """Keep the XML of what has been the present state until now."""
    table = record_versions
    connection.execute(update(table).where(table.c.key == old.key, table.c.version == old.version).values(xml=old.xml))


def _columns(record: Record) -> dict[str, Any]:
    """The record's row; `projected` is the digest that its rows in the tables of searches are made from."""
    row = {name: getattr(record, name) for name in Record.__dataclass_fields__}
    return row | {"projected": record.digest if record.status == ACTIVE else ""}


def _version(record: Record, who: str, why: str) -> dict[str, Any]:
    return {
        "key": record.key, "version": record.version, "ivoid": record.ivoid, "status": record.status,
        "digest": record.digest, "at": clock.stamp(), "who": who, "why": why,
        "xml": b"",  # as long as it is the present one: `_past` keeps it from then on
    }


def _stamp(connection: Connection) -> None:
    """Give this transaction's changes their datestamp; runs just before commit."""
    stamp = next_stamp(connection)
    if connection.execute(update(records).where(records.c.datestamp == "").values(datestamp=stamp)).rowcount:
        given(connection, stamp)
