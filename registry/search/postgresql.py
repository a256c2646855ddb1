"""Runs a query on a PostgreSQL server: a read-only transaction with a statement_timeout, and a cursor on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError

from registry.db import Database
from registry.errors import Unavailable
from registry.search.adql import Translated
from registry.search.adql.refused import cannot
from registry.search.timing import Clock

_SORTING = "32MB"  # that the server may use for one sorting or hashing before it goes to disk


@contextmanager
def run(database: Database, translated: Translated, clock: Clock) -> Iterator[Callable[[int], list[Any]]]:
    """What gives the next rows of the query, as many as it is asked for. Raises as `running.Queries.answer`."""
    try:
        opened = database.read()
        with opened as connection:
            raw: Any = connection.connection.dbapi_connection
            clock.stop.by(raw.cancel)
            try:
                # a plan for a query of a few milliseconds is not worth a compiler
                raw.execute("SET LOCAL jit = off")
                # whoever opens a cursor is taken to want a tenth of the rows soon, at any price for the others
                raw.execute("SET LOCAL cursor_tuple_fraction = 1")
                raw.execute(f"SET LOCAL work_mem = '{_SORTING}'")
                if raw.info.server_version >= 140000:  # else the server works on for a process that was killed
                    raw.execute("SET LOCAL client_connection_check_interval = '2s'")
                cursor = raw.cursor(name="answer")

                def work(call: Callable[..., Any], *values: Any) -> Any:
                    with _errors(clock), clock.working(raw.cancel, watched=False):
                        raw.execute(f"SET LOCAL statement_timeout = {max(int(clock.left * 1000), 1)}")
                        return call(*values)

                work(cursor.execute, translated.sql, translated.parameters)
                yield lambda count: list(work(cursor.fetchmany, count))
            finally:
                clock.stop.by(None)
    except DBAPIError:
        raise Unavailable("The database does not answer just now: ask again in a few seconds.") from None


@contextmanager
def _errors(clock: Clock) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # psycopg is an extra: its errors are known by their SQLSTATE, all others are handed on
        state = getattr(error, "sqlstate", None)
        if state is None:
            raise
        if state == "57014":  # query_canceled
            clock.left = min(clock.left, 0.0) if not (clock.stop.asked or clock.crowded) else clock.left
            clock.check()
            raise clock.too_long() from None
        if state[:2] in ("08", "57", "53"):  # connection, operator intervention, resources
            raise Unavailable("The database does not answer just now: ask again in a few seconds.") from None
        raise cannot(str(error).strip().partition("\n")[0]) from None
