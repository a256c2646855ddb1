"""The list of records as people look through it; drafts have a list of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select

from registry.lists import Column, Listing, Narrow, equal
from registry.records.store import ACTIVE, DELETED, DRAFT, FOREIGN_FILE, HARVESTED, INACTIVE, OWN, SHIPPED
from registry.tables import records

ANY = "any"
_SORTED = 100  # letters of a title that count for its place


@dataclass(frozen=True)
class Line:
    """What a list says of a record; `faults` counts what is wrong by the schemas, `valid_in` names the one it keeps to."""

    ivoid: str
    title: str
    type: str
    status: str
    origin: str
    datestamp: str
    updated: str
    valid_in: str
    managed: bool
    faults: int


def _query() -> Select[Any]:
    column = records.c
    return select(
        column.ivoid, column.title, column.type, column.status, column.origin, column.datestamp, column.updated,
        column.profile, column.managed, column.problems).where(column.status != DRAFT)


def _line(row: Row[Any]) -> Line:
    return Line(row.ivoid, row.title, row.type, row.status, row.origin, row.datestamp, row.updated, row.profile,
                row.managed, len(row.problems))


def _broken(value: str) -> ColumnElement[bool] | None:
    """Those that break the schemas, or those that keep to one."""
    if not value:
        return None
    return and_(records.c.profile == "", records.c.status != DELETED) if value == "yes" else records.c.profile != ""


RECORDS: Listing[Line] = Listing(
    "records",
    (
        Column("ivoid", "Identifier", records.c.key, searched=True, get=lambda row: row.ivoid),
        Column("title", "Title", func.lower(func.substr(records.c.title, 1, _SORTED)), searched=True, text=records.c.title,
               get=lambda row: row.title),
        Column("type", "Type", records.c.type),
        Column("status", "State", records.c.status),
        Column("origin", "Origin", records.c.origin),
        Column("datestamp", "Changed (UTC)", records.c.datestamp),
        Column("updated", "Updated by its author", records.c.updated),
        Column("valid_in", "Valid in", sorts=False),
        Column("managed", "Ours to offer", sorts=False),
        Column("faults", "Faults", sorts=False),
    ),
    key="ivoid", sort="ivoid", query=_query, make=_line,
    narrows=(
        Narrow("origin", "Origin", equal(records.c.origin), (OWN, HARVESTED, FOREIGN_FILE, SHIPPED)),
        Narrow("type", "Type", lambda value: func.lower(records.c.type) == value.lower() if value else None,
               labels={"": "vs:CatalogService"}),
        Narrow("authority", "Authority",
               lambda value: records.c.authority == value.lower().removeprefix("ivo://") if value else None),
        Narrow("status", "State", lambda value: records.c.status == value if value != ANY else None,
               (ANY, ACTIVE, INACTIVE, DELETED), standing=ANY),
        Narrow("faults", "Faults", _broken, ("yes", "no"), labels={"yes": "with faults", "no": "without"}),
    ),
)
