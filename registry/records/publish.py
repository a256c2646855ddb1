"""What we say ourselves: publishes records of our authorities and retires them.

Strict (decision D4): a record of ours is stored when it is valid in the edition we publish in, or not at all. It
does not make records (`vosi.resource`) and it adopts no authority (`adopting`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from registry.db import alone
from registry.errors import Conflict, Refusal
from registry.records import authorities, store
from registry.records.fitness import why_not_ours
from registry.records.ready import Ready, one_placed, prepare
from registry.records.shelf_rows import SHELF
from registry.records.store import Record
from registry.rights import require_authority
from registry.site import Site
from vosi.schemas import Problem
from vosi.xmlio import XmlRefused


class PublishRefused(Refusal):
    """The record cannot be one of ours; `problems` says where and why, the message the first of it in one sentence."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (Problem("", message),)


class Overtaken(Conflict):
    """Somebody else has saved the record since; `record` is what it is now, none where it is gone."""

    def __init__(self, message: str, record: Record | None) -> None:
        super().__init__(message)
        self.record = record


def publish(site: Site, xml: bytes, *, who: str, why: str = "", expected: int | None = None) -> Record:
    """`publish_in` in a transaction of its own. Raises PublishRefused, Overtaken."""
    ready = readied(site, xml)
    with site.database.write() as connection:
        put_ours(connection, site, ready, who=who, why=why, expected=expected)
    with site.database.read() as connection:  # now with the datestamp that the commit gave it
        return stored(connection, ready.summary.ivoid)


def publish_in(
    connection: Connection, site: Site, xml: bytes, *, who: str, why: str = "", expected: int | None = None,
) -> Record:
    """Publish the one record in `xml` as ours, inside the caller's transaction.

    `expected` is the version that the change was made from, 0 for a new record; none asks for no check. Raises
    PublishRefused (no single record, not valid in the recommended edition, an authority that is not ours, our registry
    record with other authorities than ours) and Overtaken. Nothing is stored then.
    """
    return put_ours(connection, site, readied(site, xml), who=who, why=why, expected=expected)


def expect(connection: Connection, ivoid: str, expected: int | None) -> Record | None:
    """The record as it is now; from here on nobody else publishes until this unit of work ends.

    Raises Overtaken, naming who and when, where its version is not the `expected` one (0: there is none).
    """
    alone(connection, SHELF)
    record = store.get(connection, ivoid)
    version = record.version if record else 0
    if expected is None or expected == version:
        return record
    raise Overtaken(_overtaken(connection, ivoid, record, expected), record)


def _overtaken(connection: Connection, ivoid: str, record: Record | None, expected: int) -> str:
    if record is None:
        return f"{ivoid} has no version {expected}: there is no such record, so nothing was saved."
    last = store.versions(connection, ivoid)[0]
    words = "deleted" if record.deleted else "saved"
    what = f"{record.ivoid} was {words} by {last.who} at {last.at} (version {last.version}"
    if expected == 0:
        return f"{what}): it is there already, so nothing was saved."
    return (f"{what}, and you began from {expected}), so nothing was saved: look at "
            f"`registry records diff {record.ivoid} {expected} {last.version}` and make your change to that version.")


def readied(site: Site, xml: bytes) -> Ready:
    """The record in `xml`, judged as one of ours is. Raises PublishRefused."""
    try:
        kept, element, first_line = one_placed(xml)
    except XmlRefused as error:
        raise PublishRefused(str(error)) from None
    ready = prepare(site.schemas, kept, element, first_line)
    fault, problems = why_not_ours(site.schemas, site.settings.authority, ready)
    if fault:
        raise PublishRefused(fault, problems)
    return ready


def retire(site: Site, ivoid: str, *, who: str, why: str, expected: int | None = None) -> Record:
    """Take a record of ours, or one from a file, off the shelf; a tombstone stays for ever (OAI-PMH 2.0 §2.5.1).

    Raises NoRecord, Overtaken, and Conflict for records that others keep and for those that say who we are.
    """
    with site.database.write() as connection:
        record = expect(connection, ivoid, expected)
        if record is None:
            raise store.NoRecord(ivoid)
        require_authority(connection, who, record.authority)
        if record.origin not in (store.OWN, store.FOREIGN_FILE):
            raise Conflict(f"{record.ivoid} {store.SAYS[record.origin]}: it cannot be deleted here.")
        if record.key == store.key_of(authorities.our_registry(site.settings.authority)):
            raise Conflict(f"{record.ivoid} is this registry's own record, without which nobody can harvest it.")
        if record.key == store.key_of(f"ivo://{site.settings.authority}"):
            raise Conflict(f"{record.ivoid} is this registry's own authority, in whose name every other record stands.")
        store.delete(connection, record.ivoid, who=who, why=why)
    with site.database.read() as connection:
        return stored(connection, ivoid)


def put_ours(
    connection: Connection, site: Site, ready: Ready, *, who: str, why: str, expected: int | None = None,
) -> Record:
    """`publish_in` for a record that has been judged before (`readied`).

    Raises Denied too, where `who` publishes in other authorities only.
    """
    expect(connection, ready.summary.ivoid, expected)
    require_authority(connection, who, ready.summary.authority)
    fault = claims_too_much(connection, site, ready)
    if fault is not None:
        raise PublishRefused(fault.what, (fault,))
    put = store.put_ready(connection, ready, origin=store.OWN, who=who, why=why)
    if put.record is None:
        raise PublishRefused(put.reason)
    return put.record


def claims_too_much(connection: Connection, site: Site, ready: Ready) -> Problem | None:
    """What is wrong where the record speaks for an authority that is not ours, by name or as our registry record."""
    ours = authorities.ours(connection)
    if ready.summary.authority.lower() not in ours:
        return not_ours(ready, ours)
    if store.key_of(ready.summary.ivoid) != store.key_of(authorities.our_registry(site.settings.authority)):
        return None
    listed = {claimed.lower() for claimed in authorities.listed(ready.element)}
    if listed == ours:
        return None
    what = (f"Our registry record must list exactly our authorities as managedAuthority ({', '.join(sorted(ours))}), "
            f"not {', '.join(sorted(listed)) or 'none'} {ready.place('managedAuthority')}; `registry import --own` adopts "
            "further ones.")
    return Problem("managedAuthority", what, "managedAuthority")


def not_ours(ready: Ready, ours: frozenset[str]) -> Problem:
    """That the record is of no authority in `ours`."""
    what = (f"{ready.summary.ivoid} is not of an authority of ours ({', '.join(sorted(ours)) or 'there is none'}) "
            f"{ready.place('identifier')}; `registry import --own` adopts one.")
    return Problem("identifier", what, "identifier")


def stored(connection: Connection, ivoid: str) -> Record:
    """The record that has just been committed; records are never removed."""
    record = store.get(connection, ivoid)
    assert record is not None
    return record
