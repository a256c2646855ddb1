"""How the parts of a query are written for each of the two databases, so that both find the same rows.

Texts of the query never stand in the SQL: they are bound by name. Order and comparison go byte by byte on both, letters
are folded in ASCII, NULL comes first, a division by zero is NULL, and a backslash in a pattern is a backslash.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import ClassVar

from registry import tables
from registry.search.adql import words
from registry.search.adql.pieces import TEXT, Gathered, Piece, Stored

LIMIT_OF_NONE = "-1"
_GLOB = {"[": "[[]", "*": "[*]", "?": "[?]", "%": "*", "_": "?"}  # in an order in which they can be replaced one by one


class Writing(ABC):
    """One query being written; `parameters` fill as texts are bound."""

    sqlite: ClassVar[bool]

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def alias(self, letter: str = "t") -> str:
        """A name that stands for nothing else in this query."""
        return f"{letter}{next(self._numbers)}"

    def bind(self, value: str) -> str:
        """The name of the parameter of that value: the same for the same, so that like expressions are written alike."""
        name = self._names.setdefault(value, f"p{len(self._names)}")
        # neither database keeps a NUL in a text: U+FFFD stands for it in both
        self.parameters[name] = value.replace("\0", "\ufffd")
        return name

    def has_words(self, piece: Piece, needle: str) -> str:
        """Condition: all words of `needle` are in the text, in any order and place (RegTAP 1.2 §9.1)."""
        if not words.split(needle):
            return "(1 = 0)"
        if piece.gathered and words.breaks(piece.gathered):
            return self._gathered_words(piece.gathered, needle)
        if piece.stored and piece.stored.column in words.indexed(piece.stored.table):
            return self._indexed_words(piece.stored, needle)
        return self._unindexed_words(piece.sql, needle)

    def _gathered_words(self, gathered: Gathered, needle: str) -> str:
        values, key = gathered.values, gathered.key
        found = []
        for word in dict.fromkeys(words.split(needle)):
            inner = Stored(self.alias("g"), values.table, values.column)
            found.append(f"{gathered.at} IN (SELECT {inner.alias}.{key} FROM {values.table} AS {inner.alias}"
                         f" WHERE {self._own_words(inner, word)})")
        return f"({' AND '.join(found)})"

    @abstractmethod
    def _indexed_words(self, stored: Stored, needle: str) -> str:
        """Rows of an indexed column that hold all words."""

    def _own_words(self, stored: Stored, needle: str) -> str:
        """The same in a query of that table alone."""
        return self._indexed_words(stored, needle)

    @abstractmethod
    def _unindexed_words(self, sql: str, needle: str) -> str:
        """Whether a text that no index knows holds all words."""


def row_number(table: str) -> str:
    """The column of a stored table that numbers its rows."""
    return next(column.name for column in tables.metadata.tables[table].columns if tables.is_number(column))


class Sqlite(Writing):
    """SQLite 3.39 and later, on a connection of `running`."""

    sqlite = True

    def among(self, sql: str, query: str) -> str:
        """Whether a row's number is one of those that a query finds."""
        return f"({sql} IN ({query}))"

    def text(self, value: str) -> str:
        """A bound text."""
        return f":{self.bind(value)}"

    def double(self, digits: str) -> str:
        """A number with a point or exponent."""
        return repr(float(digits))

    def nothing(self, kind: str) -> str:
        """NULL where a text or a number is expected."""
        return "NULL"

    def long(self, sql: str) -> str:
        """A whole number that may grow."""
        return sql

    def folded(self, name: str, sql: str) -> str:
        """`lower` or `upper` of a text."""
        return f"{name}({sql})"

    def like(self, value: str, pattern: Piece) -> str:
        """LIKE, in which case counts: SQLite's GLOB, whose wild cards are others."""
        if isinstance(pattern.constant, str):
            return f"{value} GLOB {self.text(_glob(pattern.constant))}"
        escaped = pattern.sql
        for mark, other in _GLOB.items():
            escaped = f"replace({escaped}, '{mark}', '{other}')"
        return f"{value} GLOB {escaped}"

    def like_any_case(self, value: str, pattern: Piece) -> str:
        """ILIKE: SQLite's own LIKE folds ASCII; other letters are folded by a function of ours."""
        if isinstance(pattern.constant, str) and pattern.constant.isascii():
            return f"{value} LIKE {pattern.sql}"
        return f"folded({value}) LIKE folded({pattern.sql})"

    def ordered(self, piece_sql: str, kind: str, descending: bool) -> str:
        """A term of ORDER BY."""
        return f"{piece_sql} DESC" if descending else piece_sql

    def compared(self, sql: str, kind: str) -> str:
        """An operand of < and the like."""
        return sql

    def certain(self, condition: str) -> str:
        """A condition that is false where it would be unknown."""
        return f"coalesce({condition}, 0)"

    def numbered(self, condition: str) -> str:
        """1 where a condition holds, else 0."""
        return f"coalesce({condition}, 0)"

    def divided(self, one: str, by: str) -> str:
        """A quotient."""
        return f"({one} / {by})"

    def holds(self, text: str, part: str) -> str:
        """Whether a text is part of another."""
        return f"instr({text}, {part}) > 0"

    def gathered(self, sql: str, kind: str, between: str) -> str:
        """ivo_string_agg."""
        return f"coalesce(group_concat({sql}, {between}), '')"

    def gathered_or_null(self, sql: str, between: str) -> str:
        """The same, NULL where there is no row."""
        return f"group_concat({sql}, {between})"

    def total(self, sql: str, datatype: str) -> str:
        """SUM; SQLite's own gives up where a whole number grows too large."""
        return f"sum({sql})"

    def mean(self, sql: str) -> str:
        """AVG."""
        return f"avg({sql})"

    def extreme(self, name: str, sql: str, kind: str) -> str:
        """MIN or MAX."""
        return f"{name}({sql})"

    def limited(self, most: int | None, skipped: int) -> str:
        """What follows a query of which not every row is wanted."""
        if most is None and not skipped:
            return ""
        return f" LIMIT {LIMIT_OF_NONE if most is None else most}" + (f" OFFSET {skipped}" if skipped else "")

    def _indexed_words(self, stored: Stored, needle: str) -> str:
        index = stored.table.replace("rr_", "words_", 1)
        wanted = self.text(f"{stored.column} : ({' AND '.join(words.quoted(needle))})")
        return f"{stored.alias}.{row_number(stored.table)} IN (SELECT rowid FROM {index} WHERE {index} MATCH {wanted})"

    def _unindexed_words(self, sql: str, needle: str) -> str:
        asked = f"has_words({sql}, {self.text(needle)})"
        letters = [f"{sql} LIKE {self.text(f'%{one}%')}" for one in words.beginnings(needle)]
        if not letters:
            return asked
        # our function is slow: it is asked only where the letters are there, or accents may hide them
        return f"CASE WHEN ({' AND '.join(letters)}) OR length({sql}) <> length(CAST({sql} AS blob)) THEN {asked} ELSE 0 END"


