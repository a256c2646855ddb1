"""A record before the database is touched: the bytes to keep, their digest, and what the schemas say of it.

All of it is pure and slow, so it is done outside of any transaction. Whether the record may be stored where
another stands is decided by `store`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from lxml import etree

from registry.records import projection
from registry.records.projection.values import Packed, pack
from vosi import identifiers, namespaces as ns, resource, xmlio
from vosi.resource import Summary
from vosi.schemas import RECOMMENDED, Problem, Schemas

# documents that other doors take, and that are no records though some of them hold an ivo:// identifier
_NO_RECORDS = {
    ns.OAI: "a part of an OAI-PMH response", ns.OAI_DC: "Dublin Core", ns.DC: "Dublin Core",
    ns.UWS: "a UWS job or list of jobs",
    ns.VOSI_CAPABILITIES: "a VOSI capabilities document (`registry api import` takes the service's address)",
    ns.VOSI_AVAILABILITY: "a VOSI availability document", ns.VOSI_TABLES: "a VOSI tables document",
    "http://www.ivoa.net/xml/UWS/v1.0rc3": "a UWS job or list of jobs",
}

LONGEST_NAME = 500  # characters of an identifier: an index of PostgreSQL holds 2,704 bytes
_OLD = "http://www.ivoa.net/xml/VOResource/v0."


@dataclass(frozen=True)
class Ready:
    """One record that may be put: `fault` is one sentence where it cannot be stored at all, '' else.

    `profile` is the edition of the schemas it is valid in, '' for none; `problems` are those of the recommended one.
    `tree` is what it parses to, where that is at hand: it stays behind when the record goes to another process.
    """

    xml: bytes
    tree: etree._Element | None
    summary: Summary
    digest: str
    profile: str
    problems: tuple[Problem, ...]
    fault: str = ""
    first_line: int = 1  # of the document that it came in; lines in `problems` count from the record's own first

    @property
    def publishable(self) -> bool:
        """Whether it may be one of ours: valid in the edition we publish in (D4)."""
        return not self.fault and self.profile == RECOMMENDED

    @property
    def element(self) -> etree._Element:
        """What it parses to."""
        return xmlio.parse(self.xml) if self.tree is None else self.tree

    @cached_property
    def rows(self) -> Packed:
        """Its rows in the tables of searches; slow, and so best asked for outside of any transaction."""
        return pack(projection.rows(self.element, identifiers.key(self.summary.ivoid), self.xml))

    def light(self) -> Ready:
        """The same with its rows made and without its tree: for whoever holds many of them."""
        rows = {} if self.fault else {"rows": self.rows}  # where `rows` keeps what it has made
        made = object.__new__(Ready)
        made.__dict__.update(self.__dict__, tree=None, **rows)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "tree": None}

    @property
    def told(self) -> tuple[Problem, ...]:
        """The problems with lines of the document that the record came in, for whoever sent that."""
        return tuple(replace(one, line=one.line + self.first_line - 1) if one.line else one for one in self.problems)

    def place(self, name: str) -> str:
        """`(line 6, in element identifier)`: where the record has its first child `name`, else itself."""
        found = self.element.find(f"{{*}}{name}")
        # lxml's stubs do not say the type of a line
        line = cast(int | None, (self.element if found is None else found).sourceline) or 1
        return (f"(line {line + self.first_line - 1}, in element "
                f"{etree.QName(self.element).localname if found is None else name})")


def one_record(xml: bytes) -> tuple[bytes, etree._Element]:
    """The bytes to keep of the one record in `xml`, and what they parse to. Raises XmlRefused."""
    kept, element, _ = one_placed(xml)
    return kept, element


def one_placed(xml: bytes) -> tuple[bytes, etree._Element, int]:
    """`one_record`, and the line of `xml` on which it begins. Raises XmlRefused."""
    found = list(xmlio.placed_records(xml))
    if len(found) != 1:
        raise xmlio.XmlRefused(f"There are {len(found)} VOResource records where one was expected.")
    [(kept, first_line)] = found
    return kept, xmlio.parse(kept), first_line


def prepare(schemas: Schemas, kept: bytes, element: etree._Element, first_line: int = 1) -> Ready:
    """Judge a record whose bytes stand alone already (`one_record`, `xmlio.records_in`); never raises.

    `first_line` is where it begins in the document that it came in.
    """
    summary = resource.summarise(element)
    fault = _fault(Ready(kept, element, summary, "", "", (), first_line=first_line))
    if fault:
        return Ready(kept, element, summary, "", "", (), fault, first_line)
    written = xmlio.written(element)
    profile, problems = schemas.validate_any(element, written)
    return Ready(kept, element, summary, xmlio.digest(element, written), profile or "", tuple(problems), "", first_line)


def _fault(ready: Ready) -> str:
    """Why nothing can be stored under the record's name; '' where it can."""
    summary, namespace = ready.summary, etree.QName(ready.element).namespace or ""
    kind = _NO_RECORDS.get(namespace)
    if kind:
        return f"It is no VOResource record but {kind}."
    if not summary.ivoid and namespace.startswith(_OLD):
        return (f"It is a record in VOResource 0.x (namespace {namespace}), which has no ivo:// identifiers: "
                "ask its publisher for one in VOResource 1.")
    if not summary.ivoid:
        return f"The record has no identifier, without which it cannot be stored {ready.place('identifier')}."
    try:
        named = identifiers.parse_ivoid(summary.ivoid)
    except identifiers.InvalidIdentifier as error:
        return f"{str(error).rstrip('.')} {ready.place('identifier')}."
    if len(summary.ivoid) > LONGEST_NAME:
        return (f"{summary.ivoid[:60]}... has {len(summary.ivoid)} characters; a name here has {LONGEST_NAME} at most "
                f"{ready.place('identifier')}.")
    return "" if named.authority else "Its identifier names no authority."
