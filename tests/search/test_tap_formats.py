"""Tables in every format: what a reader of others gets back is what was written, whatever signs the texts hold."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest
from astropy.io.votable import parse
from hypothesis import given, settings, strategies as st
from lxml import etree

from registry.errors import Refusal
from registry.search.described import DescribedColumn
from registry.search.tap import formats, votable
from registry.search.tap.formats import BINARY2, CSV, FORMATS, JSON, VOTABLE, Table
from tests.conftest import SHARED

COLUMNS = (
    DescribedColumn("name", "unicodeChar", "*", description='What <it> is called, "so & so"'),
    DescribedColumn("number", "int"), DescribedColumn("energy", "double", unit="J", ucd="em.energy", utype="x:y"),
    DescribedColumn("when", "char", "*", xtype="timestamp"))
ODD = "a & b <c> ]]> \x00\x01\x1e\x1f\x7f\r\n\t é 星 🌌 \ud800 \ufffe end "
READABLE = "a & b <c> ]]> \ufffd\ufffd\ufffd\ufffd\x7f\r\n\t é 星 🌌 \ufffd \ufffd end "


def written(media_type: str, rows: Any, *, more: bool = False, columns: Any = COLUMNS) -> bytes:
    found = formats.named(media_type)
    assert found
    return b"".join(found.write(Table(columns, iter(rows), lambda: more, (("QUERY", 'SELECT "<&\n'),))))


def read(document: bytes) -> Any:
    return parse(io.BytesIO(document)).get_first_table()


@pytest.mark.shared
@pytest.mark.parametrize("media_type", [VOTABLE, BINARY2])
@pytest.mark.parametrize("rows", [[], [(ODD, -5, 1e-300, "2026-01-01T00:00:00Z"), (None, None, None, None)]])
def test_a_votable_is_valid_and_says_what_its_columns_are(media_type: str, rows: Any) -> None:
    document = written(media_type, rows, more=True)
    schema = etree.XMLSchema(etree.parse(str(SHARED / "xsd" / "VOTable-v1.4.xsd")))
    assert schema.validate(etree.fromstring(document)), schema.error_log
    fields = read(document).fields
    assert [(one.name, one.datatype, one.arraysize, one.unit and str(one.unit), one.ucd, one.utype) for one in fields] == [
        ("name", "unicodeChar", "*", None, None, None), ("number", "int", None, None, None, None),
        ("energy", "double", None, "J", "em.energy", "x:y"), ("when", "char", "*", None, None, None)]
    assert fields[0].description == 'What <it> is called, "so & so"'


def test_every_sign_survives_tabledata_or_is_replaced_where_xml_has_none() -> None:
    rows = [("plain", 1, 0.1, "x"), (ODD, 2, 2.5, "y"), ("", 3, -0.0, None)]
    document = written(VOTABLE, rows)
    assert [row[0].text or "" for row in etree.fromstring(document).iterfind(".//{*}TR")] == ["plain", READABLE, ""]
    array = read(document).array
    assert list(array["number"]) == [1, 2, 3] and list(array["energy"]) == [0.1, 2.5, -0.0]


def test_binary2_says_the_same() -> None:
    rows = [("é & 星", -2**31, math.inf, "2026-01-01"), (None, None, None, None), ("", 2**31 - 1, -1.5, "")] * 700
    array = read(written(BINARY2, rows)).array
    assert list(array["name"][:3]) == ["é & 星", "", ""] and len(array) == 2100
    assert array["number"].tolist()[:3] == [-2**31, None, 2**31 - 1]
    assert array["energy"].tolist()[:3] == [math.inf, None, -1.5]


def test_numbers_are_what_their_column_declares_whatever_the_database_gives() -> None:
    from decimal import Decimal

    columns = (DescribedColumn("n", "long"), DescribedColumn("x", "double"), DescribedColumn("t", "unicodeChar", "*"))
    rows = [(Decimal("12"), Decimal("0.5"), 7), (True, math.nan, "t"), (3.0, -math.inf, "u")]
    for media_type in (VOTABLE, BINARY2):
        array = read(written(media_type, rows, columns=columns)).array
        assert array["n"].tolist() == [12, 1, 3] and list(array["t"]) == ["7", "t", "u"]
        assert array["x"].tolist()[0] == 0.5 and array["x"].tolist()[2] == -math.inf
    assert json.loads(written(JSON, rows, columns=columns))["rows"] == [[12, 0.5, "7"], [1, None, "t"], [3, None, "u"]]


@pytest.mark.parametrize(("more", "said"), [(True, ["OK", "OVERFLOW"]), (False, ["OK"])])
def test_an_overflow_is_told_behind_the_rows(more: bool, said: list[str]) -> None:
    root = etree.fromstring(written(VOTABLE, [("a", 1, 1.0, "b")], more=more))
    assert [one.get("value") for one in root.iterfind(".//{*}INFO[@name='QUERY_STATUS']")] == said
    assert json.loads(written(JSON, [], more=more))["overflow"] is more


@pytest.mark.parametrize("media_type", [VOTABLE, BINARY2])
def test_an_error_amid_the_rows_is_told_behind_them(media_type: str) -> None:
    root = etree.fromstring(written(media_type, broken(1200)))
    status = root.findall(".//{*}INFO[@name='QUERY_STATUS']")
    assert [(one.get("value"), one.text) for one in status] == [("OK", None), ("ERROR", "It took <too> long.")]
    assert len(read(written(media_type, broken(1200))).array) == 1000


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.media_type)
def test_whoever_wants_to_hear_of_it_at_once_does(one: formats.Format) -> None:
    with pytest.raises(Refusal, match="too"):
        list(one.write(Table(COLUMNS, broken(3), lambda: False, late_errors=False)))


def broken(count: int) -> Any:
    for number in range(count):
        yield "a", number, 0.5, "b"
    raise Refusal("It took <too> long.")


def test_an_error_is_a_document_of_its_own() -> None:
    root = etree.fromstring(votable.error("No such table: <b>\x00"))
    told = root.find("{*}RESOURCE[@type='results']/{*}INFO[@name='QUERY_STATUS']")
    assert told is not None and (told.get("value"), told.text) == ("ERROR", "No such table: <b>\ufffd")


def test_csv_is_read_back_by_pythons_reader() -> None:
    text = written(CSV, [('say "a, b"\nc', 1, 0.5, None)] * 1100).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found[0] == ["name", "number", "energy", "when"]
    assert found[1:] == [['say "a, b"\nc', "1", "0.5", ""]] * 1100


def test_json_names_its_columns_and_keeps_nulls() -> None:
    found = json.loads(written(JSON, [("a", None, 0.5, "x")] * 501))
    assert found["columns"][2] == {"name": "energy", "datatype": "double", "unit": "J", "ucd": "em.energy", "utype": "x:y"}
    assert found["rows"] == [["a", None, 0.5, "x"]] * 501 and found["overflow"] is False
    assert json.loads(written(JSON, []))["rows"] == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.none(), st.text()), st.integers(-2**31, 2**31 - 1),
                          st.floats(), st.one_of(st.none(), st.text(alphabet="\x1e\x1f\r<&a]>")))))
def test_any_texts_make_a_document_with_as_many_cells(rows: list[tuple[Any, ...]]) -> None:
    for document in (written(VOTABLE, rows), written(VOTABLE, reversed(rows))):
        root = etree.fromstring(document)
        assert [len(row) for row in root.iterfind(".//{*}TR")] == [4] * len(rows)
    names = [row[0].text or "" for row in etree.fromstring(written(VOTABLE, rows)).iterfind(".//{*}TR")]
    assert names == [votable.printable(name or "") for name, *_ in rows]
    assert len(list(csv.reader(io.StringIO(written(CSV, rows).decode(), newline="")))) == len(rows) + 1
    assert len(json.loads(written(JSON, rows))["rows"]) == len(rows)


@pytest.mark.parametrize("name", [
    "votable", "VOTable", "application/x-votable+xml; serialization=BINARY2", "text/xml", "csv", "text/csv", "json",
    "votable/td"])
def test_formats_have_many_names(name: str) -> None:
    assert formats.named(name) is not None


def test_a_format_that_is_none_has_no_writer() -> None:
    assert formats.named("image/png") is None and formats.named("") is None
