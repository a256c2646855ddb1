"""How one value of a record becomes one value of a row: white space, case, lists, times. No table is known here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from lxml import etree

from registry import clock

Rows = list[dict[str, Any]]
_SHORT = 40  # characters
_TIMESTAMP = "%Y-%m-%dT%H:%M:%S"  # DALI 1.1 §3.3.3, without a zone


class Part:
    """An element with its child elements by local name: a record is walked once, not once for every column."""

    __slots__ = ("_named", "_parts", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._parts: dict[str, list[Part]] = {}
        named: dict[str, list[etree._Element]] = {}
        for child in element:
            tag = child.tag
            if tag.__class__ is str:  # comments and processing instructions have functions there
                name = _local(tag)
                if name in named:
                    named[name].append(child)
                else:
                    named[name] = [child]
        self._named = named

    def all(self, name: str) -> Sequence[etree._Element]:
        """The children of that local name, in document order."""
        return self._named.get(name, ())

    def parts(self, name: str) -> list[Part]:
        """The children of that local name as parts themselves."""
        if name not in self._parts:
            self._parts[name] = [Part(child) for child in self.all(name)]
        return self._parts[name]

    def first(self, name: str) -> etree._Element | None:
        """The first child of that local name, or None."""
        found = self._named.get(name)
        return found[0] if found else None

    def below(self, *path: str) -> Iterator[etree._Element]:
        """The elements at `path` (local names) below, in document order."""
        if len(path) == 1:
            yield from self.all(path[0])
            return
        for part in self.parts(path[0]):
            yield from part.below(*path[1:])

    def value(self, *path: str) -> str | None:
        """The text of the first element at `path`, or None."""
        return text(self.first(path[0]) if len(path) == 1 else next(self.below(*path), None))

    def joined(self, *path: str) -> str | None:
        """The lower-case texts at `path`, joined with # (RegTAP 1.2 §4.4)."""
        return joined(self.below(*path))


class Record(Part):
    """A whole record; `ivoid` is its identifier as every table holds it: lower case."""

    __slots__ = ("ivoid",)

    def __init__(self, element: etree._Element, ivoid: str = "") -> None:
        super().__init__(element)
        self.ivoid = ivoid or low(self.value("identifier")) or ""


@lru_cache(4096)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def local(tag: object) -> str:
    """The local name in an element's tag; '' for the tag of a comment or a processing instruction."""
    return _local(tag) if tag.__class__ is str else ""  # type: ignore[arg-type]


def text(element: etree._Element | None) -> str | None:
    """The element's text with white space normalised; None where there is none."""
    if element is None:
        return None
    if len(element) == 0:
        return clean(element.text)
    return clean(str(element.xpath("string()")))


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
