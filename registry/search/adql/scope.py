"""Which columns a name may mean at a place in a query. It knows no SQL but what the columns bring along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from registry.search.adql.pieces import Piece
from registry.search.adql.refused import AdqlRefused, near, refuse


@dataclass(frozen=True)
class Visible:
    """A column by the name that the query knows it by."""

    name: str
    piece: Piece


@dataclass
class Source:
    """A table, a derived table or several joined ones; `names` are those that may stand before a column's."""

    sql: str
    columns: list[Visible]
    tables: dict[str, list[Visible]] = field(default_factory=dict)  # by each name that may stand before a column's
    joined: bool = False  # several, so that it needs brackets on the right of a JOIN
    single: str = ""  # name of the stored table that it is all of


@dataclass
class Scope:
    """One SELECT's columns, and those of the SELECTs around it."""

    source: Source
    outer: Scope | None = None
    groups: set[str] | None = None  # SQL of what it is grouped by; None where it is not
    computed: set[str] = field(default_factory=set)  # those of them that are no columns

    def around(self) -> Iterator[Scope]:
        """This one and those around it, from the inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def find(self, column: exp.Column) -> tuple[Piece, Scope]:
        """What a column's name means, and in which SELECT. Raises AdqlRefused."""
        before, name = qualifier(column)
        for scope in self.around():
            if before and before not in scope.source.tables:
                continue
            found = matching(scope.source.tables[before] if before else scope.source.columns, name, _exact(column))
            distinct = {one.piece.sql: one for one in found}
            if len(distinct) > 1:
                raise refuse(f"{column.name!r} is the name of several columns here", column, "write the table's name before it")
            if found:
                return found[0].piece, scope
            if before:
                break
        raise self._unknown(before, name, column)

    def _unknown(self, before: str, name: str, column: exp.Column) -> AdqlRefused:
        tables = {table for scope in self.around() for table in scope.source.tables}
        if before and before not in tables:
            return refuse(f"There is no table {before!r} in this FROM", column, near(before, tables))
        known = [one.name for scope in self.around() for one in scope.source.tables.get(before, scope.source.columns)]
        advice = near(name, known) or f"its columns are {', '.join(dict.fromkeys(known))[:400]}" if known else ""
        return refuse(f"There is no column {name!r} in {before or 'the tables of this FROM'}", column, advice)


def qualifier(column: exp.Column) -> tuple[str, str]:
    """What stands before a column's name, in lower case, and the name."""
    parts = [part.name for part in column.parts]
    return ".".join(parts[:-1]).lower(), parts[-1]


def _exact(column: exp.Column) -> bool:
    return bool(column.this.args.get("quoted"))


def matching(columns: list[Visible], name: str, exact: bool = False) -> list[Visible]:
    """Columns of that name: case counts only between quotation marks (ADQL 2.1 §2.1.3), where there is such a one."""
    same = [one for one in columns if one.name == name] if exact else []
    return same or [one for one in columns if one.name.lower() == name.lower()]


def known_as(source: Source, *names: str) -> Source:
    """The same source, whose columns may have any of these names before them."""
    return replace(source, tables={name.lower(): source.columns for name in names})
