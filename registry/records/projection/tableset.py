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
    + r"(?:<dataType([^<>]*>[^<]*)</dataType>\s*)?((?:<flag>[^<]*</flag>\s*)*)")

_MOST, _LONGEST = 8192, 1000  # columns that are remembered, bytes of one
_KNOWN: dict[frozenset[tuple[str | None, str]], dict[bytes, Row]] = {}


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
    ivoid, written = record.ivoid, _written(record, len(columns))
    if not written:
        return [(ivoid, index, *_walked(record, column)) for index, column in columns]
    known = _known(record)
    made = []
    for (index, column), one in zip(columns, written, strict=True):
        values = known.get(one)
        if values is None:
            values = _values(record, column, one)
            if len(one) < _LONGEST:
                known[one] = values
        made.append((ivoid, index, *values))
    return made


def _known(record: Record) -> dict[bytes, Row]:
    """The columns of other records whose prefixes mean the same as its: many a column comes again and again."""
    if sum(map(len, _KNOWN.values())) > _MOST:
        _KNOWN.clear()
    return _KNOWN.setdefault(frozenset(record.element.nsmap.items()), {})


def _written(record: Record, count: int) -> list[bytes]:
    """What is written of so many columns, up to their end tags; nothing where it must be looked at element by element."""
    xml = record.xml
    # without comments, CDATA and instructions every < begins a tag, and so each piece is a column of the tree
    if not record.declared_at_root or b"<!" in xml or b"<?" in xml or xml.count(b"<column") != count:
        return []
    *pieces, _ = xml.split(b"</column>")
    return [piece[piece.rfind(b"<column"):] for piece in pieces] if len(pieces) == count else []


def _values(record: Record, column: etree._Element, written: bytes) -> Row:
    """The row of a column, behind the number of its table."""
    said = _WRITTEN.fullmatch(written.decode())
    if not said or b"&" in written:  # the parser knows what these stand for
        return _walked(record, column)
    std, name, description, unit, ucd, utype, kind, flags = said.groups()
    return (clean(name), low(ucd), clean(unit), low(utype), flag(std),
            joined(column.iterchildren("{*}flag")) if flags else None, clean(description),
            *_kind(record, next(column.iterchildren("{*}dataType"), None) if kind else None))


def _walked(record: Record, column: etree._Element) -> Row:
    """`_values` of any column; its element is walked once."""
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
    return (clean(name), low(ucd), clean(unit), low(utype), flag(column.get("std")),
            joined(flags) if flags else None, clean(description), *_kind(record, kind))


def _kind(record: Record, kind: etree._Element | None) -> Row:
    return None if kind is None else record.type_of(kind), *data_type(kind)


def _place(tag: object) -> int | None:
    """The place of a child with that tag; namespaces do not count."""
    found = _PLACE_OF.get(tag)  # type: ignore[call-overload]
    return _PLACE_OF.get(local(tag)) if found is None else found
