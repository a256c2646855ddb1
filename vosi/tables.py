"""The tables of a service: VOSI table sets read, carried into records, and written from records (VOSI 1.1 §2.4).

A table set is passed on as its author wrote it; only what VODataService 1.2 cannot say is mended or left out, and told.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from vosi import namespaces as ns, spans, xmlio

_NAMESPACES = frozenset({
    ns.VOSI_TABLES, ns.VS, "http://www.ivoa.net/xml/VODataService/v1.0", "http://www.ivoa.net/xml/VODataSource/v1.0"})
_SETS = frozenset({*_NAMESPACES, None})
_DATA_TYPES = {"TAP": "TAPType", "TAPType": "TAPType", "VOTable": "VOTableType", "VOTableType": "VOTableType"}
_VALUES = {
    "TAPType": frozenset({
        "BOOLEAN", "SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE", "TIMESTAMP", "CHAR", "VARCHAR", "BINARY",
        "VARBINARY", "POINT", "REGION", "CLOB", "BLOB"}),
    "VOTableType": frozenset({
        "boolean", "bit", "unsignedByte", "short", "int", "long", "char", "unicodeChar", "float", "double",
        "floatComplex", "doubleComplex"}),
}
_XSI_TYPE = ns.clark(ns.XSI, "type")


@dataclass(frozen=True)
class Reading:
    """A table set as one self-contained `tableset` element in no namespace, None without one; and its faults."""

    tableset: bytes | None
    problems: list[str]


def read(data: bytes) -> Reading:
    """The table set of a VOSI document as services send it, ready to be carried into a record.

    Raises XmlRefused when it is not XML.
    """
    text = xmlio.root_of(data, max_bytes=xmlio.MAX_PAGE)
    root = xmlio.parse(text, max_bytes=xmlio.MAX_PAGE)
    name = etree.QName(root)
    if name.localname != "tableset" or name.namespace not in _SETS:
        return Reading(None, [f"It is XML, but no VOSI table set: its root element is {name.localname}."])
    problems = [] if name.namespace in (ns.VOSI_TABLES, ns.VS) else [
        "Its root element tableset is in no namespace." if not name.namespace else
        f"Its root element is in the namespace {name.namespace}."]
    problems += _mend(root)
    kept = spans.unqualified(xmlio.self_contained(etree.tostring(root, encoding="UTF-8"), {}), _NAMESPACES)
    return Reading(kept, list(dict.fromkeys(problems)))


def carried(data: bytes) -> bytes:
    """The table set in `data` as a record holds it. Raises XmlRefused where there is none."""
    reading = read(data)
    if reading.tableset is None:
        raise xmlio.XmlRefused(reading.problems[0])
    return reading.tableset


def document(tableset: etree._Element, detail: str = "max") -> bytes:
    """A VOSI table set document from a record's `tableset` element; with detail=min its tables have no columns."""
    copy = etree.fromstring(etree.tostring(tableset, with_tail=False, encoding="UTF-8"))
    if detail == "min":
        for table_ in copy.iter("{*}table"):
            for child in [*table_.iterchildren("{*}column"), *table_.iterchildren("{*}foreignKey")]:
                table_.remove(child)
    return _written(copy, "vosi:tableset")


def table(tableset: etree._Element, name: str) -> bytes | None:
    """A VOSI document of the one table of that name, alone or behind its schema's name and a dot; None without one."""
    for exact in (True, False):  # a name in another case counts only where no table has it as it is
        for schema in tableset.iterchildren("{*}schema"):
            for table_ in schema.iterchildren("{*}table"):
                if _fits(name, _name(schema), _name(table_), exact):
                    return _written(table_, "vosi:table")
    return None


def names(tableset: etree._Element) -> list[str]:
    """The names of its tables in document order."""
    return [_name(found) for found in tableset.iterfind("{*}schema/{*}table")]


def _written(element: etree._Element, name: str) -> bytes:
    piece = xmlio.self_contained(etree.tostring(element, with_tail=False, encoding="UTF-8"), {})
    return xmlio.DECLARATION + spans.renamed(piece, name, {"vosi": ns.VOSI_TABLES}) + b"\n"


def _fits(wanted: str, schema: str, name: str, exact: bool) -> bool:
    choices = (name, f"{schema}.{name}")
    return wanted in choices if exact else wanted.lower() in (choice.lower() for choice in choices)


def _name(element: etree._Element) -> str:
    return " ".join((element.findtext("{*}name") or "").split())


def _mend(root: etree._Element) -> list[str]:
    """Make its data types what VODataService 1.2 has, and drop attributes of other vocabularies; the faults found."""
    problems: list[str] = []
    for element in root.iter(etree.Element):
        for attribute in list(element.attrib):
            namespace = etree.QName(attribute).namespace
            if namespace and namespace not in (ns.XSI, ns.XML):
                del element.attrib[attribute]
                problems.append(f"Its attributes of the namespace {namespace} are left out.")
    for found in list(root.iter("{*}column")):
        for data_type in list(found.iterchildren("{*}dataType")):
            problems += _mend_data_type(found, data_type)
    return problems


def _mend_data_type(column: etree._Element, data_type: etree._Element) -> list[str]:
    written = data_type.get(_XSI_TYPE, "").strip()
    prefix, _, local = written.rpartition(":")
    kind = _DATA_TYPES.get(local, "")
    said = " ".join((data_type.text or "").split())
    value = said.removeprefix("adql:")
    if value not in _VALUES.get(kind, frozenset()):
        column.remove(data_type)
        return [f"A data type {said or '(empty)'} of the kind {written or '(none)'} is unknown; it is left out."]
    if value != said:
        data_type.text = value
    if local == kind and data_type.nsmap.get(prefix or None) == ns.VS:
        return []
    bound = next((name for name, uri in data_type.nsmap.items() if uri == ns.VS and name), None)
    if bound is None:
        column.remove(data_type)
        return ["Its data types are of no kind that VODataService has; they are left out."]
    data_type.set(_XSI_TYPE, f"{bound}:{kind}")
    return [f"A data type is said to be of the kind {written}; it is carried as {bound}:{kind}."]
