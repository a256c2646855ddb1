"""The one error of this package: a query that is not answered, and where in it the reason stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from registry.errors import Refusal

if TYPE_CHECKING:  # whoever answers a refusal needs no parser
    from sqlglot import exp


class AdqlRefused(Refusal):
    """The query is not answered; the message says what, where (line and column from 1) and what would do."""


def place(node: exp.Expr | None) -> str:
    """` (line 1, column 8)` of what was read into `node` or the first of its parts that knows its place; '' for none."""
    if node is None:
        return ""
    for part in node.walk(bfs=False):
        if "line" in part.meta:
            # sqlglot counts the last character of what it has read
            column = part.meta["col"] - (part.meta["end"] - part.meta["start"])
            return spot(part.meta["line"], column)
    return ""


def spot(line: int, column: int) -> str:
    """A place in the query, in words."""
    return f" (line {line}, column {max(column, 1)})"


def refuse(words: str, node: exp.Expr | None = None, advice: str = "") -> AdqlRefused:
    """The error to raise: what is wrong, the place of `node`, what would do."""
    return AdqlRefused(f"{words}{place(node)}{': ' + advice if advice else ''}.")


def cannot(words: str) -> AdqlRefused:
    """The error to raise where a database has said, in these words, that it cannot work the query out."""
    return AdqlRefused(f"The database cannot work this out: {words.rstrip('.')}.")


def near(name: str, known: Iterable[str]) -> str:
    """`perhaps rr.resource is meant` or ''; by letters, without their case."""
    by_letters = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_letters, n=1, cutoff=0.7)
    if not found:  # res_tittle is far from resource, title near rr.res_title
        found = [one for one in by_letters if one.rpartition(".")[2] == name.lower().rpartition(".")[2]][:1]
    return f"perhaps {by_letters[found[0]]} is meant" if found else ""
