"""Describing a service that has no documents of its own: from what a person says of it, or from a file of capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from registry.errors import Refusal
from registry.records.store import Record
from registry.services import describing
from registry.services.describing import Wish
from registry.site import Site
from vosi import capabilities
from vosi.capabilities import Capability, Interface
from vosi.xmlio import XmlRefused

USES = ("base", "full", "dir")


@dataclass(frozen=True)
class Said:
    """One interface as a person describes it; `security` are standardIDs of methods, none for anybody."""

    url: str
    standard_id: str = ""
    interface_type: str = "vs:ParamHTTP"
    use: str = "base"
    role: str = "std"
    version: str = ""
    security: tuple[str, ...] = ()
    description: str = ""


class BadDescription(Refusal):
    """The service cannot be described so; the message says what is missing."""


def add(site: Site, wish: Wish, said: tuple[Said, ...], *, who: str) -> tuple[Record, list[str]]:
    """Publish a service that is described by `said`; the record, and what could not be held of it.

    Raises BadDescription, BadName, Conflict, PublishRefused.
    """
    if not said:
        raise BadDescription("A service needs at least one address: give where it is and which standard it speaks.")
    return _published(site, wish, tuple(map(_capability, said)), "described by a person", who)


def add_document(site: Site, wish: Wish, document: bytes, *, who: str) -> tuple[Record, list[str]]:
    """Publish a service that is described by a VOSI capabilities document. Raises as `add`."""
    try:
        reading = capabilities.read(document)
    except XmlRefused as error:
        raise BadDescription(f"The file is no VOSI capabilities document: {error}") from None
    if not reading.capabilities:
        raise BadDescription(reading.problems[0] if reading.problems else "The document lists no capability.")
    record, notes = _published(site, wish, reading.capabilities, "from a file of capabilities", who)
    return record, [*reading.problems, *notes]


def _published(
    site: Site, wish: Wish, found: tuple[Capability, ...], why: str, who: str,
) -> tuple[Record, list[str]]:
    return describing.publish_described(site, wish, found, None, who=who, why=why)


def _capability(said: Said) -> Capability:
    try:
        parts = urlsplit(said.url)
        web = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        web = False
    if not web:
        raise BadDescription(f"{said.url[:200]!r} is not a web address: it must begin with http:// or https:// and name a host.")
    if said.use not in USES:
        raise BadDescription(f"The use {said.use!r} is none: an address is used as {', '.join(USES)}.")
    return Capability(standard_id=said.standard_id, description=said.description, interfaces=(Interface(
        type=said.interface_type, access_url=said.url, url_use=said.use, role=said.role, version=said.version,
        security_methods=said.security),))
