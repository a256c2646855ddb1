"""Every magic string of the standards once: namespaces, their canonical prefixes, standardIDs."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

XML = "http://www.w3.org/XML/1998/namespace"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XLINK = "http://www.w3.org/1999/xlink"

OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
OAI_SCHEMA = "http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
OAI_DC_SCHEMA = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"

RI = "http://www.ivoa.net/xml/RegistryInterface/v1.0"
VR = "http://www.ivoa.net/xml/VOResource/v1.0"
VS = "http://www.ivoa.net/xml/VODataService/v1.1"
VG = "http://www.ivoa.net/xml/VORegistry/v1.0"
VSTD = "http://www.ivoa.net/xml/StandardsRegExt/v1.0"
TR = "http://www.ivoa.net/xml/TAPRegExt/v1.0"
CS = "http://www.ivoa.net/xml/ConeSearch/v1.0"
SIA = "http://www.ivoa.net/xml/SIA/v1.1"
SSA = "http://www.ivoa.net/xml/SSA/v1.1"
SLAP = "http://www.ivoa.net/xml/SLAP/v1.0"
DOC = "http://www.ivoa.net/xml/DocRegExt/v1"
STC = "http://www.ivoa.net/xml/STC/stc-v1.30.xsd"
VOSI_CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
VOSI_AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
VOSI_TABLES = "http://www.ivoa.net/xml/VOSITables/v1.0"
UWS = "http://www.ivoa.net/xml/UWS/v1.0"

PREFIXES: dict[str, str] = {
    XML: "xml", XSI: "xsi", XLINK: "xlink", OAI: "oai", OAI_DC: "oai_dc", DC: "dc", RI: "ri", VR: "vr", VS: "vs", VG: "vg",
    VSTD: "vstd", TR: "tr", CS: "cs", SIA: "sia", SSA: "ssap", SLAP: "slap", DOC: "doc", STC: "stc",
    VOSI_CAPABILITIES: "vosi", VOSI_AVAILABILITY: "avail", VOSI_TABLES: "vosi", UWS: "uws",
    "http://www.ivoa.net/xml/DocRegExt/v1.0": "doc",
    "http://www.ivoa.net/xml/SIA/v1.0": "sia",
    "http://www.ivoa.net/xml/SSA/v0.4": "ssap",
    "http://www.ivoa.net/xml/SSA/v1.0": "ssap",
    "http://www.ivoa.net/xml/VODataService/v1.0": "vs",
    "http://www.ivoa.net/xml/CEA/v1.0": "cea",
    "http://www.ivoa.net/xml/VOApplication/v1.0rc1": "va",
    "http://www.ivoa.net/xml/SkyNode/v0.2": "sn",
    "http://www.ivoa.net/xml/VOStandard/v0.1": "vst",
}

STD_CONE = "ivo://ivoa.net/std/ConeSearch"
STD_TAP = "ivo://ivoa.net/std/TAP"
STD_SIA2 = "ivo://ivoa.net/std/SIA#query-2.0"
STD_REGISTRY = "ivo://ivoa.net/std/Registry"
STD_UWS = "ivo://ivoa.net/std/UWS#rest-1.1"
STD_VOSI_CAPABILITIES = "ivo://ivoa.net/std/VOSI#capabilities"
STD_VOSI_AVAILABILITY = "ivo://ivoa.net/std/VOSI#availability"
STD_VOSI_TABLES = "ivo://ivoa.net/std/VOSI#tables-1.1"
STD_APPLICATION = "ivo://innerspace/std/container#application-1.0"
STD_RUNNER = "ivo://innerspace/std/container#runner-1.0"


def clark(namespace: str, name: str) -> str:
    """`{namespace}name`, as lxml writes a qualified name."""
    return f"{{{namespace}}}{name}" if namespace else name


_TYPE = clark(XSI, "type")


def canonical_type(element: etree._Element) -> str:
    """The xsi:type of `element` with its namespace's canonical prefix, whatever prefix its author bound.

    A namespace that is not in PREFIXES keeps its author's prefix; '' where there is no xsi:type.
    """
    written = element.get(_TYPE, "").strip()
    if not written:
        return ""
    prefix, _, local = written.rpartition(":")
    uri = element.nsmap.get(prefix or None, "")
    known = PREFIXES.get(uri, prefix)
    return f"{known}:{local}" if known else local


# what a canonical prefix stands for in documents written here: the newest namespace of each
WRITTEN: dict[str, str] = {PREFIXES[uri]: uri for uri in (RI, VR, VS, VG, VSTD, TR, CS, SIA, SSA, SLAP, DOC, STC, XSI)}


def declarations(types: Iterable[str], always: Iterable[str] = ()) -> dict[str, str]:
    """The xmlns attributes for these canonical types, such as vs:ParamHTTP, and for the prefixes in `always`.

    A prefix that is not in WRITTEN is left out: the schema then says that the type is unknown.
    """
    prefixes = {*always, *(name.partition(":")[0] for name in types)}
    return {f"xmlns:{prefix}": WRITTEN[prefix] for prefix in sorted(prefixes) if prefix in WRITTEN}
