"""The projection: RegTAP 1.2 §8, and how its words and cells are found.

The tables `rr_*` are rows derived from the records (decision D17), never written by hand. Columns that RegTAP does not
know have names that occur in no other table, so that a NATURAL JOIN never takes them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from registry import words
from registry.tables.base import by_value, metadata

_OURS = {"ours": True}


def _row(table: str) -> Column[int]:
    """The row's own number, by which its words and cells are found."""
    return Column(f"{table}_row", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, info=_OURS)


def is_number(column: Column[Any]) -> bool:
    """Whether it is the row's own number, which the database gives."""
    return column.primary_key and bool(column.info.get("ours"))


def described(table: Table) -> list[Column[Any]]:
    """The columns of a table `rr_*` that RegTAP describes: all but ours."""
    return [column for column in table.columns if not column.info.get("ours")]


def _ivoid(**options: object) -> Column[str]:
    return Column("ivoid", String, nullable=False, **options)  # type: ignore[arg-type]


rr_resource = Table(
    "rr_resource", metadata, _ivoid(unique=True),
    Column("res_type", String), Column("created", String), Column("short_name", String), Column("res_title", Text),
    Column("updated", String, index=True), Column("content_level", String), Column("res_description", Text),
    Column("reference_url", Text), Column("creator_seq", Text), Column("content_type", String),
    Column("source_format", String), Column("source_value", Text), Column("res_version", String),
    Column("region_of_regard", Float), Column("waveband", String), Column("rights", Text),
    Column("rights_uri", Text), Column("harvested_from", String), _row("resource"),
)
# what a search counts, without the long texts between
Index("rr_resource_by_facets", rr_resource.c.ivoid, rr_resource.c.res_type, rr_resource.c.waveband).ddl_if(dialect="sqlite")
rr_res_role = Table(
    "rr_res_role", metadata, _row("res_role"), _ivoid(index=True),
    Column("role_name", Text), Column("role_ivoid", String), Column("street_address", Text), Column("email", String),
    Column("telephone", String), Column("logo", Text), Column("base_role", String),
)
rr_res_subject = Table(
    "rr_res_subject", metadata, _row("res_subject"), _ivoid(), Column("res_subject", Text),
)
Index("rr_res_subject_by_ivoid", rr_res_subject.c.ivoid).ddl_if(dialect="postgresql")
Index("rr_res_subject_of_record", rr_res_subject.c.ivoid, rr_res_subject.c.res_subject).ddl_if(dialect="sqlite")
by_value(rr_res_subject.c.res_subject)
rr_capability = Table(
    "rr_capability", metadata, Column("ivoid", String, primary_key=True),
    Column("cap_index", SmallInteger, primary_key=True), Column("cap_type", String),
    Column("cap_description", Text), Column("standard_id", String),
    sqlite_with_rowid=False,  # a search joins it by its key: one look instead of two
)
by_value(rr_capability.c.cap_type)
by_value(rr_capability.c.standard_id).ddl_if(dialect="postgresql")
Index("rr_capability_by_standard", rr_capability.c.standard_id, rr_capability.c.ivoid).ddl_if(dialect="sqlite")
rr_interface = Table(
    "rr_interface", metadata, Column("ivoid", String, primary_key=True),
    Column("intf_index", SmallInteger, primary_key=True), Column("cap_index", SmallInteger, nullable=False),
    Column("intf_type", String), Column("intf_role", String), Column("std_version", String),
    Column("query_type", String), Column("result_type", String), Column("wsdl_url", Text), Column("url_use", String),
    Column("access_url", Text), Column("mirror_url", Text), Column("authenticated_only", SmallInteger),
    sqlite_with_rowid=False,
)
by_value(rr_interface.c.access_url)
rr_intf_param = Table(
    "rr_intf_param", metadata, _row("intf_param"), _ivoid(index=True), Column("intf_index", SmallInteger, nullable=False),
    Column("name", String), Column("param_description", Text), Column("ucd", String), Column("unit", String),
    Column("utype", String), Column("std", SmallInteger), Column("datatype", String),
    Column("extended_schema", String), Column("extended_type", String), Column("arraysize", String),
    Column("delim", String), Column("param_use", String),
)
rr_res_schema = Table(
    "rr_res_schema", metadata, _row("res_schema"), _ivoid(),
    Column("schema_index", SmallInteger, nullable=False), Column("schema_description", Text),
    Column("schema_name", String), Column("schema_title", Text), Column("schema_utype", String),
    UniqueConstraint("ivoid", "schema_index"),
)
rr_res_table = Table(
    "rr_res_table", metadata, _row("res_table"), _ivoid(),
    Column("table_index", SmallInteger, nullable=False), Column("schema_index", SmallInteger),
    Column("table_description", Text), Column("table_name", String), Column("table_title", Text),
    Column("table_type", String), Column("table_utype", String), Column("nrows", BigInteger),
    UniqueConstraint("ivoid", "table_index"),
)
by_value(rr_res_table.c.table_name)
rr_table_column = Table(
    "rr_table_column", metadata, _row("table_column"), _ivoid(), Column("table_index", SmallInteger, nullable=False),
    Column("name", String), Column("ucd", String), Column("unit", String), Column("utype", String), Column("std", SmallInteger),
    Column("datatype", String), Column("extended_schema", String), Column("extended_type", String), Column("arraysize", String),
    Column("delim", String), Column("type_system", String), Column("flag", String), Column("column_description", Text),
)
Index("rr_table_column_by_table", rr_table_column.c.ivoid, rr_table_column.c.table_index)
Index("rr_table_column_by_ucd", rr_table_column.c.ucd, rr_table_column.c.ivoid).ddl_if(dialect="sqlite")
# finds by the first letters too, and takes values of any length
Index("rr_table_column_ucd", rr_table_column.c.ucd, postgresql_using="spgist").ddl_if(dialect="postgresql")
rr_relationship = Table(
    "rr_relationship", metadata, _row("relationship"), _ivoid(index=True), Column("relationship_type", String),
    Column("related_id", String), Column("related_name", Text),
)
by_value(rr_relationship.c.related_id)
rr_validation = Table(
    "rr_validation", metadata, _row("validation"), _ivoid(index=True), Column("validated_by", String),
    Column("val_level", SmallInteger), Column("cap_index", SmallInteger),
)
rr_res_date = Table(
    "rr_res_date", metadata, _row("res_date"), _ivoid(index=True), Column("date_value", String), Column("value_role", String),
)
rr_res_detail = Table(
    "rr_res_detail", metadata, _row("res_detail"), _ivoid(index=True), Column("cap_index", SmallInteger),
    Column("detail_xpath", String), Column("detail_value", Text),
)
by_value(rr_res_detail.c.detail_xpath).ddl_if(dialect="postgresql")
by_value(rr_res_detail.c.detail_value).ddl_if(dialect="postgresql")
Index("rr_res_detail_by_path", rr_res_detail.c.detail_xpath, rr_res_detail.c.detail_value).ddl_if(dialect="sqlite")
rr_alt_identifier = Table(
    "rr_alt_identifier", metadata, _row("alt_identifier"), _ivoid(index=True), Column("alt_identifier", String),
)
by_value(rr_alt_identifier.c.alt_identifier)

