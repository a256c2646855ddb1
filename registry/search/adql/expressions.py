"""Values and conditions of a query as SQL. Only what has a method here is ever written; all else is refused.

Types are told apart as far as the two databases would treat them differently: texts, numbers, conditions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from registry.search.adql import functions
from registry.search.adql.calls import Calls
from registry.search.adql.pieces import NULL, NUMBER, TEXT, Piece, mixed, number, text, wider
from registry.search.adql.refused import AdqlRefused, refuse
from registry.search.adql.scope import Scope
from registry.search.adql.trees import read

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_NUMBER = re.compile(r"([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_LONGEST_CHAIN = 200  # of + or ||: each makes the tree deeper


class Expressions(Calls):
    """The part of a translation that writes values and conditions."""

    def value(self, node: exp.Expr, scope: Scope) -> Piece:
        """A value expression. Raises AdqlRefused."""
        piece = self._grouped(node, scope) if scope.computed and not self.aggregating else None
        return piece or self._value(node, scope)

    def _grouped(self, node: exp.Expr, scope: Scope) -> Piece | None:
        """The value, where it is one that the query is grouped by."""
        self.aggregating = True  # so that columns are not asked for by themselves
        try:
            piece = self._value(node, scope)
        except AdqlRefused:
            return None
        finally:
            self.aggregating = False
        return piece if piece.sql in scope.computed else None

    def _value(self, node: exp.Expr, scope: Scope) -> Piece:
        read(node)
        if isinstance(node, exp.Column):
            return self._column(node, scope)
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, exp.Null):
            return Piece("NULL", NULL, text("").column)
        if isinstance(node, exp.Paren):
            return self.value(node.this, scope)
        if isinstance(node, exp.Neg):
            inner = self._number(node.this, scope)
            constant = -inner.constant if isinstance(inner.constant, (int, float)) else None
            return number(f"(- {inner.sql})", wider(inner), constant=constant, aggregate=inner.aggregate)
        if isinstance(node, (exp.DPipe, *_ARITHMETIC)):
            return self._chain(node, scope)
        if isinstance(node, exp.Anonymous):
            return self.call(node, scope)
        raise self._strange(node)

    def _strange(self, node: exp.Expr) -> Exception:
        if isinstance(node, (exp.Select, exp.Subquery, exp.SetOperation)):
            return refuse("A query as a value is not ADQL", node, "use IN (SELECT ...), EXISTS (SELECT ...) or a join")
        if isinstance(node, exp.Star):
            return refuse("A * stands where a value is expected", node)
        if isinstance(node, (exp.Predicate, exp.Connector, exp.Not)):
            return refuse("A condition stands where a value is expected", node)
        if isinstance(node, exp.Dot):
            return refuse("A name has more parts than schema.table.column", node)
        return refuse(f"{type(node).__name__} is not part of the ADQL that is answered here", node)

    def _column(self, node: exp.Column, scope: Scope) -> Piece:
        if isinstance(node.this, exp.Star):
            raise refuse("A * stands where a value is expected", node)
        piece, owner = scope.find(node)
        if owner.groups is not None and not self.aggregating and piece.sql not in owner.groups:
            raise refuse(f"The column {node.name!r} is neither grouped by nor in an aggregate function", node,
                         "add it to GROUP BY")
        return piece

    def _literal(self, node: exp.Literal) -> Piece:
        digits = str(node.this)
        if node.is_string:
            return text(self.writing.text(digits), constant=digits)
        if digits.isascii() and digits.isdigit() and int(digits) < 2**63:
            size = "int" if int(digits) < 2**31 else "long"
            return number(str(int(digits)), size, constant=int(digits))
        if not _NUMBER.fullmatch(digits):
            raise refuse(f"{digits[:40]!r} is no number", node)
        if not float(digits) < float("inf"):
            raise refuse("A number is larger than can be calculated with", node)
        return number(self.writing.double(digits), constant=float(digits))

    def _number(self, node: exp.Expr, scope: Scope) -> Piece:
        piece = self.value(node, scope)
        if piece.kind not in (NUMBER, NULL):
            raise refuse("A number is expected where a text stands", node)
        return self.fitting(piece, NUMBER)

    def _text(self, node: exp.Expr, scope: Scope) -> Piece:
        piece = self.value(node, scope)
        if piece.kind not in (TEXT, NULL):
            raise refuse("A text is expected where a number stands", node, "put it between quotation marks, like '12'")
        return self.fitting(piece, TEXT)

    def _chain(self, node: exp.Expr, scope: Scope) -> Piece:
        """a + b + c, a || b || c: from the left, without a call for each."""
        steps: list[tuple[exp.Expr, exp.Expr]] = []
        texts = isinstance(node, exp.DPipe)
        while isinstance(node, exp.DPipe if texts else tuple(_ARITHMETIC)):
            read(node)
            steps.append((node, node.args["expression"]))
            node = node.this
        if len(steps) > _LONGEST_CHAIN:
            raise refuse(f"More than {_LONGEST_CHAIN} values are put together", node)
        take = self._text if texts else self._number
        whole = take(node, scope)
        for step, operand in reversed(steps):
            other = take(operand, scope)
            told = whole.aggregate or other.aggregate
            if texts:
                whole = text(f"({whole.sql} || {other.sql})", aggregate=told)
            elif isinstance(step, exp.Div):
                size = "long" if whole.whole and other.whole else "double"
                whole = number(self.writing.divided(whole.sql, other.sql), size, aggregate=told)
            else:
                # what two numbers come to may be longer than each
                size = "long" if whole.whole and other.whole else "double"
                first = self.writing.long(whole.sql) if size == "long" else whole.sql
                whole = number(f"({first} {_ARITHMETIC[type(step)]} {other.sql})", size, aggregate=told)
        return whole

    # --- conditions ---------------------------------------------------------------------------------------------------
    def condition(self, node: exp.Expr, scope: Scope, exact: bool = False) -> str:
        """A search condition as SQL; `exact` where unknown must not stand for false, as below NOT. Raises AdqlRefused."""
        read(node)
        if isinstance(node, (exp.And, exp.Or)):
            return self._connected(node, scope, exact)
        if isinstance(node, exp.Paren):
            return self.condition(node.this, scope, exact)
        if isinstance(node, exp.Not):
            return f"(NOT {self.condition(node.this, scope, True)})"
        if type(node) in _COMPARISONS:
            return self._comparison(node, scope, exact)
        writers: dict[type[exp.Expr], Callable[[Any, Scope], str]] = {
            exp.Like: self._like, exp.ILike: self._like, exp.Between: self._between, exp.In: self._in, exp.Is: self._is,
            exp.Exists: self._exists,
        }
        write = writers.get(type(node))
        if write is not None:
            negated = "NOT " if node.args.get("negate") else ""
            return f"({negated}{write(node, scope)})"
        if isinstance(node, exp.Anonymous) and str(node.name).lower() in functions.CONDITIONS:
            raise refuse(f"{node.name} gives a number, where a condition is expected", node, f"write 1 = {node.name}(...)")
        self.value(node, scope)  # says what is strange in it
        raise refuse("A value stands where a condition is expected", node, "compare it with something")

    def _connected(self, node: exp.Expr, scope: Scope, exact: bool) -> str:
        """AND and OR of many, written as a tree that is as flat as can be."""
        kind = type(node)
        waiting, parts = [node], []
        while waiting:
            one = waiting.pop()
            if type(one) is kind:
                waiting += [one.args["expression"], one.this]
            else:
                parts.append(self.condition(one, scope, exact))
        word = " AND " if kind is exp.And else " OR "
        while len(parts) > 1:
            parts = [f"({word.join(parts[start:start + 8])})" for start in range(0, len(parts), 8)]
        return parts[0]

    def _comparison(self, node: exp.Expr, scope: Scope, exact: bool) -> str:
        left, right, sign = node.this, node.args["expression"], _COMPARISONS[type(node)]
        for call, other in ((left, right), (right, left)):
            if sign in ("=", "<>") and self.is_condition(call) and isinstance(other, exp.Literal) and other.name in ("0", "1"):
                found = self.call_condition(_bare(call), scope)
                if (other.name == "1") == (sign == "="):
                    return self.writing.certain(found) if exact else found
                return f"(NOT {self.writing.certain(found)})"
        one, other_piece = self.value(left, scope), self.value(right, scope)
        self._alike(node, one, other_piece)
        if sign in ("=", "<>"):
            return f"({one.sql} {sign} {other_piece.sql})"
        return f"({self.writing.compared(one.sql, one.kind)} {sign} {other_piece.sql})"

    def _alike(self, node: exp.Expr, *pieces: Piece) -> None:
        """Raises AdqlRefused where texts are compared with numbers: SQLite would find nothing, PostgreSQL refuse."""
        if len({piece.kind for piece in pieces} - {NULL}) > 1:
            raise refuse("A text is compared with a number", node, "texts stand between quotation marks, numbers do not")

    def _like(self, node: exp.Like | exp.ILike, scope: Scope) -> str:
        value, pattern = self._text(node.this, scope), self._text(node.args["expression"], scope)
        write = self.writing.like_any_case if isinstance(node, exp.ILike) else self.writing.like
        return write(value.sql, pattern)

    def _between(self, node: exp.Between, scope: Scope) -> str:
        value, low, high = (self.value(node.args[part], scope) for part in ("this", "low", "high"))
        self._alike(node, value, low, high)
        return f"{self.writing.compared(value.sql, value.kind)} BETWEEN {low.sql} AND {high.sql}"

    def _in(self, node: exp.In, scope: Scope) -> str:
        value = self.value(node.this, scope)
        query = node.args.get("query")
        if query is not None:
            found = self.inner_query(query, scope, repeated=False)
            if len(found.columns) != 1:
                raise refuse(f"The query behind IN has {len(found.columns)} columns", node, "let it select one")
            self._alike(node, value, found.columns[0].piece)
            return f"{value.sql} IN {found.sql}"
        listed = [self.value(one, scope) for one in node.expressions]
        if not listed:
            raise refuse("There is nothing in the list behind IN", node)
        self._alike(node, value, *listed)
        return f"{value.sql} IN ({', '.join(one.sql for one in listed)})"

    def _is(self, node: exp.Is, scope: Scope) -> str:
        if not isinstance(node.args["expression"], exp.Null):
            raise refuse("Only NULL stands behind IS", node, "write = instead")
        return f"{self.value(node.this, scope).sql} IS NULL"

    def _exists(self, node: exp.Exists, scope: Scope) -> str:
        return f"EXISTS {self.inner_query(node.this, scope, repeated=False).sql}"

    def coalesced(self, node: exp.Anonymous, scope: Scope) -> Piece:
        """COALESCE (ADQL 2.1 §4.6)."""
        pieces = [self.value(one, scope) for one in node.expressions]
        if len(pieces) < 2:
            raise refuse("COALESCE takes two values or more", node)
        self._alike(node, *pieces)
        found = mixed(pieces, f"coalesce({', '.join(piece.sql for piece in pieces)})")
        return Piece(found.sql, found.kind, found.column, aggregate=any(piece.aggregate for piece in pieces))


def _bare(node: exp.Expr) -> exp.Anonymous:
    while isinstance(node, exp.Paren):
        node = node.this
    assert isinstance(node, exp.Anonymous)
    return node
