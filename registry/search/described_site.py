"""TAP_SCHEMA's own tables (TAP 1.1 §4) and this datacenter's, as text in the form that `described` reads."""

from __future__ import annotations

TAP_SCHEMA_DESCRIPTION = "What can be queried here: schemas, tables, columns and how they belong together."

TAP_SCHEMA = """
schemas: The schemas.
schema_name text |  |  | Its name.
utype text |  |  | The data model it follows.
description text |  |  | What its tables have in common.
schema_index int |  |  | Its place in a list for people.

tables: The tables.
-> tap_schema.schemas (schema_name)
schema_name text |  |  | The schema it belongs to.
table_name text |  |  | Its name as queries write it.
table_type text |  |  | table or view.
utype text |  |  | What it represents in a data model.
description text |  |  | What it holds.
table_index int |  |  | Its place in a list for people.

columns: The columns.
-> tap_schema.tables (table_name)
table_name text |  |  | The table it belongs to.
column_name text |  |  | Its name as queries write it.
datatype text |  |  | Its type in VOTables.
arraysize text |  |  | Shape of its values in VOTables.
xtype text |  |  | What its values are beyond their type.
size int |  |  | Not used; arraysize says it.
description text |  |  | What it holds.
utype text |  |  | What it represents in a data model.
unit text |  |  | Its unit.
ucd text |  |  | Its UCD.
indexed int |  |  | 1 where looking for a value in it is fast, else 0.
principal int |  |  | 1 where it is shown to everybody, else 0.
std int |  |  | 1 where a standard defines it, else 0.
column_index int |  |  | Its place in the table.

keys: How rows of a table belong to rows of another.
-> tap_schema.tables (from_table=table_name)
-> tap_schema.tables (target_table=table_name)
key_id text |  |  | Its name.
from_table text |  |  | The table whose rows belong.
target_table text |  |  | The table they belong to.
utype text |  |  | What it represents in a data model.
description text |  |  | What it says.

key_columns: The columns of the keys.
-> tap_schema.keys (key_id)
key_id text |  |  | The key.
from_column text |  |  | Column of the table whose rows belong.
target_column text |  |  | The target's column with the same value.
"""

SITE_DESCRIPTION = "What this datacenter knows of its services beyond their records."

SITE = """
service: One row for each resource that is a service, here or elsewhere.
-> rr.resource (ivoid)
ivoid text! |  | meta.ref.ivoid | The resource.
datacenter text! |  |  | Authority of the registry that it came from; ours for our own.
network_zone text |  |  | internal where its address is inside this datacenter, else external.
last_seen_alive timestamp |  |  | When it answered last (UTC); NULL for never.
"""
