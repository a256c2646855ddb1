"""VOSI capabilities: read as services send them, carried whole, written so that others read them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from lxml import etree
from pyvo.io import vosi as pyvo_vosi
from vo_models.vosi.capabilities.models import VOSICapabilities

from tests.vosi import drafts
from tests.vosi.judges import documents, official_faults, ours, problems
from vosi import capabilities, compose, namespaces as ns, xmlio
from vosi.capabilities import Capability, Interface

ODD = """<?xml version="1.0" encoding="utf-8"?>
<capabilities xmlns:v="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:c="http://www.ivoa.net/xml/ConeSearch/v1.0"
  xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
<capability i:type="c:ConeSearch" standardID=" ivo://ivoa.net/std/ConeSearch "><!-- é -->
  <interface i:type='v:ParamHTTP' role="std"><accessURL
    use="base"> http://a.example/scs?a=1&amp;b=2 </accessURL></interface>
  <maxSR>180.0</maxSR><maxRecords>1000</maxRecords><verbosity>true</verbosity>
  <testQuery><ra>1</ra><dec>2</dec><sr>0.1</sr></testQuery>
</capability><capability standardID="ivo://ivoa.net/std/VOSI#availability"/></capabilities>"""

QUALIFIED = b"""<capabilities xmlns="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1">
  <capability standardID="ivo://ivoa.net/std/VOSI#capabilities"><interface xsi:type="vs:ParamHTTP">
  <accessURL use="full">http://a.example/capabilities</accessURL></interface></capability></capabilities>"""


def carried(found: tuple[Capability, ...]) -> bytes:
    return compose.compose(drafts.minimal("vr:Service", capabilities=found))


def values(found: tuple[Capability, ...]) -> list[Capability]:
    """What they say, an interface with several security methods counted as one for each."""
    return [replace(one, xml=None, interfaces=tuple(
        replace(interface, security_methods=methods) for interface in one.interfaces
        for methods in ([(method,) for method in interface.security_methods] or [()]))) for one in found]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_document_with_a_mark_odd_prefixes_and_no_namespace_is_read_with_its_fault_told():
    reading = capabilities.read(ODD.encode("utf-8-sig"))
    assert reading.problems == ["Its root element capabilities is in no namespace."]
    assert values(reading.capabilities) == [
        Capability(ns.STD_CONE, "cs:ConeSearch", interfaces=(Interface(
            "vs:ParamHTTP", "http://a.example/scs?a=1&b=2", "base", "std"),)),
        Capability(ns.STD_VOSI_AVAILABILITY)]
    assert capabilities.read(ODD.replace("utf-8", "utf-16").encode("utf-16")).capabilities == reading.capabilities


def test_extension_metadata_survives_being_carried_into_a_record_and_out_again():
    reading = capabilities.read(ODD.encode())
    record = carried(reading.capabilities)
    assert problems(record) == []
    root = xmlio.parse(record)
    cone = root.find("capability")
    assert cone is not None and ns.canonical_type(cone) == "cs:ConeSearch"
    assert root.findtext("capability/testQuery/sr") == "0.1"
    inner = ODD[ODD.index("<!-- é"):ODD.index("</capability>")].encode()
    assert record.count(inner) == 1  # byte for byte
    assert values(capabilities.of_record(root)) == values(reading.capabilities)
    assert problems(capabilities.write(capabilities.of_record(root))) == []


def test_elements_in_the_namespace_of_vosi_are_taken_out_of_it():
    reading = capabilities.read(QUALIFIED)
    assert reading.problems == [
        f"Its capability elements are in the namespace {ns.VOSI_CAPABILITIES}; they belong in none."]
    assert reading.capabilities[0].interfaces[0].access_url == "http://a.example/capabilities"
    assert problems(carried(reading.capabilities)) == []


def test_an_empty_capability_takes_nothing_of_what_follows():
    pieces = [one.xml for one in capabilities.read(ODD.encode()).capabilities]
    assert pieces[1] is not None and pieces[1].endswith(b'standardID="ivo://ivoa.net/std/VOSI#availability"/>')


