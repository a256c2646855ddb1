"""Describing a service from its own documents: what is read, what is published, and every way in which it can fail."""

from __future__ import annotations

import socket
import threading

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from registry.errors import Conflict, Refusal
from registry.fetch import FetchError
from registry.records import publish, store
from registry.services import credentials, importing
from registry.services.find import find
from registry.services.importing import NotDescribed
from registry.services.standards import shipped
from registry.site import Site
from tests.services.conftest import CONE, capability, document
from vosi import availability, capabilities as capability_documents, namespaces as ns, xmlio
from vosi.availability import Availability

TABLES = b"""<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><schema><name>cat</name><table><name>cat.stars</name>
 <column><name>ra</name><unit>deg</unit><dataType xsi:type="vs:VOTableType">double</dataType></column></table></schema>
</vosi:tableset>"""


def serve(http: HTTPServer, *, secured: str = "", base: str = "/cat") -> str:
    """A cone search with all three documents below `base`; its address."""
    url = http.url_for(base)
    headers = {"Authorization": f"Bearer {secured}"} if secured else None
    more = {"security_methods": ("ivo://ivoa.net/sso#OAuth",)} if secured else {}
    http.expect_request(f"{base}/capabilities", headers=headers).respond_with_data(document(
        capability(f"{url}/scs", **more),
        capability(f"{url}/capabilities", standard_id=ns.STD_VOSI_CAPABILITIES, use="full"),
        capability(f"{url}/availability", standard_id=ns.STD_VOSI_AVAILABILITY, use="full"),
        capability(f"{url}/tables", standard_id=ns.STD_VOSI_TABLES, use="full"),
    ), content_type="text/xml")
    http.expect_request(f"{base}/availability").respond_with_data(
        availability.write(Availability(True, up_since="2026-01-01T00:00:00Z")), content_type="text/xml")
    http.expect_request(f"{base}/tables", headers=headers).respond_with_data(TABLES, content_type="text/xml")
    if secured:
        for name in ("capabilities", "tables"):
            http.expect_request(f"{base}/{name}").respond_with_data("who?", status=401)
    return url


def record_of(site: Site, ivoid: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
    assert record is not None
    return record


@pytest.mark.parametrize("ending", ["/capabilities", "", "/", "?verbose=1"])
def test_a_service_is_read_and_published(founded: Site, httpserver: HTTPServer, ending: str):
    url = serve(httpserver)
    record = importing.register(founded, url + ending, key="stars", title="Stars of the north", who="test")
    assert (record.ivoid, record.type) == ("ivo://north.example/stars", "vs:CatalogService")
    assert record.title == "Stars of the north"
    assert (record.origin, record.status, record.profile, record.managed) == ("own", "active", "recommended", True)
    element = xmlio.parse(record.xml)
    assert [one.standard_id for one in capability_documents.of_record(element)] == [
        CONE, ns.STD_VOSI_CAPABILITIES, ns.STD_VOSI_AVAILABILITY, ns.STD_VOSI_TABLES]
    assert element.findtext(".//column/name") == "ra"
    assert element.findtext("curation/publisher") == "North"
    with founded.database.read() as connection:
        assert [one.access_url for one in find(connection, CONE)] == [f"{url}/scs"]


def test_what_is_found_is_told_before_it_is_published(founded: Site, httpserver: HTTPServer):
    found = importing.look(founded, serve(httpserver))
    assert found.url.endswith("/cat/capabilities") and len(found.capabilities) == 4
    assert found.availability == Availability(True, up_since="2026-01-01T00:00:00Z")
    assert b"cat.stars" in found.tableset and found.problems == ()
    with founded.database.read() as connection:
        assert find(connection, CONE) == []


def test_a_service_that_asks_for_a_token(founded: Site, httpserver: HTTPServer):
    url = serve(httpserver, secured="let-me-in")
    with pytest.raises(NotDescribed, match="asks who we are"):
        importing.register(founded, url, key="stars", who="test")
    with pytest.raises(NotDescribed, match="asks who we are"):
        importing.register(founded, url, key="stars", who="test", bearer="wrong")
    record = importing.register(founded, url, key="stars", who="test", bearer="let-me-in")
    assert credentials.get(founded, record.ivoid) == {"Authorization": "Bearer let-me-in"}
    assert b"let-me-in" not in record.xml


def test_the_token_goes_to_no_other_host(founded: Site, httpserver: HTTPServer):
    with socket.create_server(("127.0.0.1", 0)) as other:
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = other.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=listen)
        thread.start()
        away = f"http://127.0.0.1:{other.getsockname()[1]}/availability"
        httpserver.expect_request("/cat/capabilities").respond_with_data(document(
            capability(httpserver.url_for("/cat/scs")),
            capability(away, standard_id=ns.STD_VOSI_AVAILABILITY, use="full")))
        found = importing.look(founded, httpserver.url_for("/cat/capabilities"), "let-me-in")
        thread.join()
    assert heard and b"let-me-in" not in heard[0]
    assert any("see that this is meant" in problem for problem in found.problems)
    assert any("status 404" in problem for problem in found.problems)


