"""The registries we harvest: add, list, pause, remove. It runs no harvest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry import clock
from registry.db import alone
from registry.harvest.client import Client, HarvestError, Query
from registry.records import authorities
from registry.records.ready import LONGEST_NAME
from registry.records.shelf_rows import SHELF
from registry.records.store import FOREIGN_FILE, key_of
from registry.site import Site
from registry.tables import (
    harvest_changes,
    harvest_problems,
    harvest_runs,
    harvest_seen,
    quarantine,
    records,
    sources,
)
from vosi import resource, xmlio
from vosi.oaipage import OaiPage

MANAGED, VOR = "ivo_managed", "ivo_vor"  # what is asked for unless somebody says otherwise
HARVESTS = "harvests"  # what a unit of work that adds or removes sources, or asks for runs, is alone in (`db.alone`)


@dataclass(frozen=True)
class Source:
    """One registry that we harvest; `interval` in seconds, `since` the responseDate the next run goes back to.

    `owner` is the account that looks after it; `health` says how its last run went: '', ok, failing or held.
    """

    id: int
    name: str
    url: str
    registry: str
    managed_authorities: tuple[str, ...]
    set_spec: str
    prefix: str
    granularity: str
    interval: int
    paused: bool
    priority: int
    owner: str
    since: str | None
    last_full: str | None
    next_run: str
    health: str


@dataclass(frozen=True)
class Identity:
    """What a registry says of itself in Identify: its record's ivoid, title and managed authorities (lower case)."""

    ivoid: str
    title: str
    authorities: tuple[str, ...]


class SourceError(HarvestError):
    """The source cannot be added or found; the message is one sentence."""


class NoSource(SourceError):
    """There is no source of that name."""

    status = 404


@dataclass(frozen=True)
class Look:
    """What a registry offers, seen without taking anything: `taken` maps authorities of others to their registries.

    `set_spec` is the set that was looked into, by default ivo_managed where it has that. `size` is the length of that
    list where it says so; `read` and `invalid` count its first page's.
    """

    identity: Identity
    granularity: str
    deleted_record: str
    formats: tuple[str, ...]
    sets: tuple[str, ...]
    set_spec: str
    taken: dict[str, str]
    size: int | None
    read: int
    invalid: int


def list_sources(connection: Connection) -> list[Source]:
    """All sources, by name."""
    return [_source(row) for row in connection.execute(select(sources).order_by(sources.c.name))]


def get(connection: Connection, name: str | int) -> Source:
    """The source of that name, address or number. Raises SourceError."""
    column = sources.c.id if isinstance(name, int) else sources.c.name
    row = connection.execute(select(sources).where(column == name)).first()
    if row is None and isinstance(name, str):
        row = connection.execute(select(sources).where(sources.c.url == name)).first()
    if row is None:
        raise NoSource(f"There is no source {name}; `registry harvest status` lists them.")
    return _source(row)


def add(
    site: Site, url: str, *, name: str = "", set_spec: str = MANAGED, interval: int | None = None,
    prefix: str = VOR, priority: int = 0, owner: str = "", expected: str = "", later: bool = False,
) -> Source:
    """Ask who answers at `url`, and keep it as a source; its first harvest is due at once, or `later` after an interval.

    `expected` is who it is said to be, where somebody has said so. Raises SourceError or HarvestError: nobody answers,
    no OAI-PMH, no registry record, our own, known already.
    """
    url = url.strip().split("?verb=")[0]
    client = Client(site.fetcher, url)
    page = client.identify()
    who = identity(page, url)
    if expected and key_of(who.ivoid) != key_of(expected):
        raise SourceError(f"{url} is said to be {expected}, and says itself that it is {who.ivoid}.")
    _offers(url, client.formats(), prefix)
    if key_of(who.ivoid) == key_of(authorities.our_registry(site.settings.authority)):
        raise SourceError(f"{url} is this registry itself: give another registry's address.")
    every = interval or site.settings.harvest_interval
    values = {
        "name": name or _name(who), "url": url, "registry": who.ivoid, "managed_authorities": list(who.authorities),
        "set_spec": set_spec, "prefix": prefix, "granularity": page.granularity, "paused": False,
        "priority": priority, "owner": owner,
        "interval": every, "next_run": clock.stamp(clock.later(every if later else 0)), "created": clock.stamp(),
    }
    try:
        with site.database.write() as connection:
            alone(connection, HARVESTS)
            same = next((one for one in list_sources(connection) if key_of(one.registry) == key_of(who.ivoid)), None)
            if same:
                raise SourceError(f"{who.ivoid} is harvested already, as {same.name} from {same.url}.")
            number = connection.execute(insert(sources).values(values).returning(sources.c.id)).scalar_one()
            return get(connection, number)
    except IntegrityError:
        raise SourceError(f"There is a source {values['name']} or {url} already: give another name.") from None


