"""Connections to the SQLite file that can do nothing but read the projection, for queries of whoever asks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from registry.errors import Unavailable
from registry.search.adql import words
from registry.search.adql.lines import real
from registry.search.described import TABLES

_CACHE = 8 * 1024  # KiB of pages that a connection keeps; the system keeps the others
_LONGEST = 32 * 2**20  # bytes of one value, also of what || and ivo_string_agg make
_FUNCTIONS = {
    "abs", "acos", "asin", "atan", "atan2", "avg", "ceil", "coalesce", "cos", "count", "degrees", "exp", "floor", "folded",
    "glob", "group_concat", "has_words", "instr", "length", "like", "ln", "log10", "lower", "match", "max", "min", "nullif", "pi",
    "power", "radians", "random", "real_text", "replace", "round", "sin", "sqrt", "sum", "tan", "trunc", "upper",
}
_READ = frozenset({*(table.stored for table in TABLES.values()), "moc_cells"})


class Reading(sqlite3.Connection):
    """A connection that can only read; `writes_lines` while what it prepares is our own, which puts rows together."""

    writes_lines = False


def open_readonly(path: Path) -> Reading:
    """A new connection, to be used by one thread at a time. Raises Unavailable."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None,
                                     check_same_thread=False, factory=Reading)
        for pragma in ("query_only = ON", "trusted_schema = OFF", "busy_timeout = 5000", f"cache_size = -{_CACHE}"):
            connection.execute(f"PRAGMA {pragma}").close()
        # a full-text table declares itself when it is first used, which the authorizer would take for a change of the schema
        listed = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE words#_%' ESCAPE '#'")
        for table in listed.fetchall():
            connection.execute(f"SELECT rowid FROM {table[0]} LIMIT 0").close()
    except sqlite3.Error as error:
        raise Unavailable(f"The database cannot be read: {error}.") from None
    connection.create_function("has_words", 2, words.has_words, deterministic=True)
    connection.create_function("folded", 1, words.folded, deterministic=True)
    connection.create_function("real_text", 1, real, deterministic=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(lambda *asked: _allowed(connection.writes_lines, *asked))
    return connection


def _allowed(lines: bool, action: int, one: str | None, other: str | None, _database: str | None, _source: str | None) -> int:
    """What SQLite asks about each part of a statement before it is run: only reading the projection is allowed.

    Its printf makes a text of any length from nothing: only `lines` of our own call it, and char.
    """
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and (one in _READ or str(one).startswith("words_")):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (str(other).lower() in _FUNCTIONS or (lines and other in ("char", "printf"))):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and one == "data_version":  # full-text tables look whether they have changed
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
