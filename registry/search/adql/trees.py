"""What every reader of sqlglot's tree needs: no part of a query may go unread."""

from __future__ import annotations

from sqlglot import exp

from registry.search.adql.refused import refuse


def only(node: exp.Expr, *known: str) -> None:
    """Raises AdqlRefused where a node says more than the `known`: what is not read would change what is meant."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, "", []):
            what = name.strip("_").replace("_", " ").upper()
            raise refuse(f"{type(node).__name__.upper()} is not possible here with {what}", node)
