"""Rows of schemas, tables and columns (RegTAP 1.2 §8.6 to §8.8)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.capabilities import data_type
from registry.records.projection.values import Rows, fields, first, flag, found, joined, low, owner, value, whole
from vosi.namespaces import canonical_type


def rows(element: etree._Element) -> dict[str, Rows]:
    """The rows of rr_res_schema, rr_res_table and rr_table_column; indexes count from 1 in document order."""
    ivoid = owner(element)
    schemas: Rows = []
    tables: Rows = []
    columns: Rows = []
    for schema_index, schema in enumerate(found(element, "tableset", "schema"), 1):
        schemas.append(_schema(ivoid, schema_index, schema))
        for table in found(schema, "table"):
            table_index = len(tables) + 1
            tables.append(_table(ivoid, schema_index, table_index, table))
            columns += [_column(ivoid, table_index, column) for column in found(table, "column")]
    return {"rr_res_schema": schemas, "rr_res_table": tables, "rr_table_column": columns}


def _schema(ivoid: str, index: int, schema: etree._Element) -> dict[str, Any]:
    return {
        "ivoid": ivoid, "schema_index": index, "schema_name": value(schema, "name"),
        "schema_title": value(schema, "title"), "schema_description": value(schema, "description"),
        "schema_utype": low(value(schema, "utype")),
    }


def _table(ivoid: str, schema_index: int, index: int, table: etree._Element) -> dict[str, Any]:
    return {
        "ivoid": ivoid, "table_index": index, "schema_index": schema_index,
        "table_name": value(table, "name"),  # in its author's case (RegTAP 1.1 Erratum)
        "table_title": value(table, "title"), "table_description": value(table, "description"),
        "table_type": low(table.get("type")), "table_utype": low(value(table, "utype")),
        "nrows": whole(value(table, "nrows")),
    }


def _column(ivoid: str, table_index: int, column: etree._Element) -> dict[str, Any]:
    content = fields(column)
    kind = first(column, "dataType")
    return {
        "ivoid": ivoid, "table_index": table_index, "name": content.get("name"), "ucd": low(content.get("ucd")),
        "unit": content.get("unit"), "utype": low(content.get("utype")), "std": flag(column.get("std")),
        "flag": joined(column, "flag"), "column_description": content.get("description"),
        "type_system": low(canonical_type(kind)) if kind is not None else None,
        **data_type(kind),
    }
