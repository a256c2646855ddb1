"""The only XML parser (with `bounds`) and serialiser: no network, no DTD, no entities, nothing recovered, everything bounded.

It also keeps records as they came: a record is sliced from its document by byte offsets and made to stand alone by
adding namespace declarations to its root, never by writing it anew (architecture, traps 1, 2, 3 and 10).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from lxml import etree

from vosi import namespaces as ns
from vosi.bounds import (
    MAX_ATTRIBUTES as MAX_ATTRIBUTES,
    MAX_DEPTH as MAX_DEPTH,
    MAX_ELEMENTS as MAX_ELEMENTS,
    check_bounds,
    expat_parser,
    explained,
    surely_within_bounds,
    too_much,
)
from vosi.octets import (
    MAX_PAGE,
    METADATA,
    NEXT_TAG,
    XmlRefused,
    element_end,
    end_of_plain,
    end_unseen,
    in_order,
    self_contained,
    to_utf8,
)
from vosi.whereabouts import where

DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"
MAX_RECORD = 5_000_000
MAX_OUTSIDE = 400_000  # elements of a page that are not inside of records

_Path = tuple[tuple[str, str], ...]
_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})
_BLANKS = re.compile(rb">[ \t\n\r]+<")
_CONTAINERS = frozenset({(ns.RI, "VOResources"), ("http://www.ivoa.net/xml/RegistryInterface/v0.1", "VOResources")})


# --- parsing ----------------------------------------------------------------------------------------------------------


def parse(data: bytes, *, max_bytes: int = MAX_RECORD) -> etree._Element:
    """The root element of `data`.

    Raises XmlRefused when it is larger than `max_bytes`, not well-formed, has a DOCTYPE, is deeper than 256
    elements, or has more elements or attributes than a record can need.
    """
    return parse_kept(to_utf8(data, max_bytes=max_bytes), max_bytes=max_bytes)


def parse_kept(text: bytes, *, max_bytes: int = MAX_RECORD) -> etree._Element:
    """`parse` for what has been made UTF-8 (`to_utf8`), such as a record that was cut out of a page."""
    if len(text) > max_bytes:
        to_utf8(text, max_bytes=max_bytes)  # which refuses it
    if not surely_within_bounds(text):
        check_bounds(text)
    try:
        return etree.fromstring(text, _parser())
    except etree.XMLSyntaxError as error:
        check_bounds(text)  # it may know better what is wrong
        place = where(text, _offset(text, *error.position))
        raise XmlRefused(f"It is not well-formed XML: {_clean(error.msg)} ({place}).") from None


def serialise(element: etree._Element) -> bytes:
    """`element` in UTF-8, with an XML declaration."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=True)


def written(element: etree._Element) -> bytes:
    """`element` as libxml2 writes it, in UTF-8: what `digest` begins with."""
    return etree.tostring(element, encoding="UTF-8", with_tail=False)


def digest(element: etree._Element, as_written: bytes = b"") -> str:
    """SHA-256 (hex) of what the element says; `as_written` is the `written` one, where at hand.

    The order of attributes, white space in tags and between them, comments, needless declarations and the ways to
    spell a character do not count; other prefixes are a change, since xsi:type uses them.
    """
    form = as_written or written(element)
    if b"<!" in form:  # a comment, or text as CDATA
        form = written(etree.fromstring(form, _parser(remove_comments=True)))
    if _BLANKS.search(form):
        form = written(etree.fromstring(form, _parser(remove_blank_text=True)))
    root = form.index(b">")
    if form.find(b" xmlns", root) >= 0 or form.find(b" xmlns:xml=", 0, root) >= 0:
        form = _canonical(form)
    return hashlib.sha256(in_order(form)).hexdigest()


def _canonical(form: bytes) -> bytes:
    """The same without declarations that only say again what holds already (Canonical XML 1.0 §4.6)."""
    with suppress(etree.C14NError):  # a relative namespace URI, which libxml2 will not canonicalise
        form = written(etree.fromstring(etree.tostring(etree.fromstring(form, _parser()), method="c14n"), _parser()))
    return form


def _offset(text: bytes, line: int, column: int) -> int:
    """The byte at a line and column, both from 1."""
    at = 0
    for _ in range(line - 1):
        at = text.find(b"\n", at) + 1
    return at + max(column - 1, 0)


def _parser(*, remove_blank_text: bool = False, remove_comments: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False,
        remove_blank_text=remove_blank_text, remove_comments=remove_comments, collect_ids=False,
    )


def _clean(message: str | None) -> str:
    return (message or "unknown fault").split(", line ")[0]


# --- slicing ----------------------------------------------------------------------------------------------------------


@dataclass
class _Frame:
    """One open element while scanning; `path` are the names from the root to it."""

    path: tuple[tuple[str, str], ...]
    scope: dict[str | None, str]
    start: int
    text: list[str] = field(default_factory=list)


