"""Tries a source: its first page is fetched and judged as a harvest would, and nothing of it is kept.

What would become of each record is found out by shelving the page in a unit of work that is taken back: so a trial cannot
tell anything else than a harvest does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection

from registry.harvest import intake, sources
from registry.harvest.client import Client, Query
from registry.harvest.intake import Taken
from registry.harvest.sources import Source
from registry.harvest.store import COUNTS, REJECTED, Problem
from registry.harvest.tally import merged
from registry.records import authorities, store as shelf
from registry.site import Site
from vosi.oaipage import OaiPage


@dataclass(frozen=True)
class Trial:
    """What a harvest would make of a source's first page: how many records become what, and which would not be taken.

    `list_size` is the length of the whole list where the source says so, `pages` how many such pages that is; `faults` the
    most frequent ones, [words, how many, an ivoid] each.
    """

    source: str
    read: int
    counts: dict[str, int]
    list_size: int | None
    pages: int | None
    faults: list[list[object]]
    problems: tuple[Problem, ...]


class _TakenBack(Exception):  # noqa: N818 - no error: it ends the unit of work
    """The unit of work is not to be committed."""


def trial(site: Site, source: Source) -> Trial:
    """Fetch the source's first page, and say what a full harvest would make of it. Stores nothing. Raises HarvestError."""
    client = Client(site.fetcher, source.url, patience=site.settings.fetch_deadline)
    who = sources.identity(client.identify(), source.url)
    page = next(client.pages(Query(source.prefix, source.set_spec)))
    with site.database.read() as connection:
        before = intake.came_before(connection, source, page.items)
    judged = [intake.judge(site.schemas, item, before.get(shelf.key_of(item.identifier))) for item in page.items]
    taken = Taken()
    try:
        with site.database.write() as connection:
            taken = intake.shelve(connection, source, judged, _managed(connection, who))
            raise _TakenBack
    except _TakenBack:
        return _told(source, page, taken)


def _managed(connection: Connection, who: sources.Identity) -> frozenset[str]:
    """The authorities that the registry would speak for: those that nobody has claimed before it."""
    holders = {name: authorities.holder(connection, name) for name in who.authorities}
    return frozenset(name for name, holder in holders.items() if holder in ("", who.ivoid.lower()))


def _told(source: Source, page: OaiPage, taken: Taken) -> Trial:
    read = len(page.items)
    size = page.list_size if page.token else read
    counts = Counter(taken.counts)
    return Trial(
        source.name, read, {name: counts[name] for name in COUNTS}, size, -(-size // read) if size and read else None,
        merged([], taken.tally)[:10], tuple(one for one in taken.problems if one.kind == REJECTED))
