"""What we say ourselves: publishes records of our authorities and retires them.

Strict (decision D4): a record of ours is stored when it is valid in the edition we publish in, or not at all. It
does not make records (`vosi.resource`) and it adopts no authority (`adopting`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from registry.errors import Conflict, Refusal
from registry.records import authorities, store
from registry.records.ready import Ready, one_record, prepare
from registry.records.store import Record
from registry.site import Site
from vosi.schemas import RECOMMENDED, Problem
from vosi.xmlio import XmlRefused


class PublishRefused(Refusal):
    """The record cannot be one of ours; `problems` says where and why, the message the first of it in one sentence."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (Problem("", message),)


def publish(site: Site, xml: bytes, *, who: str, why: str = "") -> Record:
    """Publish the one record in `xml` in a transaction of its own; see `publish_in`. Raises PublishRefused."""
    ready = readied(site, xml)
    with site.database.write() as connection:
        _publish(connection, site, ready, who, why)
    with site.database.read() as connection:  # now with the datestamp that the commit gave it
        return _stored(connection, ready)


def publish_in(connection: Connection, site: Site, xml: bytes, *, who: str, why: str = "") -> Record:
    """Publish the one record in `xml` as ours, inside the caller's transaction.

    Raises PublishRefused: no single record, not valid in the recommended edition, an authority that is not ours, or
    our registry record with other authorities than ours. Nothing is stored then.
    """
    return _publish(connection, site, readied(site, xml), who, why)


def readied(site: Site, xml: bytes) -> Ready:
    """The record in `xml`, judged as one of ours is. Raises PublishRefused."""
    try:
        kept, element = one_record(xml)
    except XmlRefused as error:
        raise PublishRefused(str(error)) from None
    ready = prepare(site.schemas, kept, element)
    fault, problems = why_not_ours(site, ready)
    if fault:
        raise PublishRefused(fault, problems)
    return ready


def why_not_ours(site: Site, ready: Ready) -> tuple[str, tuple[Problem, ...]]:
    """Why the record may not be published whoever holds its authority, in one sentence and in full; '' where it may."""
    if ready.fault:
        return ready.fault, (Problem("identifier", ready.fault, "identifier"),)
    name = ready.summary.ivoid
    if "?" in name or "#" in name:
        fault = f"{name} has a ? or #: a record is registered under its name without them (Identifiers 2.0 §2.1)."
        return fault, (Problem("identifier", fault, "identifier"),)
    if _breaks_our_registry(site, ready):
        fault = f"{name} is this registry's own record: it must stay an active vg:Registry."
        return fault, (Problem("Resource", fault, "status"),)
    missing = site.schemas.missing_namespaces(ready.element)
    if missing:
        fault = f"{name} cannot be judged, so it cannot be ours: there is no schema here for {', '.join(missing)}."
        return fault, ready.problems
    if ready.publishable:
        return "", ()
    problems = ready.problems or tuple(site.schemas.validate(ready.element, RECOMMENDED))
    return f"{name} is not valid, so it cannot be ours: {_worded(problems)}", problems


def retire(site: Site, ivoid: str, *, who: str, why: str) -> Record:
    """Take a record of ours, or one from a file, off the shelf; a tombstone stays for ever (OAI-PMH 2.0 §2.5.1).

    Raises NoRecord, and Conflict for records that others keep and for the one that says who we are.
    """
    with site.database.write() as connection:
        record = store.get(connection, ivoid)
        if record is None:
            raise store.NoRecord(ivoid)
        if record.origin not in (store.OWN, store.FOREIGN_FILE):
            raise Conflict(f"{record.ivoid} {store.SAYS[record.origin]}: it cannot be deleted here.")
        if record.key == store.key_of(authorities.our_registry(site.settings.authority)):
            raise Conflict(f"{record.ivoid} is this registry's own record, without which nobody can harvest it.")
        store.delete(connection, record.ivoid, who=who, why=why)
    with site.database.read() as connection:
        found = store.get(connection, ivoid)
        assert found is not None  # a tombstone stays for ever
        return found


def _publish(connection: Connection, site: Site, ready: Ready, who: str, why: str) -> Record:
    fault = _claims_too_much(connection, site, ready)
    if fault is not None:
        raise PublishRefused(fault.what, (fault,))
    put = store.put_ready(connection, ready, origin=store.OWN, who=who, why=why)
    if put.record is None:
        raise PublishRefused(put.reason)
    return put.record


def _breaks_our_registry(site: Site, ready: Ready) -> bool:
    """Whether the record stands for our registry record and could not be shown by Identify."""
    summary = ready.summary
    ours = store.key_of(summary.ivoid) == store.key_of(authorities.our_registry(site.settings.authority))
    return ours and (summary.type != "vg:Registry" or summary.status != store.ACTIVE)


def _claims_too_much(connection: Connection, site: Site, ready: Ready) -> Problem | None:
    """Whether the record speaks for an authority that is not ours, by its name or as our registry record."""
    ours = authorities.ours(connection)
    if ready.summary.authority.lower() not in ours:
        what = (f"{ready.summary.ivoid} is not of an authority of ours ({', '.join(sorted(ours)) or 'there is none'}); "
                "`registry import --own` adopts one.")
        return Problem("identifier", what, "identifier")
    if store.key_of(ready.summary.ivoid) != store.key_of(authorities.our_registry(site.settings.authority)):
        return None
    listed = {claimed.lower() for claimed in authorities.listed(ready.element)}
    if listed == ours:
        return None
    what = (f"Our registry record must list exactly our authorities as managedAuthority ({', '.join(sorted(ours))}), "
            f"not {', '.join(sorted(listed)) or 'none'}; `registry import --own` adopts further ones.")
    return Problem("managedAuthority", what, "managedAuthority")


def _stored(connection: Connection, ready: Ready) -> Record:
    record = store.get(connection, ready.summary.ivoid)
    assert record is not None  # it has just been committed, and records are never removed
    return record


def _worded(problems: tuple[Problem, ...]) -> str:
    if not problems:
        return "it is only valid in an older edition."
    first = problems[0]
    place = f" (line {first.line})" if first.line else ""
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return first.what.rstrip(".") + place + "." + more