def test_a_second_import_changes_nothing_and_a_third_what_is_new(founded: Site, httpserver: HTTPServer):
    url = serve(httpserver)
    first = importing.register(founded, url, key="stars", title="Stars", subjects=("stars",), who="test")
    again = importing.register(founded, url, key="STARS", who="test")
    assert (again.version, again.datestamp, again.xml) == (first.version, first.datestamp, first.xml)
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(capability(f"{url}/v2")))
    third = importing.register(founded, url, key="stars", who="test")
    assert third.version == 2 and third.title == "Stars" and b"/v2" in third.xml and b"tableset" not in third.xml


def test_a_service_without_catalogue_is_a_plain_service(founded: Site, httpserver: HTTPServer):
    httpserver.expect_request("/x/capabilities").respond_with_data(document(
        capability(httpserver.url_for("/x/jobs"), standard_id=ns.STD_UWS)))
    assert importing.register(founded, httpserver.url_for("/x"), key="x", who="test").type == "vr:Service"


def test_what_a_record_cannot_hold_is_left_out_and_told(founded: Site, httpserver: HTTPServer):
    body = document(capability(httpserver.url_for("/x/scs"))).replace(
        b"<capability ", b'<capability xmlns:odd="urn:odd" xsi:type="odd:Thing" ', 1)
    httpserver.expect_request("/x/capabilities").respond_with_data(body)
    found = importing.look(founded, httpserver.url_for("/x"))
    record, notes = importing.register_found(founded, found, importing.Wish("x"), who="test")
    assert record.profile == "recommended"
    assert len(notes) == 1 and "only the addresses are kept" in notes[0]
    with founded.database.read() as connection:
        assert [one.access_url for one in find(connection, CONE)] == [httpserver.url_for("/x/scs")]


# --- what can be wrong at an address ----------------------------------------------------------------------------------


def said(site: Site, url: str, **more) -> str:
    """The one sentence of a refusal, after which nothing is stored."""
    with pytest.raises(Refusal) as caught:
        importing.register(site, url, key="stars", who="test", **more)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and len(text) < 600
    with site.database.read() as connection:
        assert store.get(connection, "ivo://north.example/stars") is None
    return text


@pytest.mark.parametrize(("body", "kind", "words"), [
    (b"not xml at all", "text/xml", "not well-formed"),
    (b"", "text/xml", "not well-formed"),
    (b"<!DOCTYPE html><html><body>Login</body></html>", "text/html", "HTML page"),
    (b"<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'/>", "text/html", "HTML page"),
    (b"<VOTABLE/>", "text/xml", "VOTABLE"),
    (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "text/xml", "DOCTYPE"),
    (b'<c:capabilities xmlns:c="http://www.ivoa.net/xml/VOSICapabilities/v1.0"/>', "text/xml", "lists no capability"),
])
def test_an_address_with_something_else(founded: Site, httpserver: HTTPServer, body: bytes, kind: str, words: str):
    httpserver.expect_request("/x/capabilities").respond_with_data(body, content_type=kind)
    text = said(founded, httpserver.url_for("/x/capabilities"))
    assert words in text and "/x/capabilities" in text


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_address_that_refuses(founded: Site, httpserver: HTTPServer, status: int):
    httpserver.expect_request("/x/capabilities").respond_with_data("no", status=status)
    httpserver.expect_request("/x").respond_with_data("no", status=status)
    assert f"status {status}" in said(founded, httpserver.url_for("/x"))


def test_nobody_answers(founded: Site):
    assert "nobody listens" in said(founded, "http://127.0.0.1:9999/")


def test_a_network_that_is_not_allowed(founded: Site):
    assert "allowed_networks" in said(founded, "http://10.0.0.1/capabilities")


@pytest.mark.parametrize("url", ["", "stars", "ftp://a/b", "file:///etc/passwd", "http://", "http://user:pass@127.0.0.1/"])
def test_what_is_no_web_address(founded: Site, url: str):
    said(founded, url)


def test_a_document_that_is_too_large(founded: Site, httpserver: HTTPServer):
    httpserver.expect_request("/x/capabilities").respond_with_handler(
        lambda _: Response((b" " * 65536 for _ in range(200)), content_type="text/xml"))
    assert "more than" in said(founded, httpserver.url_for("/x/capabilities"))


