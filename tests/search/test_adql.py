"""What is ADQL here and what is not: every refusal says what, where and why; what is accepted is one SELECT of ours."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from registry.search import described
from registry.search.adql import AdqlRefused, translate, words
from registry.search.adql.functions import spectral
from registry.search.adql.stems import stem
from registry.search.reading import open_readonly
from registry.tables import metadata
from tests.search import pool

R = "SELECT ivoid FROM rr.resource WHERE "
REFUSED = {
    "": "is empty",
    "  -- nothing but a comment": "is empty",
    "SELECT ivoid FROM rr.resource; DELETE FROM rr.resource": "one query is answered at a time.*line 1, column 30",
    "PRAGMA table_info(rr_resource)": "begins with SELECT or WITH, not with 'PRAGMA'.*line 1, column 1",
    "ATTACH DATABASE 'x' AS y": "not with 'ATTACH'",
    "INSERT INTO rr.resource SELECT 1": "not with 'INSERT'",
    "VALUES (1)": "not with 'VALUES'",
    "SELECT pg_sleep(10) FROM rr.resource": r"no function 'pg_sleep' here \(line 1, column 8\)",
    "SELECT load_extension('x') FROM rr.resource": "no function 'load_extension'",
    "SELECT randomblob(1000000000) FROM rr.resource": "no function 'randomblob'",
    "WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a": "WITH RECURSIVE .line 1, column 6. is not answered",
    "WITH a AS (SELECT ivoid FROM a) SELECT * FROM a": "no table 'a'.*column 30",
    "SELECT * FROM sqlite_master": "no table 'sqlite_master'",
    "SELECT * FROM pg_catalog.pg_tables": "no table 'pg_catalog.pg_tables'",
    "SELECT * FROM accounts": "no table 'accounts'",
    "SELECT * FROM rr.resourc": r"no table 'rr.resourc' here \(line 1, column 18\): perhaps rr.resource is meant",
    "SELECT * FROM resource": "no table 'resource'.*write rr.resource",
    "SELECT\n res_tittle\nFROM rr.resource": r"no column 'res_tittle' .*\(line 2, column 2\): perhaps res_title is meant",
    "SELECT resource_row FROM rr.resource": "no column 'resource_row'",
    "SELECT rowid FROM rr.resource": "no column 'rowid'",
    "SELECT x.ivoid FROM rr.resource AS r": "no table 'x' in this FROM",
    "SELECT rr.resource.ivoid FROM rr.resource AS r": "no table 'rr.resource' in this FROM",
    "SELECT ivoid FROM rr.resource, rr.capability": "'ivoid' is the name of several columns.*column 8",
    "SELECT r.ivoid FROM rr.resource r, rr.capability r": "Two tables are called 'r'",
    "SELECT * FROM rr.resource JOIN rr.capability USING (res_type)": "'res_type' of the join is in none",
    "SELECT count(*), ivoid FROM rr.resource": "'ivoid' is neither grouped by.*column 18",
    "SELECT ivoid, res_type FROM rr.resource GROUP BY ivoid": "'res_type' is neither grouped by",
    "SELECT * FROM rr.resource GROUP BY ivoid": "of the star is not grouped by",
    "SELECT LOWER(res_type) FROM rr.resource GROUP BY UPPER(res_type)": "'res_type' is neither grouped by",
    R + "count(*) = 1": "COUNT is not possible here",
    "SELECT max(count(*)) FROM rr.resource": "inside another aggregate",
    R + "ivoid = 5": "A text is compared with a number.*column 37",
    R + "ivoid IN ('a', 5)": "A text is compared with a number",
    R + "ivoid": "A value stands where a condition is expected",
    R + "1=ivo_hasword(res_title, short_name)": "must be a text like 'quasar'",
    R + "ivo_hasword(res_title, 'x')": r"write 1 = ivo_hasword\(...\)",
    R + "1=ivo_haswords(res_title, 'x')": "perhaps ivo_hasword is meant",
    R + "1=ivo_hasword(res_title)": "takes 2 arguments, not 1",
    R + "ivoid LIKE 'a' ESCAPE 'b'": "at 'ESCAPE'.*column 52",
    R + "ivoid = :p0": "Placeholder",
    R + "ivoid = ?": r"'\?' means nothing in ADQL",
    R + "ivoid IN ()": "nothing in the list",
    R + "ivoid IN (SELECT ivoid, cap_index FROM rr.capability)": "has 2 columns",
    R + "ivoid = (SELECT ivoid FROM rr.capability)": "A query as a value is not ADQL",
    R + "/* c */ 1=1": "cannot be read as ADQL",
    R + "ivoid = 'x": "a quotation mark or a bracket in it is not closed",
    R + "ivoid.a.b.c.d = 1": "more parts than schema.table.column",
    R + "(ivoid = 'a') = 1": "A condition stands where a value",
    R + "ivoid = '\ud800'": "half a character",
    R + "réf = 'é'": r"no column 'réf'.*\(line 1, column 37\)",
    "SELECT ivoid FROM rr.resource LIMIT 5": "write TOP 5",
    "SELECT TOP 1.5 ivoid FROM rr.resource": "no whole number",
    "SELECT TOP -1 ivoid FROM rr.resource": "cannot be read as ADQL at '-'",
    "SELECT ivoid,, res_type FROM rr.resource": "nothing before the comma.*column 14",
    "SELECT ivoid FROM rr.resource ORDER BY 'x'": "no column number x|A constant",
    "SELECT ivoid FROM rr.resource ORDER BY NULL": "A constant stands in ORDER BY",
    "SELECT ivoid FROM rr.resource ORDER BY 2": "no column number 2",
    "SELECT ivoid FROM rr.resource UNION SELECT ivoid FROM rr.capability ORDER BY x": "answer has no column of that name",
    "SELECT ivoid FROM rr.resource UNION SELECT ivoid, cap_index FROM rr.capability": "Queries of 1 and 2 columns",
    "SELECT ivoid FROM rr.resource UNION SELECT cap_index FROM rr.capability": "a text in one query and a number",
    "SELECT ivoid FROM rr.resource EXCEPT ALL SELECT ivoid FROM rr.capability": "EXCEPT ALL is not offered",
    "SELECT ivoid FROM (SELECT ivoid FROM rr.resource)": "has no name",
    "SELECT * FROM (VALUES (1)) AS t": "A query in FROM|no table",
    "SELECT * EXCEPT (ivoid) FROM rr.resource": "STAR is not possible here",
    "SELECT cast(ivoid AS integer) FROM rr.resource": "no function 'cast'",
    "SELECT CASE WHEN 1=1 THEN 1 END FROM rr.resource": "cannot be read as ADQL",
    "SELECT 1": "names no table",
    "SELECT 1e999 FROM rr.resource": "larger than can be calculated",
    "SELECT DISTANCE(POINT(1,2), POINT(2,3)) FROM rr.resource": "only within CONTAINS or INTERSECTS",
    "SELECT ivoid FROM rr.stc_spatial WHERE 1=CONTAINS(POINT(1,2), CIRCLE(1,2,3))": "one side is rr.stc_spatial's coverage",
    "SELECT ivoid FROM rr.stc_spatial WHERE 1=CONTAINS(POINT(1,200), coverage)": "latitudes are between -90 and 90.*column 51",
    "SELECT ivoid FROM rr.stc_spatial WHERE 1=CONTAINS(POINT('GALACTIC',1,20), coverage)": "coverages are in ICRS",
    "SELECT c.ivoid FROM rr.stc_spatial NATURAL JOIN rr.stc_temporal AS c WHERE 1=CONTAINS(CIRCLE(1,2,time_start), coverage)":
        "takes only numbers here",
    "SELECT ivoid FROM rr.stc_spatial WHERE 1=INTERSECTS(BOX(1,2,3,4), coverage)": "BOX is not offered",
    "SELECT ivoid FROM rr.stc_spatial WHERE 1=CONTAINS(MOC('x'), coverage)": "no MOC",
    "SELECT gavo_specconv(spectral_start, 'J', 'kg') FROM rr.stc_spectral": "knows no way from 'J' to 'kg'",
    "SELECT ivo_to_mjd('yesterday') FROM rr.resource": "takes a date",
}
HUGE = {
    "SELECT ivoid FROM rr.resource WHERE " + "(" * 10_000 + "1=1" + ")" * 10_000: "More than 30 brackets",
    R + f"ivoid IN ({','.join(map(repr, map(str, range(100_000))))})": "65,536 are the most",
    R + "NOT " * 9_000 + "1=1": "NOTs stand in a row",
    "SELECT 1" + "+1" * 30_000 + " FROM rr.resource": "15,000 are the most",
    "SELECT 1" + "+1" * 5_000 + " FROM rr.resource": "More than 200 values",
    "SELECT 1" + " = 1" * 6_000 + " FROM rr.resource": "condition stands where|nested too deeply",
    R + "ivoid" + ".a" * 6_000 + " = 1": "more parts|nested too deeply",
    "SELECT ivoid FROM rr.resource" + " NATURAL JOIN rr.resource" * 2_000: "more than 60 JOINs",
    "SELECT ivoid FROM rr.resource" + " UNION SELECT ivoid FROM rr.resource" * 1_500: "More than 100 queries",
    "SELECT ivoid FROM " + ",".join(f"rr.resource a{n}" for n in range(1_000)): "more than 32 tables",
}


@pytest.mark.parametrize("adql", REFUSED, ids=lambda adql: adql[:60])
def test_what_is_not_answered_is_said_with_its_place(adql: str) -> None:
    with pytest.raises(AdqlRefused) as refused:
        translate(adql, "sqlite")
    sentence = str(refused.value)
    assert re.search(REFUSED[adql], sentence), sentence
    assert sentence.endswith(".") and "class" not in sentence and "Token" not in sentence


@pytest.mark.parametrize("adql", HUGE, ids=lambda adql: adql[:40])
def test_what_is_too_large_or_deep_is_refused_before_it_costs(adql: str) -> None:
    with pytest.raises(AdqlRefused, match=HUGE[adql]):
        translate(adql, "postgresql")


def answer(rows: dict[str, list[dict[str, Any]]], adql: str) -> list[tuple[Any, ...]]:
    """Rows of `adql` on SQLite in memory, without any index of words."""
    connection = sqlite3.connect(":memory:")
    for name, table in rows.items():
        columns = [column.name for column in metadata.tables[name].columns]
        connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        for row in table:
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", [row.get(c) for c in columns])
    connection.create_function("has_words", 2, words.has_words)
    connection.create_function("folded", 1, words.folded)
    found = translate(adql, "sqlite")
    return connection.execute(found.sql, found.parameters).fetchall()


TWO = {
    "rr_resource": [{"ivoid": "ivo://a", "short_name": "Aé%_x", "waveband": "optical#radio", "region_of_regard": 7.0},
                    {"ivoid": "ivo://b", "short_name": "aÉ[b]*?", "waveband": None, "region_of_regard": None}],
    "rr_capability": [{"ivoid": "ivo://a", "cap_index": 1, "standard_id": "s1"},
                      {"ivoid": "ivo://a", "cap_index": 2, "standard_id": "s2"}],
    "rr_interface": [{"ivoid": "ivo://a", "cap_index": 2, "intf_index": 1, "access_url": "http://x/"}],
    "rr_res_subject": [{"ivoid": "ivo://a", "res_subject": "stars"}, {"ivoid": "ivo://a", "res_subject": "dust"}],
}
ANSWERS = {
    "SELECT standard_id FROM rr.resource NATURAL JOIN rr.capability NATURAL JOIN rr.interface": [("s2",)],
    "SELECT r.ivoid, cap_index FROM rr.resource r NATURAL LEFT JOIN rr.capability ORDER BY 1, 2":
        [("ivo://a", 1), ("ivo://a", 2), ("ivo://b", None)],
    "SELECT ivoid FROM rr.capability RIGHT JOIN rr.resource USING (ivoid) ORDER BY ivoid DESC":
        [("ivo://b",), ("ivo://a",), ("ivo://a",)],
    "SELECT count(*) AS n FROM rr.capability FULL JOIN rr.interface USING (ivoid, cap_index)": [(2,)],
    "SELECT a.standard_id FROM (rr.capability AS a JOIN rr.interface AS b USING (ivoid, cap_index)) JOIN "
    "(rr.resource AS r NATURAL JOIN rr.res_subject) USING (ivoid)": [("s2",), ("s2",)],
    R + "short_name LIKE 'Aé%'": [("ivo://a",)],
    R + "short_name LIKE '%[b]*?'": [("ivo://b",)],
    R + "short_name NOT LIKE '%[_]%'": [("ivo://a",)],
    R + "short_name ILIKE 'aé%' ORDER BY 1": [("ivo://a",), ("ivo://b",)],
    R + "short_name LIKE 'Aé' || '%'": [("ivo://a",)],
    R + "1 = ivo_hashlist_has(waveband, 'Radio')": [("ivo://a",)],
    R + "1 = ivo_hashlist_has(waveband, 'adio')": [],
    R + "0 = ivo_hashlist_has(waveband, 'x') ORDER BY 1": [("ivo://a",), ("ivo://b",)],
    R + "NOT (1 = ivo_hashlist_has(waveband, 'radio'))": [("ivo://b",)],
    R + "NOT (region_of_regard > 1)": [],
    "SELECT ivo_hashlist_has(waveband, 'radio') AS n FROM rr.resource ORDER BY n": [(0,), (1,)],
    "SELECT TOP 1 ivoid FROM rr.resource ORDER BY ivoid OFFSET 1": [("ivo://b",)],
    "SELECT ivoid FROM rr.resource EXCEPT SELECT ivoid FROM rr.capability": [("ivo://b",)],
    "SELECT ivoid FROM rr.capability UNION ALL (SELECT ivoid FROM rr.resource INTERSECT SELECT ivoid FROM rr.capability)":
        [("ivo://a",)] * 3,
    "WITH w (i, n) AS (SELECT ivoid, count(*) FROM rr.capability GROUP BY ivoid) SELECT n FROM w JOIN rr.resource ON i = ivoid":
        [(2,)],
    "SELECT s, ivoid FROM rr.resource NATURAL LEFT JOIN (SELECT ivoid, ivo_string_agg(res_subject, ', ') AS s "
    "FROM rr.res_subject GROUP BY ivoid) AS q ORDER BY ivoid": [("stars, dust", "ivo://a"), (None, "ivo://b")],
    "SELECT ivoid FROM rr.resource NATURAL LEFT JOIN (SELECT ivoid, ivo_string_agg(res_subject, ', ') AS s FROM rr.res_subject "
    "WHERE res_subject = 'dust' GROUP BY ivoid) AS q WHERE s = 'dust'": [("ivo://a",)],
    "SELECT COUNT(DISTINCT ivoid) AS n, AVG(cap_index) AS m, MIN(standard_id) AS l FROM rr.capability HAVING COUNT(*) > 1":
        [(1, 1.5, "s1")],
    "SELECT MOD(7, 4), 7 / 2, 7 / 2.0, ROUND(2.567, 1), TRUNCATE(-2.567, 2), LOG10(100), ABS(-3), 1 / 0 FROM rr.interface":
        [(3, 3, 3.5, 2.6, -2.56, 2.0, 3, None)],
    "SELECT UPPER(standard_id) AS u, cap_index + 1, COUNT(*) FROM rr.capability GROUP BY UPPER(standard_id), cap_index + 1 "
    "ORDER BY UPPER(standard_id) DESC": [("S2", 3, 1), ("S1", 2, 1)],
    R + "EXISTS (SELECT 1 FROM rr.capability AS c WHERE c.ivoid = rr.resource.ivoid)": [("ivo://a",)],
    "SELECT \"ivoid\" AS \"Odd name\" FROM rr.resource WHERE COALESCE(waveband, 'none') = 'none'": [("ivo://b",)],
    "SELECT ivoid FROM rr.resource AS rr, rr.capability AS c WHERE rr.ivoid = c.ivoid AND cap_index = 1": "several",
}


@pytest.mark.parametrize("adql", ANSWERS, ids=lambda adql: adql[:70])
def test_what_a_query_means(adql: str) -> None:
    wanted = ANSWERS[adql]
    if isinstance(wanted, str):
        with pytest.raises(AdqlRefused, match=wanted):
            translate(adql, "sqlite")
    else:
        assert answer(TWO, adql) == wanted


def test_columns_of_an_answer_are_described_as_their_tables_are() -> None:
    found = translate("SELECT updated, region_of_regard * 2 AS d, COUNT(*), res_title t FROM rr.resource GROUP BY updated, "
                      "region_of_regard, res_title", "sqlite").columns
    assert [(one.name, one.datatype, one.xtype) for one in found] == [
        ("updated", "char", "timestamp"), ("d", "double", ""), ("count", "long", ""), ("t", "unicodeChar", "")]
    assert found[0].utype == "xpath:@updated" and found[3].ucd == "meta.title"


def test_a_star_shows_described_columns_alone() -> None:
    for name, table in described.TABLES.items():
        assert [one.name for one in translate(f"SELECT * FROM {name}", "postgresql").columns] == [
            one.name for one in table.columns]


def test_what_is_described_is_stored() -> None:
    for table in described.TABLES.values():
        if table.schema != "tap_schema":
            stored = {column.name for column in metadata.tables[table.stored].columns}
            assert {column.name for column in table.columns} <= stored, table.name


def test_maxrec_asks_for_one_row_more_and_never_for_more_than_top() -> None:
    assert translate("SELECT ivoid FROM rr.resource", "sqlite", 5).sql.endswith(" LIMIT 6")
    assert translate("SELECT TOP 3 ivoid FROM rr.resource", "sqlite", 5).sql.endswith(" LIMIT 3")
    both = "SELECT ivoid FROM rr.resource UNION SELECT ivoid FROM rr.capability"
    assert translate(both, "postgresql", 0).sql.endswith(" LIMIT 1")


ENDINGS = [
    "s", "es", "ies", "sses", "ed", "eed", "ing", "y", "ational", "tional", "izer", "bli", "alli", "entli", "ousli", "ization",
    "ator", "alism", "iveness", "aliti", "logi", "icate", "ative", "ical", "ness", "al", "ance", "able", "ement", "ion", "sion",
    "tion", "ism", "ous", "ive", "ize", "e", "ll", "ying"]


@pytest.mark.parametrize(("start", "end", "value", "wanted"), [
    ("m", "J", 5e-6, 3.97289e-20), ("nm", "Angstrom", 500, 5000), ("GHz", "m", 1.42, 0.211121), ("keV", "J", 2, 3.20435e-16),
    ("eV", "nm", 2, 619.921), ("Hz", "MHz", 5e6, 5), ("Ry", "eV", 1, 13.6057)])
def test_spectral_quantities_go_from_one_unit_to_another(start: str, end: str, value: float, wanted: float) -> None:
    found = spectral(start, end)
    assert found is not None
    factor, under = found
    assert (factor / value if under else factor * value) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.shared
def test_words_end_as_the_indexes_end_them(shared: Path) -> None:
    """The same endings as FTS5's, for the words of a few records and for all endings there are on made words."""
    found = set(re.findall(r"[a-z0-9]+", " ".join(pool.WORDS).lower()))
    for path in sorted((shared / "corpus" / "resource").glob("*/*.xml"))[::20]:
        found |= set(re.findall(r"[a-z0-9]+", path.read_text(encoding="utf-8", errors="replace").lower()))
    starts = ("b", "tr", "hop", "plott", "oscill", "sky", "relat", "agr", "fall")
    found |= {start + ending for start in starts for ending in ENDINGS}
    assert all(letters in word for word in found for letters in words.beginnings(word))
    table = sqlite3.connect(":memory:")
    table.execute("CREATE VIRTUAL TABLE t USING fts5(w, tokenize='porter unicode61 remove_diacritics 2')")
    table.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
    listed = sorted(found)
    table.executemany("INSERT INTO t (rowid, w) VALUES (?, ?)", enumerate(listed))
    assert {listed[row]: term for term, row in table.execute("SELECT term, doc FROM v")} == {word: stem(word) for word in listed}


