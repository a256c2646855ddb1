"""IVOA Identifiers 2.0: taking them apart and comparing them. It does not ask whether one is registered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_AUTHORITY = re.compile(r"[\w\d][\w\d\-_.!~*'()+=]{2,}", re.ASCII)
_PATH = re.compile(r"[\w\d\-_.!~*'()+=/]*", re.ASCII)
_REMEMBERED = 200  # characters: one name is asked for again and again on its way through the rooms
_TAIL = re.compile(r"(?:[^\s<>\"{}|\\^`#%\[\]]|%[0-9A-Fa-f]{2})*")  # else an xs:anyURI of OAI-PMH could not hold it


class InvalidIdentifier(ValueError):
    """A text is no IVOA identifier; the message says which part is wrong."""


@dataclass(frozen=True)
class Ivoid:
    """`ivo://authority/path?query#fragment`, in its publisher's spelling; empty parts are ''."""

    authority: str
    path: str = ""
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        path = f"/{self.path}" if self.path else ""
        query = f"?{self.query}" if self.query else ""
        return f"ivo://{self.authority}{path}{query}" + (f"#{self.fragment}" if self.fragment else "")

    @property
    def resource(self) -> Ivoid:
        """The registered part: without query and fragment (Identifiers 2.0 §2.1)."""
        return Ivoid(self.authority, self.path)


def parse_ivoid(text: str) -> Ivoid:
    """The parts of an identifier.

    Raises InvalidIdentifier. A percent sign is only legal after `?` or `#` (Identifiers 2.0 §2.3).
    """
    return _parsed(text) if len(text) < _REMEMBERED else _parsed.__wrapped__(text)


@lru_cache(4096)
def _parsed(text: str) -> Ivoid:
    stripped = text.strip()
    if stripped[:6].lower() != "ivo://":
        raise InvalidIdentifier(f"{_shown(text)} is no IVOA identifier: it must begin with ivo://.")
    rest, _, fragment = stripped[6:].partition("#")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    if not _AUTHORITY.fullmatch(authority):
        raise InvalidIdentifier(
            f"{_shown(text)} has no legal authority: at least three characters, letters, digits and -_.!~*'()+= only, "
            "the first a letter, digit or underscore."
        )
    if not _PATH.fullmatch(path):
        raise InvalidIdentifier(f"{_shown(text)} has a character in its path that is not legal there (such as % or a space).")
    if not _TAIL.fullmatch(query) or not _TAIL.fullmatch(fragment):
        raise InvalidIdentifier(f"{_shown(text)} has a character after ? or # that must be percent-encoded.")
    return Ivoid(authority, path.rstrip("/"), query, fragment)


def key(text: str) -> str:
    """The comparison form: authority and path in lower case, query and fragment as they are (§2.3.1).

    Raises InvalidIdentifier.
    """
    return _key(text) if len(text) < _REMEMBERED else _key.__wrapped__(text)


@lru_cache(4096)
def _key(text: str) -> str:
    parts = parse_ivoid(text)
    return str(Ivoid(parts.authority.lower(), parts.path.lower(), parts.query, parts.fragment))


def standard_key(text: str) -> tuple[str, str]:
    """A standardID for comparison: its registered part in lower case, and its fragment in lower case.

    Never raises: what is no identifier is compared as text.
    """
    head, _, fragment = text.strip().partition("#")
    return head.rstrip("/").lower(), fragment.lower()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "...")
