"""The documents that a TAP service has beside its answers: capabilities, availability, tables (TAP 1.1 §2.3, VOSI 1.1)."""

from __future__ import annotations

from functools import cache

from lxml import etree
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from registry import clock
from registry.config import Settings
from registry.errors import NotFound
from registry.records import table_access
from registry.search import described
from registry.search.described import DescribedColumn, DescribedSchema, DescribedTable
from registry.site import Site
from vosi import availability as availabilities, capabilities as capability_documents, namespaces as ns, tables
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface

_STARTED = clock.stamp()
_RESOURCES = ((ns.STD_VOSI_CAPABILITIES, "capabilities"), (ns.STD_VOSI_AVAILABILITY, "availability"),
              (ns.STD_VOSI_TABLES, "tables"), (table_access.STD_EXAMPLES, "examples"))


class NoTable(NotFound):
    """There is no table of that name."""


def every_capability(settings: Settings) -> tuple[Capability, ...]:
    """All that the service at /tap can do: queries, and what tells of them."""
    return (table_access.capability(settings), *(
        Capability(standard, interfaces=(Interface(access_url=settings.url(f"tap/{path}"), url_use="full", role="std"),))
        for standard, path in _RESOURCES))


def capabilities(settings: Settings) -> bytes:
    """The VOSI capabilities document."""
    return capability_documents.write(every_capability(settings))


def availability(site: Site) -> bytes:
    """The VOSI availability document: queries can be answered while the database answers. Never raises."""
    try:
        with site.database.read() as connection:
            connection.execute(text("SELECT 1"))
        notes: tuple[str, ...] = ()
    except SQLAlchemyError:
        notes = ("The database does not answer: nothing can be looked up until it does.",)
    return availabilities.write(Availability(available=not notes, up_since=_STARTED, notes=notes))


def table_set(detail: str = "max") -> bytes:
    """The VOSI tables document; with detail=min its tables have no columns."""
    return tables.document(tableset(), detail)


def one_table(name: str) -> bytes:
    """The VOSI document of one table. Raises NoTable."""
    found = tables.table(tableset(), name)
    if found is None:
        raise NoTable(f"There is no table {name[:60]!r} here: there are {', '.join(described.TABLES)}.")
    return found


@cache
def tableset() -> etree._Element:
    """The table set element, in no namespace: what TAP_SCHEMA says, as VODataService 1.2 §3.1 says it."""
    root = etree.Element("tableset", nsmap={"vs": ns.VS, "xsi": ns.XSI})
    for schema in described.SCHEMAS:
        _schema(etree.SubElement(root, "schema"), schema)
    return root


def _schema(element: etree._Element, schema: DescribedSchema) -> None:
    _leaf(element, "name", schema.name)
    _leaf(element, "description", schema.description)
    _leaf(element, "utype", schema.utype)
    for table in schema.tables:
        _table(etree.SubElement(element, "table"), table)


def _table(element: etree._Element, table: DescribedTable) -> None:
    _leaf(element, "name", table.name)
    _leaf(element, "description", table.description)
    _leaf(element, "utype", table.utype)
    for column in table.columns:
        _column(etree.SubElement(element, "column"), column)
    for key in table.keys:
        foreign = etree.SubElement(element, "foreignKey")
        _leaf(foreign, "targetTable", key.target)
        for own, target in key.columns:
            pair = etree.SubElement(foreign, "fkColumn")
            _leaf(pair, "fromColumn", own)
            _leaf(pair, "targetColumn", target)


def _column(element: etree._Element, column: DescribedColumn) -> None:
    if column.std:
        element.set("std", "true")
    _leaf(element, "name", column.quoted)
    _leaf(element, "description", column.description)
    _leaf(element, "unit", column.unit)
    _leaf(element, "ucd", column.ucd)
    _leaf(element, "utype", column.utype)
    kind = etree.SubElement(element, "dataType")
    kind.text = column.datatype
    kind.set(ns.clark(ns.XSI, "type"), "vs:VOTableType")
    for name, value in (("arraysize", column.arraysize), ("extendedType", column.xtype)):
        if value:
            kind.set(name, value)
    if column.indexed:
        _leaf(element, "flag", "indexed")


def _leaf(parent: etree._Element, name: str, words: str) -> None:
    """An element with a text; none for no text."""
    if words:
        etree.SubElement(parent, name).text = words
