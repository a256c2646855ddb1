"""Where in a record that was not taken the reason lies: the path of its element, and the line. It gives no reasons itself.

What is refused of a record that can be read is its name: missing, illegal, of somebody else's authority, not that of
its header. In one that cannot be read it is the byte at which reading ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

from vosi import xmlio
from vosi.whereabouts import path


@dataclass(frozen=True)
class Place:
    """`path` has the names from the root down as they are written, `line` counts from 1 in the record's own bytes.

    '' and 0 where there are no bytes to look at.
    """

    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}" if self.path else f"line {self.line}" if self.line else ""


def place(raw: bytes | None) -> Place:
    """Where the reason lies for which a record was not taken. Never raises."""
    if not raw:
        return Place()
    names: list[str] = []
    found: list[int] = []
    parser = expat.ParserCreate("utf-8")

    def start(name: str, _attributes: object) -> None:
        names.append(name.rpartition(":")[2])
        # a record may be wrapped once more, in an element of its own
        if len(names) == 1 or names[-1] == "identifier" and len(names) <= 3 and len(found) < 2:
            found.append(parser.CurrentByteIndex)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: names.pop()
    try:
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        text = xmlio.to_utf8(raw)
        parser.Parse(text, True)
    except expat.ExpatError:
        return _at(text, parser.ErrorByteIndex)
    except xmlio.XmlRefused:
        return Place()
    return _at(text, found[-1])


def _at(text: bytes, offset: int) -> Place:
    return Place(path(text, offset), text.count(b"\n", 0, offset) + 1)
