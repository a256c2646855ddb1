"""What a document holds for the shelf, judged: its records and the names of those it tells as deleted. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.records import burying, publish
from registry.records.incoming import Document
from registry.records.ready import Ready, prepare
from vosi import oaipage, xmlio
from vosi.schemas import Schemas


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
        scan = xmlio.scanned(document.data)
    except xmlio.XmlRefused as error:
        yield Untaken(str(error))
        return
    bodies, deleted = list(scan.records()), oaipage.deleted_among(scan.events)
    if not bodies and not deleted:
        yield Untaken("It holds no VOResource record.")
    for body, first_line in bodies:
        yield _judged(schemas, body, first_line, authority)
    for ivoid in deleted:
        fault = burying.fault(ivoid, authority)
        yield Untaken(fault, ivoid) if fault else ivoid


def _judged(schemas: Schemas, body: bytes, first_line: int, authority: str) -> Ready | Untaken:
    try:
        ready = prepare(schemas, body, xmlio.parse(body), first_line)
    except xmlio.XmlRefused as error:
        return Untaken(str(error))
    fault = publish.why_not_ours(schemas, authority, ready)[0] if authority else ready.fault
    return Untaken(fault, ready.summary.ivoid) if fault else ready.light()
