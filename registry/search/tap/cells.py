"""A table to be written, and the values of its cells as texts: what a column declares is what it sends.

Databases differ in what they make of a number (PostgreSQL's sums are decimals): the declared type decides here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.search.adql.lines import real
from registry.search.described import DescribedColumn

Convert = Callable[[Any], str]
WHOLE, REAL = frozenset({"short", "int", "long"}), frozenset({"float", "double"})


@dataclass(frozen=True)
class Table:
    """What is to be written: `overflow` is called behind the rows, `infos` are (name, value) for formats that have them.

    Instead of rows there may be `texts`, blocks that the database has made of them (`adql.lines`), for formats that take these.
    Formats with a place for an error behind the rows write it there; without `late_errors` it is raised, as by the others.
    """

    columns: Sequence[DescribedColumn]
    rows: Iterable[Sequence[Any]]
    overflow: Callable[[], bool]
    infos: tuple[tuple[str, str], ...] = ()
    late_errors: bool = True
    texts: Iterable[bytes] | None = None


def convert_of(column: DescribedColumn) -> Convert | None:
    """How a value of the column that is no text becomes one; None for columns of texts."""
    if column.datatype in WHOLE:
        return whole
    return real if column.datatype in REAL else None


def row_texts(row: Sequence[Any], converts: Sequence[Convert | None]) -> list[str]:
    """The texts of a row's cells; '' for no value."""
    return [cell if cell.__class__ is str and convert is None else "" if cell is None else (convert or str)(cell)
            for cell, convert in zip(row, converts, strict=True)]


def whole(value: Any) -> str:
    """A whole number."""
    return str(int(value))
