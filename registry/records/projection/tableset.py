"""Rows of schemas, tables and columns (RegTAP 1.2 §8.6 to §8.8)."""

from __future__ import annotations

import re
from contextlib import suppress

from lxml import etree

from registry.records.projection import written
from registry.records.projection.capabilities import data_type
from registry.records.projection.values import (
    Prefixes,
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

_TABLES = ("rr_res_schema", "rr_res_table", "rr_table_column")
_FLAG = re.compile("<flag>([^<]*)</flag>")
_MOST, _LONGEST = 8192, 1000  # columns that are remembered, bytes of one
_KNOWN: dict[Prefixes, dict[bytes, Row]] = {}


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_res_schema, rr_res_table and rr_table_column; indexes count from 1 in document order."""
    if len(record.all("tableset")) == 1:
        with suppress(written.Unusual):
            return _by_bytes(record)
    return _by_elements(record)


def _by_elements(record: Record) -> dict[str, Rows]:
    schemas, tables, columns = made = ([], [], [])  # type: tuple[Rows, Rows, Rows]
    for tableset in record.parts("tableset"):
        for schema in tableset.parts("schema"):
            said = [schema.value(name) for name in ("name", "title", "description", "utype")]
            schemas.append(_schema(record, len(schemas) + 1, *said))
            for table in schema.parts("table"):
                said = [table.value(name) for name in ("name", "title", "description", "utype", "nrows")]
                tables.append(_table(record, len(schemas), len(tables) + 1, table.element.get("type"), *said))
                columns += [(record.ivoid, len(tables), *_walked(record, column)) for column in table.all("column")]
    return dict(zip(_TABLES, made, strict=True))


def _by_bytes(record: Record) -> dict[str, Rows]:
    schemas, tables, columns = made = ([], [], [])  # type: tuple[Rows, Rows, Rows]
    ivoid, known = record.ivoid, _known(record)
    for schema in written.schemas(record):
        schemas.append(_schema(record, len(schemas) + 1, *schema.said))
        for table in schema.tables:
            tables.append(_table(record, len(schemas), len(tables) + 1, *table.said))
            index = len(tables)
            for column in table.columns:
                values = known.get(column)
                if values is None:
                    values = _values(record, column)
                    if len(column) < _LONGEST:
                        known[column] = values
                columns.append((ivoid, index, *values))
    return dict(zip(_TABLES, made, strict=True))


def _schema(record: Record, index: int, name: str | None, title: str | None, description: str | None, utype: str | None) -> Row:
    return record.ivoid, index, clean(name), clean(title), clean(description), low(utype)


def _table(
    record: Record, schema_index: int, index: int, kind: str | None, name: str | None, title: str | None,
    description: str | None, utype: str | None, count: str | None,
) -> Row:
    # its name is in its author's case (RegTAP 1.1 Erratum)
    return (record.ivoid, index, schema_index, clean(name), clean(title), clean(description), low(kind), low(utype),
            whole(clean(count)))


def _known(record: Record) -> dict[bytes, Row]:
    """The columns of other records whose prefixes mean the same as its: many a column comes again and again."""
    if sum(map(len, _KNOWN.values())) > _MOST:
        _KNOWN.clear()
    return _KNOWN.setdefault(record.prefixes, {})


def _values(record: Record, column: bytes) -> Row:
    """The row of a column, behind the number of its table."""
    column = column.lstrip()
    said = written.COLUMN.fullmatch(column.decode())
    if not said or b"&" in column:  # the parser knows what these stand for
        return _walked(record, written.parsed(record, column))
    std, name, description, unit, ucd, utype, kind, flags = said.groups()
    flagged = "#".join([entry for one in _FLAG.findall(flags) if (entry := low(one))]) if flags else ""
    return (clean(name), low(ucd), clean(unit), low(utype), flag(std), flagged or None, clean(description),
            *_kind_by_bytes(record, kind))


def _kind_by_bytes(record: Record, said: str | None) -> Row:
    """What a dataType element says, of which `said` is what follows its name."""
    if said is None:
        return _kind(record, None)
    known, written_ = _known(record), f"<dataType{said}".encode()
    if written_ not in known:  # a few that come with nearly every column
        known[written_] = _kind(record, written.parsed(record, b"<column>" + written_ + b"</dataType>")[0])
    return known[written_]


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
