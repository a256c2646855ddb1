"""What TAP_SCHEMA and /tap/tables say of the tables that ADQL may name: the facts of RegTAP 1.2 §8, TAP 1.1 §4 and our own.

Nothing here reads a database. `stored` is the name under which the database keeps a table; the tables of tap_schema are
kept nowhere: `facts` makes their rows from this module, so that they cannot say anything else. Every text is declared as
unicodeChar (times and MOCs as char), which is how answers send it. An index of tables or capabilities is an int: a record of
more than 32,767 tables does not fit RegTAP's SMALLINT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from registry.search import described_rr, described_site

STANDARD = "ivo://ivoa.net/std/RegTAP#1.2"
_TYPES = {"text": "unicodeChar", "timestamp": "char", "moc": "char"}  # DALI 1.1 §3.3: of these two xtypes ASCII
_COLUMN_FACTS = ("table_name", "column_name", "datatype", "arraysize", "xtype", "size", "description", "utype", "unit", "ucd",
                 "indexed", "principal", "std", "column_index")


@dataclass(frozen=True)
class DescribedColumn:
    """One column, of a table or of an answer; what does not apply is ''."""

    name: str
    datatype: str  # of VOTable: unicodeChar | char | short | int | long | float | double
    arraysize: str = ""
    xtype: str = ""
    unit: str = ""
    ucd: str = ""
    utype: str = ""
    description: str = ""
    indexed: bool = False
    std: bool = False

    @property
    def quoted(self) -> str:
        """Its name as ADQL must write it: SIZE is a reserved word."""
        return f'"{self.name}"' if self.name == "size" else self.name


@dataclass(frozen=True)
class DescribedKey:
    """Rows of a table belong to rows of `target`: pairs of its column and the target's."""

    target: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DescribedTable:
    """One table that ADQL may name."""

    schema: str
    name: str  # with its schema: rr.resource
    stored: str  # in the database: rr_resource
    description: str
    utype: str
    columns: tuple[DescribedColumn, ...]
    keys: tuple[DescribedKey, ...] = ()


@dataclass(frozen=True)
class DescribedSchema:
    """A schema and its tables, in their order."""

    name: str
    description: str
    utype: str
    tables: tuple[DescribedTable, ...]


def _column(line: str, *, std: bool) -> DescribedColumn:
    """`name type[!] [unit] | utype | ucd | description`; the mark says that the database has an index on it."""
    head, utype, ucd, description = (part.strip() for part in line.split("|"))
    name, kind, *unit = head.split()
    bare = kind.rstrip("!")
    return DescribedColumn(
        name=name, datatype=_TYPES.get(bare, bare), arraysize="*" if bare in _TYPES else "",
        xtype=bare if bare in ("timestamp", "moc") else "", unit="".join(unit), ucd=ucd, utype=utype, description=description,
        indexed=kind.endswith("!"), std=std)


def _table(schema: str, text: str, *, std: bool) -> DescribedTable:
    """First line: `name: description`; then `-> table (column[=column] ...)` for keys and one line a column."""
    first, *lines = [line.strip() for line in text.strip().splitlines()]
    name, description = first.split(": ", 1)
    keys = []
    for line in lines:
        if line.startswith("->"):
            target, columns = line[2:].strip().rstrip(")").split(" (")
            pairs = [(pair.partition("=")[0], pair.partition("=")[2] or pair) for pair in columns.split()]
            keys.append(DescribedKey(target, tuple(pairs)))
    return DescribedTable(
        schema=schema, name=f"{schema}.{name}", stored=f"{schema}_{name}", description=description, utype="",
        columns=tuple(_column(line, std=std) for line in lines if not line.startswith("->")), keys=tuple(keys))


def _schema(name: str, description: str, utype: str, text: str, *, std: bool) -> DescribedSchema:
    tables = tuple(_table(name, part, std=std) for part in text.strip().split("\n\n"))
    return DescribedSchema(name, description, utype, tables)


SCHEMAS: tuple[DescribedSchema, ...] = (
    _schema("rr", described_rr.DESCRIPTION, "ivo://ivoa.net/std/regtap#1.2", described_rr.TABLES, std=True),
    _schema("tap_schema", described_site.TAP_SCHEMA_DESCRIPTION, "", described_site.TAP_SCHEMA, std=True),
    _schema("site", described_site.SITE_DESCRIPTION, "", described_site.SITE, std=False),
)
TABLES: dict[str, DescribedTable] = {table.name: table for schema in SCHEMAS for table in schema.tables}


@cache
def facts(stored: str) -> tuple[tuple[Any, ...], ...]:
    """The rows of a table of tap_schema, by its stored name (`tap_schema_columns`); in the order of its columns."""
    return tuple(_FACTS[stored]())


def _schemas() -> Iterator[tuple[Any, ...]]:
    for index, schema in enumerate(SCHEMAS):
        yield schema.name, schema.utype or None, schema.description, index


def _tables() -> Iterator[tuple[Any, ...]]:
    for index, table in enumerate(TABLES.values()):
        yield table.schema, table.name, "table", table.utype or None, table.description, index


def _columns() -> Iterator[tuple[Any, ...]]:
    for table in TABLES.values():
        for index, column in enumerate(table.columns):
            said = {
                **{name: getattr(column, name, None) or None for name in _COLUMN_FACTS},
                "table_name": table.name, "column_name": column.quoted, "indexed": int(column.indexed), "principal": 1,
                "std": int(column.std), "column_index": index, "size": None,
            }
            yield tuple(said[name] for name in _COLUMN_FACTS)


def _named_keys() -> Iterator[tuple[str, DescribedTable, DescribedKey]]:
    for table in TABLES.values():
        for index, key in enumerate(table.keys, 1):
            yield f"{table.stored}_{index}", table, key


def _keys() -> Iterator[tuple[Any, ...]]:
    for name, table, key in _named_keys():
        yield name, table.name, key.target, None, None


def _key_columns() -> Iterator[tuple[Any, ...]]:
    for name, _, key in _named_keys():
        for own, target in key.columns:
            yield name, own, target


_FACTS = {"tap_schema_schemas": _schemas, "tap_schema_tables": _tables, "tap_schema_columns": _columns,
          "tap_schema_keys": _keys, "tap_schema_key_columns": _key_columns}


def named(column: DescribedColumn, name: str) -> DescribedColumn:
    """The same column under another name, as an answer calls it."""
    return column if column.name == name else replace(column, name=name)
