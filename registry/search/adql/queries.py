"""SELECT, UNION and WITH as SQL: the part of a translation that puts all others together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from registry import tables
from registry.search.adql import functions, grouping
from registry.search.adql.joins import Joins, renamed
from registry.search.adql.pieces import NULL, TRUTH, Piece, Stored, mixed
from registry.search.adql.refused import refuse
from registry.search.adql.scope import Scope, Source, Visible, matching
from registry.search.adql.trees import only
from registry.search.adql.writing import row_number

_SETS: dict[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_MOST_SETS = 100
_ORDERED = ("this", "desc", "nulls_first")


@dataclass(frozen=True)
class Query:
    """SQL of a whole query; its columns are called c1, c2, ... there."""

    sql: str
    columns: list[Visible]
    plain: bool = False  # so that it may stand beside UNION as it is


class Queries(Joins):
    """One translation."""

    def query(self, node: exp.Expr, outer: Scope | None, most: int | None = None) -> Query:
        """Any query; `most` rows of it at most. Raises AdqlRefused."""
        if isinstance(node, exp.Subquery):
            only(node, "this")
            return self.query(node.this, outer, most)
        if isinstance(node, exp.SetOperation):
            return self._sets(node, outer, most)
        if isinstance(node, exp.Select):
            return self._select(node, outer, most)
        raise refuse("This is no query", node, "SELECT is expected")

    def inner_query(self, node: exp.Expr, scope: Scope | None, *, repeated: bool = True) -> Source:
        """A query in brackets, which may use the columns of `scope` (not those of a FROM that it stands in).

        Where it does not matter how often a row is in it (not `repeated`), DISTINCT is not worth its sorting.
        """
        before, self.aggregating = self.aggregating, False
        if not repeated:
            _take_off_distinct(node)
        found = self.query(node, scope)
        self.aggregating = before
        return Source(f"({found.sql})", found.columns)

    def _with(self, node: exp.Expr) -> str:
        """WITH as SQL; its queries can be named from here on."""
        clause = node.args.get("with_")
        if clause is None:
            return ""
        only(clause, "expressions")
        self.common, parts = dict(self.common), []
        for one in clause.expressions:
            only(one, "this", "alias")
            found = self.query(one.this, None)
            alias = self.writing.alias("w")
            parts.append(f"{alias} AS ({found.sql})")
            self.common[one.alias.lower()] = Source(alias, renamed(found.columns, one.args["alias"]))
        return f"WITH {', '.join(parts)} "

    # --- SELECT -------------------------------------------------------------------------------------------------------
    def _select(self, node: exp.Select, outer: Scope | None, most: int | None) -> Query:
        only(node, "expressions", "distinct", "limit", "offset", "from_", "joins", "where", "group", "having", "order", "with_")
        before, start = self.common, self._with(node)
        try:
            source = self.from_clause(node, outer)
            scope = Scope(source, outer)
            where = node.args.get("where")
            sql = f" FROM {source.sql}" + (f" WHERE {self.condition(where.this, scope)}" if where is not None else "")
            grouped = self._group(node, scope)
            shown = self._shown(node, scope)
            having = node.args.get("having")
            if having is not None:
                scope.groups = scope.groups or set()
                grouped += f" HAVING {self.condition(having.this, scope)}"
            return self._finished(node, scope, shown, start, sql + grouped, most)
        finally:
            self.common = before

    def _finished(self, node: exp.Select, scope: Scope, shown: list[Visible], start: str, rest: str, most: int | None) -> Query:
        distinct = node.args.get("distinct")
        if distinct is not None:
            only(distinct)
        listed = ", ".join(f"{one.piece.sql} AS c{index}" for index, one in enumerate(shown, 1))
        sql = f"{start}SELECT {'DISTINCT ' if distinct is not None else ''}{listed}{rest}"
        columns = self._outside(node, scope, shown)
        limit = self._limits(node, most)
        order = node.args.get("order")
        if order is None:
            return Query(sql + limit, columns, plain=not limit and not start)
        if distinct is not None:
            return self._wrapped(sql, columns, order, limit)
        terms = [self._term(one, scope, shown) for one in order.expressions]
        return Query(f"{sql} ORDER BY {', '.join(terms)}{limit}", columns)

    def _outside(self, node: exp.Select, scope: Scope, shown: list[Visible]) -> list[Visible]:
        """The columns as whoever uses the query sees them."""
        key = self._gathering(node, scope, shown)
        columns = []
        for index, one in enumerate(shown, 1):
            piece = replace(one.piece, sql=f"c{index}", stored=None, constant=None, aggregate=False, gathered=None)
            if key and one.piece.gathered:
                piece = replace(piece, gathered=replace(one.piece.gathered, key=key[0], at=key[1]))
            columns.append(Visible(one.name, piece))
        return columns

    def _gathering(self, node: exp.Select, scope: Scope, shown: list[Visible]) -> tuple[str, str] | None:
        """Column and place of the one key that a whole stored table is grouped by, where that is all the query does."""
        group = node.args.get("group")
        if not scope.source.single or group is None or len(group.expressions) != 1:
            return None
        if any(node.args.get(part) for part in ("where", "having", "distinct", "limit", "offset", "order", "with_")):
            return None
        for index, one in enumerate(shown, 1):
            if one.piece.stored and one.piece.sql in (scope.groups or ()):
                return one.piece.stored.column, f"c{index}"
        return None

    def _group(self, node: exp.Select, scope: Scope) -> str:
        """GROUP BY as SQL; from here on the scope knows what may stand outside of aggregates."""
        group = node.args.get("group")
        if group is None:
            behind = [*node.expressions, *(node.args[part] for part in ("having", "order") if node.args.get(part))]
            called = (call for one in behind for call in one.find_all(exp.Anonymous))
            if any(str(call.name).lower() in functions.AGGREGATES for call in called):
                scope.groups = set()
            return ""
        only(group, "expressions")
        pieces = [self.value(one, scope) for one in group.expressions]
        for piece, one in zip(pieces, group.expressions, strict=True):
            if piece.constant is not None:
                raise refuse("A constant stands in GROUP BY", one, "write the name of a column")
        scope.groups = {piece.sql for piece in pieces}
        columns = [isinstance(one, exp.Column) for one in group.expressions]
        scope.computed = {piece.sql for piece, column in zip(pieces, columns, strict=True) if not column}
        where = node.args.get("where")
        return f" GROUP BY {', '.join(self._needed(pieces, where.this if where is not None else None, scope))}"

    def _needed(self, pieces: list[Piece], where: exp.Expr | None, scope: Scope) -> list[str]:
        """SQL of what to group by: of a table whose key is among the columns, that alone.

        SQLite reads the groups in the order of the index of that key. PostgreSQL knows only the primary key to decide the
        other columns; that is the number of the row.
        """
        deciding = {piece.stored.alias: piece for piece in pieces if piece.stored and _is_key(piece.stored)}
        needed = [piece.sql for piece in pieces if not piece.stored or piece.stored.alias not in deciding]
        for alias, piece in deciding.items():
            assert piece.stored is not None
            if self.writing.sqlite:
                needed.append(grouping.in_order(where, scope, self.equal.get(piece.sql, ())) or piece.sql)
            else:
                needed.append(f"{alias}.{row_number(piece.stored.table)}")
        return list(dict.fromkeys(needed))

    def _shown(self, node: exp.Select, scope: Scope) -> list[Visible]:
        shown: list[Visible] = []
        for one in node.expressions:
            if isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star)):
                shown += self._star(one, scope)
                continue
            alias = one.alias if isinstance(one, exp.Alias) else ""
            value = one.this if isinstance(one, exp.Alias) else one
            piece = self.value(value, scope)
            called = str(value.name).lower() if isinstance(value, exp.Anonymous) else f"column{len(shown) + 1}"
            shown.append(Visible(alias or piece.column.name or called, piece))
        if not shown:
            raise refuse("Nothing stands behind SELECT", node)
        return shown

    def _star(self, node: exp.Expr, scope: Scope) -> list[Visible]:
        star = node.this if isinstance(node, exp.Column) else node
        only(star)
        before = ".".join(part.name for part in node.parts[:-1]).lower() if isinstance(node, exp.Column) else ""
        if before and before not in scope.source.tables:
            raise refuse(f"There is no table {before!r} in this FROM", node)
        columns = scope.source.tables[before] if before else scope.source.columns
        for one in columns:
            if scope.groups is not None and one.piece.sql not in scope.groups:
                raise refuse(f"The column {one.name!r} of the star is not grouped by", node, "name the columns that are")
        return columns

    # --- order and limits ---------------------------------------------------------------------------------------------
    def _limits(self, node: exp.Expr, most: int | None) -> str:
        top, skipped = (self._count(node.args.get(part)) for part in ("limit", "offset"))
        wanted = [one for one in (top, most) if one is not None]
        return self.writing.limited(min(wanted) if wanted else None, skipped or 0)

    def _count(self, node: exp.Expr | None) -> int | None:
        if node is None:
            return None
        only(node, "expression")
        count = node.args["expression"]
        if not isinstance(count, exp.Literal) or count.is_string or not str(count.this).isdigit() or int(count.this) >= 2**63:
            raise refuse(f"Behind {'TOP' if isinstance(node, exp.Limit) else 'OFFSET'} stands no whole number", node)
        return int(count.this)

    def _term(self, node: exp.Ordered, scope: Scope | None, shown: list[Visible]) -> str:
        """One term of ORDER BY: a column's place or name in the answer, else a value of the tables."""
        only(node, *_ORDERED)
        piece = self._answered(node.this, shown)
        if piece is None and scope is None:
            raise refuse("The answer has no column of that name to be ordered by", node)
        if piece is None:
            assert scope is not None
            piece = self.value(node.this, scope)
            if piece.constant is not None or piece.kind == NULL:
                raise refuse("A constant stands in ORDER BY", node, "write the name of a column")
        return self.writing.ordered(piece.sql, piece.kind, bool(node.args.get("desc")))

    def _answered(self, node: exp.Expr, shown: list[Visible]) -> Piece | None:
        if isinstance(node, exp.Literal):
            place = str(node.this)
            if node.is_string or not place.isdigit() or not 0 < int(place) <= len(shown):
                raise refuse(f"The answer has no column number {place}", node, f"it has {len(shown)}")
            return shown[int(place) - 1].piece
        if isinstance(node, exp.Column) and len(node.parts) == 1 and isinstance(node.this, exp.Identifier):
            found = matching(shown, node.name, bool(node.this.args.get("quoted")))
            return found[0].piece if found else None
        return None

    def _wrapped(self, sql: str, columns: list[Visible], order: exp.Order, limit: str) -> Query:
        alias = self.writing.alias("o")
        seen = [Visible(one.name, replace(one.piece, sql=f"{alias}.{one.piece.sql}")) for one in columns]
        terms = [self._term(one, None, seen) for one in order.expressions]
        return Query(f"SELECT * FROM ({sql}) AS {alias} ORDER BY {', '.join(terms)}{limit}", columns)

    # --- UNION, EXCEPT, INTERSECT -------------------------------------------------------------------------------------
    def _sets(self, node: exp.SetOperation, outer: Scope | None, most: int | None) -> Query:
        before, start = self.common, self._with(node)
        try:
            found = self._combined(node, outer, most)
        finally:
            self.common = before
        return replace(found, sql=start + found.sql)

    def _combined(self, node: exp.SetOperation, outer: Scope | None, most: int | None) -> Query:
        steps: list[tuple[str, exp.Expr]] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation) and (first is node or self._goes_on(first, steps[-1][0])):
            only(first, "this", "expression", "distinct", "order", "offset", "limit", "with_")
            word = _SETS[type(first)]
            if not first.args.get("distinct"):
                if word != "UNION":
                    raise refuse(f"{word} ALL is not offered here", first, f"write {word}")
                word = "UNION ALL"
            steps.append((word, first.args["expression"]))
            first = first.this
        if len(steps) > _MOST_SETS:
            raise refuse(f"More than {_MOST_SETS} queries are joined by UNION and the like", node)
        whole = self.query(first, outer)
        sql, columns = self._operand(whole), whole.columns
        for word, operand in reversed(steps):
            other = self.query(operand, outer)
            columns = self._alike_columns(columns, other.columns, operand)
            sql += f" {word} {self._operand(other)}"
        limit, order = self._limits(node, most), node.args.get("order")
        if order is None:
            return Query(sql + limit, columns)
        return self._wrapped(sql, columns, order, limit)

    def _goes_on(self, node: exp.SetOperation, word: str) -> bool:
        """Whether it may be written without brackets on the left of what follows it."""
        bare = not any(node.args.get(part) for part in ("order", "offset", "limit", "with_"))
        return bare and word != "INTERSECT"

    def _operand(self, query: Query) -> str:
        return query.sql if query.plain else f"SELECT * FROM ({query.sql}) AS {self.writing.alias('s')}"

    def _alike_columns(self, one: list[Visible], other: list[Visible], node: exp.Expr) -> list[Visible]:
        if len(one) != len(other):
            raise refuse(f"Queries of {len(one)} and {len(other)} columns are joined", node, "let them select as many")
        columns = []
        for left, right in zip(one, other, strict=True):
            if len({left.piece.kind, right.piece.kind} - {NULL, TRUTH}) > 1:
                raise refuse(f"The column {left.name!r} is a text in one query and a number in the other", node)
            same = left.piece.column == right.piece.column
            piece = left.piece if same else mixed([left.piece, right.piece], left.piece.sql)
            columns.append(Visible(left.name, replace(piece, gathered=None)))
        return columns


def _is_key(stored: Stored) -> bool:
    """Whether it is a table's key besides the number of the row."""
    return bool(tables.metadata.tables[stored.table].columns[stored.column].unique)


def _take_off_distinct(node: exp.Expr) -> None:
    """Of a query, and of all that it unites, where no rows are counted or skipped in it."""
    if isinstance(node, exp.Subquery):
        _take_off_distinct(node.this)
    elif any(node.args.get(part) for part in ("limit", "offset", "order")):
        return
    elif isinstance(node, exp.Select):
        node.set("distinct", None)
    elif isinstance(node, exp.Union):
        node.set("distinct", False)
        _take_off_distinct(node.this)
        _take_off_distinct(node.args["expression"])
