"""From what a service says of itself to a valid record of ours: what VOResource cannot hold is left out, and told.

It asks nobody: `importing` has read the documents. What people have said of a service that is registered already
(title, description, subjects) stays where they say nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from registry import clock
from registry.errors import Conflict, Refusal
from registry.records import publish, store
from registry.records.store import Record
from registry.site import Site
from vosi import capabilities, identifiers, resource, xmlio
from vosi.capabilities import Capability
from vosi.resource import Draft, Summary

OWN_NAMES = frozenset({"registry", "organisation", "runner"})  # the founding records
_APPLICATIONS = "app/"
_WITH_TABLES = frozenset({"vs:CatalogService"})
_SERVICES = frozenset({"vr:Service", "vs:DataService", "vs:CatalogService"})
# last parts of the identifiers of standards that search tables
_CATALOGUES = frozenset({"conesearch", "tap", "sia", "ssa", "slap"})


@dataclass(frozen=True)
class Wish:
    """What a person says of the service beside its documents; '' and () are made from what is known."""

    key: str
    title: str = ""
    description: str = ""
    subjects: tuple[str, ...] = ()
    short_name: str = ""


class BadName(Refusal):
    """The name under which the service would be registered will not do."""


@dataclass(frozen=True)
class Described:
    """A record made of a service's documents: what they could not be held of, in `notes`; `mark` is its digest but for
    the time, so that the same documents make the same mark."""

    xml: bytes
    notes: list[str]
    mark: str


def publish_described(
    site: Site, wish: Wish, found: tuple[Capability, ...], tableset: bytes | None, *, who: str, why: str,
) -> tuple[Record, list[str]]:
    """Publish the service; the record, and one sentence for everything that was left out of it.

    An equal description changes nothing. Raises BadName, Conflict, PublishRefused.
    """
    made = described(site, wish, found, tableset)
    return publish.publish(site, made.xml, who=who, why=why), made.notes


def described(site: Site, wish: Wish, found: tuple[Capability, ...], tableset: bytes | None) -> Described:
    """The record that these documents make. What people have written in the present one stays. Raises BadName, Conflict."""
    name = name_of(site, wish.key)
    with site.database.read() as connection:
        old = _replaceable(connection, name)
        organisation = _organisation(connection, site)
    name = old.ivoid if old is not None else name  # in the spelling it was published under
    draft = _draft(site, name, wish, old, organisation, _is_catalogue(found, tableset))
    draft, notes = _publishable(site, draft, found, tableset)
    if old is None:
        xml = resource.compose(draft)
        return Described(xml, notes, xmlio.digest(xmlio.parse(xml)))
    xml = _amended(old, wish, draft) if old.type == draft.type else resource.compose(draft)
    mark = xmlio.digest(xmlio.parse(xml))
    if mark != old.digest:
        xml = resource.amend(xml, {"updated": clock.stamp()})
    return Described(xml, notes, mark)


def _amended(old: Record, wish: Wish, draft: Draft) -> bytes:
    """The present record with what its documents say, and what the person has said now; all else is left."""
    said = {"title": wish.title, "description": wish.description, "subjects": wish.subjects, "short_name": wish.short_name}
    changes: dict[str, Any] = {name: value for name, value in said.items() if value}
    if capabilities.of_record(xmlio.parse(old.xml)) != capabilities.of_record(xmlio.parse(resource.compose(draft))):
        changes["capabilities"] = draft.capabilities
    if old.type in _WITH_TABLES:
        changes["tableset"] = draft.tableset
    return resource.amend(old.xml, changes)


def name_of(site: Site, key: str) -> str:
    """The identifier for a service with this key. Raises BadName."""
    tidy = key.strip().strip("/")
    name = f"ivo://{site.settings.authority}/{tidy}"
    if not tidy:
        raise BadName("The service needs a key, the last part of its identifier: give one such as stars.")
    try:
        identifiers.parse_ivoid(name)
    except identifiers.InvalidIdentifier as error:
        raise BadName(f"{error} Choose another key.") from None
    if "?" in tidy or "#" in tidy:
        raise BadName(f"The key {tidy!r} has a ? or #, which the name of a record may not: choose another.")
    if tidy.lower() in OWN_NAMES or tidy.lower().startswith(_APPLICATIONS):
        raise BadName(f"{name} stands for something else in every datacenter: choose another key than {tidy!r}.")
    return name


def _replaceable(connection: Connection, name: str) -> Record | None:
    """The record of that name, where it is ours to replace; None where there is none. Raises Conflict."""
    old = store.get(connection, name)
    if old is None or old.deleted or old.origin != store.OWN:
        return None
    if old.type not in _SERVICES:
        raise Conflict(f"{old.ivoid} is registered already, and it is no service but a {old.type}: choose another key.")
    return old


def _organisation(connection: Connection, site: Site) -> tuple[str, str]:
    """Our organisation's identifier and name; the site's title, and no identifier, where it is not founded."""
    record = store.get(connection, f"ivo://{site.settings.authority}/organisation")
    if record is None or record.deleted:
        return "", site.settings.title
    return record.ivoid, record.title


def _draft(
    site: Site, name: str, wish: Wish, old: Record | None, organisation: tuple[str, str], catalogue: bool,
) -> Draft:
    known = resource.summarise(xmlio.parse(old.xml)) if old is not None else Summary()
    title = wish.title or known.title or name.rpartition("/")[2]
    now = clock.stamp()
    return Draft(
        type="vs:CatalogService" if catalogue else "vr:Service", ivoid=name, title=title,
        short_name=wish.short_name or known.short_name, created=known.created or now, updated=known.updated or now,
        description=wish.description or known.description or f"{title}: a service inside {site.settings.title}.",
        reference_url=known.reference_url or site.settings.url(f"records/{name.removeprefix('ivo://')}"),
        publisher=organisation[1], publisher_ivoid=organisation[0],
        contact_name=f"Administrators of {organisation[1]}", contact_email=site.settings.admin_email,
        subjects=wish.subjects or known.subjects or (("catalogs",) if catalogue else ("virtual observatory",)),
        content_types=("Catalog",) if catalogue else (),
    )


def _is_catalogue(found: tuple[Capability, ...], tableset: bytes | None) -> bool:
    standards = (identifiers.standard_key(capability.standard_id)[0].rpartition("/")[2] for capability in found)
    return tableset is not None or any(standard in _CATALOGUES for standard in standards)


def _publishable(
    site: Site, draft: Draft, found: tuple[Capability, ...], tableset: bytes | None,
) -> tuple[Draft, list[str]]:
    """The draft with as much of the documents as is valid, and what is missing."""
    whole = replace(draft, capabilities=found, tableset=tableset)
    if not _fault(site, whole):
        return whole, []
    notes: list[str] = []
    kept = []
    for capability in found:
        chosen = _fitting(site, draft, capability, notes)
        if chosen is not None:
            kept.append(chosen)
    if tableset is not None:
        fault = _fault(site, replace(draft, tableset=tableset))
        if fault:
            notes.append(f"Its tables are left out: {fault}")
            tableset = None
    return replace(draft, capabilities=tuple(kept), tableset=tableset), notes


def _fitting(site: Site, draft: Draft, capability: Capability, notes: list[str]) -> Capability | None:
    """The capability as it is, else without what its own vocabulary adds, else None; says which."""
    fault = _fault(site, replace(draft, capabilities=(capability,)))
    if not fault:
        return capability
    name = capability.standard_id or "without standardID"
    plain = capabilities.plain(capability)
    if plain.interfaces and not _fault(site, replace(draft, capabilities=(plain,))):
        notes.append(f"Of its capability {name} only the addresses are kept: {fault}")
        return plain
    notes.append(f"Its capability {name} is left out: {fault}")
    return None


def _fault(site: Site, draft: Draft) -> str:
    """The first thing that is wrong with the record of `draft`; '' for a valid one."""
    try:
        element = xmlio.parse(resource.compose(draft))
    except xmlio.XmlRefused as error:
        return str(error)
    problems = site.schemas.validate(element)
    return f"{problems[0].what.rstrip('.')}." if problems else ""


