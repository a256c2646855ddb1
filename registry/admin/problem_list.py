"""The list of problems: its columns, and nothing of where they are gathered from, so that the command line loads it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry.lists import Column, Listing, Narrow

KINDS = (  # the most pressing first
    "program", "engine", "services down", "harvests", "quarantine", "conflicts", "held changes", "documents", "images",
    "repositories", "jobs in error", "runners elsewhere", "drafts", "records",
)
MOST = 1000  # of one kind


@dataclass(frozen=True)
class Line:
    """One problem, with its place among all."""

    place: int
    problem: Any  # registry.admin.problems.Problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self.problem, name)


def lines(kinds: Iterable[Any]) -> list[Line]:
    """Every problem of these kinds, in their order."""
    every = [one for kind in kinds for one in kind.problems]
    return [Line(place, one) for place, one in enumerate(every, 1)]


PROBLEMS: Listing[Line] = Listing(
    "problems",
    (
        Column("place", "Place", number=True, told=False),
        Column("kind", "Kind"),
        Column("subject", "What", searched=True),
        Column("words", "Why", searched=True),
        Column("since", "Since (UTC)"),
        Column("mend", "Mended at", sorts=False, get=lambda row: row.href),
        Column("raw", "As it is", sorts=False),
    ),
    key="place", sort="place", limit=100,
    narrows=(Narrow("kind", "Kind", lambda value, row: row.kind == value, KINDS),),
)
