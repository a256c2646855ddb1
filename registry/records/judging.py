"""The verdict of the schemas and of the Registry of Registries' rules on records in files or on the shelf.

It stores nothing, and repairs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry import clock
from registry.records import rofr
from registry.records.incoming import Document
from registry.records.ready import Ready, prepare
from registry.records.rofr import FAIL, Finding, Subject
from registry.records.store import Record
from vosi import xmlio
from vosi.schemas import HARVEST, RECOMMENDED, Problem, Schemas

_WORDS = {RECOMMENDED: "valid", HARVEST: "valid in the older edition"}


@dataclass(frozen=True)
class Verdict:
    """On one record: `words` says valid, valid in the older edition, or not valid; `problems` say why not.

    `findings` are those of the rules, none where the record could not be read.
    """

    name: str
    ivoid: str
    type: str
    words: str
    problems: tuple[Problem, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether it is valid in any edition."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """pass, warn or fail: the worst of all."""
        return rofr.worst(one.verdict for one in self.findings) if self.findings else FAIL


def of_document(schemas: Schemas, document: Document) -> Iterator[Verdict]:
    """A verdict on each record in the document, or one on the document where it cannot be read. Never raises."""
    if document.fault:
        yield _unread(document.name, document.fault)
        return
    try:
        bodies = list(xmlio.placed_records(document.data))
    except xmlio.XmlRefused as error:
        yield _unread(document.name, str(error))
        return
    if not bodies:
        yield _unread(document.name, "It holds no VOResource record.")
    for body, first_line in bodies:
        try:
            yield _verdict(document.name, prepare(schemas, body, xmlio.parse(body), first_line))
        except xmlio.XmlRefused as error:
            yield _unread(document.name, str(error))


def of_record(schemas: Schemas, record: Record) -> Verdict:
    """The verdict of today's schemas and rules on a record of the shelf."""
    return _verdict("", prepare(schemas, record.xml, xmlio.parse(record.xml)))


def subject(ready: Ready, *, header: str = "") -> Subject:
    """A record that has been judged by the schemas, as the rules take it."""
    return Subject(ready.element, ready.summary, ready.profile, ready.told, clock.stamp(), header)


def _verdict(name: str, ready: Ready) -> Verdict:
    said = ready.summary
    if ready.fault:
        return Verdict(name, said.ivoid, said.type, "not valid", (Problem("identifier", ready.fault, "identifier"),))
    return Verdict(name, said.ivoid, said.type, _WORDS.get(ready.profile, "not valid"), ready.told,
                   rofr.findings(subject(ready)))


def _unread(name: str, fault: str) -> Verdict:
    return Verdict(name, "", "", "not valid", (Problem("", fault),))
