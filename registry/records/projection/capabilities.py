"""Rows of capabilities, interfaces and their parameters (RegTAP 1.2 §8.4, §8.5, §8.9)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.values import (
    Rows,
    clean,
    fields,
    first,
    flag,
    found,
    joined,
    low,
    owner,
    text,
    value,
)
from vosi.namespaces import canonical_type


def rows(element: etree._Element) -> dict[str, Rows]:
    """The rows of rr_capability, rr_interface and rr_intf_param; indexes count from 1 in document order."""
    ivoid = owner(element)
    capabilities: Rows = []
    interfaces: Rows = []
    params: Rows = []
    for cap_index, capability in enumerate(found(element, "capability"), 1):
        capabilities.append(_capability(ivoid, cap_index, capability))
        for interface in found(capability, "interface"):
            intf_index = len(interfaces) + 1
            interfaces.append(_interface(ivoid, cap_index, intf_index, interface))
            params += [_param(ivoid, intf_index, param) for param in found(interface, "param")]
    return {"rr_capability": capabilities, "rr_interface": interfaces, "rr_intf_param": params}


def _capability(ivoid: str, index: int, capability: etree._Element) -> dict[str, Any]:
    return {
        "ivoid": ivoid, "cap_index": index, "cap_type": low(canonical_type(capability)),
        "cap_description": value(capability, "description"), "standard_id": low(capability.get("standardID")),
    }


def _interface(ivoid: str, cap_index: int, index: int, interface: etree._Element) -> dict[str, Any]:
    access = first(interface, "accessURL")
    mirrors = (text(mirror) for mirror in found(interface, "mirrorURL"))
    return {
        "ivoid": ivoid, "intf_index": index, "cap_index": cap_index,
        "intf_type": low(canonical_type(interface)),
        "intf_role": low(interface.get("role")),
        "std_version": clean(interface.get("version")),
        "query_type": joined(interface, "queryType"),
        "result_type": low(value(interface, "resultType")),
        "wsdl_url": value(interface, "wsdlURL"),
        "url_use": low(access.get("use")) if access is not None else None,
        "access_url": text(access),
        "mirror_url": "#".join(mirror for mirror in mirrors if mirror) or None,
        "authenticated_only": _authenticated_only(interface),
    }


def _authenticated_only(interface: etree._Element) -> int:
    """1 where every security method named asks who one is; one without a standardID means anonymous use."""
    methods = list(found(interface, "securityMethod"))
    return int(bool(methods) and all(method.get("standardID") for method in methods))


def _param(ivoid: str, index: int, param: etree._Element) -> dict[str, Any]:
    content = fields(param)
    kind = first(param, "dataType")
    return {
        "ivoid": ivoid, "intf_index": index,
        "param_name": content.get("name"), "param_description": content.get("description"),
        "param_ucd": low(content.get("ucd")), "param_unit": content.get("unit"),
        "param_utype": low(content.get("utype")), "param_std": flag(param.get("std")),
        "param_use": low(param.get("use")),
        **{f"param_{name}": entry for name, entry in data_type(kind).items()},
    }


def data_type(kind: etree._Element | None) -> dict[str, str | None]:
    """What a dataType element says, as RegTAP's columns of parameters and of table columns name it."""
    if kind is None:
        return dict.fromkeys(("datatype", "extended_schema", "extended_type", "arraysize", "delim"))
    return {
        "datatype": low(text(kind)), "extended_schema": clean(kind.get("extendedSchema")),
        "extended_type": clean(kind.get("extendedType")), "arraysize": clean(kind.get("arraysize")),
        "delim": clean(kind.get("delim")),
    }