def test_other_documents_that_fail_are_problems_not_failures(founded: Site, httpserver: HTTPServer):
    url = serve(httpserver)
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(
        capability(f"{url}/scs"), capability(f"{url}/availability", standard_id=ns.STD_VOSI_AVAILABILITY, use="full"),
        capability("http://10.0.0.1/tables", standard_id=ns.STD_VOSI_TABLES, use="full")))
    httpserver.expect_request("/cat/availability").respond_with_data("<html/>")
    found = importing.look(founded, url)
    assert found.availability is None and found.tableset is None
    assert any("HTML page" in problem for problem in found.problems)
    assert any("allowed_networks" in problem for problem in found.problems)


@pytest.mark.parametrize("key", [
    "", " / ", "registry", "Runner", "organisation", "app/x", "a b", "a%20b", "a?b", "a#b", "ü"])
def test_a_name_that_will_not_do_is_told_before_anybody_is_asked(founded: Site, httpserver: HTTPServer, key: str):
    with pytest.raises(Refusal):
        importing.register(founded, serve(httpserver), key=key, who="test")
    assert httpserver.log == []


def test_no_other_kind_of_record_is_replaced(founded: Site, httpserver: HTTPServer):
    with founded.database.read() as connection:
        xml = store.get(connection, "ivo://north.example/organisation").xml
    people = xml.replace(b"/organisation</identifier>", b"/people</identifier>")
    assert publish.publish(founded, people, who="test").ivoid == "ivo://north.example/people"
    with pytest.raises(Conflict, match="vr:Organisation"):
        importing.register(founded, serve(httpserver), key="people", who="test")


def test_a_token_that_no_header_can_carry(founded: Site, httpserver: HTTPServer):
    said(founded, serve(httpserver), bearer="two\nlines")
    assert httpserver.log == []


def test_fetch_errors_are_refusals():
    assert issubclass(FetchError, Refusal)


@pytest.mark.parametrize(("standard_id", "words"), [
    ("ivo://ivoa.net/std/conesearch", "is written ivo://ivoa.net/std/ConeSearch"),
    ("ivo://ivoa.net/std/ConeSerach", "is ivo://ivoa.net/std/ConeSearch meant?"),
    ("ivo://ivoa.net/std/SIA#qurey-2.0", "is ivo://ivoa.net/std/SIA#query-2.0 meant?"),
    ("ivo://ivoa.net/std/SIA#Query-2.0", "is written ivo://ivoa.net/std/SIA#query-2.0"),
    ("ivo:/ivoa.net/std/ConeSearch", "is ivo://ivoa.net/std/ConeSearch meant?"),
    ("ivo://ivoa.net/std/SIA#query-2.1", ""), ("ivo://ivoa.net/std/VOSI#tables-1.1", ""),
    ("ivo://south.example/std/own#query-1.0", ""), (CONE, ""), ("", ""),
])
def test_a_standard_in_the_wrong_case_or_with_a_typo_is_told(
    founded: Site, httpserver: HTTPServer, standard_id: str, words: str,
):
    shipped.ship(founded)
    url = httpserver.url_for("/cat")
    httpserver.expect_request("/cat/capabilities").respond_with_data(
        document(capability(f"{url}/scs", standard_id=standard_id)), content_type="text/xml")
    problems = [one for one in importing.look(founded, url).problems if "standardID" in one and "without" not in one]
    assert [words in one for one in problems] == ([True] if words else []), problems


def test_a_document_that_comes_from_elsewhere_is_told(founded: Site, httpserver: HTTPServer):
    url = httpserver.url_for("/cat").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/moved/capabilities").respond_with_data(
        "", status=302, headers={"Location": f"{url}/capabilities"})
    httpserver.expect_request("/cat/capabilities").respond_with_data(
        document(capability(f"{url}/scs")), content_type="text/xml")
    problems = importing.look(founded, httpserver.url_for("/moved")).problems
    assert any("sends on to http://127.0.0.1" in one for one in problems)


def test_addresses_outside_the_datacenter_are_told(founded: Site, httpserver: HTTPServer):
    url = httpserver.url_for("/cat")
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(
        capability("https://archive.elsewhere.org/scs"),
        capability("http://db.internal/tap", standard_id=ns.STD_TAP)), content_type="text/xml")
    problems = importing.look(founded, url).problems
    assert [one for one in problems if "outside this datacenter" in one] == [
        f"Its capability {CONE} is at archive.elsewhere.org, which is outside this datacenter."]
