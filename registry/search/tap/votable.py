"""Writes tables as VOTable 1.4 (TABLEDATA or BINARY2), piece by piece as their rows come. It runs no query.

Written by hand, a block of rows at a time: a tree of elements takes ten times as long. What XML cannot hold is
replaced by U+FFFD; a cell without a value is empty. Once rows are under way an error can only be told behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from registry.errors import Refusal
from registry.search.adql import lines
from registry.search.described import DescribedColumn
from registry.search.tap import binary2
from registry.search.tap.cells import Convert, Table, convert_of, row_texts

BLOCK = 500  # rows made into one piece
OK, ERROR, OVERFLOW = "OK", "ERROR", "OVERFLOW"

_HEAD = ('<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"'
         ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<RESOURCE type="results">\n')
_TAIL = "</RESOURCE>\n</VOTABLE>\n"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# what the quick way of a block cannot do: what no document holds, and line ends that a parser would change
_ODD = re.compile("[^\t\n\x1e\x1f\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# the same of blocks that a database has made, between whose cells and rows stand signs that no document holds
_NEVER = bytes(sign for sign in range(32) if chr(sign) not in f"\t\n\r{lines.CELL}{lines.ROW}")
_LAST_TWO = re.compile(b"\xef\xbf[\xbe\xbf]")  # U+FFFE and U+FFFF
_NOT_IN_MARKED = re.compile("[^\t\n\r\x1e\x1f\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CELL, _ROW = lines.CELL, lines.ROW
_BETWEEN_CELLS, _BETWEEN_ROWS = "</TD><TD>", "</TD></TR>\n<TR><TD>"


def document(table: Table, *, binary: bool = False) -> Iterator[bytes]:
    """The whole document.

    A Refusal while rows come ends them with QUERY_STATUS=ERROR (DALI 1.1 §4.4.2): the head has gone out by then.
    """
    yield (_HEAD + info("QUERY_STATUS", OK) + "".join(info(name, value) for name, value in table.infos) + "<TABLE>\n"
           + "".join(map(field, table.columns)) + "<DATA>\n").encode()
    last = ""
    try:
        yield from binary2.pieces(table) if binary else _tabledata(table)
        if table.overflow():
            last = info("QUERY_STATUS", OVERFLOW)
    except Refusal as refusal:
        if not table.late_errors:
            raise
        last = info("QUERY_STATUS", ERROR, str(refusal))
    yield f"</{'BINARY2' if binary else 'TABLEDATA'}>\n</DATA>\n</TABLE>\n{last}{_TAIL}".encode()


def error(message: str) -> bytes:
    """A document that says why there is no table (DALI 1.1 §4.2)."""
    return (_HEAD + info("QUERY_STATUS", ERROR, message) + _TAIL).encode()


def info(name: str, value: str, text: str = "") -> str:
    """One INFO element."""
    return f"<INFO name={_quoted(name)} value={_quoted(value)}>{escape(printable(text))}</INFO>\n"


def field(column: DescribedColumn) -> str:
    """The FIELD element of a column."""
    said = {"name": column.name, "datatype": column.datatype, "arraysize": column.arraysize, "xtype": column.xtype,
            "unit": column.unit, "ucd": column.ucd, "utype": column.utype}
    attributes = "".join(f" {name}={_quoted(value)}" for name, value in said.items() if value)
    if not column.description:
        return f"<FIELD{attributes}/>\n"
    return f"<FIELD{attributes}><DESCRIPTION>{escape(printable(column.description))}</DESCRIPTION></FIELD>\n"


def printable(text: str) -> str:
    """`text` with what no XML document can carry replaced."""
    return _NOT_IN_XML.sub("\ufffd", text)


def _tabledata(table: Table) -> Iterator[bytes]:
    yield b"<TABLEDATA>\n"
    if table.texts is not None:
        yield from map(_marked, table.texts)
        return
    converts = [convert_of(column) for column in table.columns]
    left = iter(table.rows)
    while block := list(islice(left, BLOCK)):
        yield _block(block, converts).encode()


def _block(rows: Sequence[Sequence[Any]], converts: Sequence[Convert | None]) -> str:
    """Rows as text: joined by signs that no document can hold, escaped all at once, the signs then made into tags."""
    texts = [row_texts(row, converts) for row in rows]
    whole = _ROW.join(map(_CELL.join, texts))
    odd = _ODD.search(whole) or whole.count(_CELL) != sum(map(len, texts)) - len(texts) or whole.count(_ROW) != len(texts) - 1
    if odd:
        whole = _ROW.join(_CELL.join(map(printable, row)) for row in texts)
    whole = whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if odd:
        whole = whole.replace("\r", "&#13;")
    return f"<TR><TD>{whole.replace(_CELL, _BETWEEN_CELLS).replace(_ROW, _BETWEEN_ROWS)}</TD></TR>\n"


def _marked(block: bytes) -> bytes:
    """Rows that the database has put together, with `lines`' signs between cells and rows."""
    if len(block.translate(None, _NEVER)) != len(block) or _LAST_TWO.search(block):
        block = _NOT_IN_MARKED.sub("\ufffd", block.decode()).encode()
    block = block.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#13;")
    return (b"<TR><TD>" + block.replace(lines.CELL.encode(), _BETWEEN_CELLS.encode())
            .replace(lines.ROW.encode(), _BETWEEN_ROWS.encode()) + b"</TD></TR>\n")


def _quoted(value: str) -> str:
    return quoteattr(printable(value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
