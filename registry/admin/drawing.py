"""Numbers as rectangles: columns over time, a bar beside a limit, a line of looks. Pure: numbers in, rectangles out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEIGHT, WIDTH, GAP = 80, 20, 4  # of a drawing of columns
BAR = 160  # width of a bar at its limit
LOOK, LOOKS = 4, 24  # width of one look, height of their line


@dataclass(frozen=True)
class Box:
    """One rectangle of a kind, which is its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    words: str = ""


def columns(slots: Sequence[tuple[str, dict[str, int]]], kinds: Sequence[str]) -> list[Box]:
    """A column for each slot, its kinds one upon the other in the order of `kinds`; the fullest is as high as the drawing."""
    most = max((sum(counts.values()) for _, counts in slots), default=0)
    boxes = []
    for number, (label, counts) in enumerate(slots):
        ground = float(HEIGHT)
        words = f"{label}: " + (", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts.get(kind)) or "none")
        for kind in kinds:
            if counts.get(kind):
                height = max(2.0, round(counts[kind] / most * (HEIGHT - 4), 1))
                ground = max(0.0, ground - height)
                boxes.append(Box(number * (WIDTH + GAP), ground, WIDTH, height, kind, words))
        if ground == HEIGHT:
            boxes.append(Box(number * (WIDTH + GAP), HEIGHT - 1, WIDTH, 1, "none", words))
    return boxes


def width(slots: Sequence[object]) -> int:
    """Of a drawing of columns."""
    return max(1, len(slots)) * (WIDTH + GAP)


def bar(share: float) -> int:
    """The width of a bar that is `share` of its limit; what is more than twice the limit is drawn as twice."""
    return round(min(max(share, 0.0), 2.0) * BAR)


def looks(recent: Iterable[int | None]) -> list[Box]:
    """A row of looks, oldest first: as high as the answer took long (by its order of magnitude), full and bad for none."""
    return [Box(number * LOOK, 0, LOOK - 1, LOOKS, "down", "no answer") if millis is None
            else Box(number * LOOK, LOOKS - _high(millis), LOOK - 1, _high(millis), "up", f"{millis} ms")
            for number, millis in enumerate(recent)]


def _high(millis: int) -> int:
    return 3 + min(4, len(str(max(1, millis))) - 1) * 5
