"""Where in a document something is wrong: the line and the element, told from its bytes alone.

Made for messages: it reads documents that are broken, and is slow. It never raises.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rb"|<(?P<end>/?)(?P<name>[^\s/>!?<]+)(?:\"[^\"]*\"|'[^']*'|[^>\"'])*>", re.DOTALL)
_START = re.compile(rb"<([A-Za-z_:\x80-\xff][A-Za-z0-9_:.\-\x80-\xff]{0,199})")


def where(data: bytes, offset: int) -> str:
    """`line 8, in element subject`: the place of the byte at `offset`, the element that begins there or is open there."""
    head = data[:max(offset, 0)]
    line = head.count(b"\n") + 1
    begins = _START.match(data, len(head))
    name = begins.group(1) if begins else _open(head)
    return f"line {line}, in element {name.decode('utf-8', 'replace')}" if name else f"line {line}"


def path(data: bytes, offset: int) -> str:
    """`/ri:Resource/content/subject`: the names, as they are written, down to the element that `where` names."""
    head = data[:max(offset, 0)]
    begins = _START.match(data, len(head))
    names = [*_names(head), begins.group(1)] if begins else _names(head)
    return "".join(f"/{name.decode('utf-8', 'replace')}" for name in names)


def _open(head: bytes) -> bytes:
    """The name of the innermost element that is open at the end of `head`, as it is written; empty without one."""
    return next(reversed(_names(head)), b"")


def _names(head: bytes) -> list[bytes]:
    """The names of all elements that are open there, outermost first."""
    names: list[bytes] = []
    behind = 0
    for found in _PIECE.finditer(head):
        behind = found.end()
        name = found.group("name")
        if name is None:
            continue
        if not found.group("end"):
            if head[behind - 2:behind - 1] != b"/":
                names.append(name)
        elif names:
            names.pop()
    amid = _START.search(head, behind)  # a tag that is cut off there
    return [*names, amid.group(1)] if amid else names