# "text" or "record", the names from the root, text or bytes, attributes: see Scanner
Event = tuple[str, tuple[tuple[str, str], ...], str | bytes, Mapping[str, str]]


class Scanner:
    """Walks a document in UTF-8 with its namespaces, and slices elements from its bytes.

    `wanted(path)` says of each element, given the names from the root to it as (namespace, local name), whether it is
    a record. `events` gets ("text", path, text, attributes) for every other element at its end, and
    ("record", path, bytes, {}) for each record: self-contained bytes; `lines` has the line on which each begins.
    One that does not look `within` leaves it to `parse` whether a record is well-formed inside.
    """

    def __init__(self, data: bytes, wanted, *, within: bool = True) -> None:  # type: ignore[no-untyped-def]
        self._data = data
        self._wanted = wanted
        self._within = within
        self.events: list[Event] = []
        self.lines: list[int] = []
        self._frames: list[_Frame] = []
        self._attributes: list[Mapping[str, str]] = []
        self._parser = expat_parser()
        self._began = False  # whether a record begins with the tag that has just been read
        self.skipped = self._lines = 0  # bytes and lines that the parser has not seen
        self._known: dict[tuple[_Path, str], _Path] = {}  # elements that are no records and say nothing of prefixes
        self._more = True  # records of an OAI-PMH page, maybe
        self._walk()

    def run(self) -> Scanner:
        """Scan the whole document; raises XmlRefused, and then nothing of it is to be used."""
        data, at = memoryview(self._data), 0
        with explained(self._parser, self._data):
            # tag by tag as long as they are plain, so that a record which has just begun can be passed over in one go
            while tag := NEXT_TAG.match(self._data, at := self._skimmed(at)):
                self._parser.Parse(data[at:tag.end()], False)
                at = self._leapt(tag.end())
            self._parser.Parse(data[at:], True)
        return self

    def _skimmed(self, at: int) -> int:
        """Where to look at each tag: behind the next one that is around a record, `at` where there are no more of these."""
        around = METADATA.search(self._data, at) if self._more else None
        if not around:
            self._more = False
            return at
        self._parser.Parse(memoryview(self._data)[at:around.end()], False)
        self._began = False  # before that one
        return around.end()

    def _leapt(self, at: int) -> int:
        """Where to read on: `at`, or behind the record whose start tag ends there, where no more need be known of it."""
        began, self._began = self._began, False
        if not began:
            return at
        start, room = self._frames[-1].start, MAX_DEPTH - len(self._frames)
        last, end = end_of_plain(self._data, start, at, room) if self._within else end_unseen(self._data, start, at)
        if not end:
            return at
        parser = self._parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        # as well-formed as all else it must be
        parser.Parse(memoryview(self._data)[at if self._within else last:end], False)
        if not self._within:
            self.skipped += last - at
            self._lines += self._data.count(b"\n", at, last)
        self._close(end)
        return end

    def records(self) -> Iterator[tuple[bytes, int]]:
        """Each record, with the line of the document on which it begins."""
        bodies = (body for kind, _path, body, _ in self.events if kind == "record" and isinstance(body, bytes))
        return zip(bodies, self.lines, strict=True)

    def _walk(self) -> None:
        """Look at each element that follows."""
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def _pass_over(self) -> None:
        """Only count until the record that has just begun ends: most of a page is inside of records."""
        self._began = True
        parser, within = self._parser, len(self._frames)
        depth = within
        prefixes = set()

        def start(name: str, attributes: list[str]) -> None:
            nonlocal depth
            depth += 1
            if depth > MAX_DEPTH:
                self._too_deep()
            if len(attributes) > 2 * MAX_ATTRIBUTES:
                self._too_wide()
            if ":" in name:
                prefixes.add(name.partition(":")[0])

        def end(_name: str) -> None:
            nonlocal depth
            depth -= 1
            if depth < within:
                self._end_record(prefixes)

        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, None

    def _start(self, name: str, attributes: list[str]) -> None:
        if len(self._frames) >= MAX_DEPTH:
            self._too_deep()
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            self._too_wide()
        if len(self.events) > MAX_OUTSIDE:
            raise too_much("It has more than", MAX_OUTSIDE, " elements outside of records", self._data, self._parser)
        common = not attributes and bool(self._frames) and self._frames[-1].scope is self._frames[0].scope
        known = self._known.get((self._path(), name)) if common else None  # the same few, again and again
        if known:
            self._frames.append(_Frame(known, self._frames[0].scope, self._parser.CurrentByteIndex + self.skipped))
            self._attributes.append(_NO_ATTRIBUTES)
            return
        plain = dict(zip(attributes[::2], attributes[1::2], strict=True))
        scope = _inner_scope(self._frames[-1].scope if self._frames else {}, plain)
        try:
            qualified = _qualified(name, scope)
        except XmlRefused as refused:
            place = where(self._data, self._parser.CurrentByteIndex)
            raise XmlRefused(f"{str(refused).rstrip('.')} ({place}).") from None
        path = (*self._path(), qualified)
        self._frames.append(_Frame(path, scope, self._parser.CurrentByteIndex + self.skipped))
        self._attributes.append(plain)
        if self._wanted(path):
            self.lines.append(self._parser.CurrentLineNumber + self._lines)
            self._pass_over()
        elif common:
            self._known[path[:-1], name] = path

    def _end(self, _name: str) -> None:
        frame = self._frames.pop()
        self.events.append(("text", frame.path, "".join(frame.text), self._attributes.pop()))

    def _end_record(self, prefixes: set[str]) -> None:
        scope = self._frames[-1].scope
        self._close(element_end(self._data, self._frames[-1].start, self._parser.CurrentByteIndex + self.skipped))
        if not prefixes <= scope.keys():  # declared further inside, or nowhere
            Scanner(cast(bytes, self.events[-1][2]), lambda path: False).run()

    def _close(self, end: int) -> None:
        """Cut out the record that ends there."""
        frame = self._frames.pop()
        own = {name[6:] or None for name in self._attributes.pop() if name == "xmlns" or name.startswith("xmlns:")}
        outer = self._frames[-1].scope if self._frames else {}
        self.events.append(("record", frame.path, self_contained(self._data[frame.start:end], outer, own), {}))
        self._began = False
        self._walk()

    def _characters(self, text: str) -> None:
        if self._frames:
            self._frames[-1].text.append(text)

    def _path(self) -> tuple[tuple[str, str], ...]:
        return self._frames[-1].path if self._frames else ()

    def _too_deep(self) -> None:
        raise too_much("Its elements are nested deeper than", MAX_DEPTH, "", self._data, self._parser)

    def _too_wide(self) -> None:
        raise too_much("An element has more than", MAX_ATTRIBUTES, " attributes", self._data, self._parser)


