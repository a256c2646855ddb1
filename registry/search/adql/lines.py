"""Has the database write the rows of an answer as text. What a cell looks like is said here.

Python needs a dozen steps for each cell, and the interpreter for itself meanwhile; a database needs neither. Cells stand between
signs that no record can hold: where a query brings such a sign itself, its rows come one by one. SQLite puts rows together too,
about a megabyte of them: each step out of it and back costs the interpreter. PostgreSQL would have to sort them for that.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from registry.search.adql import Translated
from registry.search.described import DescribedColumn

CELL, ROW = "\x1f", "\x1e"  # between cells and rows
NUMBER = "\x1d"  # before a number that must still be written as it reads back
MOST = 25_000  # rows of an answer that SQLite sorts into blocks before the first of them comes
_BLOCK = 2**20  # characters; the row that begins before them goes beyond
_ALL = 2**28  # characters of an answer behind which no row is kept: far more than is ever sent
_WIDEST = 40  # columns put together in one call
_SIGNS = re.compile(f"[{NUMBER}{ROW}{CELL}]")
_WHOLE, _REAL = ("short", "int", "long"), ("float", "double")


def lines(translated: Translated, dialect: str) -> Translated | None:
    """SQL that gives rows, one or many at once, as (how many, text): CELL between cells, ROW between rows, '' for no value.

    None where the signs would not tell cells apart.
    """
    if any(map(_SIGNS.search, translated.parameters.values())):
        return None
    write = _on_sqlite if dialect == "sqlite" else _on_postgresql
    return replace(translated, sql=write(translated), lines=True)


def real(value: float | str) -> str:
    """A number as it reads back; what is none or infinite as VOTable writes it (VOTable 1.4 §6)."""
    number = float(value)
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def _on_sqlite(translated: Translated) -> str:
    cells = [_sqlite_cell(f"c{number}", column) for number, column in enumerate(translated.columns, 1)]
    parts = []
    for start in range(0, len(cells), _WIDEST):
        some = cells[start:start + _WIDEST]
        parts.append(f"printf('{CELL.join(['%s'] * len(some))}', {', '.join(some)})")
    line = f" || '{CELL}' || ".join(parts)
    # a row is of the block in which its last character is
    return (f"SELECT count(*), CAST(group_concat(line, '{ROW}') AS blob) FROM (SELECT line, sum(length(line)) OVER (ROWS BETWEEN"
            f" UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far FROM (SELECT {line} AS line FROM ({translated.sql})))"
            f" WHERE so_far < {_ALL} GROUP BY so_far / {_BLOCK} ORDER BY so_far / {_BLOCK}")


def _sqlite_cell(cell: str, column: DescribedColumn) -> str:
    if column.datatype in _WHOLE:
        return f"CAST({cell} AS integer)"
    if column.datatype in _REAL:  # SQLite's own text has fewer digits
        return f"CASE WHEN {cell} IS NOT NULL THEN real_text({cell}) END"
    return cell


def _on_postgresql(translated: Translated) -> str:
    cells = [_postgresql_cell(f"c{number}", column) for number, column in enumerate(translated.columns, 1)]
    parts = []
    for start in range(0, len(cells), _WIDEST):
        parts.append(f"concat({f', {_sign(CELL)}, '.join(cells[start:start + _WIDEST])})")
    line = f" || {_sign(CELL)} || ".join(parts)
    return f"SELECT 1, {line} FROM ({translated.sql}) AS answer"


def _postgresql_cell(cell: str, column: DescribedColumn) -> str:
    if column.datatype in _WHOLE:
        return f"trunc(CAST({cell} AS numeric))"
    if column.datatype in _REAL:  # its digits are right, but not written as elsewhere
        return f"{_sign(NUMBER)} || CAST({cell} AS text)"
    return cell


def _sign(sign: str) -> str:
    return f"chr({ord(sign)})"
