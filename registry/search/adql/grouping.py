"""By which of several equal columns a query is grouped. SQLite reads groups as they come where an index has them in order.

Nearly all searches for services of one standard are grouped by resource: read by the index of standards, their capabilities come
in the order of the resources, and the first rows are there without all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from registry.search.adql.pieces import Piece, Stored
from registry.search.adql.refused import AdqlRefused
from registry.search.adql.scope import Scope

_TABLE, _LEADING, _ORDERED = "rr_capability", "standard_id", "ivoid"  # of the index rr_capability_by_standard


def in_order(where: exp.Expr | None, scope: Scope, equal: Iterable[Piece]) -> str:
    """SQL of the one of some `equal` columns that comes in order, as the condition `where` has one standard; '' for none.

    Such a condition is false without a capability: so the equal columns of an outer join are equal in each row left.
    """
    single = {stored.alias for stored in _single(where, scope) if (stored.table, stored.column) == (_TABLE, _LEADING)}
    return next((one.sql for one in equal if one.stored and one.stored.alias in single and one.stored.column == _ORDERED), "")


def _single(where: exp.Expr | None, scope: Scope) -> Iterator[Stored]:
    """The columns for which all rows have one value that stands in the query."""
    waiting = [where]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.And):
            waiting += [node.this, node.args["expression"]]
        elif isinstance(node, exp.Paren):
            waiting.append(node.this)
        elif isinstance(node, exp.EQ) or (isinstance(node, exp.In) and not node.args.get("negate")):
            values = [node.args["expression"]] if isinstance(node, exp.EQ) else node.expressions
            if isinstance(node.this, exp.Column) and len(values) == 1 and isinstance(values[0], exp.Literal):
                stored = _stored(node.this, scope)
                if stored is not None:
                    yield stored


def _stored(column: exp.Column, scope: Scope) -> Stored | None:
    try:
        return scope.find(column)[0].stored
    except AdqlRefused:  # it is said where the condition is written
        return None
