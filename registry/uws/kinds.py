"""The two kinds of job: runs of applications, which have containers, and queries, which a few threads of a worker answer.

Both are UWS jobs in one table. A query's name begins with a letter that no run's has, so that each list on the web knows
its own by the name alone; the row has the kind as well, for conditions.
"""

from __future__ import annotations

import secrets

from registry.config import Settings

RUNS, QUERIES = "run", "query"
_QUERY = "q"  # no hexadecimal digit


def new_id(kind: str) -> str:
    """A name for a new job, which cannot be guessed."""
    return (_QUERY if kind == QUERIES else "") + secrets.token_hex(10)


def of(job_id: str) -> str:
    """The kind of the job of that name, whether there is one or not."""
    return QUERIES if job_id.startswith(_QUERY) else RUNS


def most_time(settings: Settings, kind: str) -> int:
    """The most seconds that a job of the kind may execute."""
    most: int = settings.tap_async_seconds if kind == QUERIES else settings.most("time")
    return most
