"""Runs harvests: asks a source for its records, judges each, shelves it, and commits page by page.

A page's records, its resumption token and its counts commit together, so that a run that broke off anywhere goes
on from its last page. What is taken of a page is `intake`'s to say, which run is next `schedule`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, update

from registry import bell, clock
from registry.db import alone
from registry.errors import Conflict
from registry.harvest import ahead, changes, intake, kept, seen, sources, store
from registry.harvest.client import ArgumentRefused, Client, HarvestError, Interrupted, Query, TokenRefused
from registry.harvest.intake import Judged
from registry.harvest.kept import Kept
from registry.harvest.sources import Source
from registry.harvest.store import Problem, Run
from registry.records import authorities, collecting, store as shelf
from registry.records.shelf_rows import SHELF
from registry.site import Site
from registry.tables import sources as sources_table
from vosi.oaipage import OaiPage

HARVESTS = "harvests"  # the bell that is rung with every page and at the end of a run
Progress = Callable[[Run], None]
_MANY = 100  # records of a page, beyond which storing it is a large unit of work
_DAY = len("YYYY-MM-DD")
_CANCELLED = "It was cancelled."


class OthersFirst(Interrupted):
    """It has had its time, and goes on when others have had theirs."""


class NotHeld(Conflict):
    """The run does not wait for a person's word."""


class NothingToStop(Conflict):
    """No harvest of the source is under way."""


class Cancelled(HarvestError):
    """A person stopped the run, or another process has it."""


def request(site: Site, source_id: int, who: str, *, full: bool = False, accept_loss: bool = False) -> Run:
    """Ask the worker for a harvest of the source at once; an open one is given back instead. Raises SourceError."""
    with site.database.write() as connection:
        run = ask(connection, source_id, full=full, who=who, accept_loss=accept_loss)
    site.bells.ring(bell.WORK)
    return run


def ask(
    connection: Connection, source_id: int, *, full: bool = False, who: str = "", accept_loss: bool = False,
) -> Run:
    """Put a harvest of the source into the queue, or give back the open one. Raises SourceError.

    With `accept_loss` a full one deletes whatever is missing from its list, however much that is.
    """
    alone(connection, sources.HARVESTS)
    source = sources.get(connection, source_id)
    return store.ask(connection, source, None if full else _from(source), afresh=full, who=who, accept_loss=accept_loss)


def cancel(site: Site, source_id: int, who: str) -> Run:
    """Stop the open run of the source behind the page it is at; the next goes on from there. Raises NothingToStop."""
    with site.database.write() as connection:
        alone(connection, SHELF)
        last = next(iter(store.runs(connection, source_id, limit=1)), None)
        if last is None or last.state not in (store.QUEUED, store.RUNNING):
            raise NothingToStop("There is no harvest of it under way.")
        done = store.end(connection, last, store.CANCELLED, f"{who} stopped it.")
    site.bells.ring(HARVESTS)
    return done


def run(
    site: Site, run_id: int, lease: str, *,
    progress: Progress = lambda _: None, pause: Callable[[float], None] = time.sleep,
) -> Run | None:
    """Carry out the queued run to its end; None when another process has it, or its source has been removed.

    Never raises for what a server does. The caller holds `lease` (see `lease.held`) for as long as this takes.
    """
    try:
        return _run(site, run_id, lease, progress, pause)
    except store.NoRun:
        return None


def _run(
    site: Site, run_id: int, lease: str, progress: Progress, pause: Callable[[float], None],
) -> Run | None:
    with site.database.write() as connection:
        if not store.take(connection, run_id, lease):
            return None
        current = store.get(connection, run_id)
        source = sources.get(connection, current.source_id)
    pages = kept.of_run(site, run_id)
    client = Client(pages, source.url, pause=pause, patience=site.settings.fetch_deadline)
    try:
        source, managed = _introduce(site, source, current, client)
        _list(site, source, current, client, managed, progress, pages)
        ended = _complete(site, source, current)
    except Cancelled:
        with site.database.read() as connection:
            return store.get(connection, run_id)
    except Interrupted as error:
        with site.database.write() as connection:
            ended = store.interrupt(connection, current, str(error), error.retry_after)
            if not isinstance(error, OthersFirst):
                changes.note(connection, site, ended)
    except HarvestError as error:
        ended = _end(site, current, store.FAILED, str(error))
    finally:
        pages.clear()
    site.bells.ring(HARVESTS)
    return ended