rr_stc_spatial = Table(
    "rr_stc_spatial", metadata, _row("stc_spatial"), _ivoid(index=True),
    Column("coverage", Text),  # a MOC
    Column("ref_system_name", String),
    Column("coverage_cells", Text, info=_OURS),  # JSON list of its cells' uniq numbers
    Column("coverage_area", BigInteger, info=_OURS),  # in cells of order 13
)
moc_cells = Table(  # by triggers, from coverage_cells; order 13 at most, so that a number fits
    "moc_cells", metadata, Column("uniq", Integer, primary_key=True, autoincrement=False),
    Column("stc_spatial_row", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
rr_stc_temporal = Table(
    "rr_stc_temporal", metadata, _row("stc_temporal"), _ivoid(index=True), Column("time_start", Float), Column("time_end", Float),
)
Index("rr_stc_temporal_by_time", rr_stc_temporal.c.time_start, rr_stc_temporal.c.time_end)
rr_stc_spectral = Table(
    "rr_stc_spectral", metadata, _row("stc_spectral"), _ivoid(index=True),
    Column("spectral_start", Float), Column("spectral_end", Float),
)
Index("rr_stc_spectral_by_energy", rr_stc_spectral.c.spectral_start, rr_stc_spectral.c.spectral_end)
rr_tap_table = Table(  # tables that a TAP service `svcid` lets query, as the resource `resid` describes them
    "rr_tap_table", metadata, _row("tap_table"), Column("resid", String, nullable=False, index=True),
    Column("svcid", String, nullable=False), Column("table_name", String), Column("table_title", Text),
    Column("table_description", Text), Column("table_utype", String),
)
Index("rr_tap_table_by_service", rr_tap_table.c.svcid, rr_tap_table.c.table_name, rr_tap_table.c.resid).ddl_if(dialect="sqlite")
by_value(rr_tap_table.c.svcid).ddl_if(dialect="postgresql")

words.prepare(metadata)
words.index(rr_resource, rr_resource.c.res_title, rr_resource.c.res_description, ranked=True)
words.index(rr_res_subject, rr_res_subject.c.res_subject)
words.index(rr_res_schema, rr_res_schema.c.schema_description, rr_res_schema.c.schema_title)
words.index(rr_res_table, rr_res_table.c.table_description, rr_res_table.c.table_title)
words.index(rr_table_column, rr_table_column.c.column_description)
words.index(rr_intf_param, rr_intf_param.c.param_description)
words.index(rr_tap_table, rr_tap_table.c.table_description, rr_tap_table.c.table_title)
words.cells(rr_stc_spatial, moc_cells)
