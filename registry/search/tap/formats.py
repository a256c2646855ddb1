"""The formats of answers: their names, their media types, and what writes them. Each writes piece by piece as rows come."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from registry.search.adql import lines
from registry.search.described import DescribedColumn
from registry.search.tap import votable
from registry.search.tap.cells import Table as Table, convert_of, row_texts

VOTABLE, BINARY2 = "application/x-votable+xml", "application/x-votable+xml;serialization=BINARY2"
CSV, JSON = "text/csv", "application/json"
_BLOCK = 500  # rows made into one piece
_CELL, _ROW = lines.CELL.encode(), lines.ROW.encode()
_ODD = (b",", b'"', b"\n", b"\r")  # what holds one of these stands in quotation marks (RFC 4180)


@dataclass(frozen=True)
class Format:
    """One format: `media_type` as asked for and as sent, other `names` for it, the ending of its files, its writer.

    With `takes_texts` it can do with a table's texts instead of its rows.
    """

    media_type: str
    names: tuple[str, ...]
    suffix: str
    write: Callable[[Table], Iterator[bytes]]
    ivoid: str = ""
    sent: str = ""
    takes_texts: bool = False

    @property
    def content_type(self) -> str:
        """What the answer's head says."""
        return self.sent or self.media_type


def named(text: str) -> Format | None:
    """The format that a client names (DALI 1.1 §3.4.3), whatever the case and the spaces; None for none of ours."""
    return _BY_NAME.get("".join(text.split()).lower())


def _votable(table: Table) -> Iterator[bytes]:
    return votable.document(table)


def _binary2(table: Table) -> Iterator[bytes]:
    return votable.document(table, binary=True)


def _csv(table: Table) -> Iterator[bytes]:
    """RFC 4180, the names of the columns first. It has no place for an error or an overflow: an error breaks off."""
    yield _csv_lines([[column.name for column in table.columns]])
    if table.texts is not None:
        yield from map(_csv_texts, table.texts)
        return
    converts = [convert_of(column) for column in table.columns]
    left = (row_texts(row, converts) for row in table.rows)
    while block := list(islice(left, _BLOCK)):
        yield _csv_lines(block)


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _csv_texts(block: bytes) -> bytes:
    """The same of rows that the database has put together: what is alike in all cells is done to all of them at once."""
    count = block.count(_ROW) + 1
    cells = block.replace(_ROW, _CELL).split(_CELL)
    width = len(cells) // count
    if width == 1:  # an empty cell would be an empty line, which is no row
        return b"\r\n".join(_csv_cell(cell) or b'""' for cell in cells) + b"\r\n"
    for column in range(width):
        some = cells[column::width]
        together = b"".join(some)
        if any(sign in together for sign in _ODD):
            cells[column::width] = map(_csv_cell, some)
    return b"\r\n".join([b",".join(cells[start:start + width]) for start in range(0, len(cells), width)]) + b"\r\n"


def _csv_cell(cell: bytes) -> bytes:
    if b"," in cell or b'"' in cell or b"\n" in cell or b"\r" in cell:
        return b'"' + cell.replace(b'"', b'""') + b'"'
    return cell


def _json(table: Table) -> Iterator[bytes]:
    """One object: what the columns are, the rows as lists, whether there were more."""
    columns = [{name: value for name in ("name", "datatype", "arraysize", "xtype", "unit", "ucd", "utype", "description")
                if (value := getattr(column, name))} for column in table.columns]
    yield b'{"columns": ' + _encoded(columns) + b',\n"rows": ['
    kinds = [_plain_of(column) for column in table.columns]
    left, before = iter(table.rows), b"\n"
    while block := list(islice(left, _BLOCK)):
        values = [[None if cell is None else plain(cell) for cell, plain in zip(row, kinds, strict=True)] for row in block]
        yield before + b",\n".join(map(_encoded, values))
        before = b",\n"
    yield b'],\n"overflow": ' + _encoded(bool(table.overflow())) + b"}\n"


def _plain_of(column: DescribedColumn) -> Callable[[Any], Any]:
    convert = convert_of(column)
    if convert is None:
        return str
    return lambda value: json.loads(text) if (text := convert(value))[-1].isdigit() else None  # JSON has no infinity


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


FORMATS = (
    Format(VOTABLE, ("votable", "votable/td", "text/xml", "application/xml", "application/x-votable+xml;serialization=tabledata"),
           "vot", _votable, "ivo://ivoa.net/std/TAPRegExt#output-votable-td", takes_texts=True),
    Format(BINARY2, ("votable/b2",), "vot", _binary2, "ivo://ivoa.net/std/TAPRegExt#output-votable-binary2"),
    Format(CSV, ("csv", "text/csv;header=present"), "csv", _csv, sent="text/csv; header=present; charset=utf-8",
           takes_texts=True),
    Format(JSON, ("json",), "json", _json),
)
_BY_NAME = {name.lower(): one for one in FORMATS for name in (one.media_type, *one.names)}