def _introduce(site: Site, source: Source, current: Run, client: Client) -> tuple[Source, frozenset[str]]:
    """The source and the authorities (lower case) that it may speak for, as its Identify says today."""
    page = client.identify()
    who = sources.identity(page, source.url)
    if source.registry and shelf.key_of(who.ivoid) != shelf.key_of(source.registry):
        raise HarvestError(
            f"{source.url} was the registry {source.registry} and now says it is {who.ivoid}: "
            "remove the source and add it again if that is right.")
    with site.database.write() as connection:
        _hold(connection, current)
        connection.execute(update(sources_table).where(sources_table.c.id == source.id).values(
            managed_authorities=list(who.authorities), granularity=page.granularity))
        authorities.release(connection, who.ivoid, keep=who.authorities)
        holders = {name: _holder(connection, name, who.ivoid) for name in who.authorities}
        store.add_problems(connection, current, [
            Problem("", f"It claims the authority {name}, which {holder} manages: its records of it are not taken.",
                    kind=store.CONFLICT)
            for name, holder in holders.items() if holder != who.ivoid.lower()])
        managed = frozenset(name for name, holder in holders.items() if holder == who.ivoid.lower())
        return sources.get(connection, source.id), managed


def _holder(connection: Connection, authority: str, registry: str) -> str:
    """The registry (lower case) that manages `authority`: the first that claims it does."""
    holder = authorities.holder(connection, authority)
    if not holder:
        authorities.claim(connection, authority, registry, own=False)
    return holder or registry.lower()


def _list(
    site: Site, source: Source, current: Run, client: Client, managed: frozenset[str], progress: Progress, pages: Kept,
) -> None:
    if current.read:  # the process that had it before came to its end, and no further
        return
    from_ = current.from_[:10] if current.from_ and source.granularity == "YYYY-MM-DD" else current.from_
    query = Query(source.prefix, source.set_spec, from_)
    first, token = current.first_response or "", current.token or ""
    try:
        _pages(site, source, current, client.pages(query, token), managed, progress, first, pages)
    except TokenRefused:
        if not token and not _seen_pages(site, current):
            raise
        # the list is read again from its beginning, with the same `from`: what is shelved already is no change
        pages.clear()
        _pages(site, source, current, client.pages(query), managed, progress, "", pages)
    except ArgumentRefused as error:
        if token or not from_ or len(from_) == _DAY or _seen_pages(site, current):
            raise
        _tell_of_days(site, current, str(error))
        _pages(site, source, current, client.pages(replace(query, from_=from_[:_DAY])), managed, progress, "", pages)


def _tell_of_days(site: Site, current: Run, refusal: str) -> None:
    """Note that the source refuses the form of its own dates: by whole days every server can be asked (OAI-PMH 2.0 §3.3.1)."""
    words = f"{refusal.rstrip('.')}: its list was asked for by whole days, though its Identify says that it knows seconds."
    with site.database.write() as connection:
        _hold(connection, current)
        store.add_problems(connection, current, [Problem("", words, kind=store.FLAGGED)])


def _pages(
    site: Site, source: Source, current: Run, pages: Iterator[OaiPage], managed: frozenset[str], progress: Progress,
    first: str, keep: Kept,
) -> None:
    asked, began = clock.stamp(), time.monotonic()
    with closing(ahead.read(site, source, pages, keep)) as read:
        for page, judged in read:
            if page.token is None and not first:  # a first page without a token is the list
                page = replace(page, list_size=len(page.items))
            first = first or _dated(page, asked)
            progress(_shelve(site, source, current, page, judged, managed, first))
            if page.token and time.monotonic() - began > site.settings.harvest_deadline:
                raise OthersFirst(f"It had not ended after {site.settings.harvest_deadline} s: others come first, and it "
                                  "goes on later.")
            del page, judged  # they are large, and the next may take its time


