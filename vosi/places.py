"""Where each field of a draft stands in a record: the element, the one around it, and what stands before it there.

The order is that of the schemas: VOResource 1.2, VODataService 1.2, VORegistry 1.1, StandardsRegExt 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping

ROOT = ("validationLevel", "title", "shortName", "identifier", "altIdentifier", "curation", "content")
CURATION = ("publisher", "creator", "contributor", "date", "version", "contact")
CONTACT = ("name", "address", "email", "telephone", "altIdentifier")
CONTENT = ("subject", "description", "source", "referenceURL", "type", "contentLevel", "relationship")
COVERAGE = ("STCResourceProfile", "spatial", "temporal", "spectral", "footprint", "waveband", "regionOfRegard")

_SERVICE = ("rights", "capability")
_DATA = (*_SERVICE, "facility", "instrument", "coverage")
_STANDARD = ("endorsedVersion", "schema", "deprecated", "key")
# what each type has behind vr:Resource's own elements
_BEHIND: Mapping[str, tuple[str, ...]] = {
    "vr:Resource": (),
    "vr:Organisation": ("facility", "instrument"),
    "vr:Service": _SERVICE,
    "vg:Authority": ("managingOrg",),
    "vg:Registry": (*_SERVICE, "full", "managedAuthority", "tableset"),
    "vs:DataResource": _DATA,
    "vs:DataService": _DATA,
    "vs:CatalogResource": (*_DATA, "tableset"),
    "vs:CatalogService": (*_DATA, "tableset"),
    "vs:DataCollection": ("facility", "instrument", "rights", "format", "coverage", "tableset", "accessURL"),
    "vstd:Standard": _STANDARD,
    "vstd:ServiceStandard": (*_STANDARD, "interface"),
    "vstd:StandardKeyEnumeration": ("key",),
}
TYPES = tuple(_BEHIND)
# of a type that is not known here: where each element stands in the types that have it
_ANY = (*_DATA, "full", "managedAuthority", "tableset", "managingOrg", "format", "accessURL", *_STANDARD, "interface")


def order(type_: str) -> tuple[str, ...]:
    """The children of a record's root in their order; `type_` is an xsi:type with its canonical prefix."""
    return (*ROOT, *_BEHIND.get(type_, _ANY))


def inner(path: tuple[str, ...]) -> tuple[str, ...]:
    """The children of the element at `path` below the root, in their order."""
    return {"curation": CURATION, "contact": CONTACT, "content": CONTENT, "coverage": COVERAGE}[path[-1]]


_C, _T, _V = ("curation",), ("content",), ("coverage",)
ELEMENTS: Mapping[str, tuple[tuple[str, ...], str]] = {  # field -> path of the parent below the root, the element
    "title": ((), "title"), "short_name": ((), "shortName"), "alt_identifiers": ((), "altIdentifier"),
    "publisher": (_C, "publisher"), "creators": (_C, "creator"), "contributors": (_C, "contributor"),
    "dates": (_C, "date"), "curation_version": (_C, "version"),
    "contact_name": ((*_C, "contact"), "name"), "contact_address": ((*_C, "contact"), "address"),
    "contact_email": ((*_C, "contact"), "email"), "contact_telephone": ((*_C, "contact"), "telephone"),
    "subjects": (_T, "subject"), "description": (_T, "description"), "source": (_T, "source"),
    "reference_url": (_T, "referenceURL"), "content_types": (_T, "type"), "content_levels": (_T, "contentLevel"),
    "relationships": (_T, "relationship"),
    "rights": ((), "rights"), "capabilities": ((), "capability"), "facilities": ((), "facility"),
    "instruments": ((), "instrument"), "formats": ((), "format"), "tableset": ((), "tableset"),
    "access_url": ((), "accessURL"),
    "stc_profile": (_V, "STCResourceProfile"), "spatial": (_V, "spatial"), "temporal": (_V, "temporal"),
    "spectral": (_V, "spectral"), "footprint": (_V, "footprint"), "waveband": (_V, "waveband"),
    "region_of_regard": (_V, "regionOfRegard"),
    "managing_org": ((), "managingOrg"), "full": ((), "full"), "managed_authorities": ((), "managedAuthority"),
    "endorsed_versions": ((), "endorsedVersion"), "schemas": ((), "schema"), "deprecated": ((), "deprecated"),
    "keys": ((), "key"), "interfaces": ((), "interface"),
}
ATTRIBUTES: Mapping[str, tuple[tuple[str, ...], str]] = {  # field -> path of the element, its attribute
    "status": ((), "status"), "created": ((), "created"), "updated": ((), "updated"), "version": ((), "version"),
    "publisher_ivoid": ((*_C, "publisher"), "ivo-id"), "contact_ivoid": ((*_C, "contact"), "ivo-id"),
    "source_format": ((*_T, "source"), "format"), "spatial_frame": ((*_V, "spatial"), "frame"),
    "footprint_ivoid": ((*_V, "footprint"), "ivo-id"),
}
