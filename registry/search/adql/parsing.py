"""From the text of a query to sqlglot's tree, for ADQL 2.1 alone and within bounds; what the tree may hold is `queries`' matter.

sqlglot reads far more than ADQL, and its parser recurses: so it gets only ADQL's words, no function that it knows,
and a text that is short and shallow enough.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokens import Token, TokenType

from registry.search.adql.refused import AdqlRefused, spot

LONGEST = 64 * 1024  # characters of a query
DEEPEST = 30  # brackets in brackets
_PARTS = 15_000  # words, names, signs
_JOINS = 60  # JOIN, and commas of a FROM count as much in `queries`
_PREFIXES = 6  # NOT or signs in a row

_OPERATORS = {"||", ">=", "<=", "<>", "!="}
_WORDS = {
    "ALL", "AND", "AS", "ASC", "BETWEEN", "CROSS", "DESC", "DISTINCT", "EXCEPT", "EXISTS", "FROM", "FULL", "GROUP BY", "HAVING",
    "ILIKE", "IN", "INNER", "INTERSECT", "IS", "JOIN", "LEFT", "LIKE", "NATURAL", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER BY",
    "OUTER", "RIGHT", "SELECT", "UNION", "USING", "WHERE", "WITH",
}


class Adql(Dialect):
    """ADQL 2.1's words and operators; every function is just a name with arguments."""

    class Tokenizer(tokens.Tokenizer):
        """Words of other languages are names here."""

        KEYWORDS = {
            **{word: kind for word, kind in tokens.Tokenizer.KEYWORDS.items() if word in _OPERATORS | _WORDS},
            "TOP": TokenType.TOP,
        }
        COMMENTS = ["--"]
        COMMANDS: ClassVar[Any] = set()
        FORMAT_STRINGS: ClassVar[Any] = {}

    class Parser(parser.Parser):
        """Without what other languages have beyond ADQL."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {}
        NO_PAREN_FUNCTIONS: ClassVar[Any] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[Any] = {}
        STATEMENT_PARSERS: ClassVar[Any] = {}
        QUERY_MODIFIER_PARSERS = {
            kind: call for kind, call in parser.Parser.QUERY_MODIFIER_PARSERS.items()
            if kind in (TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.OFFSET)
        }


_DIALECT = Adql()
_REASONS = {  # the parser's words, and ours
    "missing for": "a value is missing beside it", "Expected table name": "the name of a table is missing",
    "Expecting )": "a closing bracket is expected", "Expecting (": "an opening bracket is expected",
}


def parse(adql: str) -> exp.Query:
    """The tree of the one query in `adql`. Raises AdqlRefused for what is not a query, or too long or deep to be read."""
    if len(adql) > LONGEST:
        raise AdqlRefused(f"The query has {len(adql):,} characters; {LONGEST:,} are the most: ask for less at once.")
    if not _whole(adql):
        raise AdqlRefused("The query holds half a character (a lone surrogate): send it whole, as UTF-8.")
    found = _tokens(adql)
    _bounded(found)
    try:
        trees = _DIALECT.parser().parse(found, adql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        word = str(first.get("highlight") or "")
        raise AdqlRefused(_unread(str(first.get("description") or "it does not end"), word, first)) from None
    except (SqlglotError, RecursionError):
        raise AdqlRefused("The query cannot be read as ADQL: it is nested too deeply; write it flatter.") from None
    if len(trees) != 1 or not isinstance(trees[0], (exp.Select, exp.SetOperation, exp.Subquery)):
        raise AdqlRefused("This is no ADQL query: one SELECT, or several joined by UNION, EXCEPT or INTERSECT, is answered.")
    return trees[0]


def _whole(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in text)


def _tokens(adql: str) -> list[Token]:
    try:
        found = _DIALECT.tokenize(adql)
    except TokenError:
        raise AdqlRefused("The query cannot be read as ADQL: a quotation mark or a bracket in it is not closed.") from None
    if found and found[-1].token_type is TokenType.SEMICOLON:
        found = found[:-1]  # some clients end with one
    if not found:
        raise AdqlRefused("The query is empty: write one, such as SELECT TOP 10 ivoid, res_title FROM rr.resource.")
    first = next((token for token in found if token.token_type is not TokenType.L_PAREN), found[0])
    if first.token_type not in (TokenType.SELECT, TokenType.WITH):
        raise AdqlRefused(f"A query begins with SELECT or WITH, not with {first.text[:40]!r}{_at(first)}: "
                          "nothing else is answered here.")
    return found


def _bounded(found: list[Token]) -> None:
    """Raises AdqlRefused for more nesting than a recursive parser, or a database, should be given."""
    depth = prefixes = joins = 0
    before, last = None, ""
    for token in found:
        kind = token.token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        prefixes = prefixes + 1 if kind in (TokenType.NOT, TokenType.DASH, TokenType.PLUS) else 0
        joins += kind is TokenType.JOIN
        if depth > DEEPEST:
            raise AdqlRefused(f"More than {DEEPEST} brackets stand in each other{_at(token)}: write it flatter.")
        if prefixes > _PREFIXES:
            raise AdqlRefused(f"More than {_PREFIXES} signs or NOTs stand in a row{_at(token)}: leave out those that cancel.")
        if joins > _JOINS:
            raise AdqlRefused(f"The query has more than {_JOINS} JOINs{_at(token)}: ask for less at once.")
        if kind is TokenType.COMMA and before in (TokenType.COMMA, TokenType.L_PAREN, TokenType.SELECT):
            raise AdqlRefused(f"There is nothing before the comma{_at(token)}: write what is meant, or leave it out.")
        if kind is TokenType.NUMBER and last.upper() == "LIMIT":
            raise AdqlRefused(f"LIMIT is not ADQL{_at(token)}: write TOP {token.text} behind SELECT.")
        if before is TokenType.WITH and token.text.upper() == "RECURSIVE":
            raise AdqlRefused(f"WITH RECURSIVE{_at(token)} is not answered here: write WITH, and name only what is before.")
        before, last = kind, token.text
        if kind is TokenType.SEMICOLON:
            raise AdqlRefused(f"Only one query is answered at a time, and another may follow at the semicolon{_at(token)}.")
        if kind in (TokenType.PARAMETER, TokenType.PLACEHOLDER, TokenType.HINT, TokenType.L_BRACE, TokenType.L_BRACKET):
            raise AdqlRefused(f"{token.text!r} means nothing in ADQL{_at(token)}: leave it out.")
    if len(found) > _PARTS:
        raise AdqlRefused(f"The query has {len(found):,} words, names and signs; {_PARTS:,} are the most: ask for less at once.")


def _at(token: Token) -> str:
    return spot(token.line, token.col - (token.end - token.start))


def _unread(why: str, word: str, error: dict[str, Any]) -> str:
    line, column = error.get("line") or 1, (error.get("col") or 1) - max(len(word) - 1, 0)
    reason = next((ours for theirs, ours in _REASONS.items() if theirs in why), "something else is expected there")
    return f"The query cannot be read as ADQL at {word[:40]!r}{spot(line, column)}: {reason}."
