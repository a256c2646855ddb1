"""Changes a record where it is asked to and nowhere else: every other byte, unknown extensions included, stays.

One field after another, each found by its place in VOResource and replaced, put in or taken out by byte offsets. It
does not judge: whoever stores the result asks the schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from vosi import capabilities as caps
from vosi import namespaces as ns
from vosi.capabilities import Capability
from vosi.spans import Span, edited, escaped, quoted, spans
from vosi.writing import Writer
from vosi.xmlio import XmlRefused, root_of

Value = str | tuple[str, ...] | tuple[Capability, ...]

_ROOT = ("validationLevel", "title", "shortName", "identifier", "altIdentifier", "curation", "content")
_CURATION = ("publisher", "creator", "contributor", "date", "version", "contact")
_CONTENT = ("subject", "description", "source", "referenceURL", "type", "contentLevel", "relationship")
_CONTACT = ("name", "address", "email", "telephone", "altIdentifier")
_SERVICE = (*_ROOT, "rights", "capability", "full", "managedAuthority")
_COLLECTION = (*_ROOT, "facility", "instrument", "rights")

_ATTRIBUTES = {  # field -> path of the element, attribute
    "status": ((), "status"), "created": ((), "created"), "updated": ((), "updated"), "version": ((), "version"),
    "publisher_ivoid": (("curation", "publisher"), "ivo-id"), "contact_ivoid": (("curation", "contact"), "ivo-id"),
}
_ELEMENTS = {  # field -> path of the parent, its children in their order, the child
    "title": ((), _ROOT, "title"),
    "short_name": ((), _ROOT, "shortName"),
    "alt_identifiers": ((), _ROOT, "altIdentifier"),
    "publisher": (("curation",), _CURATION, "publisher"),
    "curation_version": (("curation",), _CURATION, "version"),
    "contact_name": (("curation", "contact"), _CONTACT, "name"),
    "contact_address": (("curation", "contact"), _CONTACT, "address"),
    "contact_email": (("curation", "contact"), _CONTACT, "email"),
    "contact_telephone": (("curation", "contact"), _CONTACT, "telephone"),
    "subjects": (("content",), _CONTENT, "subject"),
    "description": (("content",), _CONTENT, "description"),
    "source": (("content",), _CONTENT, "source"),
    "reference_url": (("content",), _CONTENT, "referenceURL"),
    "content_types": (("content",), _CONTENT, "type"),
    "content_levels": (("content",), _CONTENT, "contentLevel"),
    "rights": ((), _SERVICE, "rights"),
    "capabilities": ((), _SERVICE, "capability"),
    "full": ((), _SERVICE, "full"),
    "managed_authorities": ((), _SERVICE, "managedAuthority"),
}
FIELDS = (*_ATTRIBUTES, *_ELEMENTS)
_LISTS = frozenset({
    "alt_identifiers", "subjects", "content_types", "content_levels", "rights", "capabilities", "managed_authorities"})
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


def amend(xml: bytes, changes: Mapping[str, Value]) -> bytes:
    """The record in `xml` with the fields in `changes`, named as in Draft and listed in FIELDS, set anew.

    A text for a single field, a tuple for a list (all its elements are replaced); '' or () takes the field out. Where
    a single field stands more than once, its first is changed. Raises XmlRefused: no XML, an unknown field, a place
    that the record does not have, a character that XML cannot hold.
    """
    data = root_of(xml)
    for field, value in changes.items():
        if field in _ATTRIBUTES and isinstance(value, str):
            path, name = _ATTRIBUTES[field]
            data = _with_attribute(data, path, name, value)
        elif field in _ELEMENTS and isinstance(value, tuple) == (field in _LISTS):
            data = _with_elements(data, field, value)
        elif field in FIELDS:
            raise XmlRefused(f"The field {field} takes {'a list' if field in _LISTS else 'one text'}.")
        else:
            raise XmlRefused(f"There is no field {field} that can be changed; there are {', '.join(FIELDS)}.")
    return data


def _with_attribute(data: bytes, path: tuple[str, ...], name: str, value: str) -> bytes:
    place = _place(spans(data), path)
    tag = data[place.start:place.inside]
    said = f' {name}="{quoted(value, name)}"'.encode() if value else b""
    at = len(place.name.encode()) + 1
    while found := _ATTRIBUTE.match(tag, at):
        if found.group(1) == name.encode():
            return edited(data, [(place.start + found.start(), place.start + found.end(), said)])
        at = found.end()
    return edited(data, [(place.start + at, place.start + at, said)])


def _with_elements(data: bytes, field: str, value: Value) -> bytes:
    path, order, name = _ELEMENTS[field]
    every = spans(data)
    parent = _place(every, path)
    children = [one for one in every if len(one.path) == len(parent.path) + 1 and parent.start < one.start < parent.end]
    old = [one for one in children if one.path[-1] == name]
    if isinstance(value, str):
        old = old[:1]
        if value and old and not old[0].empty:
            return edited(data, [(old[0].inside, old[0].close, escaped(value, field).encode())])
    if every[0].attributes.get("xsi:type", "").endswith("DataCollection") and name == "rights":
        order = _COLLECTION
    texts = _texts(field, value, _qualified(name, parent, children), every[0])
    if old:
        return _replaced(data, old, texts)
    return _put_in(data, parent, children, order[:order.index(name)], texts) if texts else data


def _texts(field: str, value: Value, names: tuple[str, str], root: Span) -> list[bytes]:
    """Each new element; `names` are the element's name in its start tag, declarations included, and in its end tag."""
    start, end = names
    values = (value,) if isinstance(value, str) else value
    return [
        _capability(one, root) if isinstance(one, Capability) else f"<{start}>{escaped(one, field)}</{end}>".encode()
        for one in values if one
    ]


