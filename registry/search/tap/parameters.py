"""What a TAP request asks for, read from its parameters (TAP 1.1 §2.7, DALI 1.1 §3.4). It looks at no query's content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from registry.errors import Refusal
from registry.search.tap import formats
from registry.search.tap.formats import Format

NAMES = ("REQUEST", "LANG", "QUERY", "RESPONSEFORMAT", "FORMAT", "MAXREC", "RUNID", "UPLOAD")
LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
_SHOWN = 60  # characters of a client's text that a sentence repeats
_NUMBER = re.compile(r"[0-9]{1,18}")


class BadParameter(Refusal):
    """A parameter is missing or has no meaning; the message names it and what it may be."""


@dataclass(frozen=True)
class Asked:
    """One request: the query, the most rows it wants (None: the site's default), and how they are to be written."""

    query: str
    maxrec: int | None
    format: Format


def asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """The request that these parameters make; names in any case, those that TAP does not know are ignored.

    Raises BadParameter.
    """
    given = _single(pairs)
    if given.get("REQUEST", "doQuery").lower() != "doquery":
        raise BadParameter(f"REQUEST={_shown(given['REQUEST'])} is not offered: only doQuery is, and it may be left out.")
    if "LANG" not in given:
        raise BadParameter(f"LANG is missing: give the language of QUERY, one of {', '.join(LANGUAGES)}.")
    if given["LANG"].upper() not in LANGUAGES:
        raise BadParameter(f"LANG={_shown(given['LANG'])} is not understood here: {', '.join(LANGUAGES)} are.")
    if given.get("UPLOAD"):
        raise BadParameter("UPLOAD is not offered: there are no tables of users here.")
    if not given.get("QUERY", "").strip():
        raise BadParameter("QUERY is missing: give a query in ADQL, such as SELECT TOP 5 ivoid, res_title FROM rr.resource.")
    return Asked(given["QUERY"], _maxrec(given.get("MAXREC", "")), wanted_format(given))


def wanted_format(given: dict[str, str]) -> Format:
    """The format of RESPONSEFORMAT, or of FORMAT as TAP 1.0 called it; VOTable where none is said. Raises BadParameter."""
    text = given.get("RESPONSEFORMAT") or given.get("FORMAT") or formats.VOTABLE
    found = formats.named(text)
    if found is None:
        names = ", ".join(one.media_type for one in formats.FORMATS)
        raise BadParameter(f"RESPONSEFORMAT={_shown(text)} is not offered: {names} are.")
    return found


def _single(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.upper()
        if key in NAMES and key in found and found[key] != value:
            raise BadParameter(f"{key} is given more than once: give it once.")
        found[key] = value
    return found


def _maxrec(text: str) -> int | None:
    if not text.strip():
        return None
    if not _NUMBER.fullmatch(text.strip()):
        raise BadParameter(f"MAXREC={_shown(text)} is no number of rows: give 0 (for the columns alone) or more.")
    return int(text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
