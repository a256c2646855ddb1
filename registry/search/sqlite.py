"""Runs a query on the SQLite file: on connections that can do nothing but read the projection, each for one query at a time."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from registry.errors import Unavailable
from registry.search.adql import AdqlRefused, Translated
from registry.search.adql.refused import cannot
from registry.search.reading import Reading, open_readonly
from registry.search.timing import Clock

_LOOK = 1_000_000  # steps of SQLite's between two looks whether somebody has asked for the end: some hundredths of a second


class Connections:
    """The connections of one process to one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._idle: queue.LifoQueue[Reading] = queue.LifoQueue()

    @contextmanager
    def run(self, translated: Translated, clock: Clock) -> Iterator[Callable[[int], list[Any]]]:
        """What gives the next rows of the query, as many as it is asked for. Raises as `running.Queries.answer`."""
        connection = self._connection()
        try:
            clock.stop.by(connection.interrupt)
            try:
                connection.writes_lines = translated.lines
                # whoever asks before the statement has begun interrupts nothing; rarely, for it takes the interpreter from others
                connection.set_progress_handler(lambda: int(clock.stop.asked), _LOOK)
                with _errors(clock), clock.working(connection.interrupt):
                    cursor = connection.execute(translated.sql, translated.parameters)

                def fetch(count: int) -> list[Any]:
                    with _errors(clock), clock.working(connection.interrupt):
                        return cursor.fetchmany(count)

                yield fetch
                cursor.close()
                connection.set_progress_handler(None, 0)
            finally:
                clock.stop.by(None)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def close(self) -> None:
        """Let go of the connections that wait for queries."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _connection(self) -> Reading:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return open_readonly(Path(self._path))


@contextmanager
def _errors(clock: Clock) -> Iterator[None]:
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
        raise cannot(words) from None
