"""How fast a run goes and how long it will still take. Pure: a run and a moment in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry import clock
from registry.harvest.store import Run


@dataclass(frozen=True)
class Pace:
    """Pages a second since a process took the run last, and seconds to its end; none where that cannot be told yet.

    `share` of the list that has been read, 0 to 1, where the source says how long its list is; what was read by runs
    that this one goes on from counts.
    """

    pages_per_second: float | None
    seconds_left: int | None
    share: float | None


def pace(run: Run, now: datetime) -> Pace:
    """The pace at `now`; of a run that is over, as it was on the whole."""
    read = run.skipped + run.records
    share = min(1.0, read / run.list_size) if run.list_size else None
    pages = run.pages - run.taken_pages
    until = clock.parse(run.ended) if run.ended else now
    if pages <= 0 or not run.taken:
        return Pace(None, None, share)
    seconds = max(1.0, (until - clock.parse(run.taken)).total_seconds())  # stamps are of whole seconds
    speed, left = pages / seconds, None
    if run.list_size and run.records and not run.ended:
        left = round(max(0, run.list_size - read) / (speed * run.records / run.pages))
    return Pace(round(speed, 2), left, share)
