"""A draft with every field filled, and the capabilities of one."""

from __future__ import annotations

from dataclasses import replace

from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface, Param
from vosi.extensions import (
    TAP_UPLOADS,
    ConeSearch,
    Harvest,
    ImageAccess,
    Language,
    Limits,
    LineAccess,
    OutputFormat,
    SpectralAccess,
    TableAccess,
)
from vosi.resource import Draft, EndorsedVersion, Person, Relationship, SchemaFile

CONE = Capability(ns.STD_CONE, description="Stars in a circle & more", interfaces=(Interface(
    access_url="http://127.0.0.1:8101/stars?", url_use="base", role="std", version="1.03",
    security_methods=("", "ivo://ivoa.net/sso#BasicAA"), query_types=("GET", "POST"), result_type="text/xml",
    params=(Param("RA", "Right ascension", "pos.eq.ra", "deg", "real", "required", True), Param("N", datatype="int"),
            Param("odd", datatype="words", std=False)),
    mirror_urls=("http://127.0.0.1:8102/stars?",), test_query="RA=1&DEC=2&SR=0.1"),))
HARVEST = Harvest(100).capability("http://127.0.0.1:8101/oai")

SYNC = Interface("vs:ParamHTTP", "http://127.0.0.1:8101/tap", "base", "std", "1.1")
FEATURES = (("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", (("CIRCLE", ""), ("BOX", "deprecated < 2.1"))),)
# one of each protocol, with everything its vocabulary has, and with as little as it lets
EXTENDED = {
    "tap": (TableAccess(
        languages=(Language("ADQL", (("2.0", "ivo://ivoa.net/std/ADQL#v2.0"), ("2.1", "")), "A  language", FEATURES),),
        output_formats=(OutputFormat("text/csv", ("csv",), "ivo://ivoa.net/std/TAPRegExt#output-votable-td"),),
        data_models=(("ivo://ivoa.net/std/ObsCore#core-1.1", "ObsCore 1.1"),), upload_methods=TAP_UPLOADS[:2],
        retention_period=Limits(172800, 345600), execution_duration=Limits(hard=3600),
        output_limit=Limits(2000, 20000000, "row"), upload_limit=Limits(hard=10**8, unit="byte"),
    ), TableAccess()),
    "cone": (ConeSearch(10.5, 1000, True, (180.0, -45, "0.1")), ConeSearch("")),
    "sia": (ImageAccess("Cutout", (1, 2), (0.5, 0.5), 4096, 10**8, 500, ((10, 20), (0.1, 0.1))), ImageAccess()),
    "ssa": (SpectralAccess("full", ("survey", "pointed"), ("archival",), ("ICRS", "FK5"), 1.5, 500, 100, 0.1, 10**7,
                           ((10, 20), 0.1)), SpectralAccess()),
    "slap": (LineAccess("full", "observational/laboratory", 100, ("1e-7", "5e-7")), LineAccess()),
}
PROTOCOLS = tuple(one.capability(SYNC, description="d") for pair in EXTENDED.values() for one in pair)

# a reference to a frame, without the xs:ID that would clash with another record's on one page
STC = (b'<stc:STCResourceProfile xmlns:stc="http://www.ivoa.net/xml/STC/stc-v1.30.xsd" '
       b'xmlns:xlink="http://www.w3.org/1999/xlink"><stc:AstroCoordSystem xlink:type="simple" '
       b'xlink:href="ivo://STClib/CoordSys#UTC-ICRS-TOPO"/></stc:STCResourceProfile>')
TABLES = b"""<?xml version="1.0"?>
<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vod="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<schema><name>hip</name><table type="table"><name>hip.main</name><column><name>ra</name><unit>deg</unit>
<dataType xsi:type="vod:TAPType">DOUBLE</dataType></column><column><name>name</name></column></table>
<table><name>hip.notes</name><foreignKey><targetTable>hip.main</targetTable><fkColumn><fromColumn>id</fromColumn>
<targetColumn>id</targetColumn></fkColumn></foreignKey></table></schema></vosi:tableset>"""

FULL = Draft(
    type="vs:CatalogService", ivoid="ivo://north.example/stars", title="Stars <of> the North & South",
    short_name="Stars", created="2026-01-01T00:00:00Z", updated="2026-02-03T04:05:06Z", version="2",
    publisher="North", publisher_ivoid="ivo://north.example/organisation", contact_name="N. N.",
    contact_email="ops@north.example", contact_address="1 Road", contact_telephone="+1 2",
    contact_ivoid="ivo://north.example/organisation",
    creators=("A. Uthor", Person(
        "B. Uthor", alt_identifiers=("https://orcid.org/0000-0002-1825-0097",), logo="http://north.example/b.png")),
    contributors=("C. Ontributor", ("ivo://a.example/c", "C. Two")),
    dates=(("2020-01-01", "Created"), ("2021-02-03T04:05:06Z", "Updated"), ("2022-01-01", "")), curation_version="DR 2",
    subjects=("stars", "astrometry"), description="One.\n\nTwo.", source="1997A&A...323L..49P", source_format="bibcode",
    reference_url="http://north.example/stars", content_types=("Catalog",), content_levels=("Research",),
    relationships=(Relationship("Cites", ((ns.STD_CONE, "Cone Search"), (ns.STD_UWS, "UWS"), ("", "a paper"))),),
    alt_identifiers=("doi:10.1/2",), rights=("public", ("", "https://spdx.org/licenses/CC0-1.0"), ("free", "")),
    capabilities=(CONE, HARVEST, *PROTOCOLS), facilities=("Hipparcos", ("ivo://a.example/f", "F")), instruments=("I",),
    formats=("text/csv", "paper tape"), stc_profile=STC, spatial="2/1-3 5", spatial_frame="ICRS",
    temporal=("50000 50001.5", "51000 51001"), spectral=("3e-19 5e-19",), footprint="http://north.example/footprint",
    footprint_ivoid="ivo://north.example/footprint", waveband=("Optical", "UV"), region_of_regard="0.01",
    tableset=TABLES, access_url="http://north.example/data",
    managing_org=("ivo://north.example/organisation", "North"), full=False,
    managed_authorities=("north.example", "n2.example"),
    endorsed_versions=(EndorsedVersion("1.0", "rec", "preferred"), EndorsedVersion("0.9")),
    schemas=(SchemaFile("urn:north", "http://north.example/x.xsd", "What it says", ("http://north.example/x.xml",)),),
    deprecated="", keys=(("runner-1.0", "A runner"),), interfaces=(CONE.interfaces[0],),
)


def minimal(type_: str = "vr:Service", **fields: object) -> Draft:
    """The least that the schema asks for."""
    least = Draft(
        type=type_, ivoid="ivo://north.example/x", title="X", created="2026-01-01T00:00:00Z",
        updated="2026-01-01T00:00:00Z", publisher="North", contact_name="N. N.", subjects=("x",), description="X.",
        reference_url="http://north.example/x", managing_org=("", "North"))
    return replace(least, **fields)  # type: ignore[arg-type]
