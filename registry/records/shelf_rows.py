"""Writes the rows of many records at once, and their projected rows into the tables `rr_*`. Called by the store alone.

What a record's rows are is for `store` and `projection` to say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Row, Table, bindparam, delete, select

from registry import words
from registry.db import before_commit
from registry.records import stamping
from registry.records.projection.columns import COLUMNS
from registry.records.projection.values import Packed, Rows
from registry.tables import metadata, record_versions, records

SHELF = "shelf"  # what a unit of work that changes records or authorities is alone in (`db.alone`)
TABLES = tuple(table for name, table in sorted(metadata.tables.items()) if name.startswith("rr_"))
_RESOURCE = "rr_resource"
_FILLED = [metadata.tables[name] for name in COLUMNS]

_WAITING = "waiting records"
_MANY = select(records).where(records.c.key.in_(bindparam("keys", expanding=True)))


class Pending:
    """New records of one unit of work that wait: a statement per table instead of several per record.

    `flush` writes what is derived of them; whoever makes one calls it before the unit ends. The records themselves are
    written once, with their datestamp, just before the commit. `store.get` sees all of it before.
    """

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        self._versions: list[dict[str, Any]] = []
        self._rows: dict[str, Packed] = {}
        self._foreseen: dict[str, Row[Any] | None] = {}

    def foresee(self, connection: Connection, keys: Iterable[str]) -> None:
        """Look up in one go what is there of the records that will be asked for."""
        wanted = list(dict.fromkeys(keys))
        there = {row.key: row for row in connection.execute(_MANY, {"keys": wanted})}
        self._foreseen = {key: there.get(key) for key in wanted}
        before_commit(connection, _WAITING, self._end)

    def foreseen(self, key: str) -> bool:
        """Whether `take` knows what is there: once, for whoever asks may change it."""
        return key in self._foreseen

    def take(self, key: str) -> Row[Any] | None:
        """The row of a foreseen record, None where there is no such record."""
        return self._foreseen.pop(key)

    def add(self, key: str, rows: Packed) -> None:
        """Let the projected rows of the record `key` wait."""
        self._rows[key] = rows

    def add_record(self, connection: Connection, record: dict[str, Any], version: dict[str, Any]) -> None:
        """Let a new record wait, and its first version."""
        record["problems"] = json.dumps(record["problems"]) if record["problems"] else "[]"  # as the database has it
        self._records[record["key"]] = record
        self._versions.append(version)
        before_commit(connection, _WAITING, self._end)

    def drop(self, key: str) -> None:
        """Forget the projected rows of the record `key`, which comes a second time."""
        self._rows.pop(key, None)

    def holds(self, key: str) -> bool:
        """Whether the record `key` waits here."""
        return key in self._records

    def flush(self, connection: Connection) -> None:
        """Write all that waits but the records."""
        together: dict[str, Rows] = {table.name: [] for table in _FILLED}
        for record in self._rows.values():
            for name, rows in record.items():
                together[name] += rows
        for table in _FILLED:
            put(connection, table, together[table.name])
        _insert(connection, record_versions, self._versions)
        self._rows, self._versions = {}, []

    def write(self, connection: Connection, stamp: str = "") -> None:
        """Write all that waits, the records with `stamp`."""
        self.flush(connection)
        for record in self._records.values():
            record["datestamp"] = stamp
        _insert(connection, records, self._records.values())
        self._records = {}

    def _end(self, connection: Connection) -> None:
        if self._records:
            stamp = stamping.next_stamp(connection)
            self.write(connection, stamp)
            stamping.given(connection, stamp)


def waiting(connection: Connection) -> Pending | None:
    """What waits in this unit of work."""
    call = connection.info.get("before_commit", {}).get(_WAITING)
    return call.__self__ if call else None  # the method of the one that waits


def handed_by(rows: Packed, registry: str) -> Packed:
    """The rows of a record that the registry of that identifier handed to us, '' where nobody did."""
    if not registry or _RESOURCE not in rows:
        return rows
    place = COLUMNS[_RESOURCE].index("harvested_from")
    named = [(*row[:place], registry.lower(), *row[place + 1:]) for row in rows[_RESOURCE]]
    return {**rows, _RESOURCE: named}


def _insert(connection: Connection, table: Table, rows: Collection[dict[str, Any]]) -> None:
    """Insert rows that have the same columns, their JSON as it is written."""
    if rows:
        names = tuple(next(iter(rows)))
        json = frozenset(name for name in names if isinstance(table.c[name].type, JSON))
        connection.exec_driver_sql(_inserting(table.name, names, connection.dialect.name, json),
                                   [tuple(row.values()) for row in rows])


def put(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert packed rows.

    The driver is spoken to directly: there are sixty such rows to a record, and nothing in them to convert.
    """
    if rows:
        statement = _inserting(table.name, COLUMNS[table.name], connection.dialect.name)
        with words.filled(connection, table):
            connection.exec_driver_sql(statement, list(rows))


@cache
def _inserting(table: str, columns: tuple[str, ...], dialect: str, json: frozenset[str] = frozenset()) -> str:
    mark, of_json = ("?", "?") if dialect == "sqlite" else ("%s", "CAST(%s AS json)")  # there a text is no JSON by itself
    named = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({named}) VALUES ({', '.join(of_json if name in json else mark for name in columns)})"


# the record that a row is of, whose identifier rr_tap_table calls another name
_CLEARINGS = [delete(table).where(table.c["resid" if "resid" in table.c else "ivoid"] == bindparam("key")) for table in TABLES]


def clear(connection: Connection, key: str, pending: Pending | None = None) -> None:
    """Take out every projected row of the record `key`."""
    if pending:
        pending.drop(key)
    for clearing in _CLEARINGS:
        connection.execute(clearing, {"key": key})


def write(connection: Connection, key: str, rows: Packed, pending: Pending | None = None) -> None:
    """Put in the projected rows of the record `key`, or let them wait; `clear` has been called before, or it is new."""
    if pending is not None:
        pending.add(key, rows)
        return
    for table in _FILLED:
        put(connection, table, rows.get(table.name, ()))
