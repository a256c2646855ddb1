"""What a service can do and where: capabilities and their interfaces (VOResource 1.2 §3.2, VODataService 1.2 §3.3).

`read` takes them from VOSI documents, `of_record` from records, `write` makes a VOSI document of them. Metadata of
extensions is not modelled: a capability that has been read keeps its XML beside its values, and that is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from vosi import namespaces as ns, spans, xmlio
from vosi.writing import Writer

_PLAIN_INTERFACES = frozenset({"vs:ParamHTTP", "vr:WebBrowser", "vr:WebService", "vg:OAIHTTP"})
_SIMPLE = frozenset({"integer", "real", "complex", "boolean", "char", "string"})
_VOTABLE = frozenset({
    "bit", "unsignedByte", "short", "int", "long", "unicodeChar", "float", "double", "floatComplex", "doubleComplex"})


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
class Extra:
    """An element that a type of capability adds: with a text, or with elements inside it."""

    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    inside: tuple[Extra, ...] = ()


@dataclass(frozen=True)
class Capability:
    """One capability. `type` is its xsi:type with the canonical prefix, '' for a plain one.

    `xml` is the element as it was read, self-contained; where there is one, it is what gets written, whatever the
    other fields say. `extra` are the elements of the type in the order of its schema, written behind the interfaces;
    a pair is (name, text): ("maxRecords", "0") for a vg:Harvest. `extensions` makes them.
    """

    standard_id: str = ""
    type: str = ""
    description: str = ""
    interfaces: tuple[Interface, ...] = ()
    xml: bytes | None = None
    extra: tuple[tuple[str, str] | Extra, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a VOSI capabilities document says, and one sentence for each fault of it."""

    capabilities: tuple[Capability, ...]
    problems: list[str]


# --- reading ----------------------------------------------------------------------------------------------------------


def read(data: bytes) -> Reading:
    """The capabilities in a VOSI document as services send them: odd prefixes, no namespace, a byte order mark.

    A VOResource record is read too, with that said. Raises XmlRefused when it is not XML.
    """
    text = xmlio.to_utf8(data)
    root = xmlio.parse(text, max_bytes=xmlio.MAX_PAGE)
    scanner = xmlio.Scanner(text, lambda path: len(path) == 2 and path[1][1] == "capability").run()
    pieces = [piece for kind, _, piece, _ in scanner.events if kind == "record" and isinstance(piece, bytes)]
    problems = _faults_of_root(root, bool(pieces))
    found = tuple(_of_piece(piece, problems) for piece in pieces)
    if not pieces and etree.QName(root).localname == "capabilities":
        problems.append("It lists no capability.")
    return Reading(found, list(dict.fromkeys(problems)))


def of_record(element: etree._Element) -> tuple[Capability, ...]:
    """The capabilities of a record, each with its XML. Never raises."""
    return tuple(_of_element(child, xml_of(child)) for child in element.iterchildren("{*}capability"))


def xml_of(element: etree._Element) -> bytes:
    """The bytes of an element inside a tree, self-contained."""
    return xmlio.self_contained(etree.tostring(element, with_tail=False, encoding="UTF-8"), {})


def _faults_of_root(root: etree._Element, has_capabilities: bool) -> list[str]:
    name = etree.QName(root)
    if name.localname == "capabilities":
        if not name.namespace:
            return ["Its root element capabilities is in no namespace."]
        if name.namespace != ns.VOSI_CAPABILITIES:
            return [f"Its root element is in the namespace {name.namespace}."]
        return []
    if has_capabilities:
        return [f"It is no VOSI capabilities document: its root element is {name.localname}."]
    return [f"It is XML, but no VOSI capabilities document: its root element is {name.localname}."]


def _of_piece(piece: bytes, problems: list[str]) -> Capability:
    element = xmlio.parse(piece, max_bytes=xmlio.MAX_PAGE)
    namespace = etree.QName(element).namespace
    if namespace:
        problems.append(f"Its capability elements are in the namespace {namespace}; they belong in none.")
        piece = spans.unqualified(piece, {namespace})
        element = xmlio.parse(piece, max_bytes=xmlio.MAX_PAGE)
    capability = _of_element(element, piece)
    problems.extend(_faults(capability))
    return capability


