"""The audit trail for those who read it, as a list. What is written there, `registry.access` writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from registry.access import Entry
from registry.lists import Column, Listing, Narrow, equal
from registry.tables import audit


def actions(connection: Connection) -> list[str]:
    """The names of all that has been done."""
    return sorted(connection.execute(select(audit.c.action).distinct()).scalars())


def _query() -> Select[Any]:
    return select(audit)


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.at, row.who, row.action, row.subject, row.detail, row.id)


TRAIL: Listing[Entry] = Listing(
    "entries",
    (
        Column("id", "Number", audit.c.id, number=True),
        Column("at", "When (UTC)", audit.c.at),
        Column("who", "Who", audit.c.who),
        Column("action", "Did", audit.c.action),
        Column("subject", "To", audit.c.subject, searched=True),
        Column("detail", "Detail", audit.c.detail, sorts=False, searched=True),
    ),
    key="id", sort="-id", limit=100, query=_query, make=_entry,
    narrows=(
        Narrow("who", "Who", equal(audit.c.who)),
        Narrow("action", "Did", equal(audit.c.action)),
        Narrow("since", "Since (UTC)", lambda value: audit.c.at >= value if value else None, labels={"": "2026-11-24"}),
        Narrow("until", "Before (UTC)", lambda value: audit.c.at < value if value else None, labels={"": "2026-11-25"}),
    ),
)