def _qualified(name: str, parent: Span, siblings: Iterable[Span]) -> tuple[str, str]:
    """`name` as its siblings write theirs; in no namespace where there are none."""
    prefix = next((one.name.rpartition(":")[0] for one in siblings if one.path[-1] != "capability"), "")
    if prefix:
        return f"{prefix}:{name}", f"{prefix}:{name}"
    return (f'{name} xmlns=""' if parent.scope.get("") else name), name


def _capability(capability: Capability, root: Span) -> bytes:
    """The capability as an element that binds what the record's root does not."""
    writer = Writer(depth=1)
    caps.write_into(writer, capability)
    piece = writer.done().strip()
    if capability.xml is not None:
        return piece
    wanted = ns.declarations(caps.types_of(capability), ("xsi",))
    said = "".join(f' {name}="{uri}"' for name, uri in wanted.items() if root.scope.get(name[6:]) != uri)
    if root.scope.get(""):
        said += ' xmlns=""'
    return piece.replace(b"<capability", b"<capability" + said.encode(), 1)


def _replaced(data: bytes, old: list[Span], texts: list[bytes]) -> bytes:
    edits = [(_from_space(data, one.start), one.end, b"") for one in old[1:]]
    first = old[0]
    begin = _from_space(data, first.start)
    space = data[begin:first.start]
    edits.append((begin, first.end, b"".join(space + text for text in texts)))
    return edited(data, edits)


def _put_in(data: bytes, parent: Span, children: list[Span], before: tuple[str, ...], texts: list[bytes]) -> bytes:
    anchors = [one for one in children if one.path[-1] in before]
    if parent.empty:
        tag = data[parent.start:parent.inside].rstrip(b"/>").rstrip()
        return edited(data, [(parent.start, parent.end, tag + b">" + b"".join(texts) + f"</{parent.name}>".encode())])
    like = anchors[-1] if anchors else children[0] if children else None
    space = data[_from_space(data, like.start):like.start] if like else b""
    at = anchors[-1].end if anchors else parent.inside
    return edited(data, [(at, at, b"".join(space + text for text in texts))])


def _from_space(data: bytes, start: int) -> int:
    """Where the white space before `start` begins."""
    return len(data[:start].rstrip(b" \t\n"))


def _place(every: list[Span], path: tuple[str, ...]) -> Span:
    wanted = (every[0].path[0], *path)
    found = next((one for one in every if one.path == wanted), None)
    if found is None:
        raise XmlRefused(f"The record has no element {'/'.join(path)}, where the change belongs.")
    return found
