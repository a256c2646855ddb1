"""What a person or a program says about a resource before it is XML: plain values, one class per thing.

It checks nothing: the schemas do (`schemas.validate`), and `compose` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass

from vosi.capabilities import Capability, Interface


@dataclass(frozen=True)
class Relationship:
    """How this resource is tied to others: `related` holds (identifier or '', name) pairs, at least one.

    An identifier with a query or fragment, such as ivo://ivoa.net/std/UWS#rest-1.1, names no record: it is written as
    the related resource's altIdentifier (VOResource 1.2 §3.1.1).
    """

    type: str
    related: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Person:
    """A creator or contact; empty parts are ''. `alt_identifiers` are URIs such as https://orcid.org/...

    Only a creator has a `logo`; only a contact an email, address and telephone.
    """

    name: str
    ivoid: str = ""
    email: str = ""
    address: str = ""
    telephone: str = ""
    alt_identifiers: tuple[str, ...] = ()
    logo: str = ""


@dataclass(frozen=True)
class EndorsedVersion:
    """A version of a standard: `status` is rec, pr, wd, iwd, note or n/a."""

    version: str
    status: str = "n/a"
    use: str = ""


@dataclass(frozen=True)
class SchemaFile:
    """An XML schema that a standard defines: the namespace it is for, where it is, and documents that follow it."""

    namespace: str
    location: str
    description: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """One record to be written (VOResource 1.2). Times are UTC stamps, `YYYY-MM-DDThh:mm:ssZ`.

    `type` is an xsi:type with its canonical prefix, such as vs:CatalogService. Empty fields are left out of the
    document, so that the schema names what is missing; so are fields that the type does not have. Lists of people,
    rights and names may hold plain texts. Pairs of an organisation, contributor or facility are (ivoid or '', name);
    of `dates` (date, role), of `rights` (text, rightsURI). `tableset` and `stc_profile` are documents whose roots are a
    tableset and an stc:STCResourceProfile; they are carried over.

    Coverage (VODataService 1.2 §3.3): `spatial` is a MOC in ASCII, `temporal` intervals "earliest latest" in MJD (TDB),
    `spectral` intervals in joules, `region_of_regard` degrees, `footprint` the address of a footprint service.
    `endorsed_versions`, `schemas`, `deprecated` and `keys`, (name, description), belong to a vstd:Standard,
    `interfaces` to a vstd:ServiceStandard.
    """

    type: str
    ivoid: str
    title: str = ""
    short_name: str = ""
    status: str = "active"
    version: str = ""
    created: str = ""
    updated: str = ""
    publisher: str = ""
    publisher_ivoid: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contact_address: str = ""
    contact_telephone: str = ""
    contact_ivoid: str = ""
    creators: tuple[Person | str, ...] = ()
    contributors: tuple[str | tuple[str, str], ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    curation_version: str = ""
    subjects: tuple[str, ...] = ()
    description: str = ""
    source: str = ""
    source_format: str = ""
    reference_url: str = ""
    content_types: tuple[str, ...] = ()
    content_levels: tuple[str, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    alt_identifiers: tuple[str, ...] = ()
    rights: tuple[str | tuple[str, str], ...] = ()
    capabilities: tuple[Capability, ...] = ()
    facilities: tuple[str | tuple[str, str], ...] = ()
    instruments: tuple[str | tuple[str, str], ...] = ()
    formats: tuple[str, ...] = ()
    stc_profile: bytes | None = None
    spatial: str = ""
    spatial_frame: str = ""
    temporal: tuple[str, ...] = ()
    spectral: tuple[str, ...] = ()
    footprint: str = ""
    footprint_ivoid: str = ""
    waveband: tuple[str, ...] = ()
    region_of_regard: str = ""
    tableset: bytes | None = None
    access_url: str = ""
    managing_org: tuple[str, str] = ("", "")
    full: bool = False
    managed_authorities: tuple[str, ...] = ()
    endorsed_versions: tuple[EndorsedVersion, ...] = ()
    schemas: tuple[SchemaFile, ...] = ()
    deprecated: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    interfaces: tuple[Interface, ...] = ()
