"""A VOResource record as a whole: a summary of any, a new one from a draft, a changed one from its bytes.

It is the door to `draft`, `compose` and `amend`. It does not judge (`schemas`) and it stores nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from vosi.amend import amend
from vosi.compose import compose
from vosi.draft import Draft, EndorsedVersion, Person, Relationship, SchemaFile
from vosi.namespaces import canonical_type

__all__ = [
    "Draft", "EndorsedVersion", "Person", "Relationship", "SchemaFile", "Summary", "amend", "compose", "summarise"]

_TOP, _OF_CONTENT = ("identifier", "title", "shortName"), ("description", "referenceURL")


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
    texts: dict[str, str] = {}
    subjects = []
    for child in element.iterchildren(etree.Element):
        name = _local(child.tag)
        if name in _TOP:
            if not texts.get(name):
                texts[name] = _tidy(child)
        elif name == "content":
            for inner in child.iterchildren(etree.Element):
                name = _local(inner.tag)
                if name == "subject":
                    subjects.append(_tidy(inner))
                elif name in _OF_CONTENT and not texts.get(name):
                    texts[name] = _tidy(inner)
    said, ivoid = texts.get, texts.get("identifier", "")
    return Summary(
        ivoid=ivoid, authority=_authority(ivoid), type=canonical_type(element), title=said("title", ""),
        short_name=said("shortName", ""), status=element.get("status", "").strip(),
        created=element.get("created", "").strip(), updated=element.get("updated", "").strip(),
        description=said("description", ""), reference_url=said("referenceURL", ""),
        subjects=tuple(subject for subject in subjects if subject),
    )


@lru_cache(1024)
def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


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
