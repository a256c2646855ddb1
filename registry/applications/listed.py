"""The lists of applications on offer and of images that were seen, as people look through them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, func, select

from registry.applications import catalogue
from registry.applications.catalogue import Entry, Offer
from registry.applications.seen import DRAFT, STATES, Seen
from registry.lists import Asked, Column, Listing, Narrow, Page, equal, page_of
from registry.site import Site
from registry.tables import repository_images as images

ANY = "any"


@dataclass(frozen=True)
class Line:
    """An offer and its place among all, which are in the order of their identifiers, newest version first."""

    offer: Offer
    refusal: str
    place: str


def lines(site: Site) -> list[Line]:
    """Every offer; asks no repository and reads no contract."""
    with site.database.read() as connection:
        every = catalogue.offers(connection)
    versions: Counter[str] = Counter()
    found = []
    for one in every:
        versions[one.ivoid] += 1
        found.append(Line(one, catalogue.refusal(site, one), f"{one.ivoid.lower()}#{versions[one.ivoid]:05d}"))
    return found


def entries(site: Site, asked: Asked) -> tuple[Page[Line], list[Entry]]:
    """The page that is asked for, and what is known of the offers on it."""
    page = page_of(lines(site), asked)
    return page, catalogue.entries(site, [one.offer for one in page.rows])


def _query() -> Select[Any]:
    return select(images)


def _seen(row: Row[Any]) -> Seen:
    return Seen(**{name: getattr(row, name) for name in Seen.__dataclass_fields__})


APPLICATIONS: Listing[Line] = Listing(
    "applications",
    (
        Column("identifier", "Identifier", told=False, get=lambda row: row.place),
        Column("ivoid", "Identifier", get=lambda row: row.offer.ivoid, sorts=False),
        Column("app", "Application", get=lambda row: row.offer.name, searched=True),
        Column("title", "Title", get=lambda row: row.offer.title, searched=True),
        Column("version", "Version", get=lambda row: row.offer.version, sorts=False),
        Column("image", "Image", get=lambda row: row.offer.image, searched=True),
        Column("publisher", "Vouched for by", get=lambda row: row.offer.publisher_authority, searched=True),
        Column("origin", "Origin", get=lambda row: row.offer.record_origin),
        Column("refusal", "Why it does not run here"),
    ),
    key="identifier", sort="identifier", limit=25,
    narrows=(
        Narrow("publisher", "Vouched for by", lambda value, row: row.offer.publisher_authority == value.lower()),
        Narrow("runs", "Runs here", lambda value, row: (not row.refusal) == (value == "yes"), ("yes", "no")),
    ),
)
IMAGES: Listing[Seen] = Listing(
    "images",
    (
        Column("reference", "Image", images.c.reference, searched=True),
        Column("host", "Repository", images.c.host),
        Column("tag", "Tag", images.c.tag),
        Column("state", "State", images.c.state),
        Column("title", "Title", func.lower(images.c.title), searched=True, text=images.c.title, get=lambda row: row.title),
        Column("ivoid", "Application", images.c.ivoid),
        Column("version", "Version", images.c.version, sorts=False),
        Column("seen", "Seen (UTC)", images.c.seen),
        Column("who", "Put up by", images.c.who, sorts=False),
        Column("decided", "Decided (UTC)", images.c.decided),
        Column("decider", "By", images.c.decider),
        Column("reason", "Why", images.c.reason, sorts=False, searched=True),
    ),
    key="reference", sort="reference", limit=100, query=_query, make=_seen,
    narrows=(
        Narrow("state", "State", lambda value: images.c.state == value if value != ANY else None, (*STATES, ANY), standing=ANY,
               labels={DRAFT: "waiting"}),
        Narrow("host", "Repository", lambda value: equal(images.c.host)(value.lower())),
    ),
)
# the same, those that wait for a person unless somebody asks for others
WAITING = replace(IMAGES, narrows=(replace(IMAGES.narrows[0], standing=DRAFT), *IMAGES.narrows[1:]))
