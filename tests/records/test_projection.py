"""The rows of a record are the same however they are read: from its bytes where these say all, else element by element."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from registry.records import projection, store
from registry.records.projection import tableset
from registry.records.projection.columns import COLUMNS
from registry.site import Site
from registry.tables import metadata
from tests.records.conftest import record
from tests.records.corpus import all_files
from vosi import xmlio

# a column, and what its row says: name, ucd, unit, utype, std, flag, description, type system, datatype
COLUMN_FORMS = {
    "<column><name>a</name></column>": ("a", None, None, None, None, None, None, None, None),
    '<column std="true">\n <name> a  b </name>\n <description>d\n d</description><unit>m s-1</unit><ucd>POS;Meta</ucd>'
    '<utype>X:Y</utype><dataType xsi:type="vs:VOTableType" arraysize="2">Float</dataType><flag>Indexed</flag>'
    "<flag>primary</flag></column>":
        ("a b", "pos;meta", "m s-1", "x:y", 1, "indexed#primary", "d d", "vs:votabletype", "float"),
    "<column><name>a</name><description>S/N &lt; 5 &amp; good</description></column>":
        ("a", None, None, None, None, None, "S/N < 5 & good", None, None),
    "<column><ucd>late</ucd><name>out of order</name></column>":
        ("out of order", "late", None, None, None, None, None, None, None),
    "<column><name>a</name><description><![CDATA[</name>]]></description></column>":
        ("a", None, None, None, None, None, "</name>", None, None),
    "<column><name>a<!-- </column><column> --></name></column>": ("a", None, None, None, None, None, None, None, None),
    "<column><name>a</name><more><name>b</name></more></column>": ("a", None, None, None, None, None, None, None, None),
    '<column xmlns:x="http://www.ivoa.net/xml/VODataService/v1.1"><name>a</name>'
    '<dataType xsi:type="x:TAPType">CHAR</dataType></column>':
        ("a", None, None, None, None, None, None, "vs:taptype", "char"),
    '<c:column xmlns:c="http://c.example/"><c:name>a</c:name></c:column>': ("a", None, None, None, None, None, None, None, None),
}
_VS = ' xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"'
_TABLES = ("<tableset><schema><name>s</name><table><name>t</name>{}</table>"
           "<table><name>u</name><column><name>z</name></column></table></schema></tableset>")


def rows_of(columns: str) -> list[dict[str, object]]:
    """The columns' rows of a record with these in one table and a last in another, the same with and without its bytes."""
    [kept] = xmlio.records_in(record("ivo://north.example/t", inside=_TABLES.format(columns), extra=_VS))
    element = xmlio.parse(kept)
    found = projection.rows(element, "", kept)
    assert found == projection.rows(element)
    return [dict(zip(COLUMNS["rr_table_column"], row, strict=True)) for row in found["rr_table_column"]]


@pytest.mark.parametrize("column", COLUMN_FORMS)
def test_a_column_is_read_however_it_is_written(column: str) -> None:
    first, second, last = rows_of(column + "<column><name>b</name></column>")
    said = tuple(first[name] for name in (
        "name", "ucd", "unit", "utype", "std", "flag", "column_description", "type_system", "datatype"))
    assert said == COLUMN_FORMS[column]
    assert (second["table_index"], last["table_index"], last["name"]) == (1, 2, "z")