def _faults(capability: Capability) -> Iterator[str]:
    name = capability.standard_id or "without standardID"
    for interface in capability.interfaces:
        if not interface.type:
            yield f"An interface of the capability {name} has no xsi:type."
        if not interface.access_url:
            yield f"An interface of the capability {name} has no accessURL."
        elif interface.access_url.partition(":")[0].lower() not in ("http", "https"):
            yield f"The accessURL {interface.access_url[:200]} of the capability {name} is not one of http or https."


def _of_element(element: etree._Element, xml: bytes) -> Capability:
    return Capability(
        standard_id=element.get("standardID", "").strip() or _text(element, "standardID"),
        type=ns.canonical_type(element), description=_text(element, "description"),
        interfaces=tuple(map(_interface, element.iterchildren("{*}interface"))), xml=xml,
    )


def _interface(element: etree._Element) -> Interface:
    urls = list(element.iterchildren("{*}accessURL"))
    return Interface(
        type=ns.canonical_type(element), access_url=_tidy(urls[0]) if urls else "",
        url_use=(urls[0].get("use", "").strip() if urls else "") or "full", role=element.get("role", "").strip(),
        version=element.get("version", "").strip(),
        security_methods=tuple(
            found.get("standardID", "").strip() for found in element.iterchildren("{*}securityMethod")),
        query_types=_texts(element, "queryType"), result_type=_text(element, "resultType"),
        params=tuple(map(_param, element.iterchildren("{*}param"))),
        mirror_urls=(*map(_tidy, urls[1:]), *_texts(element, "mirrorURL")),
        test_query=_text(element, "testQueryString") or _text(element, "testQuery"),
    )


def _param(element: etree._Element) -> Param:
    std = {"true": True, "1": True, "false": False, "0": False}.get(element.get("std", "").strip())
    shape = next((found.get("arraysize", "").strip() for found in element.iterchildren("{*}dataType")), "")
    return Param(
        name=_text(element, "name"), description=_text(element, "description"), ucd=_text(element, "ucd"),
        unit=_text(element, "unit"), datatype=_text(element, "dataType"), use=element.get("use", "").strip(), std=std,
        arraysize=shape,
    )


def _texts(element: etree._Element, name: str) -> tuple[str, ...]:
    return tuple(text for found in element.iterchildren(f"{{*}}{name}") if (text := _tidy(found)))


def _text(element: etree._Element, name: str) -> str:
    return next(iter(_texts(element, name)), "")


def _tidy(element: etree._Element) -> str:
    return " ".join(str(element.xpath("string()")).split())


# --- writing ----------------------------------------------------------------------------------------------------------


def write(capabilities: Iterable[Capability]) -> bytes:
    """A VOSI capabilities document (VOSI 1.1 §2.1), with XML declaration. Raises XmlRefused for illegal characters."""
    listed = tuple(capabilities)
    writer = Writer()
    types = (name for one in listed for name in types_of(one))
    declared = {"xmlns:vosi": ns.VOSI_CAPABILITIES, **ns.declarations(types, ("vr", "xsi"))}
    with writer.element("vosi:capabilities", declared):
        for capability in listed:
            write_into(writer, capability)
    return xmlio.DECLARATION + writer.done()


def types_of(capability: Capability) -> Iterator[str]:
    """The xsi:types whose prefixes must be bound around it; none where it brings its own XML."""
    if capability.xml is None:
        if capability.type:
            yield capability.type
        yield from types_of_interfaces(capability.interfaces)


def types_of_interfaces(interfaces: Iterable[Interface]) -> Iterator[str]:
    """The xsi:types of interfaces and of what they hold."""
    for interface in interfaces:
        if interface.type:
            yield interface.type
        if interface.params:
            yield "vs:DataType"


def write_into(writer: Writer, capability: Capability) -> None:
    """The capability as a child of what is being written there, which binds the prefixes of `types_of`."""
    if capability.xml is not None:
        writer.piece(one_method_each(capability.xml))
        return
    with writer.element("capability", {"xsi:type": capability.type, "standardID": capability.standard_id}):
        writer.leaf("description", capability.description.strip())
        for interface in capability.interfaces:
            write_interface(writer, interface)
        for one in capability.extra:
            _write_extra(writer, one if isinstance(one, Extra) else Extra(*one))


