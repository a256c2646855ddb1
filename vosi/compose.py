"""Writes a record from a draft: VOResource 1.2, with VODataService, VORegistry and StandardsRegExt where needed.

Canonical prefixes bound on the root, inner elements in no namespace, no xs:ID. It does not judge: what the draft
leaves out, the document leaves out, and the schema says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vosi import capabilities, namespaces as ns, parts
from vosi.draft import Draft, Person
from vosi.places import CONTENT, COVERAGE, CURATION, ELEMENTS, TYPES, order
from vosi.writing import Writer
from vosi.xmlio import XmlRefused, root_of

_ALWAYS = ("ri", "vr", "xsi")


def compose(draft: Draft) -> bytes:
    """The record as one self-contained root element in UTF-8.

    Raises XmlRefused for a type that cannot be written, for a character that XML cannot hold, and for a tableset or
    STC profile that is none.
    """
    if draft.type not in TYPES:
        raise XmlRefused(
            f"Records of the type {draft.type or '(none)'} cannot be written here: use one of {', '.join(TYPES)}.")
    children = order(draft.type)
    writer = Writer()
    attributes = {**ns.declarations(_types(draft, children), _ALWAYS), "xsi:type": draft.type, "status": draft.status,
                  "created": draft.created, "updated": draft.updated, "version": draft.version}
    with writer.element("ri:Resource", attributes):
        for name in children:
            _child(writer, draft, name)
    return root_of(writer.done())


def _types(draft: Draft, children: tuple[str, ...]) -> Iterable[str]:
    yield draft.type
    if "capability" in children:
        for capability in draft.capabilities:
            yield from capabilities.types_of(capability)
    if "interface" in children:
        yield from capabilities.types_of_interfaces(draft.interfaces)


def _child(writer: Writer, draft: Draft, name: str) -> None:
    """One child of the root, as often as the draft has it."""
    if name == "identifier":
        writer.leaf(name, draft.ivoid.strip())
    elif name == "curation":
        with writer.element(name):
            _curation(writer, draft)
    elif name == "content":
        with writer.element(name):
            _fields(writer, draft, (name,), CONTENT)
    elif name == "coverage":
        if any(not parts.empty(getattr(draft, field)) for field in _IN_COVERAGE):
            with writer.element(name):
                _fields(writer, draft, (name,), COVERAGE)
    else:
        _fields(writer, draft, (), (name,))


def _curation(writer: Writer, draft: Draft) -> None:
    parts.named(writer, "publisher", (draft.publisher_ivoid, draft.publisher))
    _fields(writer, draft, ("curation",), CURATION[1:-1])
    parts.person(writer, "contact", Person(
        draft.contact_name, draft.contact_ivoid, draft.contact_email, draft.contact_address, draft.contact_telephone))


def _fields(writer: Writer, draft: Draft, path: tuple[str, ...], names: Iterable[str]) -> None:
    """The children `names` of the element at `path`, in that order."""
    for name in names:
        field = _FIELDS.get((*path, name))
        if field is not None:
            _field(writer, draft, field, name)


def _field(writer: Writer, draft: Draft, field: str, name: str) -> None:
    value = getattr(draft, field)
    if field in _WITH_ATTRIBUTE:
        attribute, other = _WITH_ATTRIBUTE[field]
        writer.leaf(name, value.strip(), {attribute: getattr(draft, other)})
        return
    several = isinstance(value, tuple) and field != "managing_org"
    for one in value if several else (value,):
        if not parts.empty(one):
            parts.WRITERS[field](writer, name, one)


_FIELDS: Mapping[tuple[str, ...], str] = {(*path, name): field for field, (path, name) in ELEMENTS.items()}
_IN_COVERAGE = tuple(field for field, (path, _) in ELEMENTS.items() if path == ("coverage",))
# field -> the attribute that another field says of the same element
_WITH_ATTRIBUTE = {
    "source": ("format", "source_format"), "spatial": ("frame", "spatial_frame"),
    "footprint": ("ivo-id", "footprint_ivoid"),
}
__all__ = ["TYPES", "compose"]
