"""Puts the projected rows of records into the tables `rr_*`, and takes them out. Called by the store alone."""

from __future__ import annotations

from lxml import etree
from sqlalchemy import Connection, delete, insert

from registry.records import projection
from registry.records.projection.values import Rows
from registry.tables import metadata

SHELF = "shelf"  # what a unit of work that changes records or authorities is alone in (`db.alone`)
TABLES = tuple(table for name, table in sorted(metadata.tables.items()) if name.startswith("rr_"))


class Pending:
    """Rows of one transaction's records that wait for `flush`: a statement per table instead of one per record.

    Whoever makes one flushes it before the transaction ends; until then no search finds its rows.
    """

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Rows]] = {}

    def drop(self, key: str) -> None:
        """Forget the rows of the record `key`, which comes a second time."""
        self._rows.pop(key, None)

    def add(self, key: str, rows: dict[str, Rows]) -> None:
        """Let the rows of the record `key` wait."""
        self._rows[key] = rows

    def flush(self, connection: Connection) -> None:
        """Write all that waits."""
        for table in TABLES:
            rows = [row for record in self._rows.values() for row in record.get(table.name, ())]
            if rows:
                connection.execute(insert(table), rows)
        self._rows.clear()


def clear(connection: Connection, key: str, pending: Pending | None = None) -> None:
    """Take out every row of the record `key`."""
    if pending:
        pending.drop(key)
    for table in TABLES:
        connection.execute(delete(table).where(table.c.ivoid == key))


def write(
    connection: Connection, key: str, element: etree._Element, harvested_from: str, pending: Pending | None = None,
) -> None:
    """Put in the rows of the record `element`, or let them wait; `clear` has been called before, or it is new."""
    rows = projection.rows(element, harvested_from)
    for table in rows.values():
        for row in table:
            row["ivoid"] = key  # whatever the record spells, it is found again under its key
    waiting = Pending() if pending is None else pending
    waiting.add(key, rows)
    if pending is None:
        waiting.flush(connection)
