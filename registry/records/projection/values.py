"""How one value of a record becomes one value of a row: white space, case, lists, times. No table is known here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml import etree

from registry import clock

Rows = list[dict[str, Any]]
_TIMESTAMP = "%Y-%m-%dT%H:%M:%S"  # DALI 1.1 §3.3.3, without a zone


def text(element: etree._Element | None) -> str | None:
    """The element's text with white space normalised; None where there is none."""
    if element is None:
        return None
    if len(element) == 0:
        return clean(element.text)
    return clean(str(element.xpath("string()")))


def clean(value: str | None) -> str | None:
    """`value` with white space normalised, None where nothing is left."""
    return " ".join(value.split()) or None if value else None


def low(value: str | None) -> str | None:
    """`value` in lower case, white space normalised; None where there is none."""
    tidy = clean(value)
    return tidy.lower() if tidy else None


def found(element: etree._Element, *path: str) -> Iterator[etree._Element]:
    """The elements at `path` (local names) below `element`, in document order."""
    if not path:
        yield element
        return
    for child in element.iterchildren(f"{{*}}{path[0]}"):
        yield from found(child, *path[1:])


def first(element: etree._Element, *path: str) -> etree._Element | None:
    """The first element at `path`, or None."""
    return next(found(element, *path), None)


def value(element: etree._Element, *path: str) -> str | None:
    """The text of the first element at `path`, or None."""
    return text(first(element, *path))


def joined(element: etree._Element, *path: str) -> str | None:
    """The lower-case texts at `path`, joined with # (RegTAP 1.2 §4.4)."""
    return "#".join(entry for entry in (low(text(found_)) for found_ in found(element, *path)) if entry) or None


def fields(element: etree._Element) -> dict[str, str | None]:
    """The texts of the children by local name, each name's first one: one pass, for tables of many columns."""
    result: dict[str, str | None] = {}
    for child in element.iterchildren("{*}*"):
        name = etree.QName(child).localname
        if name not in result:
            result[name] = text(child)
    return result


def flag(value_: str | None) -> int | None:
    """An xs:boolean as 1 or 0, None where it is neither."""
    return {"true": 1, "1": 1, "false": 0, "0": 0}.get(value_.strip()) if value_ else None


def number(value_: str | None) -> float | None:
    """A number, None where it is none."""
    try:
        return float(value_) if value_ else None
    except ValueError:
        return None


def whole(value_: str | None, bits: int = 63) -> int | None:
    """A whole number, None where it is none or does not fit its column of so many bits and a sign."""
    try:
        result = int(value_) if value_ else None
    except ValueError:
        return None
    return result if result is not None and abs(result) < 2**bits else None


def moment(value_: str | None) -> str | None:
    """A date or time of VOResource as a timestamp in UTC, None where it is none."""
    tidy = clean(value_)
    if not tidy:
        return None
    try:
        parsed: datetime = clock.parse(tidy)
    except (ValueError, OverflowError):
        return None
    return parsed.strftime(_TIMESTAMP) if parsed.year > 999 else None  # smaller years lose their zeros


def owner(element: etree._Element) -> str:
    """The record's identifier as every table holds it: lower case."""
    return low(value(element, "identifier")) or ""
