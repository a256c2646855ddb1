"""What a look at a service makes of its state: pure functions, no clock, no network, no database.

A look that fails is not yet a service that is down: only so many in a row are (grace). A service that says itself that
it is not available is believed at once, and one that has announced a maintenance window is in it and not down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from registry import clock

UNKNOWN, UP, DOWN, MAINTENANCE = "unknown", "up", "down", "maintenance"
STATES = (UP, DOWN, MAINTENANCE, UNKNOWN)
RECENT = 60  # looks that a row remembers
_PERIOD = 0.8   # of the interval: what changes is known within it, the looks of the grace included
_AGAIN = 0.1    # of the interval: between the looks that decide whether it is down
_OPEN_END = timedelta(days=1)  # a window without backAt is believed so long


@dataclass(frozen=True)
class Look:
    """What one look saw: `says` is true or false where the service said so itself, `millis` none without an answer."""

    ok: bool
    millis: int | None
    message: str = ""
    said: dict[str, Any] | None = None
    definite: bool = False


@dataclass(frozen=True)
class Row:
    """One address of one service and what is known of it; times as in the database."""

    key: str
    url: str
    ivoid: str
    asked: str
    state: str = UNKNOWN
    since: str = ""
    failures: int = 0
    seen: str = ""
    due: str = ""
    millis: int | None = None
    message: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    recent: list[int | None] = field(default_factory=list)


def judged(row: Row, look: Look, now: datetime, *, interval: float, grace: int) -> Row:
    """The row after the look."""
    said = look.said if look.said is not None else row.said
    failures = 0 if look.ok else row.failures + 1
    if look.ok:
        state = UP
    elif in_window(said, now):
        state = MAINTENANCE
    elif look.definite or failures >= grace:
        state = DOWN
    else:
        state = row.state
    settled = look.ok or state in (DOWN, MAINTENANCE)
    wait = interval * (_PERIOD if settled else _AGAIN)
    return replace(
        row, state=state, since=row.since if state == row.state and row.since else clock.stamp(now), failures=failures,
        seen=clock.stamp(now), due=clock.fine_stamp(now + timedelta(seconds=wait)), millis=look.millis,
        message=look.message, said=said, recent=[*row.recent, look.millis if look.ok else None][-RECENT:])


def in_window(said: dict[str, Any], now: datetime) -> bool:
    """Whether `now` is inside the maintenance window that the service announced (VOSI 1.1 §2.2: downAt, backAt)."""
    begin = moment(said.get("down_at", ""))
    if begin is None:
        return False
    end = moment(said.get("back_at", "")) or begin + _OPEN_END
    return begin <= now <= end


def announced(said: dict[str, Any], now: datetime) -> str:
    """A sentence on a window that is still to come; '' for none."""
    begin = moment(said.get("down_at", ""))
    if begin is None or begin <= now:
        return ""
    end = said.get("back_at", "")
    return f"Maintenance is announced from {said['down_at']}{f' to {end}' if end else ''}."


def moment(text: str) -> datetime | None:
    """A time as VOSI writes it, in UTC where it says no zone; none for what is no time."""
    try:
        return clock.parse(text) if text else None
    except ValueError:
        return None


def whole(states: Iterable[str]) -> str:
    """The state of a service from those of its addresses: it is up as long as one of them is."""
    seen = set(states)
    return next((state for state in (UP, MAINTENANCE, DOWN) if state in seen), UNKNOWN)


def uptime(changes: Sequence[tuple[str, str]], begin: datetime, now: datetime) -> float | None:
    """The share of the known time since `begin` in which it was up; maintenance and the unknown do not count.

    `changes` are (time, state from then on), oldest first. None where nothing is known.
    """
    up = known = 0.0
    moments = [(clock.parse(at), state) for at, state in changes]
    for number, (at, state) in enumerate(moments):
        end = moments[number + 1][0] if number + 1 < len(moments) else now
        seconds = (end - max(at, begin)).total_seconds()
        if seconds > 0 and state in (UP, DOWN):
            known += seconds
            up += seconds if state == UP else 0.0
    return up / known if known else None
