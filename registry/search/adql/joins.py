"""FROM as SQL: which tables, under which names, and which columns they show together.

NATURAL JOIN and USING are written as ON with the columns that TAP_SCHEMA describes: the stored tables have others besides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from sqlglot import exp

from registry.search import described
from registry.search.adql.expressions import Expressions
from registry.search.adql.pieces import KIND_OF, TEXT, Piece, Stored
from registry.search.adql.refused import near, refuse
from registry.search.adql.scope import Scope, Source, Visible, known_as, matching
from registry.search.adql.trees import only
from registry.search.adql.writing import Postgresql, Sqlite

_MOST_TABLES = 32
_TAP_TABLE = "rr_tap_table"


class Joins(Expressions):
    """The part of a translation that writes FROM."""

    def __init__(self, writing: Sqlite | Postgresql) -> None:
        super().__init__(writing)
        self.tables = 0  # read so far, in the whole query
        self.common: dict[str, Source] = {}  # the queries of WITH that can be named where we are
        self.equal: dict[str, list[Piece]] = {}  # by the SQL of a column: those on the right of a join that are made one with it

    def from_clause(self, node: exp.Select, outer: Scope | None) -> Source:
        """The tables behind FROM. Raises AdqlRefused."""
        start = node.args.get("from_")
        if start is None:
            raise refuse("The query names no table", node, "write FROM and one, such as rr.resource")
        return self._chain_of(start.this, node.args.get("joins"), outer)

    def _chain_of(self, first: exp.Expr, joins: Iterable[exp.Join] | None, outer: Scope | None) -> Source:
        return self._with_joins(self._factor(first, outer), joins, outer)

    def _factor(self, node: exp.Expr, outer: Scope | None) -> Source:
        self.tables += 1
        if self.tables > _MOST_TABLES:
            raise refuse(f"The query names more than {_MOST_TABLES} tables", node, "ask for less at once")
        if isinstance(node, exp.Table):
            return self._table(node, outer)
        if not isinstance(node, exp.Subquery):
            raise refuse("This is no table", node, "a table's name or a query in brackets is expected behind FROM and JOIN")
        only(node, "this", "alias", "joins")
        inner = node.this
        if isinstance(inner, (exp.Table, exp.Subquery)) and not node.alias:
            # brackets around a join, or around a query in brackets that is joined
            return self._chain_of(inner, node.args.get("joins"), outer)
        if not isinstance(inner, (exp.Select, exp.SetOperation)) or not node.alias:
            raise refuse("A query in FROM has no name", node, "write AS and one behind its brackets")
        # what stands around it is not visible inside (there is no LATERAL in ADQL)
        found = self.inner_query(inner, None)
        made = self.named(found, node.alias, node.args["alias"])
        return self._with_joins(made, node.args.get("joins"), outer)

    def _with_joins(self, source: Source, joins: Iterable[exp.Join] | None, outer: Scope | None) -> Source:
        for join in joins or ():
            source = self._joined(source, join, outer)
        return source

    def named(self, found: Source, name: str, told: exp.Expr | None) -> Source:
        """A query's columns under the alias of the derived table that it is."""
        alias = self.writing.alias("d")
        columns = renamed(found.columns, told)
        seen = []
        for column, inner in zip(columns, found.columns, strict=True):
            piece = replace(inner.piece, sql=f"{alias}.{inner.piece.sql}", stored=None, constant=None, aggregate=False,
                            column=described.named(inner.piece.column, column.name))
            if piece.gathered:
                piece = replace(piece, gathered=replace(piece.gathered, at=f"{alias}.{piece.gathered.at}"))
            seen.append(Visible(column.name, piece))
        return known_as(Source(f"{found.sql} AS {alias}", seen), name)

    def _table(self, node: exp.Table, outer: Scope | None) -> Source:
        only(node, "this", "db", "alias", "joins")
        if not isinstance(node.this, exp.Identifier):
            raise refuse("This is no table", node, "functions cannot stand behind FROM")
        name = f"{node.db}.{node.name}".lower() if node.db else node.name.lower()
        if not node.db and name in self.common:
            source = self.named(self.common[name], node.alias or name, node.args.get("alias"))
        else:
            source = self._stored(node, name)
        return self._with_joins(source, node.args.get("joins"), outer)

    def _stored(self, node: exp.Table, name: str) -> Source:
        table = described.TABLES.get(name)
        if table is None:
            known = [*described.TABLES, *(one.partition(".")[2] for one in described.TABLES)]
            short = next((one for one in described.TABLES if one.partition(".")[2] == name), "")
            advice = f"write {short}" if short else near(name, known) or "TAP_SCHEMA.tables lists those there are"
            raise refuse(f"There is no table {name!r} here", node, advice)
        if node.args.get("alias") and node.args["alias"].args.get("columns"):
            raise refuse("Columns cannot be renamed in FROM", node, "use AS behind SELECT")
        alias = self.writing.alias()
        facts = table.schema == "tap_schema"
        columns = [Visible(column.name, Piece(f"{alias}.{column.name}", KIND_OF[column.datatype], column,
                                              stored=None if facts else Stored(alias, table.stored, column.name)))
                   for column in table.columns]
        if facts:
            columns = [replace(one, piece=replace(one.piece, sql=f'{alias}."{one.name}"')) for one in columns]
        once = table.stored == _TAP_TABLE
        rows = _told(table.stored, self.writing.sqlite) if facts else self._once() if once else table.stored
        names = [node.alias] if node.alias else [table.name, table.name.partition(".")[2]]
        return replace(known_as(Source(f"{rows} AS {alias}", columns), *names), single="" if facts or once else table.stored)

    def _once(self) -> str:
        """rr.tap_table with each table of a service once (RegTAP 1.2 §8.18), though several records may describe it.

        A resource of its own tells more of a table than the service does that serves it; of several the first counts.
        """
        one, other = self.writing.alias("o"), self.writing.alias("o")
        before = f"{self.writing.compared(f'{other}.resid', TEXT)} < {one}.resid"
        return (f"(SELECT * FROM {_TAP_TABLE} AS {one} WHERE NOT EXISTS (SELECT 1 FROM {_TAP_TABLE} AS {other}"
                f" WHERE {other}.svcid = {one}.svcid AND {other}.table_name = {one}.table_name"
                f" AND {other}.resid <> {other}.svcid AND ({one}.resid = {one}.svcid OR {before})))")

    # --- joins --------------------------------------------------------------------------------------------------------
    def _joined(self, left: Source, join: exp.Join, outer: Scope | None) -> Source:
        only(join, "this", "method", "side", "kind", "on", "using")
        right = self._factor(join.this, outer)
        side, natural = str(join.side or "").upper(), str(join.method or "").upper()
        using = join.args.get("using")
        if natural not in ("", "NATURAL") or (natural and (using or join.args.get("on"))):
            raise refuse("A NATURAL JOIN has neither ON nor USING", join.this)
        tables = _together(left, right, join.this)
        shared = self._shared(left, right, natural, using, join.this)
        on = [f"{one.sql} = {other.sql}" for one, other in shared.values()]
        if side in ("", "LEFT", "INNER"):
            for one, other in shared.values():
                self.equal.setdefault(one.sql, []).append(other)
        lazy = self._looked_up(left, right, shared, side, join.args.get("on") is None)
        if lazy is not None:
            return lazy
        columns = _merged(left, right, shared, side)
        if join.args.get("on") is not None:
            scope = Scope(Source("", columns, tables), outer)
            on.append(self.condition(join.args["on"], scope))
        elif not natural and not using and side:
            raise refuse(f"A {side} JOIN has no condition", join.this, "write ON or USING behind it")
        word = f"{side} JOIN" if side else "JOIN"
        sql = f"{left.sql} {word} {f'({right.sql})' if right.joined else right.sql} ON {' AND '.join(on) or 'TRUE'}"
        return Source(sql, columns, tables, joined=True)

    def _shared(self, left: Source, right: Source, natural: str, using: list[exp.Identifier] | None,
                node: exp.Expr) -> dict[str, tuple[Piece, Piece]]:
        """The columns that a join makes one of: name in lower case -> left's and right's."""
        theirs = {one.name.lower() for one in right.columns}
        names = [one.name.lower() for one in left.columns if one.name.lower() in theirs] if natural else [
            one.name.lower() for one in using or ()]
        pairs = {}
        for name in dict.fromkeys(names):
            found = [matching(source.columns, name) for source in (left, right)]
            for several in found:
                if len(several) != 1:
                    what = "is in none of the tables before it" if not several else "is the name of several columns"
                    raise refuse(f"The column {name!r} of the join {what}", node, "write ON and which are meant")
            pairs[name] = (found[0][0].piece, found[1][0].piece)
            self._alike(node, *pairs[name])
        return pairs

    def _looked_up(
        self, left: Source, right: Source, shared: dict[str, tuple[Piece, Piece]], side: str, plain: bool,
    ) -> Source | None:
        """LEFT JOIN with texts gathered by the joined column: each is gathered when, and where, a row needs it.

        TOPCAT and SPLAT join all subjects, gathered, with the few resources that they look for.
        """
        if side != "LEFT" or not plain or len(shared) != 1 or not right.columns:
            return None
        (name, (key, _)), = shared.items()
        others = [one for one in right.columns if one.name.lower() != name]
        own = matching(right.columns, name)[0].piece
        if not others or any(not one.piece.gathered or one.piece.gathered.at != own.sql for one in others):
            return None
        (before, _), = right.tables.items()
        seen = [self._gathered_for(one, key) for one in others]
        gathered = seen[0].piece.gathered
        assert gathered is not None
        alias, column = self.writing.alias("g"), gathered.key
        there = f"(SELECT max({alias}.{column}) FROM {gathered.values.table} AS {alias} WHERE {alias}.{column} = {key.sql})"
        mine = [Visible(name, replace(own, sql=there)), *seen]
        merged = [one for one in left.columns if one.name.lower() == name]
        rest = [one for one in left.columns if one.name.lower() != name]
        return Source(left.sql, [*merged, *rest, *seen], {**left.tables, before: mine}, joined=left.joined)

    def _gathered_for(self, one: Visible, key: Piece) -> Visible:
        gathered = one.piece.gathered
        assert gathered is not None
        alias, values = self.writing.alias("g"), gathered.values
        sql = self.writing.gathered_or_null(f"{alias}.{values.column}", gathered.between)
        there = f"(SELECT {sql} FROM {values.table} AS {alias} WHERE {alias}.{gathered.key} = {key.sql})"
        return Visible(one.name, replace(one.piece, sql=there, gathered=replace(gathered, at=key.sql)))


