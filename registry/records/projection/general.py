"""Rows of what every resource has: title, curation, content, relationships (RegTAP 1.2 §8.1 to §8.3, §8.10 to §8.14).

Capabilities and tables have modules of their own.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.values import (
    Rows,
    clean,
    first,
    found,
    joined,
    low,
    moment,
    number,
    owner,
    text,
    value,
    whole,
)
from vosi.namespaces import canonical_type

# terms that the IVOA vocabularies have replaced, to the term to use instead
_RELATIONSHIPS = {
    "mirror-of": "isidenticalto", "service-for": "isservicefor", "served-by": "isservedby",
    "derived-from": "isderivedfrom",
}
_DATE_ROLES = {"creation": "created", "update": "updated"}


def resource(element: etree._Element, harvested_from: str) -> Rows:
    """The one row of rr_resource."""
    rights = first(element, "rights")
    region = first(element, "coverage", "regionOfRegard")
    source = first(element, "content", "source")
    return [{
        "ivoid": owner(element),
        "res_type": low(canonical_type(element)),
        "created": moment(element.get("created")),
        "short_name": value(element, "shortName"),
        "res_title": value(element, "title"),
        "updated": moment(element.get("updated")),
        "content_level": joined(element, "content", "contentLevel"),
        "res_description": value(element, "content", "description"),
        "reference_url": value(element, "content", "referenceURL"),
        "creator_seq": _authors(element),
        "content_type": joined(element, "content", "type"),
        "source_format": low(source.get("format")) if source is not None else None,
        "source_value": text(source),
        "res_version": value(element, "curation", "version"),
        "region_of_regard": number(text(region)),
        "waveband": joined(element, "coverage", "waveband"),
        "rights": text(rights),
        "rights_uri": clean(rights.get("rightsURI")) if rights is not None else None,
        "harvested_from": low(harvested_from),
    }]


def roles(element: etree._Element) -> Rows:
    """One row per contact, publisher, creator and contributor."""
    result = []
    for base in ("creator", "contributor", "publisher", "contact"):
        for person in found(element, "curation", base):
            row = _role(person, base)
            if any(content for name, content in row.items() if name != "base_role"):
                result.append({"ivoid": owner(element), **row})
    return result


def _role(person: etree._Element, base: str) -> dict[str, Any]:
    name = first(person, "name")
    named = person if name is None else name
    return {
        "role_name": clean(named.text) if name is None else text(name),
        "role_ivoid": low(named.get("ivo-id") or person.get("ivo-id")),
        "street_address": value(person, "address"),
        "email": value(person, "email"),
        "telephone": value(person, "telephone"),
        "logo": value(person, "logo"),
        "base_role": base,
    }


def subjects(element: etree._Element) -> Rows:
    """One row per subject, in its author's case."""
    texts = (text(subject) for subject in found(element, "content", "subject"))
    return [{"ivoid": owner(element), "res_subject": subject} for subject in texts if subject]


def relationships(element: etree._Element) -> Rows:
    """One row per related resource."""
    result = []
    for relationship in found(element, "content", "relationship"):
        kind = low(value(relationship, "relationshipType"))
        kind = _RELATIONSHIPS.get(kind, kind) if kind else None
        result += [{
            "ivoid": owner(element), "relationship_type": kind,
            "related_id": low(related.get("ivo-id")), "related_name": text(related),
        } for related in found(relationship, "relatedResource")]
    return result


def validation(element: etree._Element) -> Rows:
    """One row per validation level, of the resource (cap_index NULL) and of its capabilities."""
    result = [_level(element, level, None) for level in found(element, "validationLevel")]
    for index, capability in enumerate(found(element, "capability"), 1):
        result += [_level(element, level, index) for level in found(capability, "validationLevel")]
    return result


def _level(element: etree._Element, level: etree._Element, index: int | None) -> dict[str, Any]:
    return {"ivoid": owner(element), "validated_by": low(level.get("validatedBy")), "val_level": whole(text(level), 15),
            "cap_index": index}


def dates(element: etree._Element) -> Rows:
    """One row per date of the curation."""
    result = []
    for date in found(element, "curation", "date"):
        role = low(date.get("role")) or "representative"  # the schema's default
        result.append({"ivoid": owner(element), "date_value": moment(text(date)),
                       "value_role": _DATE_ROLES.get(role, role)})
    return result


def alternatives(element: etree._Element) -> Rows:
    """One row per alternative identifier, of the resource or of one of its creators."""
    every = [*found(element, "altIdentifier"), *found(element, "curation", "creator", "altIdentifier")]
    return [{"ivoid": owner(element), "alt_identifier": name} for name in map(text, every) if name]


def _authors(element: etree._Element) -> str | None:
    names = (value(creator, "name") or clean(creator.text) for creator in found(element, "curation", "creator"))
    return "; ".join(name for name in names if name) or None
