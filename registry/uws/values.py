"""What clients write, as typed values: phases, moments, durations, waits, filters. It reads no job.

Each function takes the text as it came and raises BadValue with one sentence where it means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from registry import clock
from registry.uws.errors import BadValue
from registry.uws.phases import ACTIVE, Phase

MOST_SECONDS = 2**31 - 1  # executionDuration is an xs:int
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:?[0-9]{2}$)")
_SHORT_DATES = ("%Y", "%Y-%m", "%Y-%j", "%Y%j")


@dataclass(frozen=True)
class Filters:
    """Which jobs a list shows (UWS 1.1 §2.2.2.1); `after` is a stamp with milliseconds or ''."""

    phases: tuple[Phase, ...] = ()
    after: str = ""
    last: int | None = None


def filters(phases: Sequence[str], after: str | None, last: str | None) -> Filters:
    """The filters of a job list from their texts."""
    return Filters(
        tuple(phase(text) for text in phases),
        clock.fine_stamp(moment("AFTER", after)) if after is not None else "",
        _last(last) if last is not None else None,
    )


def phase(text: str) -> Phase:
    """The phase of that name."""
    try:
        return Phase(text.strip())
    except ValueError:
        raise BadValue(f"PHASE={shown(text)} is no phase of a job; there are {', '.join(Phase)}.") from None


def active_phase(text: str) -> Phase:
    """A phase in which a blocking request may wait."""
    found = phase(text)
    if found not in ACTIVE:
        raise BadValue(f"PHASE={found} beside WAIT must be a phase that passes: {', '.join(sorted(ACTIVE))}.")
    return found


def wait(text: str, limit: int) -> int:
    """Seconds to wait, never more than `limit`; -1 stands for as long as possible."""
    seconds = _integer("WAIT", text)
    if seconds < -1:
        raise BadValue(f"WAIT={shown(text)} is no time to wait; give seconds, or -1 for as long as possible.")
    return limit if seconds == -1 else min(seconds, limit)


def duration(text: str, limit: int) -> int:
    """Seconds a job may execute: what was asked up to `limit`, which also stands in for 0, unlimited."""
    seconds = _integer("EXECUTIONDURATION", text)
    if seconds < 0:
        raise BadValue(f"EXECUTIONDURATION={shown(text)} is negative; give seconds, or 0 for the most that is allowed.")
    return min(seconds or limit, limit, MOST_SECONDS)


def destruction(text: str, latest: datetime) -> str:
    """The stamp at which a job is destroyed: what was asked up to `latest`."""
    asked = moment("DESTRUCTION", text)
    if asked <= clock.now():
        raise BadValue(f"DESTRUCTION={shown(text)} is in the past; to remove the job now, delete it.")
    return clock.fine_stamp(min(asked, latest))


def moment(name: str, text: str) -> datetime:
    """A moment in any ISO 8601 form, UTC where no zone is said (DALI 1.1 §3.3.3)."""
    # a `+` that was not escaped in a URL has become a space
    words = _LOST_PLUS.sub("+", text.strip()) if "T" in text.upper() else text.strip()
    try:
        return clock.parse(words)
    except (ValueError, OverflowError):
        pass
    for form in _SHORT_DATES:
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise BadValue(f"{name}={shown(text)} is no ISO 8601 time; write it like {clock.stamp()}.")


def offset(text: str) -> int:
    """A position in a log, in bytes."""
    number = _integer("SINCE", text)
    if number < 0:
        raise BadValue(f"SINCE={shown(text)} is negative; give the offset of a byte.")
    return number


def shown(text: str) -> str:
    """A client's text as a sentence repeats it: short, printable, in quotes."""
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _last(text: str) -> int:
    number = _integer("LAST", text)
    if number < 1:
        raise BadValue(f"LAST={shown(text)} must be 1 or more: it is a number of jobs.")
    return min(number, MOST_SECONDS)


def _integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise BadValue(f"{name}={shown(text)} is not a whole number.")
    return int(text)
