"""Calls of functions as SQL: aggregates, arithmetic, and the functions of RegTAP 1.2 §9."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime

from sqlglot import exp

from registry.search.adql import functions, geometry
from registry.search.adql.pieces import NULL, NUMBER, TEXT, Gathered, Piece, number, text, wider
from registry.search.adql.refused import near, refuse
from registry.search.adql.scope import Scope, Source
from registry.search.adql.trees import only
from registry.search.adql.writing import Postgresql, Sqlite


class Calls(ABC):
    """The part of a translation that writes calls; what it asks of the others is at its end."""

    def __init__(self, writing: Sqlite | Postgresql) -> None:
        self.writing = writing
        self.aggregating = False  # inside of an aggregate function's brackets

    def call(self, node: exp.Anonymous, scope: Scope) -> Piece:
        """The value of a function. Raises AdqlRefused for one that is not offered, or not so."""
        name = str(node.name).lower()
        if (name, len(node.expressions)) in functions.ARITHMETIC:
            return self._calculated(name, node, scope)
        if name in functions.AGGREGATES:
            return self._aggregated(name, node, scope)
        if name in functions.CONDITIONS:
            return number(self.writing.numbered(self.call_condition(node, scope)), "int")
        if name in functions.TEXTS:
            piece = self._arguments(node, scope, TEXT)[0]
            return text(self.writing.folded(name, piece.sql), aggregate=piece.aggregate)
        if name == "coalesce":
            return self.coalesced(node, scope)
        if name.endswith("_specconv") and name in functions.OTHERS:
            return self._spectral(node, scope)
        if name.endswith("_to_mjd") and name in functions.OTHERS:
            return self._day(node, scope)
        raise self._unknown(name, node)

    def _unknown(self, name: str, node: exp.Anonymous) -> Exception:
        if name in geometry.NAMES:
            return refuse(f"{name.upper()} is answered only within CONTAINS or INTERSECTS with rr.stc_spatial's coverage", node)
        counts = sorted(count for known, count in functions.ARITHMETIC if known == name)
        if counts:
            return refuse(f"{name.upper()} takes {' or '.join(map(str, counts))} arguments, not {len(node.expressions)}", node)
        return refuse(f"There is no function {node.name!r} here", node, near(name, functions.NAMES))

    def _arguments(self, node: exp.Anonymous, scope: Scope, kind: str, count: int = 1) -> list[Piece]:
        if len(node.expressions) != count:
            raise refuse(f"{node.name} takes {count} argument{'s' * (count != 1)}, not {len(node.expressions)}", node)
        pieces = [self.value(one, scope) for one in node.expressions]
        for piece, argument in zip(pieces, node.expressions, strict=True):
            if piece.kind not in (kind, NULL):
                raise refuse(f"{node.name} takes {kind}s, and something else stands there", argument)
        return [self.fitting(piece, kind) for piece in pieces]

    def fitting(self, piece: Piece, kind: str) -> Piece:
        """The value, where it is NULL one of that kind."""
        return replace(piece, sql=self.writing.nothing(kind)) if piece.kind == NULL else piece

    def _calculated(self, name: str, node: exp.Anonymous, scope: Scope) -> Piece:
        pieces = self._arguments(node, scope, NUMBER, len(node.expressions))
        if name in ("round", "truncate") and not all(piece.whole for piece in pieces[1:]):
            raise refuse(f"{name.upper()} takes a whole number of digits", node.expressions[1])
        form = functions.ARITHMETIC[name, len(pieces)]
        if name == "mod" and all(piece.whole for piece in pieces):
            form = functions.WHOLE_MOD
        sql = (form.sqlite if self.writing.sqlite else form.postgresql).format(*(piece.sql for piece in pieces))
        gives = wider(*pieces) if form.gives == functions.WHOLE else form.gives
        return number(sql, gives, aggregate=any(piece.aggregate for piece in pieces))

    # --- aggregates ---------------------------------------------------------------------------------------------------
    def _aggregated(self, name: str, node: exp.Anonymous, scope: Scope) -> Piece:
        if self.aggregating:
            raise refuse(f"{name.upper()} stands inside another aggregate function", node)
        if scope.groups is None:
            raise refuse(f"{name.upper()} is not possible here", node, "aggregates stand behind SELECT, HAVING and ORDER BY")
        self.aggregating = True
        try:
            return self._gather(node, scope) if name == "ivo_string_agg" else self._sum_up(name, node, scope)
        finally:
            self.aggregating = False

    def _sum_up(self, name: str, node: exp.Anonymous, scope: Scope) -> Piece:
        if len(node.expressions) != 1:
            raise refuse(f"{name.upper()} takes one argument, not {len(node.expressions)}", node)
        argument, distinct = node.expressions[0], ""
        if name == "count" and isinstance(argument, exp.Star):
            return number("count(*)", "long", aggregate=True)
        if isinstance(argument, exp.Distinct):
            if len(argument.expressions) != 1:
                raise refuse("DISTINCT within a function takes one value", node)
            only(argument, "expressions")
            argument, distinct = argument.expressions[0], "DISTINCT "
        piece = self.value(argument, scope)
        if name == "count":
            return number(f"count({distinct}{piece.sql})", "long", aggregate=True)
        if name in ("min", "max"):
            sql = self.writing.extreme(name, piece.sql, piece.kind)
            return Piece(sql, piece.kind, piece.column, aggregate=True)
        if piece.kind != NUMBER:
            raise refuse(f"{name.upper()} takes numbers, and a text stands there", argument)
        if name == "avg":
            return number(self.writing.mean(distinct + piece.sql), aggregate=True)
        size = "long" if piece.whole else "double"
        return number(self.writing.total(distinct + piece.sql, size), size, aggregate=True)

    def _gather(self, node: exp.Anonymous, scope: Scope) -> Piece:
        if len(node.expressions) != 2:
            raise refuse(f"ivo_string_agg takes a value and what to put between, not {len(node.expressions)} arguments", node)
        piece, between = self.value(node.expressions[0], scope), self.value(node.expressions[1], scope)
        if not isinstance(between.constant, str):
            raise refuse("What ivo_string_agg puts between must be a text like ', '", node)
        sql = self.writing.gathered(piece.sql, piece.kind, between.sql)
        gathered = None
        if piece.stored and piece.kind == TEXT and not any(mark.isalnum() for mark in between.constant):
            gathered = Gathered(piece.stored, "", between.sql)
        return text(sql, aggregate=True, gathered=gathered)

    # --- RegTAP's functions -------------------------------------------------------------------------------------------
    def is_condition(self, node: exp.Expr) -> bool:
        """Whether it is a call of a function that gives 1 or 0."""
        while isinstance(node, exp.Paren):
            node = node.this
        return isinstance(node, exp.Anonymous) and str(node.name).lower() in functions.CONDITIONS

    def call_condition(self, node: exp.Anonymous, scope: Scope) -> str:
        """The condition under which such a function gives 1. Raises AdqlRefused."""
        name = str(node.name).lower()
        if name in ("contains", "intersects"):
            return geometry.condition(self.writing, name, node, lambda one: self.value(one, scope))
        count = functions.CONDITIONS[name]
        pieces = self._arguments(node, scope, NUMBER if name == "ivo_interval_overlaps" else TEXT, count)
        if name == "ivo_interval_overlaps":
            one_low, one_high, low, high = (piece.sql for piece in pieces)
            return f"({one_high} >= {low} AND {one_low} <= {high})"
        if name == "ivo_nocasematch":
            return f"({self.writing.like_any_case(pieces[0].sql, pieces[1])})"
        if name == "ivo_hashlist_has":
            item = pieces[1]
            wanted = (self.writing.text(item.constant.lower()) if isinstance(item.constant, str)
                      else self.writing.folded("lower", item.sql))
            return f"({self.writing.holds(_fenced(pieces[0].sql), _fenced(wanted))})"
        if not isinstance(pieces[1].constant, str):
            raise refuse("The words that ivo_hasword looks for must be a text like 'quasar'", node)
        return f"({self.writing.has_words(pieces[0], pieces[1].constant)})"

    # --- quantities ---------------------------------------------------------------------------------------------------
    def _spectral(self, node: exp.Anonymous, scope: Scope) -> Piece:
        if len(node.expressions) != 3:
            raise refuse(f"{node.name} takes a value and two units, not {len(node.expressions)} arguments", node)
        piece, *units = (self.value(one, scope) for one in node.expressions)
        start, end = (unit.constant for unit in units)
        if piece.kind == TEXT or not isinstance(start, str) or not isinstance(end, str):
            raise refuse(f"{node.name} takes a number and two units like 'nm' and 'J'", node)
        found = functions.spectral(start, end)
        if found is None:
            raise refuse(f"{node.name} knows no way from {start!r} to {end!r}", node,
                         "it knows m, Angstrom, Hz, J, eV, erg and Ry with their prefixes")
        factor, under = found
        by = self.writing.double(repr(factor))
        sql = self.writing.divided(by, piece.sql) if under else f"({by} * {piece.sql})"
        return number(sql, aggregate=piece.aggregate)

    def _day(self, node: exp.Anonymous, scope: Scope) -> Piece:
        piece = self._arguments(node, scope, TEXT)[0]
        try:
            at = datetime.fromisoformat(str(piece.constant))
        except ValueError:
            raise refuse(f"{node.name} takes a date like '2010-08-01' or '2010-08-01T12:00:00'", node) from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        day = (at - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds() / 86400
        return number(self.writing.double(repr(day)), constant=day)

    # --- of the other parts -------------------------------------------------------------------------------------------
    @abstractmethod
    def value(self, node: exp.Expr, scope: Scope) -> Piece:
        """A value expression."""

    @abstractmethod
    def coalesced(self, node: exp.Anonymous, scope: Scope) -> Piece:
        """COALESCE."""

    @abstractmethod
    def inner_query(self, node: exp.Expr, scope: Scope | None, *, repeated: bool = True) -> Source:
        """A query in brackets."""


def _fenced(sql: str) -> str:
    return f"('#' || {sql} || '#')"
