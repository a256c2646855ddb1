"""Simple Cone Search 1.03 over the demo's stars: the query's parameters, the VOTable that answers. No HTTP here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from applications.demo.stars import Column, Stars

MEDIA_TYPE = "application/x-votable+xml"
_BLOCK = 4096  # rows sent at once
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n'
)
_TAIL = "</RESOURCE>\n</VOTABLE>\n"


class QueryError(Exception):
    """The query cannot be answered; the message is one sentence."""


@dataclass(frozen=True)
class Query:
    """One cone, in degrees; `verbosity` 1 asks for fewer columns, `limit` is the most rows wanted."""

    ra: float
    dec: float
    radius: float
    verbosity: int = 2
    limit: int | None = None


def parse(parameters: Mapping[str, list[str]]) -> Query:
    """The query in HTTP parameters, whatever their order and case. Raises QueryError."""
    given = {name.upper(): values for name, values in parameters.items()}
    verbosity = int(_number(given, "VERB", 1, 3, 2))
    limit = _number(given, "MAXREC", 0, 10**9, -1)
    return Query(
        _number(given, "RA", -360, 360), _number(given, "DEC", -90, 90), _number(given, "SR", 0, 180),
        verbosity, None if limit < 0 else int(limit),
    )


def _number(given: Mapping[str, list[str]], name: str, low: float, high: float, default: float | None = None) -> float:
    values = [value for value in given.get(name, []) if value.strip()]
    if not values and default is not None:
        return default
    if len(values) != 1:
        raise QueryError(f"{name} is {'given more than once' if values else 'missing'}: give one number.")
    try:
        number = float(values[0])
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise QueryError(f"{name} must be a number from {low:g} to {high:g}, and is {values[0][:40]!r}.")
    return number


def answer(stars: Stars, query: Query) -> tuple[int, Iterator[bytes]]:
    """The VOTable: its length in bytes, and its pieces. A radius of 0 asks for the columns alone (§2.1)."""
    found = stars.within(query.ra, query.dec, query.radius) if query.radius > 0 else []
    chosen = found if query.limit is None else found[: query.limit]
    brief = query.verbosity == 1
    rows = stars.brief_rows if brief else stars.rows
    columns = [column for column in stars.columns if column.in_brief or not brief]
    status = "OVERFLOW" if len(chosen) < len(found) else "OK"
    head = _opening(columns).encode()
    tail = f'</TABLEDATA></DATA>\n</TABLE>\n<INFO name="QUERY_STATUS" value="{status}"/>\n{_TAIL}'.encode()
    length = len(head) + sum(len(rows[index]) for index in chosen) + len(tail)
    return length, _pieces(head, rows, chosen, tail)


def _pieces(head: bytes, rows: list[bytes], chosen: list[int], tail: bytes) -> Iterator[bytes]:
    yield head
    for start in range(0, len(chosen), _BLOCK):
        yield b"".join(rows[index] for index in chosen[start : start + _BLOCK])
    yield tail


def _opening(columns: list[Column]) -> str:
    fields = "".join(
        f"<FIELD name={quoteattr(one.name)} ucd={quoteattr(one.ucd)} datatype={quoteattr(one.datatype)}"
        f"{' arraysize=' + quoteattr('*') if one.datatype == 'char' else ''}"
        f"{' unit=' + quoteattr(one.unit) if one.unit else ''}>"
        f"<DESCRIPTION>{escape(one.description)}</DESCRIPTION></FIELD>\n"
        for one in columns
    )
    return f'{_HEAD}<TABLE name="stars">\n{fields}<DATA><TABLEDATA>\n'


def refusal(message: str) -> bytes:
    """The VOTable that says why there is no answer (§2.3, and DALI 1.1 §4.4.1)."""
    return (
        f'{_HEAD}<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>\n'
        f'<INFO name="Error" value={quoteattr(message)}/>\n{_TAIL}'
    ).encode()
