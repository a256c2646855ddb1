"""What a person or a program says about a resource before it is XML: plain values, one class per thing.

It checks nothing: the schemas do (`schemas.validate`), and `compose` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vosi.capabilities import Capability


@dataclass(frozen=True)
class Relationship:
    """How this resource is tied to others: `related` holds (ivoid or '', name) pairs, at least one."""

    type: str
    related: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Person:
    """A creator or contact; empty parts are ''. `alt_identifiers` are URIs such as https://orcid.org/..."""

    name: str
    ivoid: str = ""
    email: str = ""
    address: str = ""
    telephone: str = ""
    alt_identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class EndorsedVersion:
    """A version of a standard: `status` is rec, pr, wd, iwd, note or n/a."""

    version: str
    status: str = "n/a"
    use: str = ""


@dataclass(frozen=True)
class Draft:
    """One record to be written (VOResource 1.2). Times are UTC stamps, `YYYY-MM-DDThh:mm:ssZ`.

    `type` is an xsi:type with its canonical prefix, such as vs:CatalogService. Fields that the type does not have
    are left out of the document. `creators` and `contributors` may hold names alone. `tableset` is a document whose
    root is a tableset, carried over as it is. `keys` and `endorsed_versions` belong to a vstd:Standard.
    """

    type: str
    ivoid: str
    title: str
    created: str
    updated: str
    description: str
    reference_url: str
    publisher: str
    contact_name: str
    short_name: str = ""
    status: str = "active"
    version: str = ""
    publisher_ivoid: str = ""
    contact_email: str = ""
    contact_address: str = ""
    contact_telephone: str = ""
    contact_ivoid: str = ""
    creators: tuple[Person | str, ...] = ()
    contributors: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    curation_version: str = ""
    subjects: tuple[str, ...] = ()
    source: str = ""
    source_format: str = ""
    content_types: tuple[str, ...] = ()
    content_levels: tuple[str, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    alt_identifiers: tuple[str, ...] = ()
    rights: tuple[tuple[str, str], ...] | str = ()
    capabilities: tuple[Capability, ...] = ()
    facilities: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    waveband: tuple[str, ...] = ()
    tableset: bytes | None = None
    managing_org: tuple[str, str] = ("", "")
    managed_authorities: tuple[str, ...] = ()
    full: bool = False
    endorsed_versions: tuple[EndorsedVersion, ...] = ()
    keys: tuple[tuple[str, str], ...] = field(default=())
