"""Writes a table's rows as VOTable BINARY2 (VOTable 1.4 §5.4): flags of missing values, then the values, in base64."""

from __future__ import annotations

import struct
from base64 import encodebytes
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from registry.errors import Refusal
from registry.search.described import DescribedColumn
from registry.search.tap.cells import Table

_BLOCK = 500  # rows made into one piece
_END = b"</STREAM>\n"
_LINE = 57  # bytes that make one line of base64
_NUMBERS = {"short": (">h", int), "int": (">i", int), "long": (">q", int), "float": (">f", float), "double": (">d", float)}
_BEYOND = {"short": 2**15, "int": 2**31, "long": 2**63}
Pack = Callable[[Any], bytes]


def pieces(table: Table) -> Iterator[bytes]:
    """The element BINARY2 without its end."""
    yield b'<BINARY2>\n<STREAM encoding="base64">\n'
    packs = [_pack_of(column) for column in table.columns]
    left, kept = iter(table.rows), b""
    try:
        while block := list(islice(left, _BLOCK)):
            kept += b"".join(_row(row, packs) for row in block)
            cut = len(kept) - len(kept) % _LINE
            yield encodebytes(kept[:cut])
            kept = kept[cut:]
    except Refusal:
        yield encodebytes(kept) + _END
        raise
    yield encodebytes(kept) + _END


def _row(row: Sequence[Any], packs: Sequence[Pack]) -> bytes:
    flags = bytearray((len(row) + 7) // 8)
    values = []
    for number, (cell, pack) in enumerate(zip(row, packs, strict=True)):
        if cell is None:
            flags[number // 8] |= 0x80 >> number % 8
        values.append(pack(cell))
    return bytes(flags) + b"".join(values)


def _pack_of(column: DescribedColumn) -> Pack:
    if column.datatype in _NUMBERS:
        form, kind = _NUMBERS[column.datatype]
        pack, beyond = struct.Struct(form).pack, _BEYOND.get(column.datatype)

        def number(value: Any) -> bytes:
            found = kind(value or 0)
            return pack(found if beyond is None else max(-beyond, min(found, beyond - 1)))

        return number
    encoding, unit = ("utf-16-be", 2) if column.datatype == "unicodeChar" else ("utf-8", 1)
    fixed = (int(column.arraysize) if column.arraysize.isdigit() else 1) * unit if not column.arraysize.endswith("*") else 0

    def text(value: Any) -> bytes:
        encoded = ("" if value is None else str(value)).encode(encoding, "replace")
        # a length goes before texts of any length only (VOTable 1.4 §5.4)
        return encoded[:fixed].ljust(fixed, b"\0") if fixed else struct.pack(">i", len(encoded) // unit) + encoded

    return text
