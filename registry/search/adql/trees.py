"""What every reader of sqlglot's tree needs: no part of a query may go unread."""

from __future__ import annotations

from sqlglot import exp

from registry.search.adql.refused import refuse

_TWO = ("this", "expression")
_READ: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Column: ("this", "table", "db", "catalog"), exp.Literal: ("this", "is_string"), exp.Anonymous: ("this", "expressions"),
    exp.DPipe: (*_TWO, "safe"), exp.Div: (*_TWO, "typed", "safe"), exp.Like: (*_TWO, "negate"), exp.ILike: (*_TWO, "negate"),
    exp.Between: ("this", "low", "high", "negate"), exp.In: ("this", "query", "expressions", "negate"),
}


def only(node: exp.Expr, *known: str) -> None:
    """Raises AdqlRefused where a node says more than the `known`: what is not read would change what is meant."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, "", []):
            what = name.strip("_").replace("_", " ").upper()
            raise refuse(f"{type(node).__name__.upper()} is not possible here with {what}", node)


def read(node: exp.Expr) -> None:
    """The same, for a value or a condition."""
    only(node, *_READ.get(type(node), _TWO))
