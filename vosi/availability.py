"""Whether a service is up: VOSI availability documents read and written (VOSI 1.1 §2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from vosi import namespaces as ns, xmlio
from vosi.writing import Writer

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Availability:
    """What the service says of itself; times as written, '' where it says none."""

    available: bool
    up_since: str = ""
    down_at: str = ""
    back_at: str = ""
    notes: tuple[str, ...] = ()


def read(data: bytes) -> Availability:
    """The answer in a VOSI availability document, of any namespace.

    Raises XmlRefused when it is not XML or says neither true nor false.
    """
    root = xmlio.parse(data)
    if etree.QName(root).localname != "availability":
        raise xmlio.XmlRefused(
            f"It is XML, but no VOSI availability document: its root element is {etree.QName(root).localname}.")
    flag = _FLAGS.get(_text(root, "available").lower())
    if flag is None:
        said = _text(root, "available")[:100]
        raise xmlio.XmlRefused(f"It says neither true nor false of being available, but {said!r}.")
    notes = tuple(text for found in root.iterchildren("{*}note") if (text := _tidy(found)))
    return Availability(flag, _text(root, "upSince"), _text(root, "downAt"), _text(root, "backAt"), notes)


def write(availability: Availability) -> bytes:
    """A VOSI availability document, with XML declaration. Raises XmlRefused for illegal characters."""
    writer = Writer()
    with writer.element("avail:availability", {"xmlns:avail": ns.VOSI_AVAILABILITY}):
        writer.leaf("avail:available", str(availability.available).lower())
        writer.leaf("avail:upSince", availability.up_since)
        writer.leaf("avail:downAt", availability.down_at)
        writer.leaf("avail:backAt", availability.back_at)
        writer.leaves("avail:note", availability.notes)
    return xmlio.DECLARATION + writer.done()


def _text(root: etree._Element, name: str) -> str:
    return next((_tidy(found) for found in root.iterchildren(f"{{*}}{name}")), "")


def _tidy(element: etree._Element) -> str:
    return " ".join(str(element.xpath("string()")).split())
