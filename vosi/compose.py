"""Writes a record from a draft: VOResource 1.2, with VODataService, VORegistry and StandardsRegExt where needed.

Canonical prefixes bound on the root, inner elements in no namespace, no xs:ID. It does not judge: what the draft
leaves out, the document leaves out, and the schema says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from vosi import capabilities, tables
from vosi import namespaces as ns
from vosi.draft import Draft, Person
from vosi.writing import Writer
from vosi.xmlio import XmlRefused, root_of

_ALWAYS = ("ri", "vr", "xsi")


def compose(draft: Draft) -> bytes:
    """The record as one self-contained root element in UTF-8.

    Raises XmlRefused for a type that cannot be written, for a character that XML cannot hold, and for a tableset that
    is no XML.
    """
    parts = _PARTS.get(draft.type)
    if parts is None:
        raise XmlRefused(
            f"Records of the type {draft.type or '(none)'} cannot be written here: use one of {', '.join(_PARTS)}.")
    used = {draft.type, *(name for one in draft.capabilities for name in capabilities.types_of(one))}
    writer = Writer()
    attributes = {**ns.declarations(used, _ALWAYS), "xsi:type": draft.type, "status": draft.status,
                  "created": draft.created, "updated": draft.updated, "version": draft.version}
    with writer.element("ri:Resource", attributes):
        _resource(writer, draft)
        for part in parts:
            part(writer, draft)
    return root_of(writer.done())


def _resource(writer: Writer, draft: Draft) -> None:
    writer.leaf("title", _token(draft.title))
    writer.leaf("shortName", _token(draft.short_name))
    writer.leaf("identifier", draft.ivoid.strip())
    writer.leaves("altIdentifier", draft.alt_identifiers)
    with writer.element("curation"):
        _curation(writer, draft)
    with writer.element("content"):
        _content(writer, draft)


def _curation(writer: Writer, draft: Draft) -> None:
    _name(writer, "publisher", (draft.publisher_ivoid, draft.publisher))
    for creator in draft.creators:
        _person(writer, "creator", Person(creator) if isinstance(creator, str) else creator)
    writer.leaves("contributor", map(_token, draft.contributors))
    for date, role in draft.dates:
        writer.leaf("date", date, {"role": role})
    writer.leaf("version", _token(draft.curation_version))
    contact = Person(draft.contact_name, draft.contact_ivoid, draft.contact_email, draft.contact_address,
                     draft.contact_telephone)
    _person(writer, "contact", contact)


def _person(writer: Writer, element: str, person: Person) -> None:
    with writer.element(element, {"ivo-id": person.ivoid}):
        writer.leaf("name", _token(person.name))
        if element == "contact":
            writer.leaf("address", _token(person.address))
            writer.leaf("email", _token(person.email))
            writer.leaf("telephone", _token(person.telephone))
        writer.leaves("altIdentifier", person.alt_identifiers)


def _content(writer: Writer, draft: Draft) -> None:
    writer.leaves("subject", map(_token, draft.subjects))
    writer.leaf("description", draft.description.strip())
    writer.leaf("source", _token(draft.source), {"format": draft.source_format})
    writer.leaf("referenceURL", draft.reference_url.strip())
    writer.leaves("type", draft.content_types)
    writer.leaves("contentLevel", draft.content_levels)
    for relationship in draft.relationships:
        with writer.element("relationship"):
            writer.leaf("relationshipType", relationship.type)
            for related in relationship.related:
                _name(writer, "relatedResource", related)


def _name(writer: Writer, element: str, named: str | tuple[str, str]) -> None:
    """A vr:ResourceName; one without a name is called by its identifier."""
    ivoid, name = ("", named) if isinstance(named, str) else named
    attribute = "altIdentifier" if "#" in ivoid or "?" in ivoid else "ivo-id"
    writer.leaf(element, _token(name) or ivoid, {attribute: ivoid})


def _names(element: str, names: Iterable[str | tuple[str, str]], writer: Writer) -> None:
    for named in names:
        _name(writer, element, named)


def _rights(writer: Writer, draft: Draft) -> None:
    for entry in draft.rights:
        text, uri = (entry, "") if isinstance(entry, str) else entry
        writer.leaf("rights", _token(text) or uri, {"rightsURI": uri})


def _facilities(writer: Writer, draft: Draft) -> None:
    _names("facility", draft.facilities, writer)
    _names("instrument", draft.instruments, writer)


def _capabilities(writer: Writer, draft: Draft) -> None:
    for capability in draft.capabilities:
        capabilities.write_into(writer, capability)


def _coverage(writer: Writer, draft: Draft) -> None:
    if draft.waveband:
        with writer.element("coverage"):
            writer.leaves("waveband", draft.waveband)


def _tableset(writer: Writer, draft: Draft) -> None:
    if draft.tableset is not None:
        writer.piece(tables.carried(draft.tableset))


def _access_url(writer: Writer, draft: Draft) -> None:
    writer.leaf("accessURL", draft.access_url.strip())


def _managing(writer: Writer, draft: Draft) -> None:
    _name(writer, "managingOrg", draft.managing_org)


def _managed(writer: Writer, draft: Draft) -> None:
    writer.leaf("full", "true" if draft.full else "false")
    writer.leaves("managedAuthority", draft.managed_authorities)


def _standard(writer: Writer, draft: Draft) -> None:
    for endorsed in draft.endorsed_versions:
        writer.leaf("endorsedVersion", endorsed.version, {"status": endorsed.status, "use": endorsed.use})
    for name, description in draft.keys:
        with writer.element("key"):
            writer.leaf("name", name)
            writer.leaf("description", _token(description))


def _token(text: str) -> str:
    return " ".join(text.split())


_Part = Callable[[Writer, Draft], None]
_SERVICE: tuple[_Part, ...] = (_rights, _capabilities)
_DATA: tuple[_Part, ...] = (*_SERVICE, _facilities, _coverage)

# what each type adds to vr:Resource, in its schema's order
_PARTS: Mapping[str, tuple[_Part, ...]] = {
    "vr:Resource": (),
    "vr:Organisation": (_facilities,),
    "vr:Service": _SERVICE,
    "vg:Authority": (_managing,),
    "vg:Registry": (*_SERVICE, _managed, _tableset),
    "vs:DataResource": _DATA,
    "vs:DataService": _DATA,
    "vs:CatalogResource": (*_DATA, _tableset),
    "vs:CatalogService": (*_DATA, _tableset),
    "vs:DataCollection": (_facilities, _rights, _coverage, _tableset, _access_url),
    "vstd:Standard": (_standard,),
    "vstd:ServiceStandard": (_standard,),
}
TYPES = tuple(_PARTS)
