"""Table sets: read as services send them, carried into records, written from there."""

from __future__ import annotations

import io

import pytest
from lxml import etree
from pyvo.io import vosi as pyvo_vosi
from vo_models.vosi.tables.models import VOSITableSet

from tests.vosi import drafts
from tests.vosi.judges import documents, official_faults, ours, problems
from vosi import compose, namespaces as ns, tables, xmlio

HEAD = ('<tableset xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:esa="http://esa.example/x"><schema><name>s</name><table><name>s.t</name>')
TAIL = "</table></schema></tableset>"


def record(tableset: bytes) -> bytes:
    return compose.compose(drafts.minimal("vs:CatalogService", tableset=tableset))


def tableset_of(document: bytes) -> etree._Element:
    found = xmlio.parse(record(document), max_bytes=xmlio.MAX_PAGE).find("tableset")
    assert found is not None
    return found


def column(data_type: str, attributes: str = "") -> bytes:
    return f"{HEAD}<column {attributes}><name>c</name>{data_type}</column>{TAIL}".encode()


def test_a_table_set_survives_its_way_into_a_record_and_out_again():
    inner = drafts.TABLES[drafts.TABLES.index(b"<schema"):-len("</vosi:tableset>")]
    assert inner in tables.carried(drafts.TABLES)
    out = xmlio.parse(tables.document(tableset_of(drafts.TABLES)))
    assert out.tag == f"{{{ns.VOSI_TABLES}}}tableset"
    assert problems(etree.tostring(out)) == []
    assert [ns.canonical_type(node) for node in out.iter("dataType")] == ["vs:TAPType"]
    assert [node.text for node in out.iter("name")] == ["hip", "hip.main", "ra", "name", "hip.notes"]


@pytest.mark.parametrize(("given", "kept", "told"), [
    ('<dataType xsi:type="vs:TAP">INTEGER</dataType>', ("vs:TAPType", "INTEGER"), "carried as vs:TAPType"),
    ('<dataType xsi:type="vs:VOTable">char</dataType>', ("vs:VOTableType", "char"), "carried as vs:VOTableType"),
    ('<dataType xsi:type="vs:TAPType" size="3">adql:VARCHAR</dataType>', ("vs:TAPType", "VARCHAR"), ""),
    ('<dataType xsi:type="vs:TAPType">UNKNOWN</dataType>', None, "UNKNOWN of the kind vs:TAPType is unknown"),
    ("<dataType>BIGINT</dataType>", None, "of the kind (none)"),
    ('<dataType xsi:type="vs:VOTableType">int</dataType>', ("vs:VOTableType", "int"), ""),
])
def test_data_types_are_mended_or_left_out_and_that_is_told(given, kept, told):
    reading = tables.read(column(given))
    assert any(told in problem for problem in reading.problems)
    root = xmlio.parse(reading.tableset or b"")
    assert [(ns.canonical_type(node), node.text) for node in root.iter("dataType")] == ([kept] if kept else [])
    assert problems(record(column(given))) == []


def test_attributes_of_other_vocabularies_are_left_out():
    reading = tables.read(column("", 'esa:flags="3" std="true"'))
    assert "Its attributes of the namespace http://esa.example/x are left out." in reading.problems
    found = xmlio.parse(reading.tableset or b"").find("schema/table/column")
    assert found is not None and dict(found.attrib) == {"std": "true"}


def test_elements_in_the_namespace_of_vosi_are_taken_out_of_it():
    document = column("").replace(b"<tableset ", b'<tableset xmlns="http://www.ivoa.net/xml/VOSITables/v1.0" ')
    assert problems(record(document)) == []


@pytest.mark.parametrize("document", [b"<html/>", b'<tableset xmlns="urn:other"/>', b'<v:table xmlns:v="urn:x"/>'])
def test_xml_that_is_no_table_set_is_a_problem_and_cannot_be_carried(document):
    assert tables.read(document).tableset is None
    with pytest.raises(xmlio.XmlRefused, match="no VOSI table set"):
        tables.carried(document)


def test_detail_min_leaves_columns_and_keys_out_of_a_copy():
    element = tableset_of(drafts.TABLES)
    short = tables.document(element, "min")
    assert problems(short) == []
    assert b"<column" not in short and b"<foreignKey" not in short
    assert b"<column" in tables.document(element)


@pytest.mark.parametrize(("name", "found"), [
    ("hip.main", "hip.main"), ("hip.hip.main", "hip.main"), ("HIP.Notes", "hip.notes"), ("main", None), ("", None)])
def test_one_table_is_found_by_its_name(name, found):
    document = tables.table(tableset_of(drafts.TABLES), name)
    assert (document and xmlio.parse(document).findtext("name")) == found
    if document:
        assert problems(document) == []
    assert tables.names(tableset_of(drafts.TABLES)) == ["hip.main", "hip.notes"]


@pytest.mark.shared
def test_the_official_schemas_find_written_documents_valid(shared):
    element = tableset_of(drafts.TABLES)
    for document in (tables.document(element), tables.document(element, "min"), tables.table(element, "hip.main")):
        assert official_faults(document or b"") == []


def test_pyvo_and_vo_models_read_them():
    document = tables.document(tableset_of(drafts.TABLES))
    read = pyvo_vosi.parse_tables(io.BytesIO(document))
    assert [table.name for table in read.iter_tables()] == ["hip.main", "hip.notes"]
    assert VOSITableSet.from_xml(document).tableset_schema[0].table[0].table_name == "hip.main"


@pytest.mark.shared
def test_every_real_document_is_read_and_carried_at_least_as_valid_as_it_was(shared):
    read, mended = 0, 0
    for name, data in documents("vosi-tables"):
        reading = tables.read(data)
        if reading.tableset is None:
            assert xmlio.parse(data).tag.endswith("table"), name
            continue
        read += 1
        before = not ours().validate(xmlio.parse(data, max_bytes=xmlio.MAX_PAGE))
        after = not problems(record(data))
        assert after or not before, name
        mended += after and not before
        assert not problems(tables.document(tableset_of(data))) or not after, name
    assert (read, mended) == (46, 16)