_T = "<table><name>t</name><description>d</description><column><name>a</name></column></table>"
_S = f"<tableset><schema><name>s</name>{_T}</schema></tableset>"
# table sets, and how many schemas, tables and columns these hold
TABLE_FORMS = {
    _S: (1, 1, 1),
    _S.replace("><", ">\n  <"): (1, 1, 1),
    _S.replace("d<", "S/N &lt; 5 &#38; more<").replace("<table>", '<table type="base_table">'): (1, 1, 1),
    _S.replace("</column>", "</column><foreignKey><targetTable>t</targetTable><fkColumn><fromColumn>a</fromColumn>"
                            "<targetColumn>a</targetColumn></fkColumn></foreignKey>"): (1, 1, 1),
    _S.replace("<description>d</description>", "").replace("</table>", "<description>late</description></table>"): (1, 1, 1),
    _S.replace("</schema>", f"</schema><schema><title>two</title><utype>U</utype>{_T}{_T}</schema>"): (2, 3, 3),
    _S.replace(_T, "<table><name>empty</name><nrows> 12 </nrows></table><table><title>no name</title></table>"): (1, 2, 0),
    _S.replace(_T, ""): (1, 0, 0),
    "<tableset/>": (0, 0, 0),
    "<tableset></tableset>": (0, 0, 0),
    _S + _S: (2, 2, 2),
    f"<!-- {_S} -->{_S}": (1, 1, 1),
    f"{_S}<!-- {_S} -->": (1, 1, 1),
    _S.replace("<column>", "<!-- </column></table> --><column>"): (1, 1, 1),
    _S.replace("<column>", "<?x </column>?><column>"): (1, 1, 1),
    _S.replace("a</name>", "a?</name><description>b! <![CDATA[</column>]]></description>"): (1, 1, 1),
    _S.replace("<column>", "<more><column><name>no</name></column></more><column>"): (1, 1, 1),
    _S.replace("</column>", "<more><column><name>no</name></column></more></column>"): (1, 1, 1),
    _S.replace("<schema>", "<more/><schema>"): (1, 1, 1),
    f"<more>{_S}</more>": (0, 0, 0),
    f"<more>{_S}</more>{_S.replace('>a<', '>b<')}": (1, 1, 1),
}


@pytest.mark.parametrize("form", TABLE_FORMS)
def test_tables_are_read_however_they_are_written(form: str) -> None:
    [kept] = xmlio.records_in(record("ivo://north.example/t", inside=form, extra=_VS))
    element = xmlio.parse(kept)
    found = projection.rows(element, "", kept)
    assert found == projection.rows(element)
    assert tuple(len(found[name]) for name in ("rr_res_schema", "rr_res_table", "rr_table_column")) == TABLE_FORMS[form]


def test_what_is_remembered_of_columns_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tableset, "_KNOWN", {})
    monkeypatch.setattr(tableset, "_MOST", 3)
    for first in range(4):
        columns = "".join(f"<column><name>c{first}{number}</name></column>" for number in range(3))
        assert len(rows_of(columns)) == 4
        assert sum(map(len, tableset._KNOWN.values())) <= 3 + 4


def test_columns_as_nearly_all_are_written_are_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tableset, "_walked")
    [kept] = xmlio.records_in(record("ivo://north.example/t", inside=_TABLES.format(list(COLUMN_FORMS)[1]), extra=_VS))
    assert len(projection.rows(xmlio.parse(kept), "", kept)["rr_table_column"]) == 2


def test_the_bytes_say_what_the_elements_say_in_the_whole_corpus(shared: Path) -> None:
    compared = 0
    for file in all_files(shared):
        try:
            bodies = list(xmlio.records_in(file.read_bytes()))
        except xmlio.XmlRefused:
            continue
        for body in bodies:
            element = xmlio.parse(body)
            assert projection.rows(element, "", body) == projection.rows(element)
            compared += 1
    assert compared > 300


def test_each_value_comes_into_its_own_column(any_site: Site) -> None:
    xml = record("ivo://north.example/t", inside=_TABLES.format("".join(list(COLUMN_FORMS)[:2])), extra=_VS)
    with any_site.database.write() as connection:
        store.put(connection, any_site.schemas, xml, origin=store.OWN, who="t")
    [kept] = xmlio.records_in(xml)
    made = projection.rows(xmlio.parse(kept), "", kept)
    with any_site.database.read() as connection:
        for name, columns in COLUMNS.items():
            table = metadata.tables[name]
            rows = connection.execute(select(*(table.c[column] for column in columns)).order_by(*table.primary_key)).all()
            assert list(map(tuple, rows)) == made[name]


def test_each_row_has_a_value_for_each_column_of_its_table() -> None:
    for name, columns in COLUMNS.items():
        given = {column.name for column in metadata.tables[name].columns if not column.primary_key or column.name in columns}
        assert set(columns) == given
