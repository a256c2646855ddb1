"""Figures on the sky as cells, and which coverages hold, touch or fill them: against an oracle that counts cells."""

from __future__ import annotations

import random
from math import asin, atan2, cos, degrees, hypot, radians, sin
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from registry.search.finding import cells, sphere
from registry.search.finding.cells import FigureRefused, Region
from registry.tables import rr_stc_spatial
from vosi import moc

FIGURES = {
    "point": cells.point(10, 20), "small": cells.circle(6.81, 16.82, 1), "large": cells.circle(6.81, 16.82, 20),
    "beside a pole": cells.circle(200, 89.5, 3), "half": cells.circle(0, 0, 90), "tiny": cells.circle(10, 20, 0.001),
    "polygon": cells.polygon([(23, -40), (26, -39), (25, -43)]), "across zero": cells.polygon([(358, 5), (4, 6), (1, -5)]),
    "hollow": cells.polygon([(0, 0), (10, 0), (10, 10), (5, 1), (0, 10)]), "map": cells.written("3/300-320 7/1 13/5"),
    "coarse": cells.circle(44.99999999999999, -30, 2, 6),
}


@pytest.mark.parametrize("order", [0, 1, 2, 3, 6])
def test_the_middle_of_each_cell_is_in_it(order: int) -> None:
    for cell in range(0, 12 << 2 * order, 7 if order == 6 else 1):
        x, y, z = sphere.middle(cell, order)
        assert sphere.cell_of(degrees(atan2(y, x)), degrees(asin(z)), order) == cell


def test_finest_cells_tile_the_sphere_evenly() -> None:
    """Every point is beside its cell's middle, and equal areas get equal shares of points."""
    chance = random.Random(7)
    near, counts = sphere.reach(13), [0] * 48
    for _ in range(24_000):
        lon, lat = chance.uniform(-360, 720), degrees(asin(chance.uniform(-1, 1)))
        cell = sphere.cell_of(lon, lat)
        assert sphere.apart(sphere.middle(cell, 13), sphere.vector(lon, lat)) <= near * 1.0001
        counts[cell >> 24] += 1
    assert max(counts) < 1.3 * min(counts)


def test_cells_of_a_published_example() -> None:
    """RegTAP 1.2 §10.14: this circle at order 8 has these cells in the middle of it."""
    ours = cells.circle(210.80, 54.35, 0.3, 8)
    for cell in (182947, 182950, 182952, 182953, 182955, 182956):
        assert any(low <= cell << 10 < high for low, high in ours.ranges)


@pytest.mark.parametrize("figure, area", [
    (cells.circle(10, 20, 5), 78.49), (cells.circle(300, -88, 10), 313.4), (cells.circle(0, 0, 170), 40939.0),
    (cells.polygon([(0, 0), (10, 0), (10, 10), (0, 10)]), 99.6), (cells.polygon([(0, 0), (90, 0), (0, 90)]), 5156.6)])
def test_areas(figure: Region, area: float) -> None:
    assert area <= figure.area / moc.WHOLE_SKY * 41252.96 < 1.25 * area


def test_a_figure_holds_its_points() -> None:
    chance = random.Random(3)
    for _ in range(300):
        lon, lat, size = chance.uniform(0, 360), chance.uniform(-90, 90), 10 ** chance.uniform(-2, 1.5)
        near = _place(lon, lat, size * chance.random(), chance.uniform(0, 360))
        assert _in(cells.circle(lon, lat, size * 1.0000001), near), (lon, lat, size)


def _place(lon: float, lat: float, apart: float, turn: float) -> tuple[float, float]:
    """The point so far from another, in that direction."""
    x, y, z = sphere.vector(lon, lat)
    east = (-y / hypot(x, y), x / hypot(x, y), 0.0)
    north = (-z * east[1], z * east[0], x * east[1] - y * east[0])
    a, b, c = cos(radians(apart)), radians(apart), radians(turn)

    point = [a * o + sin(b) * (cos(c) * n + sin(c) * e) for o, n, e in zip((x, y, z), north, east, strict=True)]
    return degrees(atan2(point[1], point[0])), degrees(asin(max(-1.0, min(1.0, point[2]))))


def _in(region: Region, place: tuple[float, float]) -> bool:
    cell = sphere.cell_of(*place)
    return any(low <= cell < high for low, high in region.ranges)


@pytest.fixture()
def coverages(any_site: Any) -> Any:
    """Two dozen coverages of many forms in the database, by name."""
    chance = random.Random(5)
    kept = {name: list(figure.ranges) for name, figure in FIGURES.items()} | {"all": [(0, moc.WHOLE_SKY)]}
    for number in range(12):
        order = chance.randint(0, 7)
        picked = [chance.randrange(12 << 2 * order) for _ in range(chance.randint(1, 30))]
        kept[f"r{number}"] = moc.merged((cell << 2 * (13 - order), cell + 1 << 2 * (13 - order)) for cell in picked)
    with any_site.database.write() as connection:
        connection.execute(insert(rr_stc_spatial), [
            {"ivoid": name, "coverage": "", "coverage_cells": str(moc.uniqs(ranges)), "coverage_area": moc.area(ranges)}
            for name, ranges in kept.items()])
    return any_site, kept


def test_what_the_database_finds_is_what_counting_finds(coverages: Any) -> None:
    site, kept = coverages
    met = {"touched": 0, "held": 0, "holding": 0}
    with site.database.read() as connection:
        for figure in FIGURES.values():
            shared = {name: _shared(figure.ranges, ranges) for name, ranges in kept.items()}
            expected = {
                "touched": {name for name in kept if shared[name]},
                "held": {name for name in kept if shared[name] == figure.area},
                "holding": {name for name in kept if shared[name] == moc.area(kept[name])}}
            for what, names in expected.items():
                assert _found(connection, getattr(figure, what)()) == names
                met[what] += len(names)
    assert min(met.values()) > 15, met


def _shared(some: Any, others: Any) -> int:
    return sum(max(0, min(high, end) - max(low, begin)) for low, high in some for begin, end in others)


def _found(connection: Connection, rows: str) -> set[str]:
    query = f"SELECT ivoid FROM rr_stc_spatial WHERE stc_spatial_row IN ({rows})"
    return set(connection.execute(text(query)).scalars())


def test_a_point_is_looked_up_by_its_cells_alone(site: Any) -> None:
    with site.database.read() as connection:
        plan = " / ".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {FIGURES['point'].held()}")))
    assert "SEARCH cells USING PRIMARY KEY (uniq>? AND uniq<?)" in plan and "SCAN cells" not in plan


@pytest.mark.parametrize("wrong", [
    lambda: cells.point(0, 91), lambda: cells.point(float("nan"), 0), lambda: cells.circle(0, 0, -1),
    lambda: cells.circle(0, 0, 181), lambda: cells.circle(0, 0, 1, 30), lambda: cells.polygon([(0, 0), (1, 1)]),
    lambda: cells.polygon([(0, 0), (0, 0), (1, 1), (1, 1)]), lambda: cells.polygon([(0, 0), (120, 0), (240, 0)]),
    lambda: cells.polygon([(0, 0)] * 501), lambda: cells.written("6/x"), lambda: cells.written("6/"),
    lambda: cells.written("13/" + " ".join(str(2 * n) for n in range(5001)))])
def test_a_figure_that_is_none_is_refused_in_a_sentence(wrong: Any) -> None:
    with pytest.raises(FigureRefused) as refused:
        wrong()
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