def write_interface(writer: Writer, interface: Interface) -> None:
    """The interface as a child of what is being written there: one for each of its security methods."""
    for method in interface.security_methods or (None,):
        _write_interface(writer, interface, method)


def _write_extra(writer: Writer, extra: Extra) -> None:
    if extra.text:
        writer.leaf(extra.name, extra.text, dict(extra.attributes))
    elif extra.inside or extra.attributes:
        with writer.element(extra.name, dict(extra.attributes)):
            for one in extra.inside:
                _write_extra(writer, one)


def one_method_each(xml: bytes) -> bytes:
    """The capability element with an interface for each security method, as VOResource 1.2 §3.2.1 has it.

    An interface that lists several is repeated whole; all other bytes stay.
    """
    every = spans.spans(xml)
    edits: list[spans.Edit] = []
    for interface in (one for one in every if len(one.path) == 2 and one.path[1] == "interface"):
        methods = [one for one in every if len(one.path) == 3 and one.path[2] == "securityMethod"
                   and interface.start < one.start < interface.end]
        if len(methods) > 1:
            copies = []
            for kept in methods:
                others = [(one.start - interface.start, one.end - interface.start, b"")
                          for one in methods if one is not kept]
                copies.append(spans.edited(xml[interface.start:interface.end], others))
            edits.append((interface.start, interface.end, b"".join(copies)))
    return spans.edited(xml, edits) if edits else xml


def _write_interface(writer: Writer, interface: Interface, method: str | None) -> None:
    """One interface with at most one security method, as VOResource 1.2 §3.2.1 has it."""
    attributes = {"xsi:type": interface.type, "role": interface.role, "version": interface.version}
    with writer.element("interface", attributes):
        writer.leaf("accessURL", interface.access_url, {"use": interface.url_use})
        writer.leaves("mirrorURL", interface.mirror_urls)
        if method:
            with writer.element("securityMethod", {"standardID": method}):
                pass
        writer.leaf("testQueryString", interface.test_query)
        if interface.type == "vs:ParamHTTP":
            writer.leaves("queryType", interface.query_types)
            writer.leaf("resultType", interface.result_type)
            for param in interface.params:
                _write_param(writer, param)


def _write_param(writer: Writer, param: Param) -> None:
    std = "" if param.std is None else str(param.std).lower()
    with writer.element("param", {"use": param.use, "std": std}):
        for name in ("name", "description", "unit", "ucd"):
            writer.leaf(name, " ".join(getattr(param, name).split()))
        writer.leaf("dataType", param.datatype, {"xsi:type": _kind(param.datatype), "arraysize": param.arraysize})


def _kind(datatype: str) -> str:
    if datatype in _SIMPLE:
        return "vs:SimpleDataType"
    return "vs:VOTableType" if datatype in _VOTABLE else ""


def plain(capability: Capability) -> Capability:
    """What VOResource 1.2 can say of it without its XML: for one whose XML is not valid, or in unknown vocabularies.

    Its own type and what that adds are lost; an interface of an unknown type becomes a vs:ParamHTTP.
    """
    interfaces = tuple(
        one if one.type in _PLAIN_INTERFACES else replace(one, type="vs:ParamHTTP")
        for one in capability.interfaces if one.access_url)
    return replace(capability, type="", xml=None, extra=(), interfaces=interfaces)


def readdressed(capability: Capability, new_url: Callable[[str], str]) -> Capability:
    """The capability with each accessURL replaced by what `new_url` makes of it, in its XML too; mirrors stay."""
    interfaces = tuple(
        replace(one, access_url=new_url(one.access_url)) if one.access_url else one for one in capability.interfaces)
    xml = capability.xml
    if xml is not None:
        xml = spans.with_texts(xml, lambda span: span.path[-2:] == ("interface", "accessURL"), new_url)
    return replace(capability, interfaces=interfaces, xml=xml)
