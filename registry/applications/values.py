"""The four types of a parameter's value, as text on the wire: what each allows, and what it is to a program.

It knows no parameter's name and raises nothing: a problem is a sentence's end, '' where there is none.
"""

from __future__ import annotations

import math
import re

TYPES = ("string", "integer", "real", "boolean")
MAX_TEXT = 4096  # characters of one value
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_REAL = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def finite(number: float) -> bool:
    """Whether it is neither infinite, nor NaN, nor an integer too large to be compared."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def text_problem(text: str) -> str:
    """What keeps `text` from being a value of any type."""
    if len(text) > MAX_TEXT:
        return f"is longer than {MAX_TEXT} characters"
    if _NOT_IN_XML.search(text):
        return "holds a control character, which no document can carry"
    return ""


def problem(text: str, kind: str, low: float | None, high: float | None, choices: tuple[str, ...]) -> str:
    """What keeps `text` from being a value of type `kind` within bounds and choices."""
    found = text_problem(text) or _type_problem(text, kind)
    if found:
        return found
    if choices and value(text, kind) not in {value(choice, kind) for choice in choices}:
        return f"is not one of {', '.join(choices)}"
    if kind in ("integer", "real"):
        number = float(text)
        if low is not None and number < low:
            return f"is below the least allowed, {low:g}"
        if high is not None and number > high:
            return f"is above the greatest allowed, {high:g}"
    return ""


def _type_problem(text: str, kind: str) -> str:
    stripped = text.strip()
    if kind == "integer" and not _INTEGER.fullmatch(stripped):
        return "is not a whole number"
    if kind == "real" and not (_REAL.fullmatch(stripped) and finite(float(stripped))):
        return "is not a number"
    if kind == "boolean" and stripped.lower() not in _BOOLEANS:
        return "is neither true nor false"
    return ""


def value(text: str, kind: str) -> str | int | float | bool:
    """What `text`, which has no problem, is to a program."""
    if kind == "integer":
        return int(text)
    if kind == "real":
        return float(text)
    if kind == "boolean":
        return _BOOLEANS[text.strip().lower()]
    return text


def canonical(text: str, kind: str) -> str:
    """`text` as it is stored and shown: numbers without spaces, booleans as true or false."""
    if kind == "string":
        return text
    if kind == "boolean":
        return "true" if _BOOLEANS[text.strip().lower()] else "false"
    return text.strip()