@pytest.mark.parametrize(("document", "problem"), [
    (b"<html><body>It works!</body></html>", "It is XML, but no VOSI capabilities document: its root element is html."),
    (b'<c:capabilities xmlns:c="http://www.ivoa.net/xml/VOSICapabilities/v1.0"/>', "It lists no capability."),
    (b'<c:capabilities xmlns:c="urn:other"/>', "Its root element is in the namespace urn:other."),
])
def test_xml_that_says_nothing_of_capabilities_is_a_problem(document, problem):
    reading = capabilities.read(document)
    assert reading.capabilities == () and problem in reading.problems


@pytest.mark.parametrize("document", [
    b"", b"404 not found", b"<html><br></html>", b"<!DOCTYPE html><html/>", b"<a>" * 300,
    b"\xff\xfe\xff", b"<a>\x00</a>",
])
def test_what_is_no_xml_is_refused(document):
    with pytest.raises(xmlio.XmlRefused):
        capabilities.read(document)


def test_interfaces_that_lead_nowhere_are_told():
    reading = capabilities.read(QUALIFIED.replace(b"http://a.example/capabilities", b"file:///etc/passwd").replace(
        b' xsi:type="vs:ParamHTTP"', b""))
    assert any("file:///etc/passwd" in problem for problem in reading.problems)
    assert any("has no xsi:type" in problem for problem in reading.problems)


def test_a_record_can_be_read_where_a_service_answers_with_one():
    reading = capabilities.read(compose.compose(drafts.FULL))
    assert len(reading.capabilities) == len(drafts.FULL.capabilities)
    assert "its root element is Resource" in reading.problems[0]


@pytest.mark.shared
def test_every_real_document_is_read_or_refused_and_carried_without_loss(shared):
    read, valid = 0, 0
    for name, data in documents("vosi-capabilities"):
        try:
            reading = capabilities.read(data)
        except xmlio.XmlRefused:
            assert name.endswith("localhost-bad-capabilities.xml")
            continue
        read += 1
        record = carried(reading.capabilities)
        root = xmlio.parse(record)
        assert values(capabilities.of_record(root)) == values(reading.capabilities), name
        if ours().validate_any(xmlio.parse(data))[0]:
            valid += 1
            assert problems(record) == [] and reading.problems == [], name  # valid in 1.2 too
        assert problems(carried(tuple(map(capabilities.plain, reading.capabilities)))) == [], name
    assert (read, valid) == (61, 41)


@pytest.mark.shared
def test_documents_of_other_kinds_are_never_more_than_a_problem(shared):
    for _, data in documents("vosi-tables") + documents("vosi-availability") + documents("resource"):
        try:
            assert capabilities.read(data).problems
        except xmlio.XmlRefused:
            continue


# --- writing ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_valid_and_says_the_same():
    document = capabilities.write((drafts.CONE, drafts.HARVEST))
    assert problems(document) == []
    reading = capabilities.read(document)
    assert reading.problems == []
    assert [one.standard_id for one in reading.capabilities] == [ns.STD_CONE, ns.STD_REGISTRY]
    assert reading.capabilities[0].description == "Stars in a circle & more"


def test_each_security_method_gets_an_interface_of_its_own():
    root = xmlio.parse(capabilities.write((drafts.CONE,)))
    found = [[one.get("standardID") for one in interface.iterfind("securityMethod")]
             for interface in root.iter("interface")]
    assert found == [[], ["ivo://ivoa.net/sso#BasicAA"]]


def test_an_interface_that_lists_several_methods_is_repeated_for_each():
    methods = b'<securityMethod/><!-- . --><securityMethod standardID="ivo://ivoa.net/sso#tls-with-certificate"/>'
    document = QUALIFIED.replace(b"</accessURL>", b"</accessURL>" + methods)
    read = capabilities.read(document).capabilities
    assert read[0].interfaces[0].security_methods == ("", "ivo://ivoa.net/sso#tls-with-certificate")
    record = carried(read)
    assert problems(record) == []
    found = capabilities.of_record(xmlio.parse(record))[0].interfaces
    assert [one.security_methods for one in found] == [("",), ("ivo://ivoa.net/sso#tls-with-certificate",)]


@pytest.mark.shared
def test_the_official_schemas_find_written_documents_valid(shared):
    assert official_faults(capabilities.write((drafts.CONE, drafts.HARVEST))) == []
    assert official_faults(capabilities.write(capabilities.read(ODD.encode()).capabilities)) == []


