"""What a database says of its own tables: the same for two that were made in different ways and hold the same schema.

Order of columns and defaults are left out: a column that is added to rows that are there comes last and needs a default.
"""

from __future__ import annotations

import re
from typing import Any

from registry.db import Database

_POSTGRESQL = {
    "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname, a.attgenerated,
        CASE WHEN a.attgenerated <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval%%'
            THEN pg_get_expr(d.adbin, d.adrelid) END
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'S', 'v')""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = current_schema()::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
    "triggers": "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = current_schema()",
    "configurations": "SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = current_schema()::regnamespace",
}


def catalogue(database: Database) -> dict[str, set[Any]]:
    """Its columns, constraints, indexes, triggers, functions and the rest, by kind."""
    with database.read() as connection:
        if not database.is_sqlite:
            return {kind: {tuple(row) for row in connection.exec_driver_sql(query)} for kind, query in _POSTGRESQL.items()}
        return _of_sqlite(lambda query: [tuple(row) for row in connection.exec_driver_sql(query)])


def _of_sqlite(ask: Any) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {kind: set() for kind in ("tables", "columns", "keys", "indexes", "others")}
    for kind, name, sql in ask("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"):
        words = re.sub(r"\s+", " ", sql).replace('"', "")
        if kind != "table" or "VIRTUAL" in words:
            found["indexes" if kind == "index" else "others"].add((kind, name, words))
            continue
        found["tables"].add((name, "WITHOUT ROWID" in words))
        found["columns"] |= {(name, *row[1:4], row[5:]) for row in ask(f"PRAGMA table_xinfo({name})")}
        found["keys"] |= {(name, *row[2:]) for row in ask(f"PRAGMA foreign_key_list({name})")}
        found["keys"] |= {(name, *[row[2] for row in ask(f"PRAGMA index_info({unique[1]})")])
                          for unique in ask(f"PRAGMA index_list({name})") if unique[3] == "u"}
    return found
