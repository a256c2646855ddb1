"""The datestamps that OAI-PMH pages by: given just before a unit of work commits, never below an earlier one (D2)."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, delete, insert, select

from registry import clock
from registry.tables import facts

LAST_STAMP = "last record stamp"
_LAST = select(facts.c.value).where(facts.c.name == LAST_STAMP)  # made once: every answer of OAI-PMH asks


def last_stamp(connection: Connection) -> str:
    """The newest datestamp ever given, '' where there is none."""
    return cast(str, connection.execute(_LAST).scalar() or "")


def next_stamp(connection: Connection) -> str:
    """The datestamp of what is committed now; to be asked for under the stamp lock (`registry.db.before_commit`)."""
    return max(clock.stamp(), last_stamp(connection))


def given(connection: Connection, stamp: str) -> None:
    """Write down that records have got this datestamp."""
    connection.execute(delete(facts).where(facts.c.name == LAST_STAMP))
    connection.execute(insert(facts).values(name=LAST_STAMP, value=stamp))
