"""The steps of a translation, one behind the other."""

from __future__ import annotations

from registry.search.adql.parsing import parse
from registry.search.adql.queries import Queries
from registry.search.adql.refused import AdqlRefused
from registry.search.adql.writing import WRITINGS
from registry.search.described import DescribedColumn, named


def translated(adql: str, dialect: str, most: int | None) -> tuple[str, dict[str, str], tuple[DescribedColumn, ...]]:
    """SQL for at most `most` rows of `adql`, the texts bound in it, and the columns of its answer. Raises AdqlRefused."""
    writing = WRITINGS[dialect]()
    tree = parse(adql)
    try:
        found = Queries(writing).query(tree, None, most)
    except RecursionError:
        raise AdqlRefused("The query is nested too deeply: write it flatter.") from None
    return found.sql, writing.parameters, tuple(named(one.piece.column, one.name) for one in found.columns)
