"""Constant figures of ADQL as cells, and the SQL that asks which coverages hold them, lie in them or touch them.

Figures come as numbers in degrees (ICRS); what is asked is answered in `rr_stc_spatial.stc_spatial_row`. The SQL is of
integers of ours only, and the same for both databases. Cells are those that a figure touches, as fine as its size asks
for (RegTAP 1.2 §8.15 expects nothing exact). No database and no parser is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from registry.errors import Refusal
from registry.search.finding import sphere
from vosi import moc
from vosi.moc import ORDER, Range

MOST_RANGES = 5000  # of a map that is written into a query
_FROM = "FROM (VALUES {}) AS spans CROSS JOIN moc_cells AS cells WHERE cells.uniq BETWEEN spans.column1 AND spans.column2"


class FigureRefused(Refusal):
    """A figure that is none, or that nothing can be looked for with; the message is a sentence."""


@dataclass(frozen=True)
class Region:
    """A part of the sky: ranges of cells of order 13, sorted and apart."""

    ranges: tuple[Range, ...]

    @property
    def area(self) -> int:
        """How many cells of order 13 it has."""
        return moc.area(self.ranges)

    @cached_property
    def spans(self) -> list[tuple[int, int, int]]:
        """(first, last, share): uniq numbers of cells of any order that meet it, and how much of each is in it."""
        whole: list[tuple[int, int, int]] = []
        parts: dict[int, int] = {}
        for order in range(ORDER + 1):
            base, size = 4 << 2 * order, 2 * (ORDER - order)
            for low, high in self.ranges:
                first, last = -(-low >> size), high >> size  # cells wholly inside
                if first < last:
                    whole.append((base + first, base + last - 1, 1 << size))
                for cell in {low >> size, (high - 1) >> size} - set(range(first, last)[:1]) - set(range(first, last)[-1:]):
                    share = min(high, cell + 1 << size) - max(low, cell << size)
                    parts[base + cell] = parts.get(base + cell, 0) + share
        return sorted([*whole, *((cell, cell, share) for cell, share in parts.items())])

    def touched(self) -> str:
        """SQL: the rows whose coverage has a cell in common with it."""
        return f"SELECT DISTINCT cells.stc_spatial_row {self._spans()}"

    def held(self) -> str:
        """SQL: the rows whose coverage holds all of it."""
        if len(self.ranges) == 1 and self.area == 1:
            return self.touched()
        return (f"SELECT cells.stc_spatial_row {self._spans()} GROUP BY cells.stc_spatial_row HAVING sum(spans.column3) >= "
                f"{self.area}")

    def holding(self) -> str:
        """SQL: the rows whose coverage lies in it."""
        return (f"SELECT cells.stc_spatial_row {self._spans()} GROUP BY cells.stc_spatial_row HAVING sum(spans.column3) >= "
                "(SELECT coverage_area FROM rr_stc_spatial AS covered "
                "WHERE covered.stc_spatial_row = cells.stc_spatial_row)")

    def _spans(self) -> str:
        return _FROM.format(", ".join(map(str, self.spans)))


def point(longitude: float, latitude: float) -> Region:
    """The cell of order 13 around a point. Raises FigureRefused, as all of these do."""
    _placed(longitude, latitude)
    cell = sphere.cell_of(longitude, latitude)
    return Region(((cell, cell + 1),))


def circle(longitude: float, latitude: float, radius: float, order: int | None = None) -> Region:
    """The cells that a circle touches, of `order` or as fine as its radius asks for."""
    _placed(longitude, latitude)
    if not 0 <= radius <= 180:
        raise FigureRefused(f"A circle's radius is between 0 and 180 degrees, not {radius:g}.")
    size = min(radius, 180 - radius) * 2 if radius > 90 else radius * 2
    return _touched(sphere.circle(longitude, latitude, radius), size, order)


def polygon(corners: Sequence[tuple[float, float]], order: int | None = None) -> Region:
    """The cells that a polygon of great circles touches."""
    if len(corners) > 500:
        raise FigureRefused(f"A polygon here has at most 500 corners, not {len(corners)}.")
    for corner in corners:
        _placed(*corner)
    try:
        figure = sphere.polygon(corners)
    except ValueError as error:
        raise FigureRefused(f"This polygon cannot be looked for: {error}.") from None
    points = [sphere.vector(*corner) for corner in corners]
    size = max(sphere.apart(points[0], one) for one in points) * 57.3
    return _touched(figure, size, order)


def written(text: str) -> Region:
    """A MOC as it is written in a query: `5/12-14 6/`."""
    try:
        ranges = moc.parse(text)
    except moc.NotAMoc as error:
        raise FigureRefused(f"This is no MOC: {error}.") from None
    if not ranges or len(ranges) > MOST_RANGES:
        words = f"it has more than {MOST_RANGES} pieces" if ranges else "there is no cell in it"
        raise FigureRefused(f"This MOC cannot be looked for: {words}.")
    return Region(tuple(ranges))


def _touched(figure: sphere.Figure, size: float, order: int | None) -> Region:
    if order is not None and not 0 <= order <= 29:
        raise FigureRefused(f"A MOC's order is between 0 and 29, not {order}.")
    fitting = sphere.fitting(size)
    return Region(tuple(sphere.touched(figure, fitting if order is None else min(order, fitting + 3, ORDER))))


def _placed(longitude: float, latitude: float) -> None:
    if not (isfinite(longitude) and isfinite(latitude) and abs(latitude) <= 90):
        raise FigureRefused(f"There is no place at longitude {longitude:g}, latitude {latitude:g}: "
                            "latitudes are between -90 and 90 degrees.")