def _glob(pattern: str) -> str:
    return "".join(_GLOB.get(mark, mark) for mark in pattern)


class Postgresql(Writing):
    """PostgreSQL 13 and later, by psycopg."""

    sqlite = False

    def among(self, sql: str, query: str) -> str:
        """Whether a row's number is one of those that a query finds; the planner would join row by row."""
        return f"({sql} = ANY(ARRAY({query})))"

    def text(self, value: str) -> str:
        """A bound text; without the cast the server asks of which type it is."""
        return f"CAST(%({self.bind(value)})s AS text)"

    def double(self, digits: str) -> str:
        """A number with a point or exponent; by itself it would be a NUMERIC."""
        return f"CAST({float(digits)!r} AS double precision)"

    def nothing(self, kind: str) -> str:
        """NULL where a text or a number is expected: of no type it fits no function."""
        return f"CAST(NULL AS {'text' if kind == TEXT else 'double precision'})"

    def long(self, sql: str) -> str:
        """A whole number that may grow: beyond its type would be an error."""
        return f"CAST({sql} AS bigint)"

    def folded(self, name: str, sql: str) -> str:
        """`lower` or `upper` of a text, in ASCII as on SQLite."""
        return f'{name}({sql} COLLATE "C")'

    def like(self, value: str, pattern: Piece) -> str:
        """LIKE, without an escape character."""
        return f"{value} LIKE {self._pattern(pattern)}"

    def like_any_case(self, value: str, pattern: Piece) -> str:
        """ILIKE."""
        if isinstance(pattern.constant, str) and not pattern.constant.isascii():
            return f'({value} COLLATE "default") ILIKE {self._pattern(pattern)}'
        return f"{value} ILIKE {self._pattern(pattern)}"

    def _pattern(self, pattern: Piece) -> str:
        if isinstance(pattern.constant, str):
            return self.text(pattern.constant.replace("\\", "\\\\")) if "\\" in pattern.constant else pattern.sql
        return f"{pattern.sql} ESCAPE ''"

    def ordered(self, piece_sql: str, kind: str, descending: bool) -> str:
        """A term of ORDER BY."""
        return self.compared(piece_sql, kind) + (" DESC NULLS LAST" if descending else " NULLS FIRST")

    def compared(self, sql: str, kind: str) -> str:
        """An operand of < and the like."""
        return f'{sql} COLLATE "C"' if kind == TEXT else sql

    def certain(self, condition: str) -> str:
        """A condition that is false where it would be unknown."""
        return f"coalesce({condition}, FALSE)"

    def numbered(self, condition: str) -> str:
        """1 where a condition holds, else 0."""
        return f"CASE WHEN {condition} THEN 1 ELSE 0 END"

    def divided(self, one: str, by: str) -> str:
        """A quotient."""
        return f"({one} / NULLIF({by}, 0))"

    def holds(self, text: str, part: str) -> str:
        """Whether a text is part of another."""
        return f"strpos({text}, {part}) > 0"

    def gathered(self, sql: str, kind: str, between: str) -> str:
        """ivo_string_agg."""
        return f"coalesce({self.gathered_or_null(sql if kind == TEXT else f'CAST({sql} AS text)', between)}, '')"

    def gathered_or_null(self, sql: str, between: str) -> str:
        """The same, NULL where there is no row."""
        return f"string_agg({sql}, {between})"

    def total(self, sql: str, datatype: str) -> str:
        """SUM; the sum of whole numbers would be a NUMERIC."""
        return f"CAST(sum({sql}) AS {'bigint' if datatype == 'long' else 'double precision'})"

    def mean(self, sql: str) -> str:
        """AVG; the mean of whole numbers would be a NUMERIC."""
        return f"CAST(avg({sql}) AS double precision)"

    def extreme(self, name: str, sql: str, kind: str) -> str:
        """MIN or MAX."""
        return f"{name}({self.compared(sql, kind)})"

    def limited(self, most: int | None, skipped: int) -> str:
        """What follows a query of which not every row is wanted."""
        return (f" LIMIT {most}" if most is not None else "") + (f" OFFSET {skipped}" if skipped else "")

    def _indexed_words(self, stored: Stored, needle: str) -> str:
        # by number: the planner underestimates what a word finds, and joins row by row where the condition stands alone
        number, inner = row_number(stored.table), self.alias("w")
        return (f"{stored.alias}.{number} IN (SELECT {inner}.{number} FROM {stored.table} AS {inner}"
                f" WHERE {inner}.{stored.column}_words @@ words_asked({self.text(needle)}))")

    def _own_words(self, stored: Stored, needle: str) -> str:
        return f"{stored.alias}.{stored.column}_words @@ words_asked({self.text(needle)})"

    def _unindexed_words(self, sql: str, needle: str) -> str:
        return f"words_of({sql}) @@ words_asked({self.text(needle)})"


WRITINGS: dict[str, type[Sqlite] | type[Postgresql]] = {"sqlite": Sqlite, "postgresql": Postgresql}
