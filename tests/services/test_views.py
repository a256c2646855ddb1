"""The room's addresses: VOSI documents of ours and on behalf, capability queries in their forms, the offer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from registry.services import own
from registry.services.health import polling
from registry.site import Site
from registry.tables import health
from tests.services.conftest import CONE, capability, publish_service
from vosi import availability, capabilities, namespaces as ns, xmlio
from vosi.availability import Availability
from vosi.schemas import Schemas

VOSI = {"capabilities": ns.STD_VOSI_CAPABILITIES, "availability": ns.STD_VOSI_AVAILABILITY,
        "tables": ns.STD_VOSI_TABLES}
TABLESET = b"""<tableset xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<schema><name>cat</name><table><name>cat.stars</name>
<column><name>ra</name><dataType xsi:type="vs:TAPType">DOUBLE</dataType></column>
</table><table><name>cat.tables</name></table></schema></tableset>"""


def valid(schemas: Schemas, body: bytes):
    element = xmlio.parse(body)
    assert schemas.validate(element) == []
    return element


def get(client: FlaskClient, url: str, status: int = 200, **more):
    response = client.get(url, **more)
    assert response.status_code == status, response.data
    return response


# --- our own ----------------------------------------------------------------------------------------------------------


def test_our_capabilities_list_everything_that_can_be_asked_here(client: FlaskClient, founded: Site):
    response = get(client, "/capabilities")
    assert response.content_type.startswith("text/xml")
    valid(founded.schemas, response.data)
    found = {one.standard_id: one for one in capabilities.read(response.data).capabilities}
    assert set(found) == {*VOSI.values(), ns.STD_REGISTRY, ns.STD_TAP, ns.STD_UWS, ns.STD_RUNNER}
    assert found[ns.STD_TAP].interfaces[0].access_url == "http://127.0.0.1:8101/tap"
    assert found[ns.STD_REGISTRY].type == "vg:Harvest"
    assert found[ns.STD_UWS].interfaces[0].access_url == "http://127.0.0.1:8101/jobs"
    assert [one.security_methods for one in found[ns.STD_UWS].interfaces] == [(), ("ivo://ivoa.net/sso#BasicAA",)]


def test_our_tables(client: FlaskClient, founded: Site):
    whole = valid(founded.schemas, get(client, "/tables").data)
    names = [name.text for name in whole.findall("schema/table/name")]
    assert "rr.resource" in names and "rr.interface" in names
    least = valid(founded.schemas, get(client, "/tables?DETAIL=min").data)
    assert least.find(".//column") is None and len(least.findall("schema/table")) == len(names)
    one = valid(founded.schemas, get(client, "/tables/rr.capability").data)
    assert "standard_id" in [name.text for name in one.findall("column/name")]
    assert b"no table" in get(client, "/tables/rr.nothing", 404).data
    assert b"detail" in get(client, "/tables?detail=all", 400).data


@pytest.fixture()
def well(monkeypatch, httpserver: HTTPServer):
    """A Docker repository that answers, and a look that is never remembered."""
    httpserver.expect_request("/v2/").respond_with_data("{}")
    monkeypatch.setattr(own._looks, "_seconds", 0.0)


def state(site: Site) -> Availability:
    return own.availability(site)


def with_settings(site: Site, **changes) -> Site:
    return replace(site, settings=site.settings.model_copy(update=changes))


def test_we_are_available_while_all_we_lean_on_is_well(founded: Site, httpserver: HTTPServer, well):
    site = with_settings(founded, repository=f"{httpserver.host}:{httpserver.port}")
    assert state(site).available and state(site).notes == () and state(site).up_since
    httpserver.clear()
    httpserver.expect_request("/v2/").respond_with_data("no", status=500)
    assert not state(site).available and "repository" in state(site).notes[0]
    httpserver.clear()
    httpserver.expect_request("/v2/").respond_with_data("who?", status=401)
    assert state(site).available


def test_a_repository_that_is_gone_is_named(founded: Site, well):
    answer = state(with_settings(founded, repository="127.0.0.1:9"))
    assert not answer.available and "Docker repository cannot be reached" in answer.notes[0]


def test_an_engine_that_fails_is_named(founded: Site, httpserver: HTTPServer, well):
    site = with_settings(founded, repository=f"{httpserver.host}:{httpserver.port}")
    own.tell_engine(site, "nobody listens at its socket.")
    assert state(site).notes == ("The Docker engine does not work, and jobs wait: nobody listens at its socket.",)
    own.tell_engine(site, "")
    assert state(site).available


def test_a_full_disk_is_named(founded: Site, httpserver: HTTPServer, well):
    site = with_settings(founded, repository=f"{httpserver.host}:{httpserver.port}", free_space=2**60)
    assert "disk is nearly full" in state(site).notes[0]


def test_availability_answers_while_the_database_is_down(client: FlaskClient, founded: Site, monkeypatch):
    def down(*_):
        raise OperationalError("select", {}, Exception("no database"))

    monkeypatch.setattr(type(founded.database), "read", down)
    response = get(client, "/availability")
    valid(founded.schemas, response.data)
    answer = availability.read(response.data)
    assert not answer.available and any("database does not answer" in note for note in answer.notes)
    assert get(client, "/capabilities").data
    refusal = get(client, "/find", 503)
    assert b"database does not answer" in refusal.data and b"Traceback" not in refusal.data


# --- on behalf --------------------------------------------------------------------------------------------------------


def test_a_service_without_documents_gets_them_from_us(client: FlaskClient, founded: Site, httpserver: HTTPServer):
    publish_service(founded, "cat/stars", capability(httpserver.url_for("/scs")), tableset=TABLESET)
    base = "/services/north.example/cat/stars"
    body = get(client, f"{base}/capabilities").data
    valid(founded.schemas, body)
    found = {one.standard_id: one.interfaces[0].access_url for one in capabilities.read(body).capabilities}
    assert found == {CONE: httpserver.url_for("/scs"), **{
        standard: f"http://127.0.0.1:8101{base}/{name}" for name, standard in VOSI.items()}}
    valid(founded.schemas, get(client, f"{base}/tables").data)
    assert valid(founded.schemas, get(client, f"{base}/tables?detail=min").data).find(".//column") is None
    assert valid(founded.schemas, get(client, f"{base}/tables/cat.stars").data).findtext("name") == "cat.stars"
    assert get(client, f"{base}/tables/cat.tables").data
    assert b"cat.stars" in get(client, f"{base}/tables/none", 404).data


def test_a_service_with_its_own_documents_keeps_them(client: FlaskClient, founded: Site):
    described = capability("http://a/c", standard_id=ns.STD_VOSI_CAPABILITIES, use="full")
    publish_service(founded, "a", capability("http://a/scs"), described)
    found = capabilities.read(get(client, "/services/NORTH.example/A/capabilities").data).capabilities
    urls = {one.standard_id: one.interfaces[0].access_url for one in found}
    assert urls[ns.STD_VOSI_CAPABILITIES] == "http://a/c" and len(found) == 3
    assert b"nothing of its tables" in get(client, "/services/north.example/a/tables", 404).data


def test_the_longest_stored_key_wins(client: FlaskClient, founded: Site):
    publish_service(founded, "a", capability("http://short/scs"), tableset=TABLESET)
    publish_service(founded, "a/tables", capability("http://long/scs"))
    assert b"http://long/scs" in get(client, "/services/north.example/a/tables/capabilities").data
    assert b"cat.stars" in get(client, "/services/north.example/a/tables/cat.stars").data


@pytest.mark.parametrize("path", [
    "north.example/none/capabilities", "north.example/b", "north.example/a/", "north.example", "x",
    "north.example/a/capabilities/x",
    "north.example/organisation/capabilities", "capabilities", "north.example/a/tables/",
    "bad authority/%/capabilities",
])
def test_what_is_not_there_is_a_sentence(client: FlaskClient, founded: Site, path: str):
    publish_service(founded, "a", capability("http://a/scs"))
    response = get(client, f"/services/{path}", 404)
    assert response.content_type.startswith("text/plain") and response.text.strip().endswith(".")


@pytest.mark.parametrize(("own_document", "status", "expected"), [
    (True, 200, True), (True, 500, False), (False, 200, True), (False, 404, True), (False, 503, False)])
def test_availability_is_what_the_service_says_or_shows(
    client: FlaskClient, founded: Site, httpserver: HTTPServer, own_document: bool, status: int, expected: bool,
):
    listed = [capability(httpserver.url_for("/scs"))]
    if own_document:
        listed.append(capability(httpserver.url_for("/avail"), standard_id=ns.STD_VOSI_AVAILABILITY, use="full"))
    says = availability.write(Availability(True, notes=("fine",)))
    httpserver.expect_request("/avail").respond_with_data(says, status=status)
    httpserver.expect_request("/scs", method="HEAD").respond_with_data("", status=status)
    publish_service(founded, "a", *listed)
    founded = with_settings(founded, health_grace=1)
    assert polling.turn(founded) == len(founded_rows(founded))
    seen = len(httpserver.log)
    body = get(client, "/services/north.example/a/availability").data
    valid(founded.schemas, body)
    assert availability.read(body).available is expected
    assert len(httpserver.log) == seen == 1  # nobody was asked while a client waited


def founded_rows(site: Site) -> list[tuple[str, str]]:
    with site.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(health.c.key, health.c.url))]


def test_a_dead_service_is_not_available(client: FlaskClient, founded: Site):
    publish_service(founded, "a", capability("http://127.0.0.1:9999/scs"))
    answer = availability.read(get(client, "/services/north.example/a/availability").data)
    assert not answer.available and "not been looked at yet" in answer.notes[0]
    polling.turn(with_settings(founded, health_grace=1))
    answer = availability.read(get(client, "/services/north.example/a/availability").data)
    assert not answer.available and "nobody listens" in answer.notes[0]


# --- queries ----------------------------------------------------------------------------------------------------------


@pytest.fixture()
def stars(founded: Site) -> str:
    publish_service(founded, "stars", capability("http://a/scs?", version="1.03"))
    return "http://a/scs?"


def test_the_same_answer_in_three_forms(client: FlaskClient, founded: Site, stars: str):
    query = f"?STANDARDID={CONE}"
    xml = get(client, f"/find{query}")
    valid(founded.schemas, xml.data)
    assert [one.interfaces[0].access_url for one in capabilities.read(xml.data).capabilities] == [stars]
    assert get(client, f"/find.xml{query}").data == xml.data
    assert get(client, f"/find{query}", headers={"Accept": "text/xml"}).data == xml.data
    endpoint = json.loads(get(client, f"/find.json{query}").data)["endpoints"][0]
    assert (endpoint["ivoid"], endpoint["url"]) == ("ivo://north.example/stars", stars)
    assert (endpoint["version"], endpoint["anonymous"]) == ("1.03", True)
    lines = get(client, f"/find{query}", headers={"Accept": "text/plain"})
    assert lines.text == get(client, f"/find.txt{query}").text == f"ivo://north.example/stars = {stars}\n"


def test_nothing_found_is_an_answer_with_a_hint(client: FlaskClient, founded: Site, stars: str):
    query = "?standardID=ivo://ivoa.net/std/ConeSerach"
    valid(founded.schemas, get(client, f"/find{query}").data)
    assert json.loads(get(client, f"/find.json{query}").data) == {"endpoints": [], "nearest": CONE}
    assert get(client, f"/find.txt{query}").data == b""


def test_an_unknown_name_is_refused_in_the_clients_form(client: FlaskClient):
    assert "standardID" in json.loads(get(client, "/find.json?standard=x", 400).data)["error"]
    assert b"standardID" in get(client, "/find?standard=x", 400).data


def test_an_unchanged_answer_is_not_sent_again(client: FlaskClient, founded: Site, stars: str):
    first = get(client, f"/find?standardID={CONE}")
    assert get(client, f"/find?standardID={CONE}", 304, headers={"If-None-Match": first.headers["ETag"]}).data == b""
    publish_service(founded, "more", capability("http://more/scs"))
    get(client, f"/find?standardID={CONE}", 200, headers={"If-None-Match": first.headers["ETag"]})


def test_by_interface_type_and_service(client: FlaskClient, stars: str):
    assert get(client, "/find.txt?type=vg:oaihttp").text == "ivo://north.example/registry = http://127.0.0.1:8101/oai\n"
    assert stars in get(client, "/find.txt?ivoid=IVO://north.example/STARS").text


def test_the_offer_of_our_runner(client: FlaskClient, founded: Site, stars: str):
    offer = json.loads(get(client, "/runner").data)
    assert offer["runner"] == "ivo://north.example/runner" and offer["slots"] == {"total": 4, "free": 4, "queued": 0}
    assert offer["engine"]["working"] and offer["publishers"] == ["north.example"]
    assert CONE.lower() in offer["standards"] and offer["limits"]["memory"] == founded.settings.job_memory


def test_our_own_document_turns_and_turns_back_by_itself(client: FlaskClient, founded: Site, httpserver: HTTPServer, well):
    """Database, engine, Docker repository and disk: each fault turns it with a sentence, and its end turns it back."""
    site = with_settings(founded, repository=f"{httpserver.host}:{httpserver.port}")
    client.application.extensions["site"] = site

    def answer() -> Availability:
        return availability.read(get(client, "/availability").data)

    def faulty(words: str) -> None:
        said = answer()
        assert not said.available and len(said.notes) == 1 and words in said.notes[0]

    assert answer().available
    with pytest.MonkeyPatch.context() as patch:
        def down(*_):
            raise OperationalError("select", {}, Exception("no database"))

        patch.setattr(type(founded.database), "read", down)
        faulty("database does not answer")
    assert answer().available
    own.tell_engine(site, "nobody listens at its socket.")
    faulty("Docker engine does not work")
    own.tell_engine(site, "")
    assert answer().available
    httpserver.clear()
    httpserver.expect_request("/v2/").respond_with_data("no", status=500)
    faulty("Docker repository answers with status 500")
    httpserver.clear()
    httpserver.expect_request("/v2/").respond_with_data("{}")
    assert answer().available
    client.application.extensions["site"] = with_settings(site, free_space=2**60)
    faulty("disk is nearly full")
    client.application.extensions["site"] = site
    assert answer().available
