"""An application's record: what of an image and its contract a registry says (decision D12). It stores nothing.

One vr:Service per application. Each version on offer is one capability, newest first: its interface's accessURL is the
manifest's address by digest with the version behind the #, its params are the contract's parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from registry import clock
from registry.applications import references
from registry.applications.contract import Contract, Parameter
from registry.applications.references import BadReference
from registry.applications.repository import Image
from registry.config import Settings
from registry.records.store import Record
from vosi import capabilities, namespaces as ns, resource, xmlio
from vosi.capabilities import Capability, Interface, Param
from vosi.draft import Draft, Relationship

_OCI = "org.opencontainers.image."
_TYPES = {"string": "string", "integer": "integer", "real": "real", "boolean": "boolean"}  # VODataService 1.2 §3.5.2
SUBJECT = "astronomy-software"  # of the Unified Astronomy Thesaurus


@dataclass(frozen=True)
class Wording:
    """What a person says of the application instead of its image; '' leaves it to the image."""

    title: str = ""
    description: str = ""
    reference_url: str = ""


def identifier(settings: Settings, name: str) -> str:
    """The identifier of our application `name`."""
    return f"ivo://{settings.authority}/app/{name}"


def version_of(image: Image) -> str:
    """The image's own version, else the tag it was asked by, else the beginning of its digest."""
    return image.labels.get(f"{_OCI}version") or image.tag or image.reference.rpartition(":")[2][:12]


def draft(
    settings: Settings, name: str, image: Image, contract: Contract, *, organisation: str, wording: Wording,
    existing: bytes | None, newer: Collection[str] = (),
) -> Draft:
    """The record of application `name` with the version in `image` before those of `existing`, but for `newer` images.

    Another image that had this version's name stays on offer under a name with its digest. `organisation` is the
    publisher's name. It does not judge: publishing does.
    """
    now = clock.stamp()
    version = version_of(image)
    labels = image.labels
    title = wording.title or contract.title or labels.get(f"{_OCI}title") or name
    others = [_renamed(one, version) for one in versions(existing) if reference_of(one) != image.reference]
    before = [one for one in others if reference_of(one) in newer]
    older = [one for one in others if reference_of(one) not in newer]
    offered = (*before, _capability(title, version, image, contract), *older)
    summary = resource.summarise(xmlio.parse(existing)) if existing else None
    return Draft(
        type="vr:Service", ivoid=identifier(settings, name), title=title, short_name=name[:16],
        created=summary.created if summary and summary.created else now, updated=now,
        publisher=organisation, publisher_ivoid=f"ivo://{settings.authority}/organisation",
        contact_name=f"Administrators of {organisation}", contact_email=settings.admin_email,
        creators=tuple(filter(None, (labels.get(f"{_OCI}authors", "") or contract.publisher,))),
        curation_version=version, subjects=(SUBJECT,), content_types=("Transformation",),
        description=wording.description or contract.description or labels.get(f"{_OCI}description") or (
            f"{title}: a packaged application that runs as a job of a datacenter."),
        reference_url=_reference_url(settings, name, labels.get(f"{_OCI}documentation", ""), wording),
        rights=tuple(filter(None, (labels.get(f"{_OCI}licenses", ""),))),
        relationships=_relationships(contract),
        alt_identifiers=tuple(f"docker://{reference}" for reference in _references(offered)),
        capabilities=offered,
    )


def unchanged(made: Draft, existing: Record, image: Image) -> bool:
    """Whether publishing would say nothing new but the time, or only put an older version before a newer one."""
    if existing.deleted:
        return False
    offered = [one.interfaces[0].access_url for one in versions(existing.xml) if one.interfaces]
    if f"{image.manifest_url}#{version_of(image)}" in offered[1:]:
        return True
    updated = resource.summarise(xmlio.parse(existing.xml)).updated
    same = resource.compose(replace(made, updated=updated))
    return xmlio.digest(xmlio.parse(same)) == xmlio.digest(xmlio.parse(existing.xml))


def _reference_url(settings: Settings, name: str, documentation: str, wording: Wording) -> str:
    """A page for people: the one that was given, the image's own, or the record's page here."""
    for url in (wording.reference_url, documentation):
        if url.startswith(("http://", "https://")):
            return url
    return settings.url(f"records/{settings.authority}/app/{name}")


def _capability(title: str, version: str, image: Image, contract: Contract) -> Capability:
    interface = Interface(
        type="vs:ParamHTTP", access_url=f"{image.manifest_url}#{version}", url_use="full", role="std",
        query_types=("GET",), result_type=image.media_type, params=tuple(_param(one) for one in contract.parameters))
    return Capability(ns.STD_APPLICATION, description=f"{title}, version {version}.", interfaces=(interface,))


def _param(one: Parameter) -> Param:
    return Param(
        name=one.name, description=one.description, ucd=one.ucd, unit=one.unit, datatype=_TYPES[one.type],
        use="required" if one.required else "optional", std=False)


def _relationships(contract: Contract) -> tuple[Relationship, ...]:
    """The standards it needs; the vocabulary of relationships has no word for needing (2026), so they are cited."""
    return tuple(Relationship("Cites", ((standard, standard.rpartition("/")[2]),)) for standard in contract.requires)


def versions(existing: bytes | None) -> list[Capability]:
    """The versions that a record offers, newest first: its capabilities that are applications."""
    found = capabilities.of_record(xmlio.parse(existing)) if existing else ()
    return [one for one in found if one.standard_id.lower() == ns.STD_APPLICATION.lower()]


def without(existing: bytes, reference: str) -> bytes | None:
    """The record without the version that is the image `reference`; None where it would offer none any more."""
    left = [one for one in versions(existing) if reference_of(one) != reference]
    if not left:
        return None
    others = [one for one in capabilities.of_record(xmlio.parse(existing))
              if one.standard_id.lower() != ns.STD_APPLICATION.lower()]
    return resource.amend(existing, {
        "capabilities": (*left, *others), "curation_version": _version(left[0]),
        "alt_identifiers": tuple(f"docker://{one}" for one in _references(left))})


def reference_of(capability: Capability) -> str:
    """The image of a version, as host/name@sha256:...; '' where its address is none."""
    for one in capability.interfaces:
        try:
            return str(references.of_manifest(one.access_url)[0])
        except BadReference:
            continue
    return ""


def _version(capability: Capability) -> str:
    return next((one.access_url.partition("#")[2] for one in capability.interfaces), "")


def _renamed(capability: Capability, version: str) -> Capability:
    """A version that gives up its name to a newer image: it goes on under one that its digest makes its own."""
    if _version(capability) != version:
        return capability
    digest = reference_of(capability).rpartition(":")[2][:12]
    interfaces = tuple(
        replace(one, access_url=f"{one.access_url.partition('#')[0]}#{version}-{digest}") for one in capability.interfaces)
    return replace(capability, interfaces=interfaces, xml=None)


def _references(offered: Iterable[Capability]) -> list[str]:
    return [one for one in dict.fromkeys(map(reference_of, offered)) if one]
