"""How columns of text are indexed by their words, and coverages by their cells, in both databases: DDL, no query.

On SQLite the words of a table `rr_x` are the full-text table `words_x` with the same columns, whose rowid is the number
of the row. On PostgreSQL the words of a column stand beside it in `<column>_words`, made from it by the database itself.
Both fold case and accents and stem alike (Porter's algorithm), so that a search finds the same rows. All of it is kept
by the databases themselves but one thing: whoever puts rows in on SQLite does so within `filled`. A trigger would have
each row's words written out apart, since it makes every row a savepoint, and takes forty times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import DDL, Column, Connection, MetaData, Table, event

STEMS = "innerspace_words"  # the text search configuration on PostgreSQL
# what stands between words but white space; PostgreSQL's own parser would take x-ray or a/b for more than words
_BETWEEN = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + (
    "\u00a0\u00b0\u00b7\u2010\u2011\u2012\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026")
_LONGEST = 200_000  # characters of a text that are indexed: more than a tsvector may not hold
_QUOTED = _BETWEEN.replace("'", "''").replace("%", "%%")
_FUNCTIONS = f"""
CREATE TEXT SEARCH DICTIONARY innerspace_stem (TEMPLATE = snowball, LANGUAGE = porter);
CREATE TEXT SEARCH CONFIGURATION {STEMS} (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION {STEMS} ALTER MAPPING FOR asciiword, word, numword WITH innerspace_stem;
CREATE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT translate(lower(CASE WHEN octet_length(value) = length(value) THEN value
    ELSE regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') END),
    '{_QUOTED}', '{" " * len(_BETWEEN)}')
$body$;
DO $do$ BEGIN
  EXECUTE format('CREATE FUNCTION words_of(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    %%L', format('SELECT to_tsvector(''%%1$I.{STEMS}'', %%1$I.folded(left(value, {_LONGEST})))', current_schema()));
  EXECUTE format('CREATE FUNCTION words_asked(value text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    %%L', format('SELECT plainto_tsquery(''%%1$I.{STEMS}'', %%1$I.folded(value))', current_schema()));
END $do$;
"""
# by table, on SQLite: the number of its newest row, and the statement that indexes all rows behind one
_LAST: dict[str, str] = {}
_FILLING: dict[str, str] = {}


def prepare(metadata: MetaData) -> None:
    """What PostgreSQL needs before the tables: the functions `words_of(text)` and `words_asked(text)`."""
    event.listen(metadata, "before_create", DDL(_FUNCTIONS).execute_if(dialect="postgresql"))


def index(table: Table, *columns: Column[str], ranked: bool = False) -> None:
    """Index the words of `columns` of `table`; `ranked` keeps how long each text is, for bm25."""
    number = next(column.name for column in table.primary_key)
    words = table.name.replace("rr_", "words_", 1)
    names = [column.name for column in columns]
    there, named = " OR ".join(f"{name} IS NOT NULL" for name in names), ", ".join(names)
    old = ", ".join(f"old.{name}" for name in names)
    gone = " OR ".join(f"old.{name} IS NOT NULL" for name in names)
    _LAST[table.name] = f"SELECT coalesce(max({number}), 0) FROM {table.name}"
    _FILLING[table.name] = (f"INSERT INTO {words} (rowid, {named}) SELECT {number}, {named} FROM {table.name}"
                            f" WHERE {number} > ? AND ({there})")
    sizes = "" if ranked else ", columnsize=0"
    for statement in (
        f"CREATE VIRTUAL TABLE {words} USING fts5({named}, content='{table.name}', content_rowid='{number}'{sizes},"
        " tokenize='porter unicode61 remove_diacritics 2')",
        f"CREATE TRIGGER {words}_out AFTER DELETE ON {table.name} WHEN {gone} BEGIN"
        f" INSERT INTO {words} ({words}, rowid, {named}) VALUES ('delete', old.{number}, {old}); END",
    ):
        event.listen(table, "after_create", DDL(statement).execute_if(dialect="sqlite"))
    event.listen(table, "before_drop", DDL(f"DROP TABLE IF EXISTS {words}").execute_if(dialect="sqlite"))
    for name in names:
        for statement in (
            f"ALTER TABLE {table.name} ADD COLUMN {name}_words tsvector GENERATED ALWAYS AS (words_of({name})) STORED",
            f"CREATE INDEX {table.name}_{name}_words ON {table.name} USING gin ({name}_words)",
        ):
            event.listen(table, "after_create", DDL(statement).execute_if(dialect="postgresql"))


@contextmanager
def filled(connection: Connection, table: Table) -> Iterator[None]:
    """Index the words of the rows that are put into `table` meanwhile; on PostgreSQL that happens by itself."""
    if connection.dialect.name != "sqlite" or table.name not in _LAST:
        yield
        return
    last = connection.exec_driver_sql(_LAST[table.name]).scalar()
    yield
    connection.exec_driver_sql(_FILLING[table.name], (last,))


def cells(table: Table, into: Table) -> None:
    """Keep the cells of each row of `table`, which has them as a JSON list in `coverage_cells`, in the table `into`."""
    number = next(column.name for column in table.primary_key)
    uniq, row = (column.name for column in into.columns)
    of = {"sqlite": "SELECT value FROM json_each({}.coverage_cells)",
          "postgresql": "SELECT value::integer FROM jsonb_array_elements_text({}.coverage_cells::jsonb) AS _ (value)"}
    for dialect, listed in of.items():
        put = f"INSERT INTO {into.name} ({uniq}, {row}) SELECT value, new.{number} FROM ({listed.format('new')}) AS _cells;"
        take = f"DELETE FROM {into.name} WHERE {row} = old.{number} AND {uniq} IN ({listed.format('old')});"
        for statement in _triggers(dialect, table.name, put, take):
            event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))


def _triggers(dialect: str, table: str, put: str, take: str) -> list[str]:
    if dialect == "sqlite":
        return [f"CREATE TRIGGER {table}_in AFTER INSERT ON {table} BEGIN {put} END",
                f"CREATE TRIGGER {table}_out AFTER DELETE ON {table} BEGIN {take} END"]
    made = []
    for name, when, body in (("in", "INSERT", put), ("out", "DELETE", take)):
        made += [f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS"
                 f" $body$ BEGIN {body} RETURN NULL; END $body$",
                 f"CREATE TRIGGER {table}_{name} AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_{name}()"]
    return made
