"""Rows of schemas, tables and columns (RegTAP 1.2 §8.6 to §8.8)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from registry.records.projection.capabilities import data_type
from registry.records.projection.values import (
    Part,
    Record,
    Row,
    Rows,
    clean,
    flag,
    joined,
    local,
    low,
    whole,
    whole_text,
)

# children of a column, and where their text stands among those that `_walked` gathers
_PLACE_OF = {"name": 0, "description": 1, "unit": 2, "ucd": 3, "utype": 4, "dataType": 5, "flag": 6}

# a column as nearly all are written: its children in the schema's order, nothing between them, nothing in them but text
_WRITTEN = re.compile(
    r'<column(?: std="([^"<]*)")?>\s*<name>([^<]*)</name>\s*' + "".join(
        rf"(?:<{name}>([^<]*)</{name}>\s*)?" for name in ("description", "unit", "ucd", "utype"))
    + r"(?:<dataType([^<>]*>[^<]*)</dataType>\s*)?((?:<flag>[^<]*</flag>\s*)*)</column>")


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_res_schema, rr_res_table and rr_table_column; indexes count from 1 in document order."""
    ivoid = record.ivoid
    schemas: Rows = []
    tables: Rows = []
    columns: list[tuple[int, etree._Element]] = []
    for tableset in record.parts("tableset"):
        for schema in tableset.parts("schema"):
            schemas.append(_schema(ivoid, len(schemas) + 1, schema))
            for table in schema.parts("table"):
                tables.append(_table(ivoid, len(schemas), len(tables) + 1, table))
                columns += [(len(tables), column) for column in table.all("column")]
    made = _columns(record, columns) if columns else []
    return {"rr_res_schema": schemas, "rr_res_table": tables, "rr_table_column": made}


def _schema(ivoid: str, index: int, schema: Part) -> Row:
    return (ivoid, index, schema.value("name"), schema.value("title"), schema.value("description"),
            low(schema.value("utype")))


def _table(ivoid: str, schema_index: int, index: int, table: Part) -> Row:
    return (
        ivoid, index, schema_index,
        table.value("name"),  # in its author's case (RegTAP 1.1 Erratum)
        table.value("title"), table.value("description"), low(table.element.get("type")), low(table.value("utype")),
        whole(table.value("nrows")),
    )


def _columns(record: Record, columns: Sequence[tuple[int, etree._Element]]) -> Rows:
    """A row for each; by their bytes where these say all, for columns are most of what there is."""
    written = _written(record, len(columns))
    if not written:
        return [_walked(record, index, column) for index, column in columns]
    seen: dict[str, Row] = {"": _kind(record, None)}  # the few types of data that come again and again
    flagged: dict[str, str | None] = {"": None}
    made = []
    for (index, column), one in zip(columns, written, strict=True):
        std, name, description, unit, ucd, utype, kind, flags = one
        if "&" in "".join(one):  # the parser knows what these stand for
            made.append(_walked(record, index, column))
            continue
        if kind not in seen:
            seen[kind] = _kind(record, next(column.iterchildren("{*}dataType"), None))
        if flags not in flagged:
            flagged[flags] = joined(column.iterchildren("{*}flag"))
        made.append((record.ivoid, index, clean(name), low(ucd), clean(unit), low(utype), flag(std), flagged[flags],
                     clean(description), *seen[kind]))
    return made


def _written(record: Record, count: int) -> list[tuple[str, ...]]:
    """What is written of so many columns; none where it must be looked at element by element."""
    xml = record.xml
    # without comments, CDATA and instructions every < begins a tag, and so each match is a column of the tree
    if not record.declared_at_root or b"<!" in xml or b"<?" in xml or xml.count(b"<column") != count:
        return []
    found = _WRITTEN.findall(xml.decode())
    return found if len(found) == count else []


def _walked(record: Record, table_index: int, column: etree._Element) -> Row:
    """The row of any column; its element is walked once."""
    texts: list[str | None] = [None, None, None, None, None]
    kind, flags = None, []
    for child in column:
        place = _place(child.tag)
        if place is None:
            continue
        if place == 5:
            kind = child if kind is None else kind
        elif place == 6:
            flags.append(child)
        elif texts[place] is None:
            texts[place] = whole_text(child) or ""
    name, description, unit, ucd, utype = texts
    return (record.ivoid, table_index, clean(name), low(ucd), clean(unit), low(utype), flag(column.get("std")),
            joined(flags) if flags else None, clean(description), *_kind(record, kind))


def _kind(record: Record, kind: etree._Element | None) -> Row:
    return None if kind is None else record.type_of(kind), *data_type(kind)


def _place(tag: object) -> int | None:
    """The place of a child with that tag; namespaces do not count."""
    found = _PLACE_OF.get(tag)  # type: ignore[call-overload]
    return _PLACE_OF.get(local(tag)) if found is None else found
