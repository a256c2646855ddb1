"""A VOResource record as a whole: a summary of any, a new one from a draft, a changed one from its bytes.

It is the door to `draft`, `compose` and `amend`. It does not judge (`schemas`) and it stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from vosi.amend import amend
from vosi.compose import compose
from vosi.draft import Draft, EndorsedVersion, Person, Relationship, SchemaFile
from vosi.namespaces import canonical_type

__all__ = [
    "Draft", "EndorsedVersion", "Person", "Relationship", "SchemaFile", "Summary", "amend", "compose", "summarise"]


@dataclass(frozen=True)
class Summary:
    """What a list of records shows of one; '' where the record does not say it.

    `type` is the xsi:type with its namespace's canonical prefix, `authority` the authority of the identifier in its
    publisher's spelling, `created` and `updated` the record's own texts.
    """

    ivoid: str = ""
    authority: str = ""
    type: str = ""
    title: str = ""
    short_name: str = ""
    status: str = ""
    created: str = ""
    updated: str = ""
    description: str = ""
    reference_url: str = ""
    subjects: tuple[str, ...] = ()


def summarise(element: etree._Element) -> Summary:
    """The summary of a record of any edition; elements count by their local names. Never raises."""
    ivoid = _text(element, "identifier")
    return Summary(
        ivoid=ivoid, authority=_authority(ivoid), type=canonical_type(element), title=_text(element, "title"),
        short_name=_text(element, "shortName"), status=element.get("status", "").strip(),
        created=element.get("created", "").strip(), updated=element.get("updated", "").strip(),
        description=_text(element, "content", "description"), reference_url=_text(element, "content", "referenceURL"),
        subjects=tuple(text for found in _at(element, "content", "subject") if (text := _tidy(found))),
    )


def _at(element: etree._Element, *path: str) -> Iterator[etree._Element]:
    if not path:
        yield element
        return
    for child in element.iterchildren(f"{{*}}{path[0]}"):
        yield from _at(child, *path[1:])


def _text(element: etree._Element, *path: str) -> str:
    """The text of the first element at `path` that has one, white space normalised."""
    return next((text for found in _at(element, *path) if (text := _tidy(found))), "")


def _tidy(element: etree._Element) -> str:
    text = element.xpath("string()") if len(element) else element.text or ""
    return " ".join(str(text).split())


def _authority(ivoid: str) -> str:
    """What stands between ivo:// and the next separator, legal or not."""
    if ivoid[:6].lower() != "ivo://":
        return ""
    head = ivoid[6:]
    for mark in "/?#":
        head = head.partition(mark)[0]
    return head
