"""The database: engines and units of work. It knows no table and no rule of any room.

SQLite (WAL) is the embedded default; a URL names a PostgreSQL server for work on several hosts. Rooms see one
behaviour. A unit that reads sees one state of the database. A unit that writes sees what is committed at each
statement: a change is conditional on what was read (UPDATE ... WHERE version = ...), or made `alone`. SQLite lets one
unit write at a time; it begins with BEGIN IMMEDIATE, because one that reads first and writes later is refused at once
when somebody else wrote meanwhile. At its end the unit's `before_commit` calls run under the stamp lock: a datestamp
given there is visible to readers before the clock can show a later second to `read_settled` (OAI-PMH completeness,
decision D2).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, RootTransaction, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from registry import allocating
from registry.errors import Refusal, Unavailable

_STAMP_LOCK = 4711  # any number, the same in every process
_PATIENCE = 30  # seconds that a statement waits for another's lock
_LONG = 1800  # seconds that whoever is to change the schema waits for another who does
# kilobytes of pages in memory, and pages of the log that are there before they are brought into the database
_USUAL, _LARGE = (("cache_size=-2000", "wal_autocheckpoint=500"), ("cache_size=-32000", "wal_autocheckpoint=3000"))
_PAGE = 8192  # bytes: a record's XML and the rows made from it are in fewer pieces than with half of it
_FORMS = "sqlite:///path/of/a/file or postgresql://user:password@host/name"


class DatabaseRefused(Refusal):
    """The database_url cannot be used as it is; the message says why and what would do."""


class UnfitValue(Refusal):
    """A value that no database of ours can hold; the message says which kind."""


class Database:
    """One database, used by all threads of one process."""

    def __init__(self, url: str, *, echo: bool = False) -> None:
        """Raises DatabaseRefused for a URL that means nothing here; whether anybody answers there is `check`'s."""
        self.url = _understood(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url, echo) if self.is_sqlite else _postgresql_engine(self.url, echo)
        self._lock_file = Path(f"{self.url.database}.stamp") if self.is_sqlite else None
        self.announce: Callable[[], None] | None = None  # called after each commit that gave datestamps
        # there a transaction's statements see one state only when it says so
        self._reader = self.engine if self.is_sqlite else self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def name(self) -> str:
        """What and where it is, for people; never the password."""
        if self.is_sqlite:
            return f"SQLite file {self.url.database}"
        place = self.url.host or self.url.query.get("host") or "this host"
        port = f":{self.url.port}" if self.url.port else ""
        return f"PostgreSQL database {self.url.database or '(unnamed)'} at {place}{port}"

    def check(self) -> None:
        """Raises Unavailable where nobody answers, DatabaseRefused where the database cannot hold our texts."""
        try:
            with self.read() as connection:
                encoding = "UTF8" if self.is_sqlite else connection.execute(text("SHOW server_encoding")).scalar()
        except DBAPIError as error:
            words = str(error.orig).strip().splitlines() or ["it gives no reason"]
            raise Unavailable(
                f"The {self.name} cannot be used: {words[0].rstrip('.')}. Start it, or correct database_url.") from None
        if encoding != "UTF8":
            raise DatabaseRefused(f"The {self.name} keeps its texts as {encoding}, which cannot hold every record's: "
                                  "make one with ENCODING 'UTF8' TEMPLATE template0.")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and writes nothing."""
        with self._reader.connect() as connection:
            connection.info["writes"] = False
            with connection.begin():
                yield connection

    @contextmanager
    def read_settled(self) -> Iterator[Connection]:
        """A reading transaction while nobody is between stamping and commit: no older stamp than it sees comes later.

        Each statement in it sees what is committed by then; it holds up every commit of stamps, so it must be short.
        """
        with self.engine.connect() as connection:
            connection.info["writes"] = False
            with connection.begin(), self._stamp_lock(connection):
                yield connection

    @contextmanager
    def write(self, *, large: bool = False) -> Iterator[Connection]:
        """A unit of work: all of it is committed at the end, or none of it on an exception.

        A `large` one, of many megabytes, has more memory, and SQLite brings its log into the database less often.
        """
        with self.engine.connect() as connection, self._room(connection, large):
            connection.info.update(writes=True, before_commit={}, alone=None if self.is_sqlite else set())
            try:
                with connection.begin() as transaction:
                    yield connection
                    self._commit(connection, transaction)
            finally:
                connection.info.update(writes=False, before_commit={}, alone=None)

    @contextmanager
    def _room(self, connection: Connection, large: bool) -> Iterator[None]:
        if not (large and self.is_sqlite):
            yield
            return
        driver: Any = connection.connection.dbapi_connection
        for pragma in _LARGE:
            driver.execute(f"PRAGMA {pragma}")
        try:
            yield
        finally:
            for pragma in _USUAL:
                driver.execute(f"PRAGMA {pragma}")

    @contextmanager
    def altering(self) -> Iterator[Connection]:
        """A unit of work that may rebuild tables, however long another takes that is at it already.

        SQLite looks at foreign keys at its end: a table that is dropped for a better one must not take others' rows along.
        """
        with self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            if self.is_sqlite:
                driver.execute(f"PRAGMA busy_timeout={_LONG}000").close()
                driver.execute("PRAGMA foreign_keys=OFF").close()
            connection.info["writes"] = True
            try:
                with connection.begin():
                    if not self.is_sqlite:
                        connection.execute(text(f"SET LOCAL lock_timeout = '{_LONG}s'"))
                    connection.info["alone"] = None if self.is_sqlite else set()
                    yield connection
                    if self.is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                        raise DatabaseRefused(f"Rows of {broken[0]} would name rows of {broken[2]} that are not there: nothing "
                                              "was changed.")
            finally:
                connection.info.update(writes=False, alone=None)
                if self.is_sqlite:
                    driver.execute("PRAGMA foreign_keys=ON").close()
                    driver.execute(f"PRAGMA busy_timeout={_PATIENCE}000").close()

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        calls = connection.info["before_commit"]
        if not calls:
            transaction.commit()
            return
        with self._stamp_lock(connection):
            for call in calls.values():
                call(connection)
            transaction.commit()
        if self.announce is not None:
            self.announce()

    @contextmanager
    def _stamp_lock(self, connection: Connection) -> Iterator[None]:
        """On a server the lock is the transaction's own: let go once what it committed is visible, and not before."""
        if self._lock_file is None:
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


