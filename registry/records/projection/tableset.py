"""Rows of schemas, tables and columns (RegTAP 1.2 §8.6 to §8.8)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from registry.records.projection.capabilities import data_type
from registry.records.projection.values import Part, Record, Rows, flag, joined, local, low, text, whole
from vosi.namespaces import canonical_type


def rows(record: Record) -> dict[str, Rows]:
    """The rows of rr_res_schema, rr_res_table and rr_table_column; indexes count from 1 in document order."""
    ivoid = record.ivoid
    schemas: Rows = []
    tables: Rows = []
    columns: Rows = []
    for tableset in record.parts("tableset"):
        for schema in tableset.parts("schema"):
            schemas.append(_schema(ivoid, len(schemas) + 1, schema))
            for table in schema.parts("table"):
                tables.append(_table(ivoid, len(schemas), len(tables) + 1, table))
                columns += [_column(ivoid, len(tables), column) for column in table.all("column")]
    return {"rr_res_schema": schemas, "rr_res_table": tables, "rr_table_column": columns}


def _schema(ivoid: str, index: int, schema: Part) -> dict[str, Any]:
    return {
        "ivoid": ivoid, "schema_index": index, "schema_name": schema.value("name"),
        "schema_title": schema.value("title"), "schema_description": schema.value("description"),
        "schema_utype": low(schema.value("utype")),
    }


def _table(ivoid: str, schema_index: int, index: int, table: Part) -> dict[str, Any]:
    return {
        "ivoid": ivoid, "table_index": index, "schema_index": schema_index,
        "table_name": table.value("name"),  # in its author's case (RegTAP 1.1 Erratum)
        "table_title": table.value("title"), "table_description": table.value("description"),
        "table_type": low(table.element.get("type")), "table_utype": low(table.value("utype")),
        "nrows": whole(table.value("nrows")),
    }


def _column(ivoid: str, table_index: int, column: etree._Element) -> dict[str, Any]:
    """One row; its element is walked once, for these are most of what there is."""
    found: dict[str, etree._Element] = {}
    flags = []
    for child in column:
        name = local(child.tag)
        if name == "flag":
            flags.append(child)
        elif name not in found:
            found[name] = child
    get = found.get
    kind = get("dataType")
    return {
        "ivoid": ivoid, "table_index": table_index, "name": text(get("name")), "ucd": low(text(get("ucd"))),
        "unit": text(get("unit")), "utype": low(text(get("utype"))), "std": flag(column.get("std")),
        "flag": joined(flags) if flags else None, "column_description": text(get("description")),
        "type_system": low(canonical_type(kind)) if kind is not None else None,
        **data_type(kind),
    }
