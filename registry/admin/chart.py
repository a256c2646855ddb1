"""A source's history as a row of bars, drawn by the server. Pure: runs in, rectangles out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.harvest import store
from registry.harvest.store import Run

WIDTH, GAP, HEIGHT = 9, 3, 60
_COLOURS = {"changed": "#2e7d32", "unchanged": "#90a4ae", "rejected": "#c62828", "failed": "#c62828"}


@dataclass(frozen=True)
class Part:
    """One rectangle."""

    x: int
    y: int
    height: int
    colour: str


@dataclass(frozen=True)
class Bar:
    """One run: its rectangles from the ground up, and what it says when it is pointed at."""

    run: int
    words: str
    parts: tuple[Part, ...]


def bars(runs: Sequence[Run]) -> list[Bar]:
    """A bar for each run that is over, oldest first; the highest is the one with most records."""
    over = [run for run in reversed(runs) if run.ended]
    most = max((run.records for run in over), default=0)
    return [_bar(run, number, most) for number, run in enumerate(over)]


def width(shown: Sequence[Bar]) -> int:
    """Of the whole picture."""
    return max(1, len(shown)) * (WIDTH + GAP)


def _bar(run: Run, number: int, most: int) -> Bar:
    x, ground = number * (WIDTH + GAP), HEIGHT
    changed = run.new + run.updated + run.deleted
    counts = (("changed", changed), ("unchanged", run.unchanged), ("rejected", run.rejected))
    parts = []
    for name, count in counts:
        height = max(2, round(count / most * (HEIGHT - 4))) if count else 0
        if height:
            ground = max(0, ground - height)
            parts.append(Part(x, ground, height, _COLOURS[name]))
    if run.state not in (store.COMPLETE, store.HELD):
        parts.append(Part(x, max(0, ground - 4), 4, _COLOURS["failed"]))
    elif not parts:
        parts.append(Part(x, HEIGHT - 1, 1, _COLOURS["unchanged"]))
    words = (f"{(run.ended or '')[:16].replace('T', ' ')}: {run.state}, {run.new} new, {run.updated} updated, "
             f"{run.unchanged} unchanged, {run.deleted} deleted, {run.rejected} not taken")
    return Bar(run.id, words, tuple(parts))
