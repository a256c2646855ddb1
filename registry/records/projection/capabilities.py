"""Rows of capabilities, interfaces and their parameters (RegTAP 1.2 §8.4, §8.5, §8.9)."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from registry.records.projection.values import Part, Record, Row, Rows, clean, flag, low, text, whole_text

_UNTYPED = (None, None, None, None, None)
_LONGEST = 200  # characters of a data type that is remembered


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_capability, rr_interface and rr_intf_param; indexes count from 1 in document order."""
    ivoid = record.ivoid
    capabilities: Rows = []
    interfaces: Rows = []
    params: Rows = []
    for cap_index, capability in enumerate(record.parts("capability"), 1):
        element = capability.element
        capabilities.append((ivoid, cap_index, record.type_of(element), capability.value("description"),
                             low(element.get("standardID"))))
        for interface in capability.parts("interface"):
            intf_index = len(interfaces) + 1
            interfaces.append(_interface(record, cap_index, intf_index, interface))
            params += [_param(ivoid, intf_index, param) for param in interface.parts("param")]
    return {"rr_capability": capabilities, "rr_interface": interfaces, "rr_intf_param": params}


def _interface(record: Record, cap_index: int, index: int, interface: Part) -> Row:
    element = interface.element
    access = interface.first("accessURL")
    return (
        record.ivoid, index, cap_index, record.type_of(element), low(element.get("role")), clean(element.get("version")),
        interface.joined("queryType"), low(interface.value("resultType")), interface.value("wsdlURL"),
        low(access.get("use")) if access is not None else None, text(access),
        "#".join([mirror for one in interface.all("mirrorURL") if (mirror := text(one))]) or None,
        _authenticated_only(interface),
    )


def _authenticated_only(interface: Part) -> int:
    """1 where every security method named asks who one is; one without a standardID means anonymous use."""
    methods = interface.all("securityMethod")
    return int(bool(methods) and all(method.get("standardID") for method in methods))


def _param(ivoid: str, index: int, param: Part) -> Row:
    element = param.element
    return (
        ivoid, index, param.value("name"), param.value("description"), low(param.value("ucd")), param.value("unit"),
        low(param.value("utype")), flag(element.get("std")), low(element.get("use")),
        *data_type(param.first("dataType")),
    )


def data_type(kind: etree._Element | None) -> tuple[str | None, ...]:
    """What a dataType element says: datatype, extended_schema, extended_type, arraysize and delim of RegTAP."""
    if kind is None:
        return _UNTYPED
    name, attributes = whole_text(kind), tuple(kind.items())
    # the same few come again and again
    remembered = len(name or "") + sum([len(key) + len(value) for key, value in attributes]) < _LONGEST
    return (_data_type if remembered else _data_type.__wrapped__)(name, attributes)


@lru_cache(4096)
def _data_type(name: str | None, attributes: tuple[tuple[str, str], ...]) -> tuple[str | None, ...]:
    get = dict(attributes).get
    return (low(name), clean(get("extendedSchema")), clean(get("extendedType")), clean(get("arraysize")),
            clean(get("delim")))
