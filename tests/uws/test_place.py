"""Where in the queue a job is, on either database."""

from __future__ import annotations

from typing import Any

from registry.uws import place, store
from registry.uws.phases import EXECUTING, PENDING, QUEUED
from tests.uws.jobs_at_hand import advance, put


def test_what_came_earlier_is_counted_whoever_owns_it(any_site: Any) -> None:
    first, second, third = (
        put(any_site, phase=QUEUED, owner=owner, id=f"{number}" * 20, rank=f"2026-01-01T00:00:0{min(number, 2)}.000Z")
        for number, owner in enumerate(("ann", "bob", None, "ann"), 1) if number != 2)
    waits = put(any_site, phase=PENDING, owner="ann")

    def told() -> list[int | None]:
        with any_site.database.read() as connection:
            return [place.before(connection, store.get(connection, one.id)) for one in (first, second, third, waits)]

    assert told() == [0, 1, 2, None], "of two of one rank the smaller name is first"
    advance(any_site, first, EXECUTING)
    assert told() == [None, 0, 1, None]
