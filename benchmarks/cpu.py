"""What processes of this host have used of its CPU."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def of_family(pid: int) -> float:
    """CPU seconds of the process, its living descendants, and all that these have waited for."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            used[int(entry.name)] = sum(map(int, fields[11:15])) / _TICK
    total, open_ = 0.0, [pid]
    while open_:
        one = open_.pop()
        total += used.get(one, 0.0)
        open_ += parents.get(one, [])
    return total
