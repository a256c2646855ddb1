"""Tables as plain text for a terminal: columns under their names, as wide as the rows seen at once need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from registry.search.tap.cells import Table, convert_of, row_texts
from registry.search.tap.formats import Format

_BLOCK = 500  # rows that are laid out together
_WIDEST = 60  # signs of a column; longer texts go beyond it in their row


def _text(table: Table) -> Iterator[bytes]:
    converts = [convert_of(column) for column in table.columns]
    names = [column.name for column in table.columns]
    left = (row_texts(row, converts) for row in table.rows)
    first = True
    while (block := list(islice(left, _BLOCK))) or first:
        lines = [list(map(_line, row)) for row in block]
        lines = [names, *lines] if first else lines
        widths = [min(max(map(len, column)), _WIDEST) for column in zip(*lines, strict=True)]
        yield "".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
                      for line in lines).encode("utf-8", "replace")
        first = False


def _line(cell: str) -> str:
    """The text on one line, without what would move a terminal's cursor."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in cell).split())


TEXT = Format("text/plain", ("text",), "txt", _text)
