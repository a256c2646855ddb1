"""What is counted over the whole shelf, kept by each process until a record changes: a page must not wait for a count.

Every change of a record gives a new datestamp, and the newest is found by an index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from registry import clock
from registry.tables import records

_T = TypeVar("_T")
_SETTLED = 2  # seconds after which no further change can have the same datestamp
_known: dict[tuple[str, str], tuple[str, Any]] = {}


def of_shelf(connection: Connection, name: str, count: Callable[[Connection], _T]) -> _T:
    """What `count` gives, asked for again only when a record has changed since; `name` tells such values apart."""
    newest = connection.execute(select(func.max(records.c.datestamp))).scalar() or ""
    place = (str(connection.engine.url), name)
    kept = _known.get(place)
    if kept and kept[0] == newest:
        found: _T = kept[1]
        return found
    counted = count(connection)
    if newest < clock.stamp(clock.later(-_SETTLED)):
        _known[place] = (newest, counted)
    return counted
