"""The database: engines and units of work. It knows no table and no rule of any room.

SQLite (WAL) is the embedded default. Every unit that writes begins with BEGIN IMMEDIATE, because a
transaction that reads first and writes later is refused at once when somebody else wrote meanwhile. At its end the
unit's `before_commit` calls run under the stamp lock: a datestamp given there is visible to readers before the
clock can show a later second to anyone who took the same lock (OAI-PMH completeness, decision D2).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, make_url, text

_STAMP_LOCK = 4711  # any number, the same in every process


class Database:
    """One database, used by all threads of one process."""

    def __init__(self, url: str, *, echo: bool = False) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _sqlite_engine(url, echo) if self.is_sqlite else create_engine(url, echo=echo, pool_pre_ping=True)
        self._lock_file = Path(f"{self.url.database}.stamp") if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and writes nothing."""
        with self.engine.connect() as connection:
            connection.info["writes"] = False
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A unit of work: all of it is committed at the end, or none of it on an exception."""
        with self.engine.connect() as connection:
            connection.info.update(writes=True, before_commit={})
            try:
                with connection.begin() as transaction:
                    yield connection
                    self._commit(connection, transaction)
            finally:
                connection.info["writes"] = False

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        calls = connection.info["before_commit"]
        if not calls:
            return transaction.commit()
        with self.stamp_lock(connection):
            for call in calls.values():
                call(connection)
            return transaction.commit()

    @contextmanager
    def stamp_lock(self, connection: Connection | None = None) -> Iterator[None]:
        """Held from stamping to commit by writers; a reader that takes it for a moment sees no older stamp come later.

        On a server database the lock is the transaction's own, so it is let go by the commit itself.
        """
        if self._lock_file is None:
            if connection is not None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _STAMP_LOCK})
            yield
            return
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def before_commit(connection: Connection, name: str, call: Callable[[Connection], Any]) -> None:
    """Run `call` once (per `name`) at the end of the unit of work of `connection`, just before its commit."""
    connection.info["before_commit"].setdefault(name, call)


def _sqlite_engine(url: str, echo: bool) -> Engine:
    engine = create_engine(url, echo=echo, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")

    return engine
