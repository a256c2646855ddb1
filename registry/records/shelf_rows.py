"""Puts the projected rows of a record into the tables `rr_*`, and takes them out. Called by the store alone."""

from __future__ import annotations

from lxml import etree
from sqlalchemy import Connection, delete, insert

from registry.records import projection
from registry.tables import metadata

TABLES = tuple(table for name, table in sorted(metadata.tables.items()) if name.startswith("rr_"))


def clear(connection: Connection, key: str) -> None:
    """Take out every row of the record `key`."""
    for table in TABLES:
        connection.execute(delete(table).where(table.c.ivoid == key))


def write(connection: Connection, element: etree._Element, harvested_from: str) -> None:
    """Put in the rows of the record `element`; `clear` has been called before, or it is new."""
    for name, rows in projection.rows(element, harvested_from).items():
        if rows:
            connection.execute(insert(metadata.tables[name]), rows)