def renamed(columns: list[Visible], told: exp.Expr | None) -> list[Visible]:
    """Columns under the names that stand behind an alias, `AS q (a, b)`. Raises AdqlRefused where they are too few or many."""
    names = told.args.get("columns") if told is not None else None
    if not names:
        return columns
    if len(names) != len(columns):
        raise refuse(f"{len(names)} names stand for {len(columns)} columns", told)
    return [Visible(name.name, column.piece) for name, column in zip(names, columns, strict=True)]


def _together(left: Source, right: Source, node: exp.Expr) -> dict[str, list[Visible]]:
    """The names that may stand before a column's: rr.resource and resource, where only one table is called so."""
    twice = left.tables.keys() & right.tables.keys()
    for name in twice:
        short = any(other.endswith(f".{name}") for source in (left, right) for other in source.tables)
        if not short or any(f".{name}" in other for other in twice if other != name):
            raise refuse(f"Two tables are called {name!r} in one FROM", node, "write AS and another name behind one")
    return {name: columns for source in (left, right) for name, columns in source.tables.items() if name not in twice}


def _merged(left: Source, right: Source, shared: dict[str, tuple[Piece, Piece]], side: str) -> list[Visible]:
    """What a star shows: first the columns that the join makes one of (ADQL 2.1 §2.2.3)."""
    first = []
    for one in left.columns:
        pair = shared.get(one.name.lower())
        if pair is not None:
            piece = pair[1] if side == "RIGHT" else pair[0]
            if side == "FULL":
                piece = replace(piece, sql=f"coalesce({pair[0].sql}, {pair[1].sql})", stored=None, gathered=None)
            first.append(Visible(one.name, piece))
    rest = [one for source in (left, right) for one in source.columns if one.name.lower() not in shared]
    return first + rest


@cache
def _told(stored: str, sqlite: bool) -> str:
    """A table of tap_schema, as a query that makes it."""
    table = next(one for one in described.TABLES.values() if one.stored == stored)
    rows = ", ".join(f"({', '.join(map(_constant, row))})" for row in described.facts(stored))
    kinds = ["text" if column.arraysize else "integer" for column in table.columns]
    shown = ", ".join(f'CAST(column{index} AS {kind}) AS "{column.name}"'
                      for index, (column, kind) in enumerate(zip(table.columns, kinds, strict=True), 1))
    sql = f"(SELECT {shown} FROM (VALUES {rows}) AS facts)"
    return sql if sqlite else sql.replace("%", "%%")


def _constant(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
