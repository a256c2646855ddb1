"""Defines a standard API of our own: a name under our authority, its keys, and what the interfaces look like that speak it.

The record is a vstd:ServiceStandard, `ivo://<our authority>/std/<name>`; a key makes `...#<name>-<version>` a standardID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from registry import clock
from registry.errors import Conflict, Refusal
from registry.records import publish, store
from registry.records.store import Record
from registry.site import Site
from vosi import identifiers, resource, xmlio
from vosi.capabilities import Interface
from vosi.resource import Draft, EndorsedVersion

TYPES = ("vstd:ServiceStandard", "vstd:Standard")
INTERFACES = ("vs:ParamHTTP", "vr:WebBrowser", "vr:WebService", "vg:OAIHTTP")
_KEY = re.compile(r"[A-Za-z0-9_.~-]+")
_VERSION = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class Definition:
    """What a person says of the standard: `keys` are (fragment, what it stands for), such as ("query-1.0", "The query.").

    `interface_type`, `role` and `use` describe the interface of the services that speak it.
    """

    name: str
    title: str = ""
    description: str = ""
    reference_url: str = ""
    version: str = "1.0"
    keys: tuple[tuple[str, str], ...] = ()
    interface_type: str = "vs:ParamHTTP"
    role: str = "std"
    use: str = "base"


class BadDefinition(Refusal):
    """The standard cannot be defined so; the message names the field."""


def define(site: Site, wish: Definition, *, who: str) -> Record:
    """Publish the standard, or what has changed of it. Raises BadDefinition, Conflict, PublishRefused."""
    wish = _checked(site, wish)
    name = f"ivo://{site.settings.authority}/std/{wish.name}"
    with site.database.read() as connection:
        old = store.get(connection, name)
        organisation = store.get(connection, f"ivo://{site.settings.authority}/organisation")
    if old is not None and old.origin == store.OWN and old.type not in TYPES and not old.deleted:
        raise Conflict(f"{old.ivoid} is registered already, and it is no standard but a {old.type}: choose another name.")
    known = resource.summarise(xmlio.parse(old.xml)) if old is not None else resource.Summary()
    now = clock.stamp()
    shape = Interface(
        type=wish.interface_type, role=wish.role, url_use=wish.use,
        access_url=site.settings.url(f"standards/{site.settings.authority}/std/{wish.name}"))
    draft = Draft(
        type="vstd:ServiceStandard", ivoid=old.ivoid if old is not None else name, title=wish.title or wish.name,
        created=known.created or now, updated=known.updated or now,
        publisher_ivoid=organisation.ivoid if organisation else "",
        publisher=organisation.title if organisation else site.settings.title,
        contact_name=f"Administrators of {site.settings.title}", contact_email=site.settings.admin_email,
        subjects=("web service interface",), description=wish.description or f"{wish.title or wish.name}: a standard API.",
        reference_url=wish.reference_url or site.settings.url(f"standards/{site.settings.authority}/std/{wish.name}"),
        endorsed_versions=(EndorsedVersion(wish.version, "n/a", "preferred"),), keys=wish.keys, interfaces=(shape,),
    )
    xml = resource.compose(draft)
    if old is not None and xmlio.digest(xmlio.parse(xml)) != old.digest:
        xml = resource.compose(replace(draft, updated=now))
    return publish.publish(site, xml, who=who, why="defined")


def from_mapping(said: Mapping[str, Any]) -> Definition:
    """A definition as a file or a program gives it; `keys` is a mapping or a list of pairs. Raises BadDefinition."""
    known = {one.name for one in fields(Definition)}
    unknown = sorted(set(said) - known)
    if unknown:
        raise BadDefinition(f"A definition has no {unknown[0]!r}: it has {', '.join(sorted(known))}.")
    values = dict(said)
    keys = values.pop("keys", ())
    pairs = list(keys.items()) if isinstance(keys, Mapping) else list(keys)
    if not all(isinstance(one, list | tuple) and len(one) == 2 for one in pairs):
        raise BadDefinition("The keys of a definition must be pairs of a fragment and what it stands for.")
    wrong = next((name for name, value in values.items() if not isinstance(value, str)), "")
    if wrong or not all(isinstance(part, str) for pair in pairs for part in pair):
        raise BadDefinition(f"The {wrong or 'keys'} of a definition must be text.")
    if "name" not in values:
        raise BadDefinition("A definition needs a name, the last part of its identifier.")
    return Definition(**values, keys=tuple((str(name), str(words)) for name, words in pairs))


def _checked(site: Site, wish: Definition) -> Definition:
    name = wish.name.strip().strip("/")
    try:
        identifiers.parse_ivoid(f"ivo://{site.settings.authority}/std/{name}")
    except identifiers.InvalidIdentifier as error:
        raise BadDefinition(f"{error} Choose another name.") from None
    if not name or "?" in name or "#" in name:
        raise BadDefinition(f"The name {wish.name!r} will not do: it is the last part of the standard's identifier.")
    if not _VERSION.fullmatch(wish.version):
        raise BadDefinition(f"The version {wish.version!r} is none: write it like 1.0.")
    if wish.interface_type not in INTERFACES:
        raise BadDefinition(f"There is no interface type {wish.interface_type!r}: there are {', '.join(INTERFACES)}.")
    if wish.use not in ("base", "full", "dir"):
        raise BadDefinition(f"The use {wish.use!r} is none: an address is used as base, full or dir.")
    for key, words in wish.keys:
        if not _KEY.fullmatch(key):
            raise BadDefinition(f"The key {key!r} will not do: it is the part behind the #, such as query-1.0.")
        if not words.strip():
            raise BadDefinition(f"The key {key} needs a few words on what it stands for.")
    twice = [key for key, _ in wish.keys if [one for one, _ in wish.keys].count(key) > 1]
    if twice:
        raise BadDefinition(f"The key {twice[0]} is there twice.")
    return replace(wish, name=name)
