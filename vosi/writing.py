"""Writes XML in document order: elements, their texts, and pieces that are already XML. It knows no vocabulary.

A tree builder would rewrite pieces that are carried over and drop declarations which only an xsi:type uses
(architecture, traps 2 and 3); text in order cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from vosi.spans import escaped, quoted

_INDENT = "  "


class Writer:
    """One document, begun empty; attributes with the value '' are left out. Illegal characters raise XmlRefused."""

    def __init__(self, depth: int = 0) -> None:
        self._lines: list[bytes] = []
        self._depth = depth

    @contextmanager
    def element(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """An element around what is written inside the block; an empty-element tag when nothing is."""
        before, line = len(self._lines), _INDENT * self._depth + _tag(name, attributes)
        self._lines.append(f"{line}>".encode())
        self._depth += 1
        yield
        self._depth -= 1
        if len(self._lines) == before + 1:
            self._lines[before] = f"{line}/>".encode()
        else:
            self._lines.append(f"{_INDENT * self._depth}</{name}>".encode())

    def leaf(self, name: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
        """An element that holds a text; nothing at all where the text is empty."""
        if text:
            line = f"{_INDENT * self._depth}{_tag(name, attributes)}>{escaped(text, name)}</{name}>"
            self._lines.append(line.encode())

    def leaves(self, name: str, texts: Iterable[str]) -> None:
        """A leaf for each text."""
        for text in texts:
            self.leaf(name, text)

    def piece(self, data: bytes) -> None:
        """XML as it is; where it breaks lines they stay as they are."""
        self._lines.append((_INDENT * self._depth).encode() + data)

    def done(self) -> bytes:
        """All that has been written."""
        return b"\n".join(self._lines) + b"\n"


def _tag(name: str, attributes: Mapping[str, str] | None) -> str:
    said = (f' {key}="{quoted(value, key)}"' for key, value in (attributes or {}).items() if value)
    return f"<{name}" + "".join(said)
