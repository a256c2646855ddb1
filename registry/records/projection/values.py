"""How one value of a record becomes one value of a row: white space, case, lists, times. No table is known here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from lxml import etree

from registry import clock
from vosi.namespaces import XSI, canonical_type, clark

Row = tuple[Any, ...]
Rows = list[Row]  # of one table, their values in the order of `columns.COLUMNS`
Packed = Mapping[str, Rows]  # of one record, by table
Prefixes = frozenset[tuple[str | None, str]]  # with what they mean
_SHORT = 40  # characters
_MOST_NAMES = 4096  # that are remembered
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}
_TYPE = clark(XSI, "type")
_STAMP = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TIMESTAMP = "%Y-%m-%dT%H:%M:%S"  # DALI 1.1 §3.3.3, without a zone


def pack(rows: Packed) -> Packed:
    """The rows without the tables that have none of them."""
    return {name: found for name, found in rows.items() if found}


class Part:
    """An element with its child elements by local name: a record is walked once, not once for every column."""

    __slots__ = ("_named", "_parts", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._parts: dict[str, list[Part]] = {}
        named: dict[str, list[etree._Element]] = {}
        for child in element.iterchildren(etree.Element):
            name = _LOCAL[child.tag]
            if name in named:
                named[name].append(child)
            else:
                named[name] = [child]
        self._named = named

    @property
    def names(self) -> Iterable[str]:
        """The local names of the children, in the order in which they first come."""
        return self._named

    def all(self, name: str) -> Sequence[etree._Element]:
        """The children of that local name, in document order."""
        return self._named.get(name, ())

    def parts(self, name: str) -> Sequence[Part]:
        """The children of that local name as parts themselves."""
        if name not in self._named:
            return ()
        if name not in self._parts:
            self._parts[name] = [Part(child) for child in self._named[name]]
        return self._parts[name]

    def first(self, name: str) -> etree._Element | None:
        """The first child of that local name, or None."""
        found = self._named.get(name)
        return found[0] if found else None

    def below(self, name: str, *path: str) -> Sequence[etree._Element]:
        """The elements at that path of local names below, in document order."""
        if not path:
            return self._named.get(name, ())
        if name not in self._named:
            return ()
        parts = self.parts(name)
        return parts[0].below(*path) if len(parts) == 1 else [found for part in parts for found in part.below(*path)]

    def value(self, name: str, *path: str) -> str | None:
        """The text of the first element at that path, or None."""
        found = self.below(name, *path) if path else self._named.get(name)
        return text(found[0]) if found else None

    def joined(self, *path: str) -> str | None:
        """The lower-case texts at `path`, joined with # (RegTAP 1.2 §4.4)."""
        return joined(self.below(*path))


class Record(Part):
    """A whole record; `ivoid` is its identifier as every table holds it: lower case.

    Where its bytes are known, they tell whether prefixes mean the same in all of it; else each element is asked.
    """

    __slots__ = ("_types", "declared_at_root", "ivoid", "prefixes", "xml")

    def __init__(self, element: etree._Element, ivoid: str = "", xml: bytes = b"") -> None:
        super().__init__(element)
        self.ivoid = ivoid or low(self.value("identifier")) or ""
        self.xml = xml
        self.declared_at_root = bool(xml) and xml.count(b"xmlns") == xml.count(b"xmlns", 0, xml.index(b">"))
        self.prefixes = frozenset(element.nsmap.items())
        self._types = _types(self.prefixes)

    def type_of(self, element: etree._Element) -> str | None:
        """The xsi:type of an element in it: lower case, with a canonical prefix; None where there is none."""
        written = element.get(_TYPE)
        if not written:
            return None
        if not self.declared_at_root:
            return low(canonical_type(element))
        if written not in self._types:
            if len(self._types) > _MOST_NAMES:
                self._types.clear()
            self._types[written] = low(canonical_type(element))
        return self._types[written]


@lru_cache(256)
def _types(_prefixes: Prefixes) -> dict[str, str | None]:
    """The types of data by what is written where prefixes mean the same: filled by those who ask."""
    return {}


class _Local(dict[object, str]):
    """Local names by an element's tag: the same few hundred come again and again."""

    def __missing__(self, tag: object) -> str:
        if len(self) > _MOST_NAMES:
            self.clear()
        self[tag] = found = str(tag).rpartition("}")[2]
        return found


_LOCAL = _Local()


def local(tag: object) -> str:
    """The local name in an element's tag; '' for the tag of a comment or a processing instruction."""
    return _LOCAL[tag] if tag.__class__ is str else ""


def text(element: etree._Element | None) -> str | None:
    """The element's text with white space normalised; None where there is none."""
    if element is None:
        return None
    value = str(element.xpath("string()")) if len(element) else element.text
    if not value:
        return None
    return _clean_short(value) if len(value) < _SHORT else " ".join(value.split()) or None


def whole_text(element: etree._Element) -> str | None:
    """All text in the element as it stands."""
    return str(element.xpath("string()")) if len(element) else element.text


def clean(value: str | None) -> str | None:
    """`value` with white space normalised, None where nothing is left."""
    if not value:
        return None
    return _clean_short(value) if len(value) < _SHORT else " ".join(value.split()) or None


def low(value: str | None) -> str | None:
    """`value` in lower case, white space normalised; None where there is none."""
    if not value:
        return None
    if len(value) < _SHORT:
        return _low_short(value)
    tidy = clean(value)
    return tidy.lower() if tidy else None


def joined(elements: Iterable[etree._Element]) -> str | None:
    """The lower-case texts of the elements, joined with # (RegTAP 1.2 §4.4)."""
    return "#".join([entry for element in elements if (entry := low(text(element)))]) or None


# names, UCDs, units and types come again and again
@lru_cache(8192)
def _clean_short(value: str) -> str | None:
    return " ".join(value.split()) or None


@lru_cache(8192)
def _low_short(value: str) -> str | None:
    return " ".join(value.split()).lower() or None


def flag(value_: str | None) -> int | None:
    """An xs:boolean as 1 or 0, None where it is neither."""
    return _FLAGS.get(value_.strip()) if value_ else None


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
    return _moment(value_) if value_ and len(value_) < _SHORT else None


@lru_cache(4096)
def _moment(value_: str) -> str | None:
    try:
        parsed: datetime = clock.parse(" ".join(value_.split()))
    except (ValueError, OverflowError):
        return None
    if _STAMP.fullmatch(value_):
        return value_[:-1]  # as nearly all are written
    return parsed.strftime(_TIMESTAMP) if parsed.year > 999 else None  # smaller years lose their zeros
