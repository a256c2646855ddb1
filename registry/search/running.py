"""Runs queries: a few at a time, each within its time, on connections that can only read. It knows nothing of TAP.

On SQLite the connections are its own: opened read-only, with an authorizer that lets nothing but SELECTs of the projection
pass, and a progress handler that looks at the clock. On PostgreSQL each query is a read-only transaction with a
statement_timeout and a cursor on the server. Time is what the database works, not what a slow client takes to read.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from registry.errors import Busy, Refusal, Unavailable
from registry.search.adql import AdqlRefused, Translated, translate
from registry.search.described import DescribedColumn
from registry.search.reading import open_readonly
from registry.site import Site

_PATIENCE = 10.0  # seconds that a query waits for its turn
_BATCH = 500  # rows that are read at once
_LESS = "ask for less, join by ivoid"
_SORTING = "32MB"  # that the server may use for one sorting or hashing before it goes to disk
_SLOWNESS = 10  # times its seconds that a query may stay open for a client that reads slowly


class TooLong(Refusal):
    """The query was ended because it took longer than it may."""


class Stopped(Refusal):
    """The query was ended because somebody asked for that."""


class TooManyQueries(Busy):
    """As many queries run as may."""


class Stop:
    """By which one thread ends the query of another."""

    def __init__(self) -> None:
        self.asked = False
        self._call: Callable[[], object] | None = None

    def ask(self) -> None:
        """End the query, whether it has begun or not."""
        self.asked = True
        if self._call is not None:
            self._call()

    def by(self, call: Callable[[], object] | None) -> None:
        """Where a call is needed to end it: this one."""
        self._call = call


@dataclass
class Clock:
    """How long the database may still work for one query."""

    allowed: float  # seconds
    stop: Stop
    advice: str
    left: float = 0.0
    until: float = field(default_factory=time.monotonic)
    ends: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.allowed
        self.ends = time.monotonic() + _SLOWNESS * self.allowed

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the database works. Raises TooLong or Stopped when it may no longer."""
        start = time.monotonic()
        self.until = start + self.left
        self.check()
        try:
            yield
        finally:
            self.left -= time.monotonic() - start

    def over(self) -> bool:
        """Whether the query must end."""
        return self.stop.asked or time.monotonic() > self.until

    def check(self) -> None:
        """Raises TooLong or Stopped where the query must end."""
        if self.stop.asked:
            raise Stopped("The query was ended as it was asked to be.")
        if self.left <= 0 or time.monotonic() > self.ends:
            raise self.too_long()

    def too_long(self) -> TooLong:
        """The error to raise."""
        return TooLong(f"The query takes longer than the {self.allowed:g} seconds that it may: {self.advice}.")


