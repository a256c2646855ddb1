"""What a document may hold, and the expat parser that holds it to that: for whoever scans bytes without building a tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

from vosi.octets import XmlRefused
from vosi.whereabouts import where

MAX_DEPTH = 256
MAX_ELEMENTS = 100_000
MAX_ATTRIBUTES = 20_000  # of one element


def expat_parser() -> expat.XMLParserType:
    """An expat parser as every other here: it refuses a DOCTYPE and gives attributes in document order."""
    parser = expat.ParserCreate("utf-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.ordered_attributes = True
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise XmlRefused(
            f"It has a DOCTYPE (line {parser.CurrentLineNumber}), which VO documents do not use and this service does not take: "
            "remove it.")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def run_expat(parser: expat.XMLParserType, data: bytes) -> None:
    """Let `parser` read the whole of `data`; raises XmlRefused."""
    with explained(parser, data):
        parser.Parse(data, True)


@contextmanager
def explained(parser: expat.XMLParserType, data: bytes) -> Iterator[None]:
    """Say what is wrong with `data`, all or a part of which is being read."""
    try:
        yield
    except expat.ExpatError as error:
        place = where(data, parser.ErrorByteIndex)
        raise XmlRefused(f"It is not well-formed XML: {expat.ErrorString(error.code)} ({place}).") from None


def surely_within_bounds(data: bytes) -> bool:
    """Whether counting bytes shows that there is nothing to refuse; libxml2 itself goes no deeper than MAX_DEPTH."""
    few = len(data) <= MAX_ATTRIBUTES or data.count(b"<") <= MAX_ELEMENTS and data.count(b"=") <= MAX_ATTRIBUTES
    return few and b"<!DOCTYPE" not in data


def check_bounds(data: bytes) -> None:
    """Refuse what could exhaust a tree builder, before a tree is built."""
    parser = expat_parser()
    depth = elements = 0

    def start(_name: str, attributes: list[str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > MAX_DEPTH:
            raise too_much("Its elements are nested deeper than", MAX_DEPTH, "", data, parser)
        if elements > MAX_ELEMENTS:
            raise too_much("It has more than", MAX_ELEMENTS, " elements", data, parser)
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise too_much("An element has more than", MAX_ATTRIBUTES, " attributes", data, parser)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    run_expat(parser, data)


def too_much(what: str, most: int, of: str, data: bytes, parser: expat.XMLParserType) -> XmlRefused:
    """The refusal of what the parser has come to: `what` is more than `most`."""
    return XmlRefused(f"{what} {most}{of} ({where(data, parser.CurrentByteIndex)}).")
