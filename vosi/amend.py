"""Changes a record where it is asked to and nowhere else: every other byte, unknown extensions included, stays.

One field after another, each found by its place in VOResource and replaced, put in or taken out by byte offsets. It
does not judge: whoever stores the result asks the schemas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vosi import capabilities as caps, namespaces as ns, parts
from vosi.draft import Draft
from vosi.places import ATTRIBUTES, ELEMENTS, inner, order
from vosi.spans import Span, edited, escaped, quoted, spans
from vosi.writing import Writer
from vosi.xmlio import XmlRefused, root_of

FIELDS = (*ATTRIBUTES, *ELEMENTS)
LISTS = frozenset(
    field for field, default in Draft.__dataclass_fields__.items()
    if isinstance(default.default, tuple) and field in ELEMENTS and field != "managing_org")
# single texts: what stands in the element is replaced, and its attributes stay
_TEXTS = frozenset(
    field for field, default in Draft.__dataclass_fields__.items()
    if field in ELEMENTS and isinstance(default.default, str | bool))
# lists whose elements may be said as plain texts
TEXT_LISTS = frozenset(
    {"alt_identifiers", "subjects", "content_types", "content_levels", "managed_authorities", "waveband", "temporal",
     "spectral", "formats", "creators", "contributors", "rights", "facilities", "instruments"})
TEXTS = frozenset((*ATTRIBUTES, *_TEXTS))
ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


def amend(xml: bytes, changes: Mapping[str, Any]) -> bytes:
    """The record in `xml` with the fields in `changes`, named and valued as in Draft and listed in FIELDS, set anew.

    A tuple for a list (all its elements are replaced); '', () or None takes the field out. Where a single field stands
    more than once, its first is changed. Raises XmlRefused: no XML, an unknown field, a value of the wrong kind, a
    place that the record does not have, a character that XML cannot hold.
    """
    data = root_of(xml)
    for field, value in changes.items():
        _check(field, value)
        if field in ATTRIBUTES:
            path, name = ATTRIBUTES[field]
            data = _with_attribute(data, path, name, value)
        elif field in _TEXTS:
            text = str(value).lower() if isinstance(value, bool) else value
            data = _with_text(data, field, text)
        else:
            values = value if field in LISTS else () if parts.empty(value) else (value,)
            data = _with_elements(data, field, values)
    return data


def _check(field: str, value: Any) -> None:
    if field not in FIELDS:
        raise XmlRefused(f"There is no field {field} that can be changed; there are {', '.join(FIELDS)}.")
    if field in LISTS:
        right, kind = isinstance(value, tuple), "a list"
    elif field == "managing_org":
        right, kind = isinstance(value, tuple) and len(value) == 2, "an (identifier, name)"
    elif field in ELEMENTS and field not in _TEXTS:
        right, kind = isinstance(value, bytes | None), "a document"
    else:
        right, kind = isinstance(value, str) or (field == "full" and isinstance(value, bool)), "one text"
    if not right:
        raise XmlRefused(f"The field {field} takes {kind}.")


def _with_attribute(data: bytes, path: tuple[str, ...], name: str, value: str) -> bytes:
    place = _Record(data).at(path)
    tag = data[place.start:place.inside]
    said = f' {name}="{quoted(value, name)}"'.encode() if value else b""
    at = len(place.name.encode()) + 1
    while found := ATTRIBUTE.match(tag, at):
        if found.group(1) == name.encode():
            return edited(data, [(place.start + found.start(), place.start + found.end(), said)])
        at = found.end()
    return edited(data, [(place.start + at, place.start + at, said)])


def _with_text(data: bytes, field: str, value: str) -> bytes:
    """With the first element of the field saying `value`, whatever attributes it has; without it where that is ''."""
    record = _Record(data)
    path, name = ELEMENTS[field]
    old = next((one for one in record.children(path) if one.path[-1] == name), None)
    if old is None or not value:
        return _put(record, field, [old] if old else [], (value,) if value else ())
    text = escaped(value, field).encode()
    if not old.empty:
        return edited(data, [(old.inside, old.close, text)])
    tag = data[old.start:old.inside].rstrip(b"/>").rstrip()
    return edited(data, [(old.start, old.end, tag + b">" + text + f"</{old.name}>".encode())])


def _with_elements(data: bytes, field: str, values: tuple[Any, ...]) -> bytes:
    record = _Record(data)
    path, name = ELEMENTS[field]
    return _put(record, field, [one for one in record.children(path) if one.path[-1] == name], values)


def _put(record: _Record, field: str, old: list[Span], values: tuple[Any, ...]) -> bytes:
    """With the elements `old` of the field gone and its new ones in their place, or in that of the schema."""
    path, name = ELEMENTS[field]
    pieces = _pieces(record, field, values)
    if old:
        return _replaced(record.data, old, pieces)
    if not pieces:
        return record.data
    if path == ("coverage",) and not record.has(path):
        start, end = record.named("coverage", record.root)
        return _put_in(record, (), "coverage", [f"<{start}>".encode() + b"".join(pieces) + f"</{end}>".encode()])
    return _put_in(record, path, name, pieces)


def _pieces(record: _Record, field: str, values: tuple[Any, ...]) -> list[bytes]:
    """Each new element, with the namespaces that it needs and that the record does not have in scope there."""
    path, name = ELEMENTS[field]
    parent = record.at(path) if record.has(path) else record.root
    start, end = record.named(name, parent)
    found = []
    for value in values:
        if field in ("capabilities", "interfaces"):
            found.append(_typed(record, field, value))
            continue
        writer = Writer(depth=len(path) + 1)
        parts.WRITERS[field](writer, name, value)
        piece = writer.done().strip()
        if piece.startswith(b"<" + name.encode()) and field not in ("tableset", "stc_profile"):
            piece = _renamed(piece, name, start, end)
        if piece:
            found.append(piece)
    return found


def _renamed(piece: bytes, name: str, start: str, end: str) -> bytes:
    """A piece that was written as `name`, with the name that its siblings in this record have."""
    if start == name:
        return piece
    head = b"<" + start.encode() + piece[1 + len(name):]
    tail = f"</{name}>".encode()
    return head.removesuffix(tail) + f"</{end}>".encode() if head.endswith(tail) else head


def _typed(record: _Record, field: str, value: Any) -> bytes:
    """A capability or interface that binds what the record's root does not."""
    writer = Writer(depth=1)
    parts.WRITERS[field](writer, "", value)
    piece = writer.done().strip()
    if field == "capabilities" and value.xml is not None:
        return piece
    types = caps.types_of(value) if field == "capabilities" else caps.types_of_interfaces((value,))
    wanted = ns.declarations(types, ("xsi",))
    said = "".join(f' {name}="{uri}"' for name, uri in wanted.items() if record.root.scope.get(name[6:]) != uri)
    if record.root.scope.get(""):
        said += ' xmlns=""'
    name, times = (b"<capability", 1) if field == "capabilities" else (b"<interface", -1)  # one per way of logging in
    return piece.replace(name, name + said.encode(), times)