@pytest.mark.filterwarnings("ignore")  # pyvo warns of the white space around a standardID
def test_pyvo_reads_what_we_write():
    document = capabilities.write((drafts.CONE, *capabilities.read(ODD.encode()).capabilities))
    read = pyvo_vosi.parse_capabilities(io.BytesIO(document))
    assert [one.standardid for one in read] == [ns.STD_CONE, f" {ns.STD_CONE} ", ns.STD_VOSI_AVAILABILITY]
    assert read[0].interfaces[0].accessurls[0].content == "http://127.0.0.1:8101/stars?"
    assert read[0].interfaces[1].securitymethods[0].standardid == "ivo://ivoa.net/sso#BasicAA"


def test_vo_models_reads_what_we_write():
    url = "http://127.0.0.1:8101/capabilities"
    own = Capability(ns.STD_VOSI_CAPABILITIES, interfaces=(Interface(access_url=url, role="std"),))
    read = VOSICapabilities.from_xml(capabilities.write((own,)))
    assert str(read.capability[0].interface[0].access_url[0].value) == url


def test_a_character_that_xml_cannot_hold_is_refused_in_a_sentence():
    with pytest.raises(xmlio.XmlRefused, match="accessURL holds the character U\\+0007"):
        capabilities.write((Capability("x", interfaces=(Interface(access_url="http://a\x07"),)),))


# --- addresses --------------------------------------------------------------------------------------------------------


def test_access_urls_are_replaced_in_values_and_xml_and_nothing_else_is():
    cone = capabilities.read(ODD.encode()).capabilities[0]
    moved = capabilities.readdressed(cone, lambda url: url.replace("http://a.example", "http://dc.internal:1/x"))
    assert moved.interfaces[0].access_url == "http://dc.internal:1/x/scs?a=1&b=2"
    assert cone.xml is not None
    assert moved.xml == cone.xml.replace(
        b" http://a.example/scs?a=1&amp;b=2 ", b"http://dc.internal:1/x/scs?a=1&amp;b=2")


def test_a_url_hidden_in_cdata_or_behind_a_comment_is_replaced_too():
    document = QUALIFIED.replace(b"http://a.example/capabilities", b"<!-- ! --><![CDATA[http://a.example/?a&b]]>")
    asked = []

    def moved_to(url: str) -> str:
        asked.append(url)
        return "http://n/"

    moved = capabilities.readdressed(capabilities.read(document).capabilities[0], moved_to)
    assert set(asked) == {"http://a.example/?a&b"}
    assert b"a.example" not in (moved.xml or b"")


def test_mirrors_and_values_without_xml_are_handled():
    moved = capabilities.readdressed(drafts.CONE, lambda url: "http://n/?")
    assert (moved.interfaces[0].access_url, moved.xml) == ("http://n/?", None)
    assert moved.interfaces[0].mirror_urls == drafts.CONE.interfaces[0].mirror_urls


@pytest.mark.shared
def test_in_real_documents_every_access_url_can_be_replaced(shared):
    for name, data in documents("vosi-capabilities"):
        if name.endswith("localhost-bad-capabilities.xml"):
            continue
        for capability in capabilities.read(data).capabilities:
            moved = capabilities.readdressed(capability, lambda url: "http://n/")
            urls = xmlio.parse(moved.xml or b"").iterfind("interface/accessURL")
            assert {url.text for url in urls} <= {"http://n/"}, name


def test_plain_capabilities_lose_only_what_needs_unknown_vocabularies():
    odd = Capability(
        "x", "odd:Kind", interfaces=(Interface("odd:Way", "http://a/"), Interface("vr:WebBrowser", "http://b/")),
        xml=b"<capability/>", extra=(("y", "z"),))
    assert capabilities.plain(odd) == Capability(
        "x", interfaces=(Interface("vs:ParamHTTP", "http://a/"), Interface("vr:WebBrowser", "http://b/")))


def test_of_record_reads_records_with_prefixed_elements():
    element = etree.fromstring(
        '<r xmlns:q="urn:q"><q:capability standardID="s"><q:interface><q:accessURL>u</q:accessURL></q:interface>'
        "</q:capability></r>")
    assert capabilities.of_record(element)[0].interfaces == (Interface("", "u"),)
