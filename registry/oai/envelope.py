"""Writes OAI-PMH 2.0 responses as bytes. Records are spliced in as they are stored, never parsed or rebuilt here.

OAI elements are unprefixed in the default namespace (the official validator stops at a prefixed root); only the OAI
and xsi namespaces are declared, so that each record's own declarations are all that count inside it (traps 1 to 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from registry.oai.errors import OaiError
from vosi import namespaces as ns

# what XML 1.0 has no way to say, not even escaped
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile("[A-Za-z0-9 ():/?#@!$+,;=._~*'-]*")
_ROOT = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{ns.OAI}" xmlns:xsi="{ns.XSI}" '
    f'xsi:schemaLocation="{ns.OAI} {ns.OAI_SCHEMA}">\n'
)


@dataclass(frozen=True)
class Header:
    """A record's header (§2.5): `sets` are setSpecs."""

    identifier: str
    datestamp: str
    sets: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True)
class Resumption:
    """How a split list goes on (§3.5): an empty `token` ends it; `expires` is '' where there is nothing to expire."""

    token: str
    size: int
    cursor: int
    expires: str = ""


def response(base_url: str, moment: str, attributes: Mapping[str, str], body: Iterable[bytes]) -> bytes:
    """A whole response dated `moment`; `attributes` are those of <request>, none where it was not understood."""
    shown = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    head = f"{_ROOT}<responseDate>{moment}</responseDate>\n<request{shown}>{escape(base_url)}</request>\n"
    return b"".join((head.encode(), *body, b"\n</OAI-PMH>\n"))


def errors(error: OaiError) -> list[bytes]:
    """The <error> elements of every condition in `error` (§3.6)."""
    return [f'<error code="{one.code}">{escape(str(one))}</error>'.encode() for one in error.all]


def element(name: str, text: str) -> str:
    """`<name>text</name>`, escaped."""
    return f"<{name}>{escape(text)}</{name}>"


def wrapped(name: str, parts: Iterable[bytes]) -> list[bytes]:
    """The element `name` around `parts`, as pieces to be joined: a page's records are copied once, at the end."""
    return [f"<{name}>\n".encode(), *parts, f"</{name}>".encode()]


def header(about: Header) -> bytes:
    """A <header>."""
    status = ' status="deleted"' if about.deleted else ""
    return (f"<header{status}><identifier>{escape(about.identifier)}</identifier>"
            f"<datestamp>{about.datestamp}</datestamp>{_specs(about.sets)}</header>\n").encode()


@lru_cache(256)
def _specs(sets: tuple[str, ...]) -> str:
    return "".join(element("setSpec", spec) for spec in sets)


def record(about: Header, payload: bytes | None) -> tuple[bytes, ...]:
    """A <record> around `payload`, one self-contained element, or none for a deleted record (§2.5.1); in pieces."""
    if payload is None:
        return b"<record>", header(about), b"</record>\n"
    return b"<record>", header(about), b"<metadata>", payload, b"</metadata></record>\n"


def resumption(how: Resumption) -> bytes:
    """A <resumptionToken>."""
    expires = f' expirationDate="{how.expires}"' if how.expires else ""
    # a list may have shrunk to less than was promised with its first page: it is never said to be empty
    size = f' completeListSize="{max(how.size, 1)}" cursor="{how.cursor}"'
    return f"<resumptionToken{expires}{size}>{escape(how.token)}</resumptionToken>\n".encode()


def escape(text: str) -> str:
    """`text` for use in content and in attributes; what XML cannot say becomes the replacement character."""
    if _PLAIN.fullmatch(text):  # nearly always, and there are hundreds on a page
        return text
    sayable = _UNSAYABLE.sub("\ufffd", text)
    return sayable.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