def _replaced(data: bytes, old: list[Span], pieces: list[bytes]) -> bytes:
    edits = [(_from_space(data, one.start), one.end, b"") for one in old[1:]]
    first = old[0]
    begin = _from_space(data, first.start)
    space = data[begin:first.start]
    edits.append((begin, first.end, b"".join(space + piece for piece in pieces)))
    return edited(data, edits)


def _put_in(record: _Record, path: tuple[str, ...], name: str, pieces: list[bytes]) -> bytes:
    """With the pieces behind what the schema has before `name`."""
    data, parent, children = record.data, record.at(path), record.children(path)
    names = inner(path) if path else order(record.type)
    before = names[:names.index(name)] if name in names else names
    anchors = [one for one in children if one.path[-1] in before]
    if parent.empty:
        tag = data[parent.start:parent.inside].rstrip(b"/>").rstrip()
        return edited(data, [(parent.start, parent.end, tag + b">" + b"".join(pieces) + f"</{parent.name}>".encode())])
    like = anchors[-1] if anchors else children[0] if children else None
    space = data[_from_space(data, like.start):like.start] if like else b""
    at = anchors[-1].end if anchors else parent.inside
    return edited(data, [(at, at, b"".join(space + piece for piece in pieces))])


def _from_space(data: bytes, start: int) -> int:
    """Where the white space before `start` begins."""
    return len(data[:start].rstrip(b" \t\n"))


class _Record:
    """A record's bytes and the places in them. What other vocabularies add is not looked at, whatever its names."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._every = spans(data)
        self.root = self._every[0]
        inside = [one for one in self._every if len(one.path) == 2]
        # a record has its elements in no namespace; some of old have them all in one
        self._namespaces = {"", *(one.namespace for one in inside if one.path[-1] == "identifier")}

    @property
    def type(self) -> str:
        """The root's xsi:type with its canonical prefix."""
        prefix, _, local = self.root.attributes.get("xsi:type", "").strip().rpartition(":")
        known = ns.PREFIXES.get(self.root.scope.get(prefix, ""), prefix)
        return f"{known}:{local}"

    def has(self, path: tuple[str, ...]) -> bool:
        """Whether there is an element at `path` below the root."""
        return self._find(path) is not None

    def at(self, path: tuple[str, ...]) -> Span:
        """The first element at `path` below the root. Raises XmlRefused."""
        found = self._find(path)
        if found is None:
            raise XmlRefused(f"The record has no element {'/'.join(path)}, where the change belongs.")
        return found

    def children(self, path: tuple[str, ...]) -> list[Span]:
        """The elements of VOResource inside the one at `path`; none where that is not there. Raises XmlRefused."""
        if path == ("coverage",) and not self.has(path):
            return []
        return self._inside(self.at(path))

    def named(self, name: str, parent: Span) -> tuple[str, str]:
        """`name` as its siblings write theirs, in a start tag (declarations included) and in an end tag."""
        prefix = next((one.name.rpartition(":")[0] for one in self._inside(parent)
                       if one.path[-1] not in ("capability", "STCResourceProfile")), "")
        if prefix:
            return f"{prefix}:{name}", f"{prefix}:{name}"
        return (f'{name} xmlns=""' if parent.scope.get("") else name), name

    def _find(self, path: tuple[str, ...]) -> Span | None:
        place: Span | None = self.root
        for name in path:
            place = next((one for one in self._inside(place) if one.path[-1] == name), None) if place else None
        return place

    def _inside(self, parent: Span) -> list[Span]:
        depth = len(parent.path) + 1
        return [one for one in self._every if len(one.path) == depth and parent.start < one.start < parent.end
                and (one.namespace in self._namespaces or one.path[-1] == "STCResourceProfile")]
