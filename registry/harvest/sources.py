"""The registries we harvest: add, list, pause, remove. It runs no harvest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree
from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry import clock
from registry.harvest.client import Client, HarvestError
from registry.site import Site
from registry.tables import harvest_problems, harvest_runs, records, sources
from vosi import resource, xmlio
from vosi.identifiers import key
from vosi.oaipage import OaiPage


@dataclass(frozen=True)
class Source:
    """One registry that we harvest; `interval` in seconds, `since` the responseDate the next run goes back to."""

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
    since: str | None
    next_run: str


@dataclass(frozen=True)
class Identity:
    """What a registry says of itself in Identify: its record's ivoid, title and managed authorities (lower case)."""

    ivoid: str
    title: str
    authorities: tuple[str, ...]


class SourceError(HarvestError):
    """The source cannot be added or found; the message is one sentence."""


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
        raise SourceError(f"There is no source {name}; `registry harvest status` lists them.")
    return _source(row)


def add(site: Site, url: str, *, name: str = "", set_spec: str = "ivo_managed", interval: int | None = None) -> Source:
    """Ask who answers at `url`, and keep it as a source; its first harvest is due at once.

    Raises SourceError or HarvestError: nobody answers, no OAI-PMH, no registry record, our own, known already.
    """
    url = url.strip().split("?verb=")[0]
    client = Client(site.fetcher, url)
    page = client.identify()
    who = identity(page, url)
    if "ivo_vor" not in client.formats():
        raise SourceError(f"{url} does not offer ivo_vor, the form in which registries exchange VOResource records.")
    if key(who.ivoid) == key(f"ivo://{site.settings.authority}/registry"):
        raise SourceError(f"{url} is this registry itself: give another registry's address.")
    values = {
        "name": name or _name(who), "url": url, "registry": who.ivoid, "managed_authorities": list(who.authorities),
        "set_spec": set_spec, "prefix": "ivo_vor", "granularity": page.granularity, "paused": False,
        "interval": interval or site.settings.harvest_interval, "next_run": clock.stamp(), "created": clock.stamp(),
    }
    try:
        with site.database.write() as connection:
            number = connection.execute(insert(sources).values(values)).inserted_primary_key[0]
            return get(connection, number)
    except IntegrityError:
        raise SourceError(f"The source {values['name']} ({url}) is here already: `registry harvest run` harvests it.") from None


def identity(page: OaiPage, url: str) -> Identity:
    """Whose registry record Identify carries (Registry Interfaces 1.1 §3.1.1). Raises SourceError."""
    for description in page.descriptions:
        try:
            element = xmlio.parse(description)
        except xmlio.XmlRefused:
            continue
        summary = resource.summarise(element)
        if summary.ivoid and summary.type.endswith(":Registry"):
            return Identity(summary.ivoid, summary.title, managed_authorities(element))
    raise SourceError(
        f"{url} answers Identify without its registry record (vg:Registry): "
        "it cannot be told which authorities it speaks for."
    )


def managed_authorities(element: etree._Element) -> tuple[str, ...]:
    """The authorities that a vg:Registry record claims, lower case (VORegistry 1.0 §3.1)."""
    found = (str(child.text or "").strip().lower().removeprefix("ivo://") for child in element.iterfind("managedAuthority"))
    return tuple(dict.fromkeys(name for name in found if name))


def pause(connection: Connection, name: str, paused: bool) -> Source:
    """Stop harvesting a source by the clock, or go on. Raises SourceError."""
    source = get(connection, name)
    connection.execute(update(sources).where(sources.c.id == source.id).values(paused=paused))
    return get(connection, source.id)


def remove(connection: Connection, name: str) -> Source:
    """Forget a source and its history; its records stay, as coming from a file. Raises SourceError."""
    source = get(connection, name)
    connection.execute(update(records).where(records.c.source_id == source.id).values(
        source_id=None, origin="foreign-file"))
    runs = select(harvest_runs.c.id).where(harvest_runs.c.source_id == source.id)
    connection.execute(delete(harvest_problems).where(harvest_problems.c.run_id.in_(runs)))
    connection.execute(delete(harvest_runs).where(harvest_runs.c.source_id == source.id))
    connection.execute(delete(sources).where(sources.c.id == source.id))
    return source


def _name(who: Identity) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", who.ivoid.lower().removeprefix("ivo://").removesuffix("/registry")).strip("-")


def _source(row: Row[Any]) -> Source:
    values = {name: getattr(row, name) for name in Source.__dataclass_fields__}
    return Source(**{**values, "managed_authorities": tuple(values["managed_authorities"])})
