"""HEALPix cells (nested scheme) and figures on the sphere: which cell a point is in, which cells a figure touches.

Górski et al. 2005 (ApJ 622, 759) §5. Longitudes and latitudes are degrees, points on the sphere unit vectors, distances
radians. Cells come as ranges of order 13 (`vosi.moc`). A figure says how far a point is from its edge, negative inside:
that is all that is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import asin, atan2, ceil, cos, degrees, floor, hypot, inf, log2, pi, radians, sin, sqrt

from vosi.moc import ORDER, Range, merged

Vector = tuple[float, float, float]
Figure = Callable[[Vector], float]
_RING = (2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4)  # of a base cell's southern corner, in quarters of the way from pole to pole
_LONGITUDE = (1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7)  # of a base cell's middle, in eighths of the way around
_FINE = 24.0  # cells of the finest order across a figure, about


def vector(longitude: float, latitude: float) -> Vector:
    """The point as a unit vector."""
    lon, lat = radians(longitude), radians(latitude)
    return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)


def cell_of(longitude: float, latitude: float, order: int = ORDER) -> int:
    """The number of the cell of `order` that the point is in."""
    side = 1 << order
    z, turn = sin(radians(latitude)), longitude % 360.0 / 90.0
    if abs(z) <= 2 / 3:
        up, down = side * (0.5 + turn) - side * z * 0.75, side * (0.5 + turn) + side * z * 0.75
        rising, falling = floor(up), floor(down)
        one, other = rising // side, falling // side
        face = (one & 3) + 4 if one == other else one & 3 if one < other else (other & 3) + 8
        return (face << 2 * order) + _woven(falling & side - 1, side - (rising & side - 1) - 1)
    quarter = min(3, int(turn))
    reach = side * sqrt(3.0) * _beside_pole(latitude)
    x = min(int((turn - quarter) * reach), side - 1)
    y = min(int((1.0 - turn + quarter) * reach), side - 1)
    if z > 0:
        return (quarter << 2 * order) + _woven(side - y - 1, side - x - 1)
    return (quarter + 8 << 2 * order) + _woven(x, y)


def _beside_pole(latitude: float) -> float:
    """The root of 1 - |sin(latitude)|, exact beside the poles too."""
    return sqrt(2.0) * sin(radians(90.0 - abs(latitude)) / 2.0)


def middle(cell: int, order: int) -> Vector:
    """The middle of a cell."""
    side = 1 << order
    face, within = cell >> 2 * order, cell & side * side - 1
    return _on_face(face, (_unwoven(within) + 0.5) / side, (_unwoven(within >> 1) + 0.5) / side)


def _on_face(face: int, x: float, y: float) -> Vector:
    ring = _RING[face] - x - y
    near = ring if ring < 1 else 4 - ring if ring > 3 else 1.0
    z = 1 - near * near / 3 if ring < 1 else near * near / 3 - 1 if ring > 3 else (2 - ring) * 2 / 3
    turn = (_LONGITUDE[face] * near + x - y) * pi / 4
    longitude = turn / near if near > 1e-15 else 0.0
    # 1 - z * z without losing what is small beside the poles
    flat = sqrt(near * near / 3 * (2 - near * near / 3)) if near < 1 else sqrt(1 - z * z)
    return flat * cos(longitude), flat * sin(longitude), z


def _woven(x: int, y: int) -> int:
    return _spread(x) | _spread(y) << 1


def _spread(value: int) -> int:
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
                        (2, 0x3333333333333333), (1, 0x5555555555555555)):
        value = (value | value << shift) & mask
    return value


def _unwoven(value: int) -> int:
    value &= 0x5555555555555555
    for shift, mask in ((1, 0x3333333333333333), (2, 0x0F0F0F0F0F0F0F0F), (4, 0x00FF00FF00FF00FF),
                        (8, 0x0000FFFF0000FFFF), (16, 0x00000000FFFFFFFF)):
        value = (value | value >> shift) & mask
    return value


def reach(order: int) -> float:
    """How far a corner of any cell of `order` is from its middle, at most."""
    side = 1 << order
    one = _at(2 / 3, pi / (4 * side))
    other = _at(1 - (1 - 1 / side) ** 2 / 3, 0.0)
    return apart(one, other)


def _at(z: float, longitude: float) -> Vector:
    flat = sqrt(1 - z * z)
    return flat * cos(longitude), flat * sin(longitude), z


def apart(one: Vector, other: Vector) -> float:
    """The angle between two points."""
    x, y, z = _cross(one, other)
    return atan2(sqrt(x * x + y * y + z * z), _dot(one, other))


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: Vector, other: Vector) -> Vector:
    return (one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2], one[0] * other[1] - one[1] * other[0])


def _unit(one: Vector) -> Vector:
    length = sqrt(_dot(one, one))
    return one[0] / length, one[1] / length, one[2] / length


def circle(longitude: float, latitude: float, radius: float) -> Figure:
    """A circle; its radius in degrees."""
    centre, size = vector(longitude, latitude), radians(radius)
    return lambda point: apart(centre, point) - size


def polygon(corners: Sequence[tuple[float, float]]) -> Figure:
    """A polygon of great circles, on the side where it is small. Raises ValueError where it has none within 90 degrees."""
    points = [vector(*corner) for corner in corners]
    points = [one for one, before in zip(points, [points[-1], *points], strict=False) if apart(one, before) > 1e-12]
    total = [sum(axis) for axis in zip(*points, strict=True)] if len(points) > 2 else []
    if not total or hypot(*total) < 1e-9:
        raise ValueError("a polygon needs three corners that are apart, all within 90 degrees of its middle")
    centre = _unit((total[0], total[1], total[2]))
    if any(_dot(centre, one) <= 1e-6 for one in points):
        raise ValueError("a polygon must lie within 90 degrees of its middle")
    edges = [_edge(one, other) for one, other in zip(points, [*points[1:], points[0]], strict=True)]
    flat = _flattened(centre)
    outline = [flat(one) for one in points]

    def distance(point: Vector) -> float:
        nearest = min(edge(point) for edge in edges)
        return -nearest if _dot(centre, point) > 0 and _inside(outline, flat(point)) else nearest

    return distance


def _edge(one: Vector, other: Vector) -> Figure:
    """How far a point is from the arc between two points."""
    normal = _unit(_cross(one, other))
    begin, end = _cross(normal, one), _cross(other, normal)

    def distance(point: Vector) -> float:
        if _dot(begin, point) >= 0 and _dot(end, point) >= 0:
            return abs(asin(max(-1.0, min(1.0, _dot(normal, point)))))
        return min(apart(one, point), apart(other, point))

    return distance


def _flattened(centre: Vector) -> Callable[[Vector], tuple[float, float]]:
    """The projection around `centre` in which great circles are straight."""
    aside = (1.0, 0.0, 0.0) if abs(centre[0]) < 0.7 else (0.0, 1.0, 0.0)
    east = _unit(_cross(centre, aside))
    north = _cross(centre, east)

    def project(point: Vector) -> tuple[float, float]:
        depth = _dot(centre, point)
        return _dot(east, point) / depth, _dot(north, point) / depth

    return project


def _inside(outline: Sequence[tuple[float, float]], point: tuple[float, float]) -> bool:
    x, y = point
    inside = False
    before_x, before_y = outline[-1]
    for next_x, next_y in outline:
        if (next_y > y) != (before_y > y) and x < (before_x - next_x) * (y - next_y) / (before_y - next_y) + next_x:
            inside = not inside
        before_x, before_y = next_x, next_y
    return inside


def fitting(size: float) -> int:
    """The order whose cells are some twenty times smaller than a figure of that size (degrees)."""
    across = degrees(reach(0)) * _FINE / max(size, 1e-9)
    return max(0, min(ORDER, ceil(log2(across)) if across > 1 else 0)) if across < inf else ORDER


def touched(figure: Figure, order: int) -> list[Range]:
    """The cells of `order` that the figure touches, and all within it."""
    found: list[Range] = []
    reaches = [reach(each) for each in range(order + 1)]
    waiting = [(face, 0) for face in range(12)]
    while waiting:
        cell, level = waiting.pop()
        distance = figure(middle(cell, level))
        if distance > reaches[level]:
            continue
        if level == order or distance <= -reaches[level]:
            size = 2 * (ORDER - level)
            found.append((cell << size, cell + 1 << size))
        else:
            waiting += [(4 * cell + part, level + 1) for part in range(4)]
    return merged(found)

