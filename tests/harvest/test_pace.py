"""How fast a run goes and when it ends, from its counts."""

from __future__ import annotations

from typing import Any

import pytest

from registry import clock
from registry.harvest.pace import Pace, pace
from registry.harvest.store import Run

NOW = clock.parse("2026-01-01T00:00:10Z")


def run(**values: Any) -> Run:
    """A full run that was taken ten seconds ago."""
    known: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__, 0) | {
        "ended": None, "from_": None, "list_size": None, "taken": "2026-01-01T00:00:00Z", "tail": []}
    return Run(**{**known, **values})


@pytest.mark.parametrize(("values", "told"), [
    ({}, Pace(None, None, None)),
    ({"taken": None, "pages": 3, "new": 30}, Pace(None, None, None)),
    ({"pages": 5, "new": 50}, Pace(0.5, None, None)),
    ({"pages": 5, "new": 50, "list_size": 200}, Pace(0.5, 30, 0.25)),
    ({"pages": 8, "taken_pages": 3, "new": 80, "list_size": 200}, Pace(0.5, 24, 0.4)),  # it was taken over in between
    ({"pages": 5, "new": 50, "skipped": 100, "list_size": 200}, Pace(0.5, 10, 0.75)),  # it goes on with another's list
    ({"pages": 5, "new": 300, "list_size": 200}, Pace(0.5, 0, 1.0)),
    ({"pages": 6, "new": 60, "list_size": 60, "ended": "2026-01-01T00:00:03Z"}, Pace(2.0, None, 1.0)),
    ({"pages": 6, "new": 60, "list_size": 60, "ended": "2026-01-01T00:00:00Z"}, Pace(6.0, None, 1.0)),
])
def test_the_pace_follows_from_the_counts(values: dict[str, Any], told: Pace) -> None:
    assert pace(run(**values), NOW) == told
