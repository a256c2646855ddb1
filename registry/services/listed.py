"""The list of endpoints as people and programs look through it, sorted and part by part; queries are answered in `query`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from registry.lists import Column, Listing, Narrow
from registry.services.find import Endpoint
from registry.services.health import rules


@dataclass(frozen=True)
class Line:
    """An endpoint and its place in the answer that it stands in, best first."""

    place: int
    endpoint: Endpoint


def lines(found: Iterable[Endpoint]) -> list[Line]:
    """The endpoints of an answer in their order."""
    return [Line(place, one) for place, one in enumerate(found, 1)]


SERVICES: Listing[Line] = Listing(
    "services",
    (
        Column("place", "Place", number=True, told=False),
        Column("ivoid", "Service", get=lambda row: row.endpoint.ivoid, searched=True),
        Column("title", "Title", get=lambda row: row.endpoint.title, searched=True),
        Column("standard_id", "Standard", get=lambda row: row.endpoint.standard_id, searched=True),
        Column("access_url", "Address", get=lambda row: row.endpoint.access_url, searched=True),
        Column("interface_type", "Interface", get=lambda row: row.endpoint.interface_type),
        Column("version", "Version", get=lambda row: row.endpoint.version),
        Column("state", "State", get=lambda row: row.endpoint.state),
        Column("zone", "Zone", get=lambda row: row.endpoint.zone),
    ),
    key="place", sort="place", limit=100,
    narrows=(
        Narrow("status", "State", lambda value, row: row.endpoint.state == value, rules.STATES),
    ),
)
