"""The database's schema: made where there is none, brought to the present one where it is older (Alembic); the only place
that changes it.

A new database is made from `registry.tables` in one go; the revisions below `migrations/` are for those that have rows.
A test holds both to the same result. All of a change is one transaction, on SQLite too: a process that is killed in
the middle of it leaves the database as it was. It makes no backup.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from registry.db import Database, DatabaseRefused, alone
from registry.errors import Unavailable
from registry.tables import metadata

_SCRIPTS = Path(__file__).parent / "migrations"
_MARK = "records"  # a table that every database of ours has


class SchemaTooOld(Unavailable):
    """The database is that of an older version of the program."""


class SchemaTooNew(Unavailable):
    """The database is that of a newer version of the program."""


@dataclass(frozen=True)
class Revision:
    """One change of the schema: its number, and what it does in a sentence."""

    number: str
    words: str


@dataclass(frozen=True)
class State:
    """The revision that a database has ('' for none yet), the newest, and those between, oldest first."""

    present: str
    newest: str
    pending: tuple[Revision, ...]


def state(database: Database) -> State:
    """Which revision the database has, and what it lacks.

    Raises Unavailable where none answers, DatabaseRefused for one that is not ours, SchemaTooNew.
    """
    database.check()
    with database.read() as connection:
        return _state(connection, database.name)


def revision(connection: Connection) -> str:
    """The revision of the database that it is a connection to; '' for none yet."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest() -> str:
    """The revision that this program needs."""
    return _known()[0].number


def upgrade(database: Database) -> State:
    """Bring `database` to the newest schema; nothing happens where it is there already. What it was like before.

    Raises what `state` raises.
    """
    before = state(database)
    if before.present == before.newest:
        return before
    with database.altering() as connection:
        return _upgraded(connection, database)


def rehearse(database: Database) -> State:
    """Carry out the upgrade and take it back: what would fail fails now. Nobody else writes meanwhile. Raises as `upgrade`."""
    with _taken_back(database) as connection:
        return _upgraded(connection, database)


def ready(database: Database) -> None:
    """Make the schema where there is none; raises SchemaTooOld where it is to be upgraded, and what `state` raises."""
    found = state(database)
    if not found.present:
        upgrade(database)
    elif found.pending:
        raise SchemaTooOld(
            f"The {database.name} is that of an older version of this program (revision {found.present}, and this one needs "
            f"{found.newest}): stop what runs on it, and `registry upgrade` brings it up to date, after a backup.")


def missing(database: Database) -> list[str]:
    """Tables and columns that the present schema has and this database does not: somebody else has changed it."""
    with database.read() as connection:
        there = inspect(connection)
        names = set(there.get_table_names())
        lacking = sorted(metadata.tables.keys() - names)
        for table in (table for name, table in sorted(metadata.tables.items()) if name in names):
            columns = {column["name"] for column in there.get_columns(table.name)}
            lacking += [f"{table.name}.{column.name}" for column in table.columns if column.name not in columns]
    return lacking


def statements(database: Database) -> str:
    """What `upgrade` would carry out, as SQL; '' where there is nothing to do or everything is to be made."""
    found = state(database)
    if not found.present or not found.pending:
        return ""
    output = io.StringIO()
    config = _config()
    config.attributes.update(dialect=database.engine.dialect.name, output=output)
    command.upgrade(config, f"{found.present}:{found.newest}", sql=True)
    return output.getvalue()


def _upgraded(connection: Connection, database: Database) -> State:
    alone(connection, "schema")  # the processes of a site start together: the second finds it done
    before = _state(connection, database.name)
    config = _config()
    config.attributes["connection"] = connection
    if before.present:
        command.upgrade(config, "head")
    else:
        metadata.create_all(connection, checkfirst=False)
        command.stamp(config, "head")
    return before


@contextmanager
def _taken_back(database: Database) -> Iterator[Connection]:
    class Enough(Exception):
        """The way out of the transaction."""

    try:
        with database.altering() as connection:
            yield connection
            raise Enough
    except Enough:
        pass


def _state(connection: Connection, name: str) -> State:
    known = _known()
    present = revision(connection)
    if not present:
        if inspect(connection).has_table(_MARK):
            raise DatabaseRefused(f"The {name} has a table {_MARK} and does not say of which version it is: it is not a "
                                  "registry's. Name another one in database_url, or restore a backup.")
        return State("", newest(), ())
    check_known(present, name)
    numbers = [one.number for one in known]
    return State(present, newest(), tuple(reversed(known[:numbers.index(present)])))


def check_known(number: str, name: str) -> None:
    """Raises SchemaTooNew where the database `name` is of a revision (`number`) that this program does not know."""
    known = [one.number for one in _known()]
    if number not in known:
        raise SchemaTooNew(
            f"The {name} is that of a newer version of this program (revision {number}, this one knows {known[0]} at most): "
            "install that version, or restore a backup from before its upgrade.")


@cache
def _known() -> tuple[Revision, ...]:
    """All revisions, the newest first."""
    script = ScriptDirectory.from_config(_config())
    return tuple(Revision(one.revision, one.doc.rstrip(".")) for one in script.walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
