"""Services whose documents are read again: what becomes a new version, what waits for a person, what is only told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.records import publish, store
from registry.records.publish import Overtaken
from registry.services import comparing, importing, watches, watching
from registry.services.watching import NothingHeld
from registry.site import Site
from tests.services.conftest import CONE, capability, document
from tests.services.test_importing import TABLES
from vosi import namespaces as ns, resource
from vosi.capabilities import Capability, Interface

STARS = "ivo://north.example/stars"


class Service:
    """A service whose capabilities can be changed; it counts how often it had to send them whole."""

    def __init__(self, http: HTTPServer) -> None:
        self.http, self.sent, self.etags = http, 0, True
        self.url = http.url_for("/cat")
        self.listed: tuple[Capability, ...] = (capability(f"{self.url}/scs"), self.own("capabilities"))
        self.tables = TABLES
        self.body: bytes | None = None
        http.expect_request("/cat/capabilities").respond_with_handler(self._capabilities)
        http.expect_request("/cat/tables").respond_with_handler(lambda _: Response(self.tables, content_type="text/xml"))

    def own(self, name: str) -> Capability:
        standards = {"capabilities": ns.STD_VOSI_CAPABILITIES, "tables": ns.STD_VOSI_TABLES}
        return capability(f"{self.url}/{name}", standard_id=standards[name], use="full")

    def _capabilities(self, request: Request) -> Response:
        response = Response(self.body or document(*self.listed), content_type="text/xml")
        if self.etags:
            response.add_etag()
            response.make_conditional(request)
        self.sent += response.status_code == 200
        return response


@pytest.fixture()
def service(founded: Site, httpserver: HTTPServer) -> Service:
    made = Service(httpserver)
    importing.register(founded, made.url, key="stars", title="Stars", who="test")
    made.sent = 0
    return made


def record(site: Site) -> store.Record:
    with site.database.read() as connection:
        found = store.get(connection, STARS)
    assert found is not None
    return found


def held(site: Site) -> watches.Held | None:
    with site.database.read() as connection:
        return watches.held(connection, STARS)


def problems(site: Site) -> list[str]:
    with site.database.read() as connection:
        return watches.watch(connection, STARS).sentences


def read_again(site: Site) -> int:
    with site.database.write() as connection:
        connection.exec_driver_sql("UPDATE watches SET due = ''")
    return watching.turn(site)


def test_it_is_read_when_its_time_has_come(founded: Site, service: Service):
    assert watching.turn(founded) == 0
    assert read_again(founded) == 1 and watching.turn(founded) == 0


@pytest.mark.parametrize("etags", [True, False])
def test_an_unchanged_document_changes_nothing(founded: Site, service: Service, etags: bool):
    before = record(founded)
    service.etags = etags
    for _ in range(2):
        assert read_again(founded) == 1
    assert record(founded) == before and held(founded) is None
    assert service.sent == (0 if etags else 2)  # asked for conditionally, it was not even sent


def test_what_is_added_becomes_a_new_version_with_the_difference_in_words(founded: Site, service: Service):
    before = record(founded)
    service.listed += (capability(f"{service.url}/tap", standard_id=ns.STD_TAP), service.own("tables"))
    read_again(founded)
    after = record(founded)
    assert after.version == before.version + 1 and f"{service.url}/tap".encode() in after.xml
    with founded.database.read() as connection:
        version = store.versions(connection, STARS)[0]
    assert version.who == "watch" and f"The capability {ns.STD_TAP} is new." in version.why
    assert held(founded) is None and after.title == "Stars"
    read_again(founded)
    assert record(founded) == after


def test_what_people_wrote_stays(founded: Site, service: Service):
    xml = resource.amend(record(founded).xml, {"title": "The stars", "rights": ("For everybody",)})
    publish.publish(founded, xml, who="a person")
    service.listed += (capability(f"{service.url}/tap", standard_id=ns.STD_TAP),)
    read_again(founded)
    after = record(founded)
    assert after.title == "The stars" and b"For everybody" in after.xml and b"/tap" in after.xml


def test_what_is_removed_waits_for_a_person(client: FlaskClient, founded: Site, service: Service):
    service.listed += (capability(f"{service.url}/tap", standard_id=ns.STD_TAP),)
    read_again(founded)
    before = record(founded)
    service.listed = service.listed[1:]
    read_again(founded)
    assert record(founded) == before
    waiting = held(founded)
    assert waiting is not None and waiting.changes == [f"The capability {CONE} is gone."]
    assert f"The capability {CONE} is gone." in client.get("/services/north.example/stars").text
    read_again(founded)
    assert held(founded).digest == waiting.digest
    accepted = watching.accept(founded, STARS, who="a person")
    assert accepted.version == before.version + 1 and b"/scs" not in accepted.xml and held(founded) is None
    read_again(founded)
    assert record(founded) == accepted and held(founded) is None
    with pytest.raises(NothingHeld):
        watching.accept(founded, STARS, who="a person")


def test_a_refused_change_is_not_held_again_and_another_is(founded: Site, service: Service):
    before = record(founded)
    whole = service.listed
    service.listed = (capability(f"{service.url}/moved"), whole[1])
    read_again(founded)
    assert "moved from" in held(founded).changes[0]
    watching.refuse(founded, STARS, who="ann")
    read_again(founded)
    assert held(founded) is None and record(founded) == before
    service.listed = (capability(f"{service.url}/elsewhere"), whole[1])
    read_again(founded)
    assert held(founded) is not None
    service.listed = whole
    read_again(founded)  # it is again what the record says: nothing waits any more
    assert record(founded) == before and held(founded) is None


def test_a_person_who_saved_meanwhile_is_not_overwritten(founded: Site, service: Service):
    service.listed = service.listed[1:]
    read_again(founded)
    publish.publish(founded, resource.amend(record(founded).xml, {"title": "Other"}), who="a person")
    with pytest.raises(Overtaken):
        watching.accept(founded, STARS, who="another")
    assert record(founded).title == "Other" and held(founded) is not None


@pytest.mark.parametrize(("body", "words"), [
    (b"<!DOCTYPE html><html><body>moved</body></html>", "HTML page"), (b"nonsense", "not"),
    (b"x" * 6_000_000, "more than 5000000 bytes"),
])
def test_what_cannot_be_read_is_told_and_changes_nothing(
    client: FlaskClient, founded: Site, service: Service, body: bytes, words: str,
):
    before = record(founded)
    service.body = body
    read_again(founded)
    assert record(founded) == before and held(founded) is None
    assert any(words in problem for problem in problems(founded)), problems(founded)
    assert words in client.get("/services/north.example/stars").text
    service.body = None
    read_again(founded)
    assert problems(founded) == [] and record(founded) == before


def test_another_services_capabilities_are_held_and_told(founded: Site, service: Service):
    before = record(founded)
    service.listed = (
        capability("http://other.example/scs"),
        capability("http://other.example/capabilities", standard_id=ns.STD_VOSI_CAPABILITIES, use="full"))
    read_again(founded)
    assert record(founded) == before and held(founded) is not None
    assert any("another service's capabilities" in words for words in problems(founded))
    assert any("outside this datacenter" in words for words in problems(founded))


def test_a_service_that_is_gone_is_told(founded: Site, service: Service, httpserver: HTTPServer):
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data("", status=404)
    before = record(founded)
    read_again(founded)
    assert record(founded) == before and any("status 404" in words for words in problems(founded))


def test_one_that_breaks_us_does_not_stop_the_others(founded: Site, service: Service, monkeypatch):
    importing.register(founded, service.url, key="twin", who="test")
    real = watching.reread

    def broken(site: Site, key: str, **more: bool) -> list[str]:
        if key == STARS:
            raise KeyError("a fault")
        return real(site, key, **more)

    monkeypatch.setattr(watching, "reread", broken)
    assert read_again(founded) == 2
    assert any("fault in this program" in words for words in problems(founded))
    with founded.database.read() as connection:
        assert watches.watch(connection, "ivo://north.example/twin").problems == []


def test_retired_services_are_not_read(founded: Site, service: Service):
    publish.retire(founded, STARS, who="test", why="gone")
    assert read_again(founded) == 0 and service.sent == 0


# --- differences ------------------------------------------------------------------------------------------------------

OPEN = Interface(access_url="http://a/scs", url_use="base", role="std")


@pytest.mark.parametrize(("new", "words", "removes"), [
    (replace(OPEN, access_url="http://b/scs"), "moved from http://a/scs to http://b/scs", True),
    (replace(OPEN, security_methods=("ivo://ivoa.net/sso#BasicAA",)), "other security methods", True),
    (replace(OPEN, version="1.1"), "is now vs:ParamHTTP 1.1", True),
    (replace(OPEN, result_type="application/x-votable+xml"), "describes itself otherwise", False),
])
def test_differences_of_an_interface(founded: Site, new: Interface, words: str, removes: bool):
    from tests.services.conftest import publish_service
    publish_service(founded, "stars", Capability(CONE, interfaces=(OPEN,)))
    old = record(founded).xml
    publish_service(founded, "stars", Capability(CONE, interfaces=(new,)))
    (change,) = comparing.changes(old, record(founded).xml)
    assert words in change.words and change.removes is removes


def test_differences_of_tables(founded: Site, service: Service):
    service.listed += (service.own("tables"),)
    read_again(founded)
    service.tables = TABLES.replace(b"<name>ra</name>", b"<name>dec</name>")
    read_again(founded)
    assert held(founded).changes == [
        "The column ra of the table cat.stars is gone.", "The column dec of the table cat.stars is new."]
    service.tables = TABLES.replace(b"</column>", b"</column><column><name>dec</name></column>")
    read_again(founded)
    assert held(founded) is None and b"<name>dec</name>" in record(founded).xml


def test_the_json_twin_tells_what_waits(client: FlaskClient, founded: Site, service: Service):
    service.listed = service.listed[1:]
    read_again(founded)
    told = json.loads(client.get("/services/north.example/stars.json").data)
    assert told["held"]["changes"] and told["watched"]["url"].endswith("/cat/capabilities")
