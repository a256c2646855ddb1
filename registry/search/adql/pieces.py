"""What a part of a query is once it is written as SQL: its text, its type, where its values come from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.search.described import DescribedColumn

TEXT, NUMBER, TRUTH, NULL = "text", "number", "truth", "null"
_SIZES = ("short", "int", "long", "float", "double")
_WHOLE = ("short", "int", "long")
KIND_OF = {"unicodeChar": TEXT, "char": TEXT, **dict.fromkeys(_SIZES, NUMBER)}


@dataclass(frozen=True)
class Stored:
    """A column of a table of the database, under the alias that the table has in the SQL."""

    alias: str
    table: str
    column: str


@dataclass(frozen=True)
class Gathered:
    """A text that a derived table makes of all rows of a stored table that have the same key (ivo_string_agg)."""

    values: Stored  # of which column
    key: str  # by which column of that table
    between: str  # SQL of what is put between
    at: str = ""  # SQL of that key where the text is used


@dataclass(frozen=True)
class Piece:
    """A value: SQL, and what an answer that shows it says of it."""

    sql: str
    kind: str
    column: DescribedColumn
    constant: str | float | None = None
    stored: Stored | None = None
    gathered: Gathered | None = None
    aggregate: bool = False  # an aggregate function is in it

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.column.datatype in _WHOLE


def text(sql: str, **options: object) -> Piece:
    """A text without a description."""
    return Piece(sql, TEXT, DescribedColumn("", "unicodeChar", "*"), **options)  # type: ignore[arg-type]


def number(sql: str, datatype: str = "double", **options: object) -> Piece:
    """A number without a description."""
    return Piece(sql, NUMBER, DescribedColumn("", datatype), **options)  # type: ignore[arg-type]


def truth(sql: str) -> Piece:
    """A condition."""
    return Piece(sql, TRUTH, DescribedColumn("", "int"))


def wider(*pieces: Piece) -> str:
    """The datatype that holds the values of all these numbers."""
    sizes = [_SIZES.index(piece.column.datatype) for piece in pieces if piece.kind == NUMBER]
    return _SIZES[max(sizes, default=_SIZES.index("int"))]


def mixed(pieces: list[Piece], sql: str) -> Piece:
    """One value that is any of these (of one kind): described as the first where all are described alike."""
    told = [piece for piece in pieces if piece.kind != NULL]
    if not told:
        return replace(pieces[0], sql=sql, constant=None)
    if told[0].kind == TEXT:
        return text(sql)
    return number(sql, wider(*told))
