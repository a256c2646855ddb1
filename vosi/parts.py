"""The elements of a record, each written from the value that a draft has for it.

`compose` writes whole records with them, `amend` single fields. No element is written where its value is empty. They
do not know where in a record they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vosi import capabilities, namespaces as ns, tables, xmlio
from vosi.capabilities import Capability, Interface
from vosi.draft import EndorsedVersion, Person, Relationship, SchemaFile
from vosi.writing import Writer

Named = str | tuple[str, str]
_NO_NAME = ("", "")


def tidy(text: str) -> str:
    """`text` as an xs:token."""
    return " ".join(text.split())


def named(writer: Writer, element: str, value: Named) -> None:
    """A vr:ResourceName of (ivoid or '', name); one without a name is called by its identifier."""
    ivoid, name = ("", value) if isinstance(value, str) else value
    attribute = "altIdentifier" if "#" in ivoid or "?" in ivoid else "ivo-id"
    writer.leaf(element, tidy(name) or ivoid, {attribute: ivoid})


def person(writer: Writer, element: str, value: Person | str) -> None:
    """A vr:Creator or vr:Contact."""
    value = Person(value) if isinstance(value, str) else value
    with writer.element(element, {"ivo-id": value.ivoid}):
        writer.leaf("name", tidy(value.name))
        if element == "contact":
            writer.leaf("address", tidy(value.address))
            writer.leaf("email", tidy(value.email))
            writer.leaf("telephone", tidy(value.telephone))
        else:
            writer.leaf("logo", value.logo.strip())
        writer.leaves("altIdentifier", value.alt_identifiers)


def date(writer: Writer, element: str, value: tuple[str, str]) -> None:
    """A vr:Date of (date, role)."""
    writer.leaf(element, value[0], {"role": value[1]})


def relationship(writer: Writer, element: str, value: Relationship) -> None:
    """A vr:Relationship."""
    with writer.element(element):
        writer.leaf("relationshipType", value.type)
        for related in value.related:
            named(writer, "relatedResource", related)


def rights(writer: Writer, element: str, value: Named) -> None:
    """A vr:Rights of (text, rightsURI); one without a text says its URI."""
    text, uri = (value, "") if isinstance(value, str) else value
    writer.leaf(element, tidy(text) or uri, {"rightsURI": uri})


def data_format(writer: Writer, element: str, value: str) -> None:
    """A vs:Format: a media type, or any other name of a format."""
    writer.leaf(element, tidy(value), {"isMIMEType": "true" if "/" in value else ""})


def capability(writer: Writer, _element: str, value: Capability) -> None:
    """A vr:Capability."""
    capabilities.write_into(writer, value)


def interface(writer: Writer, _element: str, value: Interface) -> None:
    """A vr:Interface."""
    capabilities.write_interface(writer, value)


def endorsed_version(writer: Writer, element: str, value: EndorsedVersion) -> None:
    """A vstd:EndorsedVersion."""
    writer.leaf(element, value.version, {"status": value.status, "use": value.use})


def schema_file(writer: Writer, element: str, value: SchemaFile) -> None:
    """A vstd:Schema."""
    with writer.element(element, {"namespace": value.namespace}):
        writer.leaf("location", value.location)
        writer.leaf("description", tidy(value.description))
        writer.leaves("example", value.examples)


def key(writer: Writer, element: str, value: tuple[str, str]) -> None:
    """A vstd:StandardKey of (name, description)."""
    with writer.element(element):
        writer.leaf("name", value[0])
        writer.leaf("description", tidy(value[1]))


def tableset(writer: Writer, _element: str, value: bytes) -> None:
    """A vs:TableSet, carried over from a document. Raises XmlRefused where that is none."""
    writer.piece(tables.carried(value))


def stc_profile(writer: Writer, _element: str, value: bytes) -> None:
    """An stc:STCResourceProfile, carried over from a document. Raises XmlRefused where that is none."""
    piece = xmlio.root_of(value)
    if xmlio.parse(piece).tag != ns.clark(ns.STC, "STCResourceProfile"):
        raise xmlio.XmlRefused("The STC profile is no stc:STCResourceProfile element.")
    writer.piece(piece)


def token(writer: Writer, element: str, value: str) -> None:
    """A leaf with an xs:token."""
    writer.leaf(element, tidy(value))


def text(writer: Writer, element: str, value: str) -> None:
    """A leaf whose inner white space counts."""
    writer.leaf(element, value.strip())


def flag(writer: Writer, element: str, value: bool | str) -> None:
    """A leaf with an xs:boolean."""
    writer.leaf(element, value if isinstance(value, str) else str(value).lower())


def empty(value: object) -> bool:
    """Whether a draft has nothing to say there."""
    return value is None or value == "" or value == () or value == _NO_NAME


Write = Callable[[Writer, str, Any], None]

# field of a draft -> how one element of it is written
WRITERS: Mapping[str, Write] = {
    "title": token, "short_name": token, "alt_identifiers": text,
    "publisher": token, "creators": person, "contributors": named, "dates": date, "curation_version": token,
    "contact_name": token, "contact_address": token, "contact_email": token, "contact_telephone": token,
    "subjects": token, "description": text, "source": token, "reference_url": text, "content_types": token,
    "content_levels": token, "relationships": relationship,
    "rights": rights, "capabilities": capability, "facilities": named, "instruments": named, "formats": data_format,
    "stc_profile": stc_profile, "spatial": token, "temporal": token, "spectral": token, "footprint": text,
    "waveband": token, "region_of_regard": token, "tableset": tableset, "access_url": text,
    "managing_org": named, "full": flag, "managed_authorities": text,
    "endorsed_versions": endorsed_version, "schemas": schema_file, "deprecated": token, "keys": key,
    "interfaces": interface,
}
