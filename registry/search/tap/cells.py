"""A table to be written, and the values of its cells as texts: what a column declares is what it sends.

Databases differ in what they make of a number (PostgreSQL's sums are decimals): the declared type decides here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.search.described import DescribedColumn

Convert = Callable[[Any], str]
WHOLE, REAL = frozenset({"short", "int", "long"}), frozenset({"float", "double"})


@dataclass(frozen=True)
class Table:
    """What is to be written: `overflow` is called behind the rows, `infos` are (name, value) for formats that have them.

    Formats with a place for an error behind the rows write it there; without `late_errors` it is raised, as by the others.
    """

    columns: Sequence[DescribedColumn]
    rows: Iterable[Sequence[Any]]
    overflow: Callable[[], bool]
    infos: tuple[tuple[str, str], ...] = ()
    late_errors: bool = True


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


def real(value: Any) -> str:
    """A number as it reads back; what is none or infinite as VOTable writes it (VOTable 1.4 §6)."""
    number = float(value)
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