def alone(connection: Connection, what: str) -> None:
    """From here to its end this unit of work is the only one in `what`: so it may read, decide and write by that.

    Nothing happens in a unit that reads. One that takes several takes them in the order of the alphabet, else two wait
    for each other. SQLite has only one writer in any case.
    """
    held = connection.info.get("alone")
    if held is not None and what not in held:
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        held.add(what)


def _understood(url: str) -> URL:
    """Raises DatabaseRefused; never repeats the text, which may hold a password."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseRefused(f"The database_url is none: it must look like {_FORMS}.") from None
    kind = found.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    if kind != "sqlite" or not found.database:
        raise DatabaseRefused(f"The database_url begins with {kind}: it must look like {_FORMS}.")
    return found


def _explain(context: ExceptionContext) -> None:
    """What the client has sent is the client's to mend: a sentence, no fault of ours."""
    error = context.original_exception
    if isinstance(error, UnicodeEncodeError):
        raise UnfitValue("A text holds half a character (a lone surrogate): send it whole.")
    if isinstance(error, OverflowError) or isinstance(context.sqlalchemy_exception, DataError):
        words = str(error).strip().splitlines() or ["it is out of range"]
        raise UnfitValue(f"A value does not fit into the database: {words[0].rstrip('.')}.")


def _sqlite_engine(url: URL, echo: bool) -> Engine:
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseRefused(f"The folder {folder} of the database cannot be made: {error.strerror}.") from None
    allocating.count_no_memory()
    engine = create_engine(url, echo=echo, hide_parameters=True, connect_args={"timeout": _PATIENCE})
    event.listen(engine, "handle_error", _explain)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (f"page_size={_PAGE}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                       f"busy_timeout={_PATIENCE}000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")

    return engine


def _postgresql_engine(url: URL, echo: bool) -> Engine:
    try:
        from psycopg.types.string import StrDumper  # an extra: most sites have no database server
    except ImportError:
        raise DatabaseRefused("The database_url names a PostgreSQL server, and its driver is not installed: "
                              "pip install 'innerspace[postgres]'.") from None
    given = {"client_encoding": "UTF8", "application_name": "innerspace", "connect_timeout": 10,
             "options": f"-c lock_timeout={_PATIENCE}s"}
    engine = create_engine(
        url, echo=echo, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=20,
        isolation_level="READ COMMITTED",
        connect_args={name: value for name, value in given.items() if name not in url.query})
    event.listen(engine, "handle_error", _explain)

    class _Text(StrDumper):  # type: ignore[misc, valid-type]
        """PostgreSQL keeps no NUL in a text, and no text of ours means anything by one: U+FFFD stands for it."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(str, _Text)

    return engine
