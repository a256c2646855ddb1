"""How long 10,000 rows take to be written in each format of /tap, beside the same rows joined by tabs and encoded."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figures import Figure
from registry.search.described import TABLES
from registry.search.tap import formats
from registry.search.tap.formats import Table

ROWS, ROUNDS = 10_000, 7
_COLUMNS = TABLES["rr.resource"].columns[:10]
_WORDS = "Redshifts & spectra of <distant> quasars, Échelle and others; "


def figures() -> Iterator[Figure]:
    """Milliseconds of a processor for the first ten columns of rr.resource, 13 MB in TABLEDATA, from rows in memory."""
    rows = [_row(number) for number in range(ROWS)]
    for one in formats.FORMATS:
        ours, bare = [], []
        for _ in range(ROUNDS):
            bare.append(_time(lambda: _bare(rows)))
            ours.append(_time(lambda one=one: sum(map(len, one.write(Table(_COLUMNS, iter(rows), lambda: False))))))
        yield Figure(f"{ROWS:,} rows as {one.media_type}", statistics.median(ours), statistics.median(bare), "ms",
                     "joined by tabs and encoded", target="<= 250" if one.media_type == formats.VOTABLE else "")


def _row(number: int) -> tuple[Any, ...]:
    return (f"ivo://bulk.example/{number:08}", "vs:catalogservice", "2024-01-01T00:00:00Z", "short", f"Title {number}",
            "2025-01-01T00:00:00Z", None, _WORDS * 18, f"http://bulk.example/{number}", "A. Uthor; B. Uthor")


def _bare(rows: list[tuple[Any, ...]]) -> int:
    return len("\n".join("\t".join("" if cell is None else cell for cell in row) for row in rows).encode())


def _time(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1000
