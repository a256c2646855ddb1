"""Reads the documents of services again now and then: what changed becomes a new version of the record, or is held.

Asked for conditionally, so that an unchanged document costs its service nothing. A change that takes something away
(a capability, an address, a table) waits for a person; the record stays as it is until then.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, update

from registry import clock, rights
from registry.errors import NotFound, Refusal
from registry.fetch import Fetcher, Reply
from registry.records import publish, store as shelf
from registry.records.store import Record
from registry.services import comparing, credentials, describing, importing, levels
from registry.services.describing import Wish
from registry.services.importing import Found
from registry.services.watches import MOST_PROBLEMS, Held, due_next, held
from registry.site import Site
from registry.tables import held_changes, records, watches
from vosi import identifiers, xmlio

WHO = "watch"
_SOME = 20  # services in one turn
_log = logging.getLogger(__name__)


class NothingHeld(NotFound):
    """No change of that service waits for anybody."""


def turn(site: Site) -> int:
    """Read again what is due; says how many services that were. Never raises for what a service does."""
    with site.database.read() as connection:
        query = (
            select(watches.c.key).join(records, records.c.key == watches.c.key)
            .where(watches.c.due <= clock.stamp(), records.c.status == shelf.ACTIVE, records.c.origin == shelf.OWN)
            .order_by(watches.c.due).limit(_SOME))
        keys = list(connection.execute(query).scalars())
    for key in keys:
        try:
            reread(site, key)
            levels.settle(site, key)
        except Exception:  # one service, whatever it sends, must not keep the others from being read
            _log.exception("reading %s again failed", key)
            _failed(site, key, "It could not be read again, by a fault in this program: the worker's log tells more.")
    return len(keys)


def reread(site: Site, key: str, *, force: bool = False) -> list[str]:
    """Read one service's documents now; the changes found, as sentences. Raises NotFound for one that is not watched."""
    with site.database.read() as connection:
        row = connection.execute(select(watches).where(watches.c.key == key)).first()
        record = shelf.get(connection, row.ivoid) if row else None
    if row is None or record is None:
        raise NotFound("That service is not watched: `registry api import` registers one from its documents.")
    bearer = credentials.get(site, record.ivoid).get("Authorization", "").removeprefix("Bearer ")
    try:
        if not force and _unchanged(site.fetcher, row.validators, credentials.get(site, record.ivoid), row.url):
            _as_recorded(site, key)
            return []
        found = importing.look(site, row.url, bearer)
    except Refusal as error:
        _failed(site, key, str(error))
        return []
    return _taken(site, record, row.refused, found)


def accept(site: Site, ivoid: str, *, who: str) -> Record:
    """Publish the change that waits. Raises NothingHeld, Overtaken (somebody saved since), PublishRefused."""
    change = _held(site, ivoid)
    record = publish.publish(
        site, change.xml, who=who, why=f"accepted: {' '.join(change.changes)}"[:500], expected=change.based_on)
    with site.database.write() as connection:
        connection.execute(delete(held_changes).where(held_changes.c.key == change.key))
        connection.execute(update(watches).where(watches.c.key == change.key).values(
            validators=change.validators, refused=""))
    return record


def refuse(site: Site, ivoid: str, *, who: str) -> Held:
    """Leave the record as it is; the same change is not held again. Raises NothingHeld, Denied."""
    change = _held(site, ivoid)
    with site.database.write() as connection:
        rights.require_authority(connection, who, identifiers.parse_ivoid(change.ivoid).authority)
        connection.execute(delete(held_changes).where(held_changes.c.key == change.key))
        connection.execute(update(watches).where(watches.c.key == change.key).values(
            validators=change.validators, refused=change.digest))
    return change


def _held(site: Site, ivoid: str) -> Held:
    with site.database.read() as connection:
        change = held(connection, shelf.key_of(ivoid))
    if change is None:
        raise NothingHeld(f"No change of {ivoid} waits to be accepted; `registry api held` lists those that do.")
    return change


def _taken(site: Site, record: Record, refused: str, found: Found) -> list[str]:
    """What the documents say now becomes the record, or is held."""
    try:
        described = describing.described(site, Wish(key=record.ivoid.split("/", 3)[3]), found.capabilities, found.tableset)
    except (Refusal, xmlio.XmlRefused) as error:
        _failed(site, record.key, str(error))
        return []
    problems = [*found.problems, *described.notes]
    if described.mark in (record.digest, refused):
        _as_recorded(site, record.key, problems=problems, validators=found.validators)
        return []
    changes = comparing.changes(record.xml, described.xml)
    if any(one.removes for one in changes):
        _hold(site, record, described.mark, changes, found, described.xml)
        _write_down(site, record.key, problems=problems)
    else:
        why = " ".join(one.words for one in changes) or "its documents changed"
        publish.publish(site, described.xml, who=WHO, why=why[:500], expected=record.version)
        _as_recorded(site, record.key, problems=problems, validators=found.validators)
    _log.info("%s: its documents changed: %s", record.ivoid, " ".join(one.words for one in changes))
    return [one.words for one in changes]


def _hold(
    site: Site, record: Record, digest: str, changes: list[comparing.Change], found: Found, xml: bytes,
) -> None:
    with site.database.write() as connection:
        connection.execute(delete(held_changes).where(held_changes.c.key == record.key))
        connection.execute(insert(held_changes).values(
            key=record.key, ivoid=record.ivoid, at=clock.stamp(), based_on=record.version, digest=digest,
            changes=[one.words for one in changes], validators=dict(found.validators), xml=xml))


def _failed(site: Site, key: str, fault: str) -> None:
    _write_down(site, key, fault=fault)


def _as_recorded(site: Site, key: str, **values: Any) -> None:
    """The documents say what the record says, or what a person has refused: nothing waits."""
    with site.database.write() as connection:
        connection.execute(delete(held_changes).where(held_changes.c.key == key))
    _write_down(site, key, **values)


def _write_down(site: Site, key: str, *, fault: str = "", **values: Any) -> None:
    if "problems" in values:
        values["problems"] = list(dict.fromkeys(values["problems"]))[:MOST_PROBLEMS]
    with site.database.write() as connection:
        connection.execute(update(watches).where(watches.c.key == key).values(
            read=clock.stamp(), due=due_next(site), fault=fault[:2000], **values))


def _unchanged(
    fetcher: Fetcher, validators: Mapping[str, list[str]], credential: Mapping[str, str], home: str,
) -> bool:
    """Whether every document that was read is still what it was; each is asked for only if it has changed."""
    if not validators:
        return False
    for url, (etag, modified, digest) in validators.items():
        sent = {"Accept": "text/xml, application/xml, */*;q=0.5"}
        if importing.same_host(url, home):
            sent |= credential
        if etag:
            sent["If-None-Match"] = etag
        if modified:
            sent["If-Modified-Since"] = modified
        reply = fetcher.get(url, headers=sent)
        if reply.status != 304 and not (reply.status == 200 and _digest(reply) == digest):
            return False
    return True


def _digest(reply: Reply) -> str:
    return hashlib.sha256(reply.body).hexdigest()