def _inner_scope(outer: Mapping[str | None, str], attributes: Mapping[str, str]) -> dict[str | None, str]:
    """The namespaces in scope of an element with these attributes."""
    if not attributes and isinstance(outer, dict):
        return outer
    declared = {(name[6:] or None): value for name, value in attributes.items()
                if name == "xmlns" or name.startswith("xmlns:")}
    return {**outer, **declared} if declared or not isinstance(outer, dict) else outer


def _qualified(name: str, scope: Mapping[str | None, str]) -> tuple[str, str]:
    prefix, colon, local = name.rpartition(":")
    if not colon:
        return scope.get(None, ""), name
    if prefix not in scope:
        raise XmlRefused(f"The prefix {prefix!r} of element {name} is declared nowhere.")
    return scope[prefix], local


def scanned(page: bytes, *, max_bytes: int = MAX_PAGE) -> Scanner:
    """A document with its VOResource records cut out: an OAI-PMH page, a container of records, or a single one.

    Raises XmlRefused when the document is not whole; then nothing of it is to be used.
    """
    return Scanner(to_utf8(page, max_bytes=max_bytes), _is_record).run()


def cut(page: bytes, *, max_bytes: int = MAX_PAGE) -> Scanner:
    """`scanned` in half the time for whoever gives each record to `parse`: only when all are taken is the page whole.

    Where one is not, `scanned` knows what is wrong. Raises XmlRefused.
    """
    text = to_utf8(page, max_bytes=max_bytes)
    scanner = Scanner(text, _is_record, within=False)
    try:
        return scanner.run()
    except XmlRefused:
        if not scanner.skipped:
            raise
    return Scanner(text, _is_record).run()  # it knows where


def records_in(page: bytes, *, max_bytes: int = MAX_PAGE) -> Iterator[bytes]:
    """Each VOResource record in `page` (see `scanned`) as its own bytes. Raises XmlRefused."""
    return (body for body, _ in placed_records(page, max_bytes=max_bytes))


def placed_records(page: bytes, *, max_bytes: int = MAX_PAGE) -> Iterator[tuple[bytes, int]]:
    """`records_in`, each with the line of `page` on which it begins."""
    return scanned(page, max_bytes=max_bytes).records()


def _is_record(path: tuple[tuple[str, str], ...]) -> bool:
    """A root that is neither an OAI-PMH page nor a container, a container's child, or what OAI metadata holds."""
    if len(path) == 1:
        return path[0] not in _CONTAINERS and path[0] != (ns.OAI, "OAI-PMH") and path[0][1] != "VOResources"
    parent = path[-2]
    return parent in _CONTAINERS or parent[1] == "VOResources" or parent in ((ns.OAI, "metadata"), (ns.OAI, "description"))


def root_of(document: bytes, *, max_bytes: int = MAX_RECORD) -> bytes:
    """The root element of `document` alone, self-contained; raises XmlRefused."""
    data = to_utf8(document, max_bytes=max_bytes)
    scanner = Scanner(data, lambda path: len(path) == 1).run()
    return next(body for kind, _path, body, _ in scanner.events if kind == "record" and isinstance(body, bytes))