def _shelve(
    site: Site, source: Source, current: Run, page: OaiPage, judged: Iterable[Judged], managed: frozenset[str], first: str,
) -> Run:
    """Store one page with all that is known by it; gives the run as it is now. Raises Cancelled."""
    many = len(page.items) > _MANY
    with collecting.put_off() if many else nullcontext(), site.database.write(large=many) as connection:
        _hold(connection, current)
        taken = intake.shelve(connection, source, judged, managed, current.id)
        ours = store.add_page(connection, current, taken.counts, taken.problems, token=page.token or None,
                              list_size=page.list_size, first_response=first, tally=taken.tally,
                              ivoids=[item.identifier for item in page.items])
        if not ours:
            raise Cancelled(_CANCELLED)
        state = store.get(connection, current.id)
    site.bells.ring(HARVESTS)
    return state


def _hold(connection: Connection, current: Run) -> None:
    """Raises Cancelled where the run is no longer ours; else its source stays until the unit of work ends."""
    if not store.holds(connection, current):
        raise Cancelled(_CANCELLED)


def _seen_pages(site: Site, current: Run) -> bool:
    with site.database.read() as connection:
        return store.get(connection, current.id).pages > current.pages


def _dated(page: OaiPage, asked: str) -> str:
    """What the next incremental goes on from: the source's own date, but no later than when it was asked by our clock.

    A source whose clock is ahead of ours would else be asked for nothing until ours is there.
    """
    try:
        return min(clock.stamp(clock.parse(page.response_date)), asked)
    except (ValueError, OverflowError):
        return asked


def _complete(site: Site, source: Source, current: Run) -> Run:
    """End a run whose list has been read: what a full one no longer holds is deleted, unless that is too much."""
    if not current.full:
        return _end(site, current, store.COMPLETE)
    with site.database.read() as connection:
        missing, here = seen.missing(connection, source, current.id)
    if missing and not current.accept_loss and len(missing) > here * site.settings.harvest_loss / 100:
        with site.database.write() as connection:
            _hold(connection, current)
            store.count_missing(connection, current, len(missing), 0)
        return _end(site, current, store.HELD, (
            f"{len(missing)} of its {here} records are missing from its list, which is more than the "
            f"{site.settings.harvest_loss} % that are deleted without a person's word: none is. If they are gone, "
            "accept the loss."))
    _delete(site, source, current, missing)
    return _end(site, current, store.COMPLETE)


def _delete(site: Site, source: Source, current: Run, missing: list[str]) -> None:
    for start in range(0, len(missing), seen.AT_ONCE):
        with site.database.write() as connection:
            _hold(connection, current)
            gone = seen.bury(connection, source, missing[start:start + seen.AT_ONCE])
            store.count_missing(connection, current, len(missing), gone)


def accept_loss(site: Site, run_id: int, who: str) -> Run:
    """Delete what was missing from the list of a run that is held, and is missing still. Raises NoRun, NotHeld."""
    with site.database.read() as connection:
        run = store.get(connection, run_id)
        if seen.held(connection, run.source_id, store.HELD) != run.id:
            raise NotHeld("This harvest does not wait for anybody's word: a newer one has taken its place.")
        source = sources.get(connection, run.source_id)
    lost, missing = 0, [""]
    while missing:
        with site.database.write() as connection:
            alone(connection, SHELF)
            missing, _ = seen.missing(connection, source, run.id)  # by now: some may have come again
            gone = seen.bury(connection, source, missing[:seen.AT_ONCE])
            lost += gone
            store.count_missing(connection, run, run.missing, gone)
            if not missing:
                done = store.released(connection, run, f"{who} accepted the loss of {lost} records.")
                changes.note(connection, site, done)
    site.bells.ring(HARVESTS)
    return done


def _end(site: Site, current: Run, state: str, message: str = "") -> Run:
    with site.database.write() as connection:
        ended = store.end(connection, current, state, message)
        changes.note(connection, site, ended)
        return ended


def _from(source: Source) -> str | None:
    """`from` of an incremental run: the first responseDate of the last complete one, less an overlap."""
    if not source.since:
        return None
    try:
        since = clock.parse(source.since)
    except ValueError:
        return None
    if source.granularity == "YYYY-MM-DD":
        return clock.stamp(since - timedelta(days=1))[:10]
    return clock.stamp(since - timedelta(hours=1))
