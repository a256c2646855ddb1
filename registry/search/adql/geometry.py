"""CONTAINS and INTERSECTS: constant figures against the coverage of rr.stc_spatial, by the table of its cells.

What the cells of a figure are, and how they are asked for, is `finding.cells`' matter.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from registry.search.adql.pieces import Piece
from registry.search.adql.refused import refuse
from registry.search.adql.writing import Postgresql, Sqlite
from registry.search.finding import cells
from registry.search.finding.cells import FigureRefused, Region

NAMES = ("point", "circle", "polygon", "box", "moc", "distance", "area", "centroid", "coord1", "coord2", "coordsys", "region")
_FIGURES = ("point", "circle", "polygon", "moc")
_FRAMES = ("", "icrs")
_HOW = "one side is rr.stc_spatial's coverage, the other a POINT, CIRCLE, POLYGON or MOC of numbers"

Value = Callable[[exp.Expr], Piece]


def condition(writing: Sqlite | Postgresql, name: str, node: exp.Anonymous, value: Value) -> str:
    """When CONTAINS or INTERSECTS gives 1. Raises AdqlRefused."""
    if len(node.expressions) != 2:
        raise refuse(f"{name.upper()} takes two arguments, not {len(node.expressions)}", node)
    first, second = node.expressions
    if _is_figure(first) == _is_figure(second):
        raise refuse(f"{name.upper()} is answered only so", node, _HOW)
    figure, coverage = (first, value(second)) if _is_figure(first) else (second, value(first))
    if coverage.stored is None or (coverage.stored.table, coverage.stored.column) != ("rr_stc_spatial", "coverage"):
        raise refuse(f"{name.upper()} is answered only so", node, _HOW)
    region = _region(figure, value)
    asked = region.touched if name == "intersects" else region.held if figure is first else region.holding
    return writing.among(f"{coverage.stored.alias}.stc_spatial_row", asked())


def _is_figure(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.name).lower() in NAMES


def _region(node: exp.Expr, value: Value, order: int | None = None) -> Region:
    name = str(node.name).lower()
    if name not in _FIGURES:
        raise refuse(f"{name.upper()} is not offered here", node, "POINT, CIRCLE, POLYGON and MOC are")
    try:
        if name == "moc":
            return _map(node, value)
        numbers = _numbers(node, value)
        if name == "point":
            return cells.point(*_exactly(2, numbers, node))
        if name == "circle":
            longitude, latitude, radius = _exactly(3, numbers, node)
            return cells.circle(longitude, latitude, radius, order)
        if len(numbers) % 2 or len(numbers) < 6:
            raise refuse("POLYGON takes longitude and latitude of three corners or more", node)
        return cells.polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), order=order)
    except FigureRefused as error:
        raise refuse(str(error).rstrip("."), node) from None


def _map(node: exp.Expr, value: Value) -> Region:
    """MOC('0/1-3') or MOC(order, figure)."""
    arguments = node.expressions
    if len(arguments) == 1:
        text = value(arguments[0]).constant
        if isinstance(text, str):
            return cells.written(text)
    elif len(arguments) == 2 and _is_figure(arguments[1]):
        order = value(arguments[0]).constant
        if isinstance(order, int):
            return _region(arguments[1], value, order)
    raise refuse("MOC takes a text like '3/1-5', or an order and a figure", node)


def _numbers(node: exp.Expr, value: Value) -> list[float]:
    """The numbers of a figure; a frame before them (ADQL 2.0) is taken where it is ours, a POINT for its two numbers."""
    arguments = list(node.expressions)
    if arguments and isinstance(arguments[0], exp.Literal) and arguments[0].is_string:
        if str(arguments[0].this).lower() not in _FRAMES:
            raise refuse(f"{arguments[0].this!r} is no frame that is known here", arguments[0], "coverages are in ICRS")
        arguments = arguments[1:]
    numbers: list[float] = []
    for one in arguments:
        if _is_figure(one) and str(one.name).lower() == "point" and str(node.name).lower() != "point":
            numbers += _exactly(2, _numbers(one, value), one)
            continue
        constant = value(one).constant
        if not isinstance(constant, (int, float)):
            raise refuse(f"{str(node.name).upper()} takes only numbers here, no columns", one)
        numbers.append(float(constant))
    return numbers


def _exactly(count: int, numbers: list[float], node: exp.Expr) -> list[float]:
    if len(numbers) != count:
        raise refuse(f"{str(node.name).upper()} takes {count} numbers, not {len(numbers)}", node)
    return numbers
