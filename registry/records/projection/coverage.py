"""Rows of where, when and at which energies a resource has data (RegTAP 1.2 §8.15 to §8.17).

What is written as no map or no interval leaves no row. Maps are kept in cells of order 13 at the finest, and coarser where
they would need too many.
"""

from __future__ import annotations

from math import isfinite

from registry.records.projection.values import Record, Row, Rows, number, text
from vosi import moc

MOST_CELLS = 1000  # of one map; a finer one costs more to keep than it tells


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_stc_spatial, rr_stc_temporal and rr_stc_spectral."""
    if "coverage" not in record.names:
        return {"rr_stc_spatial": [], "rr_stc_temporal": [], "rr_stc_spectral": []}
    found = {
        "rr_stc_spatial": [_map(record.ivoid, text(one)) for one in record.below("coverage", "spatial")],
        "rr_stc_temporal": [_interval(record.ivoid, text(one)) for one in record.below("coverage", "temporal")],
        "rr_stc_spectral": [_interval(record.ivoid, text(one)) for one in record.below("coverage", "spectral")],
    }
    return {name: [row for row in found_ if row] for name, found_ in found.items()}


def _map(ivoid: str, written: str | None) -> Row | None:
    """ref_system_name is NULL for now (RegTAP 1.2 §8.15)."""
    try:
        ranges, cells = moc.capped(moc.parse(written or ""), MOST_CELLS)
    except moc.NotAMoc:
        return None
    if not cells:
        return None
    return ivoid, moc.write(cells), None, f"[{','.join(map(str, cells))}]", moc.area(ranges)


def _interval(ivoid: str, written: str | None) -> Row | None:
    ends = [number(end) for end in (written or "").split()]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or not (isfinite(ends[0]) and isfinite(ends[1])):
        return None
    return ivoid, min(ends[0], ends[1]), max(ends[0], ends[1])
