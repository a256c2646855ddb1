"""Rows of what every resource has: title, curation, content, relationships (RegTAP 1.2 §8.1 to §8.3, §8.10 to §8.14).

Capabilities and tables have modules of their own.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.values import Part, Record, Rows, clean, low, moment, number, text, whole
from vosi.namespaces import canonical_type

# terms that the IVOA vocabularies have replaced, to the term to use instead
_RELATIONSHIPS = {
    "mirror-of": "isidenticalto", "service-for": "isservicefor", "served-by": "isservedby",
    "derived-from": "isderivedfrom",
}
_DATE_ROLES = {"creation": "created", "update": "updated"}


def resource(record: Record) -> Rows:
    """The one row of rr_resource."""
    element = record.element
    rights = record.first("rights")
    source = next(record.below("content", "source"), None)
    return [{
        "ivoid": record.ivoid,
        "res_type": low(canonical_type(element)),
        "created": moment(element.get("created")),
        "short_name": record.value("shortName"),
        "res_title": record.value("title"),
        "updated": moment(element.get("updated")),
        "content_level": record.joined("content", "contentLevel"),
        "res_description": record.value("content", "description"),
        "reference_url": record.value("content", "referenceURL"),
        "creator_seq": _authors(record),
        "content_type": record.joined("content", "type"),
        "source_format": low(source.get("format")) if source is not None else None,
        "source_value": text(source),
        "res_version": record.value("curation", "version"),
        "region_of_regard": number(record.value("coverage", "regionOfRegard")),
        "waveband": record.joined("coverage", "waveband"),
        "rights": text(rights),
        "rights_uri": clean(rights.get("rightsURI")) if rights is not None else None,
        "harvested_from": None,
    }]


def roles(record: Record) -> Rows:
    """One row per contact, publisher, creator and contributor."""
    ivoid = record.ivoid
    result = []
    for base in ("creator", "contributor", "publisher", "contact"):
        for curation in record.parts("curation"):
            for person in curation.parts(base):
                row = _role(person)
                if any(row.values()):
                    result.append({"ivoid": ivoid, **row, "base_role": base})
    return result


def _role(person: Part) -> dict[str, Any]:
    name = person.first("name")
    named = person.element if name is None else name
    return {
        "role_name": clean(named.text) if name is None else text(name),
        "role_ivoid": low(named.get("ivo-id") or person.element.get("ivo-id")),
        "street_address": person.value("address"),
        "email": person.value("email"),
        "telephone": person.value("telephone"),
        "logo": person.value("logo"),
    }


def subjects(record: Record) -> Rows:
    """One row per subject, in its author's case."""
    ivoid = record.ivoid
    return [{"ivoid": ivoid, "res_subject": subject}
            for subject in map(text, record.below("content", "subject")) if subject]


def relationships(record: Record) -> Rows:
    """One row per related resource."""
    ivoid = record.ivoid
    result = []
    for content in record.parts("content"):
        for relationship in content.parts("relationship"):
            kind = low(relationship.value("relationshipType"))
            kind = _RELATIONSHIPS.get(kind, kind) if kind else None
            result += [{
                "ivoid": ivoid, "relationship_type": kind,
                "related_id": low(related.get("ivo-id")), "related_name": text(related),
            } for related in relationship.all("relatedResource")]
    return result


def validation(record: Record) -> Rows:
    """One row per validation level, of the resource (cap_index NULL) and of its capabilities."""
    ivoid = record.ivoid
    result = [_level(ivoid, level, None) for level in record.all("validationLevel")]
    for index, capability in enumerate(record.parts("capability"), 1):
        result += [_level(ivoid, level, index) for level in capability.all("validationLevel")]
    return result


def _level(ivoid: str, level: etree._Element, index: int | None) -> dict[str, Any]:
    return {"ivoid": ivoid, "validated_by": low(level.get("validatedBy")), "val_level": whole(text(level), 15),
            "cap_index": index}


def dates(record: Record) -> Rows:
    """One row per date of the curation."""
    ivoid = record.ivoid
    result = []
    for date in record.below("curation", "date"):
        role = low(date.get("role")) or "representative"  # the schema's default
        result.append({"ivoid": ivoid, "date_value": moment(text(date)), "value_role": _DATE_ROLES.get(role, role)})
    return result


def alternatives(record: Record) -> Rows:
    """One row per alternative identifier, of the resource or of one of its creators."""
    ivoid = record.ivoid
    every = [*record.all("altIdentifier"), *record.below("curation", "creator", "altIdentifier")]
    return [{"ivoid": ivoid, "alt_identifier": name} for name in map(text, every) if name]


def _authors(record: Record) -> str | None:
    creators = [creator for curation in record.parts("curation") for creator in curation.parts("creator")]
    names = (creator.value("name") or clean(creator.element.text) for creator in creators)
    return "; ".join(name for name in names if name) or None
