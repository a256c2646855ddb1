"""Rows of what every resource has: title, curation, content, relationships (RegTAP 1.2 §8.1 to §8.3, §8.10 to §8.14).

Capabilities and tables have modules of their own.
"""

from __future__ import annotations

from lxml import etree

from registry.records.projection.values import Part, Record, Row, Rows, clean, low, moment, number, text, whole

# terms that the IVOA vocabularies have replaced, to the term to use instead
_RELATIONSHIPS = {
    "mirror-of": "isidenticalto", "service-for": "isservicefor", "served-by": "isservedby",
    "derived-from": "isderivedfrom",
}
_DATE_ROLES = {"creation": "created", "update": "updated"}


def resource(record: Record) -> Rows:
    """The one row of rr_resource; who handed the record to us is not known here."""
    element = record.element
    value, joined = record.value, record.joined
    rights = record.first("rights")
    source = next(iter(record.below("content", "source")), None)
    return [(
        record.ivoid, record.type_of(element), moment(element.get("created")), value("shortName"), value("title"),
        moment(element.get("updated")), joined("content", "contentLevel"), value("content", "description"),
        value("content", "referenceURL"), _authors(record), joined("content", "type"),
        low(source.get("format")) if source is not None else None, text(source), value("curation", "version"),
        number(value("coverage", "regionOfRegard")), joined("coverage", "waveband"), text(rights),
        clean(rights.get("rightsURI")) if rights is not None else None, None,
    )]


def roles(record: Record) -> Rows:
    """One row per contact, publisher, creator and contributor."""
    result = []
    for base in ("creator", "contributor", "publisher", "contact"):
        for curation in record.parts("curation"):
            for person in curation.parts(base):
                row = _role(person)
                if any(row):
                    result.append((record.ivoid, *row, base))
    return result


def _role(person: Part) -> Row:
    """Name, identifier, address, e-mail, telephone, logo."""
    name = person.first("name")
    if name is None:  # a name and no more: a publisher, or a contact of VOResource 0
        named = person.element
        return (clean(named.text), low(named.get("ivo-id")), person.value("address"), person.value("email"),
                person.value("telephone"), person.value("logo"))
    return (text(name), low(name.get("ivo-id") or person.element.get("ivo-id")), person.value("address"),
            person.value("email"), person.value("telephone"), person.value("logo"))


def subjects(record: Record) -> Rows:
    """One row per subject, in its author's case."""
    ivoid = record.ivoid
    return [(ivoid, subject) for one in record.below("content", "subject") if (subject := text(one))]


def relationships(record: Record) -> Rows:
    """One row per related resource."""
    ivoid = record.ivoid
    result = []
    for content in record.parts("content"):
        for relationship in content.parts("relationship"):
            kind = low(relationship.value("relationshipType"))
            kind = _RELATIONSHIPS.get(kind, kind) if kind else None
            result += [(ivoid, kind, low(related.get("ivo-id")), text(related))
                       for related in relationship.all("relatedResource")]
    return result


def validation(record: Record) -> Rows:
    """One row per validation level, of the resource (cap_index NULL) and of its capabilities."""
    ivoid = record.ivoid
    result = [_level(ivoid, level, None) for level in record.all("validationLevel")]
    for index, capability in enumerate(record.parts("capability"), 1):
        result += [_level(ivoid, level, index) for level in capability.all("validationLevel")]
    return result


def _level(ivoid: str, level: etree._Element, index: int | None) -> Row:
    return ivoid, low(level.get("validatedBy")), whole(text(level), 15), index


def dates(record: Record) -> Rows:
    """One row per date of the curation."""
    ivoid = record.ivoid
    result = []
    for date in record.below("curation", "date"):
        role = low(date.get("role")) or "representative"  # the schema's default
        result.append((ivoid, moment(text(date)), _DATE_ROLES.get(role, role)))
    return result


def alternatives(record: Record) -> Rows:
    """One row per alternative identifier, of the resource or of one of its creators."""
    ivoid = record.ivoid
    every = [*record.all("altIdentifier"), *record.below("curation", "creator", "altIdentifier")]
    return [(ivoid, name) for one in every if (name := text(one))]


def _authors(record: Record) -> str | None:
    creators = [creator for curation in record.parts("curation") for creator in curation.parts("creator")]
    names = [creator.value("name") or clean(creator.element.text) for creator in creators]
    return "; ".join([name for name in names if name]) or None
