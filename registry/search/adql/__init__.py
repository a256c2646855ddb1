"""ADQL 2.1 to SQL: `translate` is all that others call. Nothing but a SELECT over the tables of TAP_SCHEMA comes out of it.

sqlglot reads the text; what is then written is written by this package alone, part by part, so that what it does not know
is refused. Texts of the query are bound, never written. It opens no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.search.adql.refused import AdqlRefused
from registry.search.described import DescribedColumn

__all__ = ["AdqlRefused", "Translated", "translate"]


@dataclass(frozen=True)
class Translated:
    """SQL for one kind of database, the texts bound in it (`:p0` or `%(p0)s`), and the columns of its answer."""

    sql: str
    parameters: dict[str, str]
    columns: tuple[DescribedColumn, ...]
    lines: bool = False  # whether it gives texts instead of rows, as `lines` says


def translate(adql: str, dialect: Literal["sqlite", "postgresql"], maxrec: int | None = None) -> Translated:
    """SQL that gives the rows of `adql`; of `maxrec` one more, to tell that there are more.

    Raises AdqlRefused with a sentence that says what is wrong, where, and what would do.
    """
    from registry.search.adql.translating import translated  # loads sqlglot, which a server that is not asked never needs

    return Translated(*translated(adql, dialect, None if maxrec is None else maxrec + 1))
