"""The schemas' verdict on records that lie in files or on the shelf, without storing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.records.incoming import Document
from registry.records.ready import Ready, prepare
from registry.records.store import Record
from vosi import xmlio
from vosi.schemas import HARVEST, RECOMMENDED, Problem, Schemas

_WORDS = {RECOMMENDED: "valid", HARVEST: "valid in the older edition"}


@dataclass(frozen=True)
class Verdict:
    """On one record: `words` says valid, valid in the older edition, or not valid; `problems` say why not."""

    name: str
    ivoid: str
    type: str
    words: str
    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether it is valid in any edition."""
        return not self.problems


def of_document(schemas: Schemas, document: Document) -> Iterator[Verdict]:
    """A verdict on each record in the document, or one on the document where it cannot be read. Never raises."""
    if document.fault:
        yield _unread(document.name, document.fault)
        return
    try:
        bodies = list(xmlio.records_in(document.data))
    except xmlio.XmlRefused as error:
        yield _unread(document.name, str(error))
        return
    if not bodies:
        yield _unread(document.name, "It holds no VOResource record.")
    for body in bodies:
        try:
            yield _verdict(document.name, prepare(schemas, body, xmlio.parse(body)))
        except xmlio.XmlRefused as error:
            yield _unread(document.name, str(error))


def of_record(schemas: Schemas, record: Record) -> Verdict:
    """The verdict of today's schemas on a record of the shelf."""
    return _verdict("", prepare(schemas, record.xml, xmlio.parse(record.xml)))


def _verdict(name: str, ready: Ready) -> Verdict:
    problems = (Problem("identifier", ready.fault, "identifier"),) if ready.fault else ready.problems
    return Verdict(name, ready.summary.ivoid, ready.summary.type, _WORDS.get(ready.profile, "not valid"), problems)


def _unread(name: str, fault: str) -> Verdict:
    return Verdict(name, "", "", "not valid", (Problem("", fault),))
