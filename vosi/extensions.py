"""The capabilities of the standard protocols with what their own vocabularies say of them.

TAPRegExt 1.0, SimpleDALRegExt 1.1 and 1.2 (cone search, images, spectra, lines), VORegistry 1.1 (harvest). Each is a
plain value that makes a `Capability`, to be written by `compose` and `amend`. Angles are in degrees, sizes in bytes,
times in seconds unless said otherwise; numbers may be given as texts, '' says nothing. Records of others are not read
into these: there a capability's own XML is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vosi import namespaces as ns
from vosi.capabilities import Capability, Extra, Interface

Number = int | float | str
Pair = tuple[Number, Number]

STD_SIA = "ivo://ivoa.net/std/SIA"
STD_SSA = "ivo://ivoa.net/std/SSA"
STD_SLAP = "ivo://ivoa.net/std/SLAP"
ADQL_2 = ("2.0", "ivo://ivoa.net/std/ADQL#v2.0")
TAP_UPLOADS = tuple(f"ivo://ivoa.net/std/TAPRegExt#upload-{way}" for way in ("inline", "http", "https", "ftp"))


@dataclass(frozen=True)
class Language:
    """A query language: `versions` are (version, standardID or ''), `features` (type, ((form, description), ...))."""

    name: str = "ADQL"
    versions: tuple[tuple[str, str], ...] = (ADQL_2,)
    description: str = ""
    features: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


@dataclass(frozen=True)
class OutputFormat:
    """A format of results: its media type, short names for it, its identifier."""

    mime: str
    aliases: tuple[str, ...] = ()
    ivoid: str = ""


@dataclass(frozen=True)
class Limits:
    """A default that users may raise, and what they may raise it to; `unit` is row or byte, '' for seconds."""

    default: Number = ""
    hard: Number = ""
    unit: str = ""


@dataclass(frozen=True)
class TableAccess:
    """What a TAP service says of itself (TAPRegExt 1.0 §2); `data_models` are (identifier, name)."""

    languages: tuple[Language, ...] = (Language(),)
    output_formats: tuple[OutputFormat, ...] = (OutputFormat("application/x-votable+xml", ("votable",)),)
    data_models: tuple[tuple[str, str], ...] = ()
    upload_methods: tuple[str, ...] = ()
    retention_period: Limits = Limits()
    execution_duration: Limits = Limits()
    output_limit: Limits = Limits()
    upload_limit: Limits = Limits()

    def capability(self, *interfaces: Interface, description: str = "") -> Capability:
        """The capability of a TAP service."""
        return Capability(ns.STD_TAP, "tr:TableAccess", description, interfaces, extra=(
            *(Extra("dataModel", name, (("ivo-id", ivoid),)) for ivoid, name in self.data_models),
            *map(_language, self.languages), *map(_output_format, self.output_formats),
            *(Extra("uploadMethod", attributes=(("ivo-id", ivoid),)) for ivoid in self.upload_methods),
            _limits("retentionPeriod", self.retention_period), _limits("executionDuration", self.execution_duration),
            _limits("outputLimit", self.output_limit), _limits("uploadLimit", self.upload_limit)))


@dataclass(frozen=True)
class ConeSearch:
    """What a cone search says of itself (SimpleDALRegExt §3.1); `test_query` is (ra, dec, radius)."""

    max_radius: Number = 180
    max_records: Number = ""
    verbosity: bool = False
    test_query: tuple[Number, Number, Number] | None = None

    def capability(self, *interfaces: Interface, description: str = "") -> Capability:
        """The capability of a Simple Cone Search."""
        return Capability(ns.STD_CONE, "cs:ConeSearch", description, interfaces, extra=(
            *_values(maxSR=self.max_radius, maxRecords=self.max_records, verbosity=str(self.verbosity).lower()),
            Extra("testQuery", inside=_values(**dict(zip(("ra", "dec", "sr"), self.test_query or (), strict=False))))))


@dataclass(frozen=True)
class ImageAccess:
    """What an image service says of itself (SimpleDALRegExt §3.2). `kind`: Cutout, Mosaic, Atlas or Pointed.

    Extents and the parts of `test_query`, (position, size), are (longitude, latitude); `max_image_size` is in pixels.
    """

    kind: str = "Pointed"
    max_query_region: Pair | None = None
    max_image_extent: Pair | None = None
    max_image_size: Number = ""
    max_file_size: Number = ""
    max_records: Number = ""
    test_query: tuple[Pair, Pair] | None = None

    def capability(self, *interfaces: Interface, description: str = "") -> Capability:
        """The capability of Simple Image Access version 1; a SIA 2 service has a plain one with STD_SIA2."""
        query = () if self.test_query is None else (_sky("pos", self.test_query[0]), _sky("size", self.test_query[1]))
        return Capability(STD_SIA, "sia:SimpleImageAccess", description, interfaces, extra=(
            Extra("imageServiceType", self.kind), _sky("maxQueryRegionSize", self.max_query_region),
            _sky("maxImageExtent", self.max_image_extent),
            *_values(maxImageSize=self.max_image_size, maxFileSize=self.max_file_size, maxRecords=self.max_records),
            Extra("testQuery", inside=query)))


@dataclass(frozen=True)
class SpectralAccess:
    """What a spectrum service says of itself (SimpleDALRegExt §3.3). `compliance`: query, minimal or full.

    `test_query` is (position, size), the position (longitude, latitude).
    """

    compliance: str = "query"
    data_sources: tuple[str, ...] = ("survey",)
    creation_types: tuple[str, ...] = ("archival",)
    frames: tuple[str, ...] = ("ICRS",)
    max_radius: Number = ""
    max_records: Number = ""
    default_max_records: Number = ""
    max_aperture: Number = ""
    max_file_size: Number = ""
    test_query: tuple[Pair, Number] | None = None

    def capability(self, *interfaces: Interface, description: str = "") -> Capability:
        """The capability of Simple Spectral Access."""
        query = () if self.test_query is None else (_sky("pos", self.test_query[0]), *_values(size=self.test_query[1]))
        return Capability(STD_SSA, "ssap:SimpleSpectralAccess", description, interfaces, extra=(
            Extra("complianceLevel", self.compliance), *_each("dataSource", self.data_sources),
            *_each("creationType", self.creation_types), *_each("supportedFrame", self.frames),
            *_values(maxSearchRadius=self.max_radius, maxRecords=self.max_records,
                     defaultMaxRecords=self.default_max_records, maxAperture=self.max_aperture,
                     maxFileSize=self.max_file_size),
            Extra("testQuery", inside=query)))


@dataclass(frozen=True)
class LineAccess:
    """What a line-list service says of itself (SimpleDALRegExt §3.4); `test_query` is a range of wavelengths in metres.

    `data_source`: theoretical, observational/astrophysical or observational/laboratory.
    """

    compliance: str = "minimal"
    data_source: str = "theoretical"
    max_records: Number = ""
    test_query: Pair | None = None

    def capability(self, *interfaces: Interface, description: str = "") -> Capability:
        """The capability of Simple Line Access."""
        ends = dict(zip(("minWavelength", "maxWavelength"), self.test_query or (), strict=False))
        return Capability(STD_SLAP, "slap:SimpleLineAccess", description, interfaces, extra=(
            Extra("complianceLevel", self.compliance), Extra("dataSource", self.data_source),
            *_values(maxRecords=self.max_records),
            Extra("testQuery", inside=(Extra("wavelength", inside=_values(**ends)),) if ends else ())))


@dataclass(frozen=True)
class Harvest:
    """How a registry is harvested (VORegistry 1.1 §3.2); `max_records` of one page, 0 for no limit that is told."""

    max_records: Number = 0

    def capability(self, access_url: str, description: str = "") -> Capability:
        """The capability of a registry that answers OAI-PMH at `access_url`."""
        interface = Interface(type="vg:OAIHTTP", access_url=access_url, url_use="base", role="std", version="1.0")
        return Capability(ns.STD_REGISTRY, "vg:Harvest", description, (interface,), extra=_values(
            maxRecords=self.max_records))


def _values(**numbers: Number) -> tuple[Extra, ...]:
    """A leaf for each that is not ''."""
    return tuple(Extra(name, str(number)) for name, number in numbers.items() if number != "")


def _each(name: str, texts: Iterable[str]) -> tuple[Extra, ...]:
    return tuple(Extra(name, text) for text in texts)


def _sky(name: str, pair: Pair | None) -> Extra:
    return Extra(name) if pair is None else Extra(name, inside=_values(long=pair[0], lat=pair[1]))


def _limits(name: str, limits: Limits) -> Extra:
    unit = (("unit", limits.unit),) if limits.unit else ()
    return Extra(name, inside=tuple(
        Extra(one, str(number), unit) for one, number in (("default", limits.default), ("hard", limits.hard))
        if number != ""))


def _language(language: Language) -> Extra:
    return Extra("language", inside=(
        Extra("name", language.name),
        *(Extra("version", version, (("ivo-id", ivoid),)) for version, ivoid in language.versions),
        Extra("description", " ".join(language.description.split())),
        *(Extra("languageFeatures", attributes=(("type", type_),), inside=tuple(
            Extra("feature", inside=(Extra("form", form), Extra("description", words))) for form, words in features))
          for type_, features in language.features)))


def _output_format(output: OutputFormat) -> Extra:
    return Extra("outputFormat", attributes=(("ivo-id", output.ivoid),), inside=(
        Extra("mime", output.mime), *_each("alias", output.aliases)))
