"""Bells over PostgreSQL (NOTIFY, LISTEN): heard by every process at the same database, on whatever host.

As `bell`, which says what a bell is. Each process that rings holds a connection for it, and so does each listener; one
that is lost is opened again, and whoever waited is told to look.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from registry.bell import Bells, Listener
from registry.db import Database

_AGAIN = 1.0  # seconds until a server that is away is asked again


class ServerBells(Bells):
    """The bells of all processes at one database server."""

    def __init__(self, database: Database) -> None:
        super().__init__(Path())
        self._database = database
        self._lock = threading.Lock()
        self._connection: Any = None

    def ring(self, topic: str) -> None:
        """Wake everybody who listens to `topic`; never fails, and where the server is away nobody hears it."""
        with self._lock:
            for _ in range(2):  # the connection may have been lost since the last ring
                try:
                    self._connection = self._connection or _opened(self._database)
                    self._connection.execute("SELECT pg_notify(%s, '')", (_channel(topic),))
                    return
                except _faults():
                    self._connection = None

    def listen(self, topic: str) -> Listener:
        """Listen to `topic` from now on; close what is returned when done."""
        return ServerListener(self._database, topic)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


class ServerListener(Listener):
    """One listener to one bell."""

    def __init__(self, database: Database, topic: str) -> None:
        self._database, self._topic = database, topic
        self._connection: Any = None
        with contextlib.suppress(*_faults()):
            self._open()

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most `seconds`; True when there was one, or one may have been missed."""
        try:
            if self._connection is None:
                self._open()
                return True
            heard = list(self._connection.notifies(timeout=max(0.0, seconds), stop_after=1))
            return bool(heard + list(self._connection.notifies(timeout=0))) if heard else False
        except _faults():
            self._connection = None
            time.sleep(max(0.0, min(seconds, _AGAIN)))  # there is nothing to wait on while the server is away
            return False

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> None:
        connection = _opened(self._database)
        connection.execute(f'LISTEN "{_channel(self._topic)}"')
        self._connection = connection


def _channel(topic: str) -> str:
    return f"innerspace_{topic}"


def _opened(database: Database) -> Any:
    """A connection of psycopg's own, that no pool takes back, where each statement is committed by itself."""
    pooled = database.engine.raw_connection()
    pooled.detach()
    connection: Any = pooled.dbapi_connection
    connection.rollback()
    connection.autocommit = True
    return connection


def _faults() -> tuple[type[Exception], ...]:
    from psycopg import Error  # an extra: most sites have no database server

    return Error, SQLAlchemyError
