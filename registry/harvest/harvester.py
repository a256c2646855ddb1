"""Runs harvests: asks a source for its records, judges each, shelves it, and commits page by page.

It decides who may speak for which authority (STANDARDS: one registry per authority, ours never). The shelf's
own rules (who may replace whom) are the store's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, update

from registry import bell, clock
from registry.harvest import sources, store
from registry.harvest.client import Client, HarvestError, Query, TokenRefused
from registry.harvest.sources import Source
from registry.harvest.store import Problem, Run
from registry.records import authorities
from registry.records import store as shelf
from registry.site import Site
from registry.tables import sources as sources_table
from vosi import resource, xmlio
from vosi.identifiers import key
from vosi.oaipage import OaiItem, OaiPage

Progress = Callable[[Run], None]


class Cancelled(HarvestError):
    """A person stopped the run."""


def request(site: Site, source_id: int, who: str, *, full: bool = False) -> Run:
    """Ask the worker for a harvest of the source at once; an open one is given back instead. Raises SourceError."""
    with site.database.write() as connection:
        source = sources.get(connection, source_id)
        run = store.ask(connection, source, None if full else _from(source))
    site.bells.ring(bell.WORK)
    return run


def run(
    site: Site, run_id: int, lease: str, *, progress: Progress = lambda _: None, pause: Callable[[float], None] = time.sleep,
) -> Run | None:
    """Carry out the queued run to its end; None when another process has it. Never raises for what a server does."""
    with site.database.write() as connection:
        if not store.take(connection, run_id, lease):
            return None
        current = store.get(connection, run_id)
        source = sources.get(connection, current.source_id)
    client = Client(site.fetcher, source.url, pause=pause)
    try:
        managed = _introduce(site, source, client)
        _list(site, source, current, client, managed, progress)
    except Cancelled:
        return _end(site, current, store.CANCELLED, "A person stopped it.")
    except HarvestError as error:
        return _end(site, current, store.FAILED, str(error))
    return _end(site, current, store.COMPLETE)


def _introduce(site: Site, source: Source, client: Client) -> frozenset[str]:
    """The authorities (lower case) that the source may speak for, as its Identify says today."""
    page = client.identify()
    who = sources.identity(page, source.url)
    if source.registry and key(who.ivoid) != key(source.registry):
        raise HarvestError(
            f"{source.url} was the registry {source.registry} and now says it is {who.ivoid}: "
            "remove the source and add it again if that is right.")
    with site.database.write() as connection:
        connection.execute(update(sources_table).where(sources_table.c.id == source.id).values(
            managed_authorities=list(who.authorities), granularity=page.granularity))
        ours = authorities.ours(connection)
        return frozenset(name for name in who.authorities if name not in ours and _claimed(connection, name, who.ivoid))


def _claimed(connection: Connection, authority: str, registry: str) -> bool:
    """Whether `registry` manages `authority`; the first that claims it does."""
    holder = authorities.holder(connection, authority)
    if not holder:
        authorities.claim(connection, authority, registry, own=False)
    return holder in ("", registry.lower())


def _list(
    site: Site, source: Source, current: Run, client: Client, managed: frozenset[str], progress: Progress,
) -> None:
    query = Query(source.prefix, source.set_spec, current.from_)
    first, token = current.first_response or "", current.token or ""
    try:
        _pages(site, source, current, client.pages(query, token), managed, progress, first)
    except TokenRefused:
        if not token and not _seen_pages(site, current):
            raise
        # the list is read again from its beginning, with the same `from`: what is shelved already is no change
        _pages(site, source, current, client.pages(query), managed, progress, "")


def _pages(site, source, current, pages, managed, progress, first) -> None:  # type: ignore[no-untyped-def]
    for page in pages:
        first = first or page.response_date
        with site.database.write() as connection:
            counts, found = _shelve(site, connection, source, page, managed)
            kept = store.add_page(connection, current, counts, found, token=page.token or None,
                                  list_size=page.list_size, first_response=first)
            if not kept:
                raise Cancelled("cancelled")
            state = store.get(connection, current.id)
        progress(state)


def _seen_pages(site: Site, current: Run) -> bool:
    with site.database.read() as connection:
        return store.get(connection, current.id).pages > current.pages


def _shelve(
    site: Site, connection: Connection, source: Source, page: OaiPage, managed: frozenset[str],
) -> tuple[Counter[str], list[Problem]]:
    counts: Counter[str] = Counter()
    found: list[Problem] = []
    for item in page.items:
        outcome, reason = _judge(site, connection, source, item, managed)
        counts[outcome] += 1
        if outcome == "rejected":
            found.append(Problem(item.identifier, reason, item.record))
    return counts, found


def _judge(
    site: Site, connection: Connection, source: Source, item: OaiItem, managed: frozenset[str],
) -> tuple[str, str]:
    """What became of one record: one of store.COUNTS, and the reason of a rejection."""
    reason = _no_say(connection, item, managed)
    if reason:
        return "rejected", reason
    who = f"harvest:{source.name}"
    if item.deleted:
        return _bury(connection, item, source, who), ""
    if item.record is None:
        return "rejected", "The list holds its header but no record."
    try:
        kept, element = shelf.one_record(item.record)
    except xmlio.XmlRefused as error:
        return "rejected", str(error)
    inside = resource.summarise(element).ivoid
    if key(inside) != key(item.identifier):
        return "rejected", f"Its header names {item.identifier} and the record itself {inside or 'nothing'}."
    put = shelf.put_element(connection, site.schemas, kept, element, origin=shelf.HARVESTED, who=who, source_id=source.id)
    return ("rejected", put.reason) if put.outcome == shelf.REFUSED else (put.outcome, "")


def _no_say(connection: Connection, item: OaiItem, managed: frozenset[str]) -> str:
    """Why the source may not speak for this record; '' where it may."""
    authority = item.identifier.strip().lower().removeprefix("ivo://").split("/")[0].split("?")[0]
    if authority in managed:
        return ""
    if authority in authorities.ours(connection):
        return f"The authority {authority} is ours: nobody else's record of it is taken."
    holder = authorities.holder(connection, authority)
    return (f"The source does not manage the authority {authority or 'of no name'}"
            + (f", which {holder} does." if holder else " (it is not among its managedAuthority)."))


def _bury(connection: Connection, item: OaiItem, source: Source, who: str) -> str:
    old = shelf.get(connection, item.identifier)
    if old is None or old.deleted or old.source_id != source.id:
        return "unchanged"
    shelf.delete(connection, item.identifier, who=who, why="deleted at its registry")
    return "deleted"


def _end(site: Site, current: Run, state: str, message: str = "") -> Run:
    with site.database.write() as connection:
        return store.end(connection, current, state, message)


def _from(source: Source) -> str | None:
    """`from` of an incremental run: the last complete one's first responseDate less an overlap, as fine as the source."""
    if not source.since:
        return None
    try:
        since = clock.parse(source.since)
    except ValueError:
        return None
    if source.granularity == "YYYY-MM-DD":
        return clock.stamp(since - timedelta(days=1))[:10]
    return clock.stamp(since - timedelta(hours=1))
