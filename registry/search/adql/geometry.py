"""CONTAINS and INTERSECTS: constant geometry against the coverage of rr.stc_spatial, by the table of its cells."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from registry.search.adql.pieces import Piece
from registry.search.adql.refused import refuse
from registry.search.adql.writing import Postgresql, Sqlite

NAMES = ("point", "circle", "polygon", "box", "moc", "distance", "area", "centroid", "coord1", "coord2", "coordsys", "region")


def condition(
    writing: Sqlite | Postgresql, name: str, node: exp.Anonymous, value: Callable[[exp.Expr], Piece],
) -> str:
    """When one of CONTAINS and INTERSECTS gives 1. Raises AdqlRefused."""
    raise refuse(f"{name.upper()} is not answered yet", node)
