"""The time as the standards write it: UTC, whole seconds, `YYYY-MM-DDThh:mm:ssZ`. It reads the clock, no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> datetime:
    """The present moment, UTC, with its microseconds."""
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """`moment` (default: now) as text in whole seconds; such texts sort by time."""
    return (moment or now()).astimezone(UTC).strftime(FORMAT)


def fine_stamp(moment: datetime | None = None) -> str:
    """`moment` (default: now) with milliseconds, for measuring; `YYYY-MM-DDThh:mm:ss.mmmZ`."""
    moment = (moment or now()).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """A moment from any ISO 8601 form; one without a zone is UTC (DALI 1.1 §3.3.3).

    Raises ValueError.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def later(seconds: float, moment: datetime | None = None) -> datetime:
    """`seconds` after `moment` (default: now)."""
    return (moment or now()) + timedelta(seconds=seconds)