def test_words_of_a_text_without_an_index() -> None:
    assert words.has_words("Spectra of Quasars, X-ray", "quasar x spectrum") == 0
    assert words.has_words("Spectra of Quasars, X-ray", "QUASAR ray-x") == 1
    assert words.has_words("Reylé's", "reyle") == 1
    assert words.has_words(None, "x") == 0 and words.has_words("x", "!") == 0


def _pieces(shared: Path) -> list[str]:
    found = {piece for adql in pool.forms(shared).values() for piece in re.findall(r"'[^']*'|[\w.]+|[<>=!|]+|\S", adql)}
    return sorted(found | {"PRAGMA", ";", "--", "sqlite_master", "records", "accounts.password_hash", "DELETE", "TABLE", "'", '"',
                           "load_extension", "\x00", "é", "RECURSIVE", "rowid", "resource_row", "*", "CASE", "CAST", "LIMIT"})


@pytest.mark.shared
@pytest.mark.parametrize("examples", [600, pytest.param(10_000, marks=pytest.mark.soak)])
def test_whatever_is_sent_only_a_select_of_the_projection_reaches_a_database(shared: Path, site: Any, examples: int) -> None:
    connection = open_readonly(Path(site.database.url.database))
    connection.set_progress_handler(lambda: 1, 1_000_000)
    known = list(pool.forms(shared).values())
    change = st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(_pieces(shared)))

    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(known), st.lists(change, min_size=1, max_size=3))
    def look(adql: str, changes: list[tuple[float, float, str]]) -> None:
        tokens = re.findall(r"'[^']*'|[\w.]+|[<>=!|]+|\S", adql)
        for where, removed, piece in changes:
            place = int(where * len(tokens))
            tokens[place:place + int(removed * 3)] = [piece]
        try:
            found = translate(" ".join(tokens), "sqlite", 10)
        except AdqlRefused:
            return
        assert found.sql.startswith(("SELECT ", "WITH w"))
        written = re.sub("'[^']*'", "''", found.sql)  # without the texts of tap_schema
        assert ";" not in written and "--" not in written
        try:
            connection.execute(found.sql, found.parameters).fetchall()
        except sqlite3.Error as error:  # what a person may ask, and the database cannot work out
            assert re.search("overflow|interrupted|too big", str(error)), (str(error), found.sql)

    look()
    connection.close()
