"""What a document holds for the shelf, judged: its records and the names of those it tells as deleted. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from registry.records.fitness import why_not_deleted, why_not_ours
from registry.records.incoming import Document
from registry.records.ready import Ready, prepare
from vosi import oaipage, xmlio
from vosi.schemas import Schemas

AT_ONCE = 8_000_000  # bytes of a document that is not read bit by bit: what it holds takes much memory


@dataclass(frozen=True)
class Untaken:
    """What cannot be taken, a record (`ivoid` where it has one) or a whole document, and why, in one sentence.

    `skipped` where nobody asked for it.
    """

    reason: str
    ivoid: str = ""
    skipped: bool = False


# a record, the name of a deleted one, or what stands in the place of one that cannot be taken
Found = Ready | str | Untaken


def found_in(schemas: Schemas, document: Document, authority: str = "") -> Iterator[Found]:
    """What the document holds, in its order, names of deleted records last; one Untaken where it holds nothing.

    With `authority`, which is this registry's own, its records are to be ours.
    """
    if document.fault:
        yield Untaken(document.fault, skipped=document.skipped)
        return
    try:
        yield from _at_once(schemas, document.data, authority) or _one_by_one(schemas, document.data, authority)
    except xmlio.XmlRefused as error:
        yield Untaken(str(error))


def _at_once(schemas: Schemas, data: bytes, authority: str) -> list[Found]:
    """What is in a document that is parsed once, record by record; nothing where it is long or not surely whole."""
    if len(data) > AT_ONCE:
        return []
    scan = xmlio.cut(data)
    try:
        found: list[Found] = [_judged(schemas, body, xmlio.parse_kept(body), line, authority) for body, line in scan.records()]
    except xmlio.XmlRefused:
        return []
    return found + list(_buried(scan, authority))


def _one_by_one(schemas: Schemas, data: bytes, authority: str) -> Iterator[Found]:
    scan = xmlio.scanned(data)
    bodies, deleted = list(scan.records()), list(_buried(scan, authority))
    if not bodies and not deleted:
        yield Untaken("It holds no VOResource record.")
    for body, line in bodies:
        try:
            yield _judged(schemas, body, xmlio.parse_kept(body), line, authority)
        except xmlio.XmlRefused as error:
            yield Untaken(str(error))
    yield from deleted


def _buried(scan: xmlio.Scanner, authority: str) -> Iterator[Found]:
    for ivoid in oaipage.deleted_among(scan.events):
        fault = why_not_deleted(ivoid, authority)
        yield Untaken(fault, ivoid) if fault else ivoid


def _judged(schemas: Schemas, body: bytes, element: etree._Element, line: int, authority: str) -> Ready | Untaken:
    ready = prepare(schemas, body, element, line)
    fault = why_not_ours(schemas, authority, ready)[0] if authority else ready.fault
    return Untaken(fault, ready.summary.ivoid) if fault else ready.light()