def look(site: Site, url: str, *, set_spec: str | None = None, prefix: str = VOR) -> Look:
    """Ask a registry who it is and for its first page of records; stores nothing. Raises SourceError, HarvestError."""
    client = Client(site.fetcher, url)
    page = client.identify()
    who = identity(page, url)
    formats = client.formats()
    _offers(url, formats, prefix)
    sets = _sets(client)
    spec = set_spec if set_spec is not None else MANAGED if MANAGED in sets or not sets else ""
    first = next(client.pages(Query(prefix, spec)))
    records_read = [item.record for item in first.items if item.record]
    with site.database.read() as connection:
        holders = {name: authorities.holder(connection, name) for name in who.authorities}
    return Look(
        who, page.granularity, page.deleted_record, formats, sets, spec,
        {name: holder for name, holder in holders.items() if holder not in ("", who.ivoid.lower())},
        first.list_size if first.token else len(first.items), len(first.items),
        sum(not _valid(site, record) for record in records_read))


def _offers(url: str, formats: tuple[str, ...], prefix: str) -> None:
    if prefix not in formats:
        raise SourceError(f"{url} does not offer {prefix}, the form in which registries exchange VOResource records: "
                          f"it has {', '.join(formats) or 'none'}.")


def _sets(client: Client) -> tuple[str, ...]:
    try:
        return client.sets()
    except HarvestError:  # there are registries without any
        return ()


def _valid(site: Site, record: bytes) -> bool:
    try:
        return site.schemas.validate_any(xmlio.parse(record))[0] is not None
    except xmlio.XmlRefused:
        return False


def identity(page: OaiPage, url: str) -> Identity:
    """Whose registry record Identify carries (Registry Interfaces 1.1 §3.1.1). Raises SourceError."""
    for description in page.descriptions:
        try:
            element = xmlio.parse(description)
        except xmlio.XmlRefused:
            continue
        summary = resource.summarise(element)
        if key_of(summary.ivoid) and summary.type.endswith(":Registry"):
            claimed = (name.strip().lower() for name in authorities.listed(element))
            legal = (name for name in claimed if key_of(f"ivo://{name}") and len(name) <= LONGEST_NAME)
            return Identity(summary.ivoid, summary.title, tuple(dict.fromkeys(legal)))
    raise SourceError(
        f"{url} answers Identify without its registry record (vg:Registry): "
        "it cannot be told which authorities it speaks for."
    )


def pause(connection: Connection, name: str, paused: bool) -> Source:
    """Stop harvesting a source by the clock, or go on. Raises SourceError."""
    source = get(connection, name)
    connection.execute(update(sources).where(sources.c.id == source.id).values(paused=paused))
    return get(connection, source.id)


def change(connection: Connection, name: str, **values: Any) -> Source:
    """Change interval, set_spec, priority or owner of a source. Raises SourceError."""
    source = get(connection, name)
    if values:
        connection.execute(update(sources).where(sources.c.id == source.id).values(values))
    if "set_spec" in values and values["set_spec"] != source.set_spec:  # another list: nothing of it has come yet
        connection.execute(update(sources).where(sources.c.id == source.id).values(since=None, last_full=None))
    return get(connection, source.id)


def remove(connection: Connection, name: str) -> Source:
    """Forget a source, its history and its claims; its records stay, as coming from a file. Raises SourceError."""
    alone(connection, HARVESTS)
    alone(connection, SHELF)
    source = get(connection, name)
    connection.execute(update(records).where(records.c.source_id == source.id).values(
        source_id=None, origin=FOREIGN_FILE))
    authorities.release(connection, source.registry)
    runs = select(harvest_runs.c.id).where(harvest_runs.c.source_id == source.id)
    connection.execute(delete(harvest_problems).where(harvest_problems.c.run_id.in_(runs)))
    connection.execute(delete(harvest_seen).where(harvest_seen.c.run_id.in_(runs)))
    for table in (quarantine, harvest_changes):
        connection.execute(delete(table).where(table.c.source_id == source.id))
    connection.execute(delete(harvest_runs).where(harvest_runs.c.source_id == source.id))
    connection.execute(delete(sources).where(sources.c.id == source.id))
    return source


def _name(who: Identity) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", who.ivoid.lower().removeprefix("ivo://").removesuffix("/registry")).strip("-")


def _source(row: Row[Any]) -> Source:
    values = {name: getattr(row, name) for name in Source.__dataclass_fields__}
    return Source(**{**values, "managed_authorities": tuple(values["managed_authorities"])})
