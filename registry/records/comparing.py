"""What has changed between two versions of a record: the elements, by their paths, and the lines of the XML.

It reads two documents and judges neither.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from vosi import namespaces as ns, xmlio

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True)
class Change:
    """One element or attribute (`@name`) that is not what it was; `old` and `new` are texts, '' where there is none.

    In `path`, elements of one name are numbered from 1 as they stand in the newer document, removed ones as in the
    older.
    """

    path: str
    kind: str
    old: str
    new: str


@dataclass(frozen=True)
class Difference:
    """`changes` in document order, and `lines`: a unified diff of the XML, '' where not a byte differs."""

    changes: tuple[Change, ...]
    lines: str


def compare(old: bytes, new: bytes, names: tuple[str, str] = ("old", "new")) -> Difference:
    """How `new` differs from `old`; white space between elements counts in the lines only. Raises XmlRefused."""
    changes = tuple(_elements(xmlio.parse(old), xmlio.parse(new), ""))
    lines = difflib.unified_diff(_lines(old), _lines(new), *names)
    return Difference(changes, "".join(lines))


def _lines(xml: bytes) -> list[str]:
    return [line + "\n" for line in xml.decode("utf-8").split("\n")]


def _elements(old: etree._Element, new: etree._Element, path: str) -> Iterator[Change]:
    """What differs in two elements that stand for each other."""
    for name in sorted({*old.attrib, *new.attrib}, key=str):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Change(f"{path}@{_shown(str(name), new)}", _kind(before, after), before or "", after or "")
    before, after = _own_text(old), _own_text(new)
    if before != after:
        yield Change(path.rstrip("/") or _name(new), CHANGED, before, after)
    yield from _children(old, new, path)


def _children(old: etree._Element, new: etree._Element, path: str) -> Iterator[Change]:
    olds, news = list(old.iterchildren(etree.Element)), list(new.iterchildren(etree.Element))
    for before, after in _paired(olds, news):
        if after is None and before is not None:
            yield Change(path + _place(before, olds), REMOVED, _whole_text(before), "")
        elif before is None and after is not None:
            yield Change(path + _place(after, news), ADDED, "", _whole_text(after))
        elif before is not None and after is not None and _form(before) != _form(after):
            yield from _elements(before, after, path + _place(after, news) + "/")


def _paired(
    olds: list[etree._Element], news: list[etree._Element],
) -> Iterator[tuple[etree._Element | None, etree._Element | None]]:
    """Which child stands for which: equal ones first, and among the rest those of one name in their order."""
    matcher = difflib.SequenceMatcher(None, [_form(one) for one in olds], [_form(one) for one in news], autojunk=False)
    for kind, start, end, begin, finish in matcher.get_opcodes():
        before, after = olds[start:end], news[begin:finish]
        if kind == "equal":
            yield from zip(before, after, strict=True)
            continue
        for one in before:
            twin = next((other for other in after if other.tag == one.tag), None)
            if twin is None:
                yield one, None
            else:
                after.remove(twin)
                yield one, twin
        for other in after:
            yield None, other


def _form(element: etree._Element) -> tuple[object, ...]:
    """What makes two elements equal: name, attributes, text and children, whatever stands between them."""
    return (element.tag, _own_text(element), tuple(sorted((str(name), value) for name, value in element.attrib.items())),
            tuple(_form(child) for child in element.iterchildren(etree.Element)))


def _own_text(element: etree._Element) -> str:
    """The text directly inside an element; comments are nobody's text."""
    parts = [element.text, *(child.tail for child in element)]
    return " ".join(" ".join(part for part in parts if part).split())


def _whole_text(element: etree._Element) -> str:
    return " ".join(str(element.xpath("string()")).split())


def _place(element: etree._Element, siblings: list[etree._Element]) -> str:
    same = [one for one in siblings if one.tag == element.tag]
    return _name(element) + (f"[{same.index(element) + 1}]" if len(same) > 1 else "")


def _name(element: etree._Element) -> str:
    return _shown(str(element.tag), element)


def _shown(name: str, element: etree._Element) -> str:
    """A qualified name with the prefix that this namespace has everywhere here, else its own."""
    found = etree.QName(name)
    if not found.namespace:
        return found.localname
    prefix = ns.PREFIXES.get(found.namespace) or next(
        (one for one, uri in element.nsmap.items() if uri == found.namespace and one), "")
    return f"{prefix}:{found.localname}" if prefix else found.localname


def _kind(before: str | None, after: str | None) -> str:
    return ADDED if before is None else REMOVED if after is None else CHANGED
