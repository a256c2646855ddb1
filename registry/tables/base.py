"""What all tables share: the one MetaData, and columns and indexes that several have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData

metadata = MetaData()


def number() -> Column[int]:
    """The row's own number, which the database gives."""
    # rows that are written anew with every projection use up 31 bits in a few years
    return Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True)


def by_value(column: Column[Any]) -> Index:
    """Find rows by a text of any length: a hash, since PostgreSQL's trees refuse values of more than 2,704 bytes."""
    return Index(f"{column.table.name}_by_{column.name}", column, postgresql_using="hash")
