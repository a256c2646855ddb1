"""The tables of this service itself as a VOSI table set: RegTAP's, made from the database schema.

One description for both, so that the two cannot differ. It says which tables are held; querying them is the search
room's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from lxml import etree
from sqlalchemy import BigInteger, Column, Float, Integer, SmallInteger, Table
from sqlalchemy.types import TypeEngine

from registry.tables import described, metadata
from vosi import namespaces as ns

_PREFIX = "rr_"
_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (  # narrower ones first: each is an Integer too
    (SmallInteger, "SMALLINT"), (BigInteger, "BIGINT"), (Integer, "INTEGER"), (Float, "DOUBLE"))


@cache
def tableset() -> etree._Element:
    """The table set element, in no namespace."""
    root = etree.Element("tableset", nsmap={"vs": ns.VS, "xsi": ns.XSI})
    schema = etree.SubElement(root, "schema")
    _leaf(schema, "name", "rr")
    _leaf(schema, "description", "The records of this registry as the tables of RegTAP 1.2.")
    for name in sorted(metadata.tables):
        if name.startswith(_PREFIX):
            _table(schema, metadata.tables[name])
    return root


def _table(schema: etree._Element, table: Table) -> None:
    element = etree.SubElement(schema, "table")
    _leaf(element, "name", f"rr.{table.name.removeprefix(_PREFIX)}")
    for column in described(table):
        _column(element, column)


def _column(table: etree._Element, column: Column[Any]) -> None:
    element = etree.SubElement(table, "column")
    _leaf(element, "name", column.name)
    kind = next((name for type_, name in _TYPES if isinstance(column.type, type_)), "VARCHAR")
    data_type = _leaf(element, "dataType", kind)
    data_type.set(ns.clark(ns.XSI, "type"), "vs:TAPType")
    if kind == "VARCHAR":
        data_type.set("arraysize", "*")


def _leaf(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element
