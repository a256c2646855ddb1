"""Sources from a Registry of Registries: every registry that it knows becomes one (Registry Interfaces 1.1 §4).

It keeps their vg:Registry records in its set ivoa_publishers. Each is asked who it is before it is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from registry.harvest import sources
from registry.harvest.client import Client, HarvestError, Query
from registry.records import authorities
from registry.records.store import key_of
from registry.site import Site
from vosi import namespaces as ns, resource, xmlio

PUBLISHERS = "ivoa_publishers"
ADDED, KNOWN, REFUSED = "added", "known", "refused"
_OAI, _TYPE = "oaihttp", f"{{{ns.XSI}}}type"

Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Publisher:
    """A publishing registry as its record tells of it; `url` is '' where that names no OAI-PMH address."""

    ivoid: str
    title: str
    url: str


@dataclass(frozen=True)
class Outcome:
    """What became of a publisher: ADDED or KNOWN as the source `name`, or REFUSED for a `reason`."""

    ivoid: str
    title: str
    url: str
    outcome: str
    name: str = ""
    reason: str = ""


def publishers(site: Site, url: str, *, set_spec: str = PUBLISHERS) -> Iterator[Publisher]:
    """The publishing registries that the Registry of Registries at `url` knows. Raises HarvestError."""
    for page in Client(site.fetcher, url).pages(Query(set_spec=set_spec)):
        for item in page.items:
            if item.record and not item.deleted and (found := _publisher(item.record)):
                yield found


def add_all(
    site: Site, url: str, *, interval: int | None = None, priority: int = 0, owner: str = "",
    progress: Progress = lambda done, words: None,
) -> list[Outcome]:
    """Make each of them a source; those that cannot be added stop nobody. Raises HarvestError for `url` itself."""
    outcomes = []
    for found in publishers(site, url):
        outcomes.append(add(site, found, interval=interval, priority=priority, owner=owner))
        progress(len(outcomes), found.ivoid)
    return outcomes


def add(
    site: Site, found: Publisher, *, interval: int | None = None, priority: int = 0, owner: str = "",
) -> Outcome:
    """Make one of them a source, or say why it cannot be one."""
    def outcome(state: str, name: str = "", reason: str = "") -> Outcome:
        return Outcome(found.ivoid, found.title, found.url, state, name, reason)

    if key_of(found.ivoid) == key_of(authorities.our_registry(site.settings.authority)):
        return outcome(KNOWN, reason="It is this registry itself.")
    with site.database.read() as connection:
        for source in sources.list_sources(connection):
            if key_of(source.registry) == key_of(found.ivoid) or source.url == found.url:
                return outcome(KNOWN, source.name)
    if not found.url:
        return outcome(REFUSED, reason="Its record names no OAI-PMH address (vg:Harvest with a vg:OAIHTTP interface).")
    try:
        made = sources.add(site, found.url, interval=interval, priority=priority, owner=owner, expected=found.ivoid)
    except HarvestError as error:
        return outcome(REFUSED, reason=str(error))
    return outcome(ADDED, made.name)


def _publisher(record: bytes) -> Publisher | None:
    """What a vg:Registry record says; none for any other record, or one that is no longer active."""
    try:
        element = xmlio.parse(record)
    except xmlio.XmlRefused:
        return None
    summary = resource.summarise(element)
    if not key_of(summary.ivoid) or not summary.type.endswith(":Registry") or summary.status not in ("", "active"):
        return None
    return Publisher(summary.ivoid, summary.title, next(_addresses(element), ""))


def _addresses(registry: etree._Element) -> Iterator[str]:
    """The OAI-PMH addresses of its harvesting capability, the standard ones first (VORegistry 1.1 §3.2)."""
    for role in ("std", None):
        for capability in registry.iterchildren("{*}capability"):
            if not _local(capability.get(_TYPE, "")).startswith("harvest"):
                continue
            for interface in capability.iterchildren("{*}interface"):
                if _local(interface.get(_TYPE, "")) == _OAI and (role is None or interface.get("role") == role):
                    yield from (text for url in interface.iterchildren("{*}accessURL")
                                if (text := (url.text or "").strip()))


def _local(type_: str) -> str:
    return type_.strip().rpartition(":")[2].lower()
