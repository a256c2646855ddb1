"""What a service can do and where: capabilities and their interfaces (VOResource 1.2 §3.2, VODataService 1.2 §3.3).

It holds their values; `read` takes them from VOSI documents and records, `write` makes a VOSI document of them.
Metadata of extensions is not modelled: a capability that has been read keeps its XML beside its values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Param:
    """One input of a vs:ParamHTTP interface; '' where the document says nothing. `use`: required, optional, ignored."""

    name: str
    description: str = ""
    ucd: str = ""
    unit: str = ""
    datatype: str = ""
    use: str = ""
    std: bool | None = None
    arraysize: str = ""


@dataclass(frozen=True)
class Interface:
    """One way in. `security_methods` are standardIDs, '' among them meaning anonymous access."""

    type: str = "vs:ParamHTTP"
    access_url: str = ""
    url_use: str = "full"
    role: str = ""
    version: str = ""
    security_methods: tuple[str, ...] = ()
    query_types: tuple[str, ...] = ()
    result_type: str = ""
    params: tuple[Param, ...] = ()
    mirror_urls: tuple[str, ...] = ()
    test_query: str = ""


@dataclass(frozen=True)
class Capability:
    """One capability. `type` is its xsi:type with the canonical prefix, '' for a plain one.

    `xml` is the element as it was read, self-contained; where there is one, it is what gets written, whatever the
    other fields say. `extra` are simple elements of the type, (name, text) in the order of its schema, written
    behind the interfaces: ("maxRecords", "0") for a vg:Harvest.
    """

    standard_id: str = ""
    type: str = ""
    description: str = ""
    interfaces: tuple[Interface, ...] = ()
    xml: bytes | None = None
    extra: tuple[tuple[str, str], ...] = ()
