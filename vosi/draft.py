"""What a person or a program says about a resource before it is XML: plain values, one class per thing.

It checks nothing: the schemas do (`schemas.validate`), and `compose` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass

from vosi.capabilities import Capability


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

    `type` is an xsi:type with its canonical prefix, such as vs:CatalogService. Empty fields are left out of the
    document, so that the schema names what is missing; so are fields that the type does not have. Lists of people,
    rights and keys may hold plain texts. Pairs of an organisation or facility are (ivoid or '', name). `tableset` is
    a document whose root is a tableset; it is carried over. `keys`, (name, description), and `endorsed_versions`
    belong to a vstd:Standard.
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
    contributors: tuple[str, ...] = ()
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
    waveband: tuple[str, ...] = ()
    tableset: bytes | None = None
    access_url: str = ""
    managing_org: tuple[str, str] = ("", "")
    full: bool = False
    managed_authorities: tuple[str, ...] = ()
    endorsed_versions: tuple[EndorsedVersion, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
