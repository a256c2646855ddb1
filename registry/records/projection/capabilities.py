"""Rows of capabilities, interfaces and their parameters (RegTAP 1.2 §8.4, §8.5, §8.9)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.values import Part, Record, Rows, clean, flag, low, text
from vosi.namespaces import canonical_type


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_capability, rr_interface and rr_intf_param; indexes count from 1 in document order."""
    ivoid = record.ivoid
    capabilities: Rows = []
    interfaces: Rows = []
    params: Rows = []
    for cap_index, capability in enumerate(record.parts("capability"), 1):
        capabilities.append(_capability(ivoid, cap_index, capability))
        for interface in capability.parts("interface"):
            intf_index = len(interfaces) + 1
            interfaces.append(_interface(ivoid, cap_index, intf_index, interface))
            params += [_param(ivoid, intf_index, param) for param in interface.parts("param")]
    return {"rr_capability": capabilities, "rr_interface": interfaces, "rr_intf_param": params}


def _capability(ivoid: str, index: int, capability: Part) -> dict[str, Any]:
    element = capability.element
    return {
        "ivoid": ivoid, "cap_index": index, "cap_type": low(canonical_type(element)),
        "cap_description": capability.value("description"), "standard_id": low(element.get("standardID")),
    }


def _interface(ivoid: str, cap_index: int, index: int, interface: Part) -> dict[str, Any]:
    element = interface.element
    access = interface.first("accessURL")
    return {
        "ivoid": ivoid, "intf_index": index, "cap_index": cap_index,
        "intf_type": low(canonical_type(element)),
        "intf_role": low(element.get("role")),
        "std_version": clean(element.get("version")),
        "query_type": interface.joined("queryType"),
        "result_type": low(interface.value("resultType")),
        "wsdl_url": interface.value("wsdlURL"),
        "url_use": low(access.get("use")) if access is not None else None,
        "access_url": text(access),
        "mirror_url": "#".join(mirror for mirror in map(text, interface.all("mirrorURL")) if mirror) or None,
        "authenticated_only": _authenticated_only(interface),
    }


def _authenticated_only(interface: Part) -> int:
    """1 where every security method named asks who one is; one without a standardID means anonymous use."""
    methods = interface.all("securityMethod")
    return int(bool(methods) and all(method.get("standardID") for method in methods))


def _param(ivoid: str, index: int, param: Part) -> dict[str, Any]:
    element = param.element
    return {
        "ivoid": ivoid, "intf_index": index,
        "param_name": param.value("name"), "param_description": param.value("description"),
        "param_ucd": low(param.value("ucd")), "param_unit": param.value("unit"),
        "param_utype": low(param.value("utype")), "param_std": flag(element.get("std")),
        "param_use": low(element.get("use")),
        **{f"param_{name}": entry for name, entry in data_type(param.first("dataType")).items()},
    }


_UNTYPED: dict[str, str | None] = dict.fromkeys(("datatype", "extended_schema", "extended_type", "arraysize", "delim"))


def data_type(kind: etree._Element | None) -> dict[str, str | None]:
    """What a dataType element says, as RegTAP's columns of parameters and of table columns name it."""
    if kind is None:
        return _UNTYPED
    get = kind.get
    return {
        "datatype": low(text(kind)), "extended_schema": clean(get("extendedSchema")),
        "extended_type": clean(get("extendedType")), "arraysize": clean(get("arraysize")), "delim": clean(get("delim")),
    }
