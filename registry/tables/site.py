"""Values that the processes tell each other, and who did what."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from registry.tables.base import metadata, number

facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))
audit = Table(
    "audit", metadata, number(),
    Column("at", String, nullable=False, index=True),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
)
