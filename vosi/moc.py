"""Coverage maps of the sky (MOC) as text: parsed, normalised, made coarser, written. Nothing here knows geometry.

A map is a list of ranges `[low, high)` of HEALPix cells of order 13 in the nested scheme, sorted and apart: cells finer
than that (25 arc seconds) are rounded up to it. `uniq` is the standard's number for a cell and its order (MOC 2.0 §4.3.1).
"""

from __future__ import annotations

from collections.abc import Iterable

ORDER = 13  # so that a uniq number fits 32 bits with a sign
WHOLE_SKY = 12 << 2 * ORDER
_DEEPEST = 29
_LONGEST = 20  # characters of a number

Range = tuple[int, int]


class NotAMoc(ValueError):
    """A text is no MOC; the message is a phrase that says why."""


def parse(text: str) -> list[Range]:
    """The ranges of an ASCII MOC (MOC 2.0 §4.2.2), such as `5/12-14 20 6/`. Raises NotAMoc."""
    shift: int | None = None
    most = 0
    found = []
    plain = text.isascii()
    for token in text.replace(",", " ").replace("/", "/ ").split():
        if token.endswith("/"):
            order = _number(token[:-1].removeprefix("s"), "order")
            if order > _DEEPEST:
                raise NotAMoc(f"its order {order} is beyond {_DEEPEST}")
            shift, most = 2 * (ORDER - order), 12 << 2 * order
            continue
        if shift is None:
            raise NotAMoc(f"{token[:20]!r} comes before an order, such as 5/")
        if plain and token.isdigit() and len(token) < _LONGEST:  # as most are
            low = high = int(token)
        else:
            first, dash, last = token.partition("-")
            low = _number(first, "cell")
            high = _number(last, "cell") if dash else low
        if not low <= high < most:
            raise NotAMoc(f"there is no cell {token[:30]} of that order")
        found.append((low << shift, high + 1 << shift) if shift >= 0 else (low >> -shift, (high >> -shift) + 1))
    if shift is None:
        raise NotAMoc("it is empty")
    return merged(found)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < _LONGEST):
        raise NotAMoc(f"{text[:20]!r} is no {what}")
    return int(text)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same cells as ranges that are sorted and apart."""
    result: list[Range] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1]:
            if high > result[-1][1]:
                result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result


def area(ranges: Iterable[Range]) -> int:
    """How many cells of order 13 there are."""
    return sum(high - low for low, high in ranges)


def uniqs(ranges: Iterable[Range]) -> list[int]:
    """The fewest cells that make up the ranges, as uniq numbers."""
    result = []
    for low, high in ranges:
        while low < high:
            step = min(ORDER, ((low & -low).bit_length() - 1) // 2 if low else ORDER)
            while low + (1 << 2 * step) > high:
                step -= 1
            result.append((4 << 2 * (ORDER - step)) + (low >> 2 * step))
            low += 1 << 2 * step
    return result


def capped(ranges: list[Range], most: int) -> tuple[list[Range], list[int]]:
    """The ranges, or coarser ones around them that need at most so many cells; and these cells (`uniqs`)."""
    for step in range(ORDER + 1):
        size = 2 * step
        coarser = merged((low >> size << size, -(-high >> size) << size) for low, high in ranges) if step else ranges
        if len(coarser) <= most and len(cells := uniqs(coarser)) <= most:
            return coarser, cells
    return [(0, WHOLE_SKY)], uniqs([(0, WHOLE_SKY)])


def write(cells: Iterable[int]) -> str:
    """Cells (uniq numbers) as an ASCII MOC."""
    by_order: dict[int, list[Range]] = {}
    for uniq in sorted(cells):
        order = (uniq.bit_length() - 3) // 2
        cell = uniq - (4 << 2 * order)
        ranges = by_order.setdefault(order, [])
        if ranges and ranges[-1][1] == cell - 1:
            ranges[-1] = (ranges[-1][0], cell)
        else:
            ranges.append((cell, cell))
    return " ".join(
        f"{order}/" + " ".join(f"{low}-{high}" if low < high else f"{low}" for low, high in ranges)
        for order, ranges in by_order.items())
