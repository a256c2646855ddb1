"""Says what time it is to harvesters, so that a list and its next incremental together miss nothing (decision D7).

A list is bounded by the last closed second: one in which no record can be stamped any more. The response that
opens a list is dated with the second after it, which is where the harvester's next `from` begins.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from sqlalchemy import Connection, delete, insert

from registry import clock
from registry.db import Database, before_commit
from registry.records.store import LAST_STAMP, last_stamp
from registry.tables import facts


class Moments:
    """The clock of one process's OAI-PMH answers; it never goes back. Threads share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._shown = clock.stamp()

    def now(self, connection: Connection | None = None) -> str:
        """The present second for a responseDate: no earlier than one shown before, nor than any record's datestamp.

        With `connection` it is that reading transaction's moment.
        """
        if connection is not None:
            return self._show(max(self._shown, last_stamp(connection), clock.stamp()))
        with self._database.read() as reading:
            return self.now(reading)

    def opening(self) -> str:
        """The second in which a list begins: what is committed by now is stamped below it, what comes later is not.

        Waits for the running second to end where a record was stamped in it.
        """
        while True:
            # writers hold the lock from stamping to commit: with it in hand, no stamp below this second is under way
            with self._database.read_settled() as connection:
                now = clock.now()
                unclosed = max(last_stamp(connection), moved(self._shown, -1))
            second = clock.stamp(now)
            if unclosed < second:
                return self._show(second)
            if unclosed > second:  # the clock was set back: no waiting closes seconds that lie ahead of it
                return self._show(self._close(unclosed))
            time.sleep(1 - now.microsecond / 1_000_000)

    def _close(self, unclosed: str) -> str:
        """Let every later record be stamped after `unclosed`; gives the least stamp that can come."""
        with self._database.write() as connection:
            following = moved(max(unclosed, last_stamp(connection)), 1)
            before_commit(connection, "closed second", lambda within: _set_last(within, following))
        return following

    def _show(self, second: str) -> str:
        with self._lock:
            self._shown = max(self._shown, second)
        return second


def moved(stamp: str, seconds: int) -> str:
    """The second that lies `seconds` after `stamp`, or before it where that is negative."""
    return clock.stamp(clock.parse(stamp) + timedelta(seconds=seconds))


def _set_last(connection: Connection, stamp: str) -> None:
    connection.execute(delete(facts).where(facts.c.name == LAST_STAMP))
    connection.execute(insert(facts).values(name=LAST_STAMP, value=stamp))