class Answer:
    """The rows of a query as they come; `overflow` is known once they are read."""

    def __init__(
        self, columns: tuple[DescribedColumn, ...], fetch: Callable[[], list[Any]], maxrec: int | None, clock: Clock,
    ) -> None:
        self.columns = columns
        self.overflow = False
        self.clock = clock
        self._fetch, self._maxrec = fetch, maxrec

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Each row once, at most `maxrec`. Raises TooLong, Stopped or AdqlRefused also between rows."""
        left = self._maxrec
        while batch := self._fetch():
            if left is not None:
                self.overflow = len(batch) > left
                batch = batch[:left]
                left -= len(batch)
            yield from batch
            if self.overflow:
                return


class Queries:
    """The queries of one process on the database of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turns = threading.BoundedSemaphore(site.settings.tap_clients)
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()

    @contextmanager
    def answer(
        self, adql: str, *, maxrec: int | None = None, seconds: float | None = None, stop: Stop | None = None,
    ) -> Iterator[Answer]:
        """The answer of `adql`; it is open, and one of few, until this ends.

        `maxrec` and `seconds` are the settings' tap_maxrec and tap_seconds where they are not given; no answer has more
        rows than tap_hard_limit. Raises AdqlRefused, TooLong, Stopped, TooManyQueries, Unavailable.
        """
        settings = self._site.settings
        most = min(settings.tap_maxrec if maxrec is None else maxrec, settings.tap_hard_limit)
        allowed = float(settings.tap_seconds if seconds is None else seconds)
        dialect = self._site.database.engine.dialect.name
        translated = translate(adql, "sqlite" if dialect == "sqlite" else "postgresql", most)
        if not self._turns.acquire(timeout=_PATIENCE):
            raise TooManyQueries("Too many queries run just now: ask again in a few seconds.", retry_after=10)
        try:
            clock = Clock(allowed, stop or Stop(), _LESS if seconds is not None else f"{_LESS}, or send it to /tap/async")
            run = self._on_sqlite if dialect == "sqlite" else self._on_postgresql
            with run(translated, clock) as fetch:
                yield Answer(translated.columns, fetch, most, clock)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Let go of the connections that wait for queries."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    # --- SQLite -------------------------------------------------------------------------------------------------------
    @contextmanager
    def _on_sqlite(self, translated: Translated, clock: Clock) -> Iterator[Callable[[], list[Any]]]:
        connection = self._connection()
        try:
            connection.set_progress_handler(lambda: int(clock.over()), 2000)
            with _sqlite_errors(clock), clock.working():
                cursor = connection.execute(translated.sql, translated.parameters)

            def fetch() -> list[Any]:
                with _sqlite_errors(clock), clock.working():
                    return cursor.fetchmany(_BATCH)

            yield fetch
            cursor.close()
            connection.set_progress_handler(None, 0)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return open_readonly(Path(str(self._site.database.url.database)))

    # --- PostgreSQL ---------------------------------------------------------------------------------------------------
    @contextmanager
    def _on_postgresql(self, translated: Translated, clock: Clock) -> Iterator[Callable[[], list[Any]]]:
        try:
            opened = self._site.database.read()
            with opened as connection:
                raw: Any = connection.connection.dbapi_connection
                clock.stop.by(raw.cancel)
                try:
                    # a plan for a query of a few milliseconds is not worth a compiler
                    raw.execute("SET LOCAL jit = off")
                    raw.execute(f"SET LOCAL work_mem = '{_SORTING}'")
                    if raw.info.server_version >= 140000:  # else the server works on for a process that was killed
                        raw.execute("SET LOCAL client_connection_check_interval = '2s'")
                    cursor = raw.cursor(name="answer")

                    def work(call: Callable[..., Any], *values: Any) -> Any:
                        with _postgresql_errors(clock), clock.working():
                            raw.execute(f"SET LOCAL statement_timeout = {max(int(clock.left * 1000), 1)}")
                            return call(*values)

                    work(cursor.execute, translated.sql, translated.parameters)
                    yield lambda: list(work(cursor.fetchmany, _BATCH))
                finally:
                    clock.stop.by(None)
        except DBAPIError:
            raise Unavailable("The database does not answer just now: ask again in a few seconds.") from None


@contextmanager
def _sqlite_errors(clock: Clock) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        words = str(error)
        if words == "interrupted":
            clock.check()
            raise clock.too_long() from None
        # a connection from before a change of the schema cannot declare its full-text tables anew
        if any(sign in words for sign in ("locked", "disk", "unable to open", "vtable constructor failed")):
            raise Unavailable("The database cannot be read just now: ask again in a few seconds.") from None
        if "parser stack" in words or "Expression tree" in words:
            raise AdqlRefused("The query is nested too deeply: write it flatter.") from None
        raise _cannot(words) from None


@contextmanager
def _postgresql_errors(clock: Clock) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # psycopg is an extra: its errors are known by their SQLSTATE, all others are handed on
        state = getattr(error, "sqlstate", None)
        if state is None:
            raise
        if state == "57014":  # query_canceled
            clock.left = min(clock.left, 0.0) if not clock.stop.asked else clock.left
            clock.check()
            raise clock.too_long() from None
        if state[:2] in ("08", "57", "53"):  # connection, operator intervention, resources
            raise Unavailable("The database does not answer just now: ask again in a few seconds.") from None
        raise _cannot(str(error).strip().partition("\n")[0]) from None


def _cannot(words: str) -> AdqlRefused:
    return AdqlRefused(f"The database cannot work this out: {words.rstrip('.')}.")
