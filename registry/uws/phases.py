"""The phases of a job and the moves between them (UWS 1.1 §2.1.3), as data. It moves nothing: `store.move` does."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a job is in its life."""

    PENDING = "PENDING"
    HELD = "HELD"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    SUSPENDED = "SUSPENDED"
    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    ARCHIVED = "ARCHIVED"


PENDING, HELD, QUEUED, EXECUTING, SUSPENDED = Phase.PENDING, Phase.HELD, Phase.QUEUED, Phase.EXECUTING, Phase.SUSPENDED
UNKNOWN, COMPLETED, ERROR, ABORTED, ARCHIVED = (
    Phase.UNKNOWN, Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED)

FINAL = frozenset({COMPLETED, ERROR, ABORTED, ARCHIVED})
# a blocking request waits in these and in no other (UWS 1.1 §2.2.1.1)
ACTIVE = frozenset({PENDING, QUEUED, EXECUTING})
# from these a client may ask for RUN: HELD means that it must ask again
STARTABLE = frozenset({PENDING, HELD})
# nothing has been started yet: the job waits for its client, for a person or for its turn
WAITING = frozenset({PENDING, HELD, QUEUED})

# from -> to. What is not here cannot happen; a final phase leads to ARCHIVED only, and UNKNOWN is not final.
MOVES: dict[Phase, frozenset[Phase]] = {
    PENDING: frozenset({QUEUED, HELD, ABORTED, ERROR}),
    HELD: frozenset({QUEUED, ABORTED, ERROR}),
    QUEUED: frozenset({EXECUTING, HELD, UNKNOWN, ABORTED, ERROR}),
    EXECUTING: frozenset({SUSPENDED, UNKNOWN, COMPLETED, ABORTED, ERROR}),
    SUSPENDED: frozenset({EXECUTING, UNKNOWN, ABORTED, ERROR}),
    UNKNOWN: frozenset({QUEUED, EXECUTING, SUSPENDED, COMPLETED, ABORTED, ERROR}),
    COMPLETED: frozenset({ARCHIVED}),
    ERROR: frozenset({ARCHIVED}),
    ABORTED: frozenset({ARCHIVED}),
    ARCHIVED: frozenset(),
}


def may_move(from_: Phase, to: Phase) -> bool:
    """Whether a job may go from the one phase to the other."""
    return to in MOVES[from_]
