"""A draft with every field filled, and the capabilities of one."""

from __future__ import annotations

from dataclasses import replace

from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface, Param
from vosi.resource import Draft, EndorsedVersion, Person, Relationship

CONE = Capability(ns.STD_CONE, description="Stars in a circle & more", interfaces=(Interface(
    access_url="http://127.0.0.1:8101/stars?", url_use="base", role="std", version="1.03",
    security_methods=("", "ivo://ivoa.net/sso#BasicAA"), query_types=("GET", "POST"), result_type="text/xml",
    params=(Param("RA", "Right ascension", "pos.eq.ra", "deg", "real", "required", True), Param("N", datatype="int"),
            Param("odd", datatype="words", std=False)),
    mirror_urls=("http://127.0.0.1:8102/stars?",), test_query="RA=1&DEC=2&SR=0.1"),))
HARVEST = Capability(ns.STD_REGISTRY, "vg:Harvest", interfaces=(
    Interface("vg:OAIHTTP", "http://127.0.0.1:8101/oai", "base", "std", "1.0"),), extra=(("maxRecords", "100"),))

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
    creators=("A. Uthor", Person("B. Uthor", alt_identifiers=("https://orcid.org/0000-0002-1825-0097",))),
    contributors=("C. Ontributor",), dates=(("2020-01-01", "Created"),), curation_version="DR 2",
    subjects=("stars", "astrometry"), description="One.\n\nTwo.", source="1997A&A...323L..49P", source_format="bibcode",
    reference_url="http://north.example/stars", content_types=("Catalog",), content_levels=("Research",),
    relationships=(Relationship("Cites", ((ns.STD_CONE, "Cone Search"), (ns.STD_UWS, "UWS"), ("", "a paper"))),),
    alt_identifiers=("doi:10.1/2",), rights=("public", ("", "https://spdx.org/licenses/CC0-1.0"), ("free", "")),
    capabilities=(CONE, HARVEST), facilities=("Hipparcos", ("ivo://a.example/f", "F")), instruments=("I",),
    waveband=("Optical",), tableset=TABLES, access_url="http://north.example/data",
    managing_org=("ivo://north.example/organisation", "North"), full=False,
    managed_authorities=("north.example", "n2.example"),
    endorsed_versions=(EndorsedVersion("1.0", "rec", "preferred"), EndorsedVersion("0.9")),
    keys=(("runner-1.0", "A runner"),),
)


def minimal(type_: str = "vr:Service", **fields: object) -> Draft:
    """The least that the schema asks for."""
    least = Draft(
        type=type_, ivoid="ivo://north.example/x", title="X", created="2026-01-01T00:00:00Z",
        updated="2026-01-01T00:00:00Z", publisher="North", contact_name="N. N.", subjects=("x",), description="X.",
        reference_url="http://north.example/x", managing_org=("", "North"))
    return replace(least, **fields)  # type: ignore[arg-type]
