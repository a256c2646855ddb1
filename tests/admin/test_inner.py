"""The pages and the API of the inner space: define a standard, describe a service, look at it, decide what waits."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from registry.records import store
from registry.services import importing, watching
from registry.services.health import store as health
from tests.services.conftest import capability, document
from vosi import namespaces as ns

STARS = "ivo://north.example/stars"


def record(site: Any, ivoid: str) -> Any:
    with site.database.read() as connection:
        return store.get(connection, ivoid)


def test_a_standard_is_defined_on_a_page(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    assert "query-1.0" in person.get("/admin/standards/new").text
    fields = {"name": "peaks", "title": "Peaks", "keys": "query-1.0 = The query.\n\nlist-1.0 = The list.",
              "interface_type": "vs:ParamHTTP", "use": "full"}
    wrong = person.post("/admin/standards/new", **{**fields, "keys": "no words"})
    assert wrong.status_code == 400 and "says not what it stands for" in wrong.text
    done = person.post("/admin/standards/new", **fields)
    assert done.status_code == 303 and done.headers["Location"].endswith("/standards/north.example/std/peaks")
    page = person.get("/standards/north.example/std/peaks").text
    assert "is defined" in page and "list-1.0" in page


def test_a_service_without_documents_is_described_on_a_page(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    fields = {"url": "http://10.0.0.5/scs", "key": "stars", "standard_id": ns.STD_CONE, "title": "Stars",
              "interface_type": "vs:ParamHTTP", "use": "base"}
    wrong = person.post("/admin/services/new", **{**fields, "url": "nonsense"})
    assert wrong.status_code == 400 and "not a web address" in wrong.text and record(founded, STARS) is None
    assert person.post("/admin/services/new", **{**fields, "key": "runner"}).status_code == 400
    assert person.post("/admin/services/new", **fields).status_code == 303
    page = person.get("/services/north.example/stars").text
    assert "http://10.0.0.5/scs" in page and "Look at it now" in page
    assert b"/services/north.example/stars/availability" in person.get("/services/north.example/stars/capabilities").data


def test_the_same_by_the_api(founded: Any, app: Any, bearer: Any) -> None:
    client, headers = app.test_client(), bearer("publisher")
    made = client.post("/api/standards", json={"name": "peaks", "keys": {"query-1.0": "The query."}}, headers=headers)
    assert made.status_code == 201 and made.json["ivoid"] == "ivo://north.example/std/peaks"
    for wrong in ([], {"name": "x", "colour": "red"}, {"name": 1}, {}):
        refused = client.post("/api/standards", json=wrong, headers=headers)
        assert refused.status_code == 400 and refused.json["error"]
    body = {"url": "http://10.0.0.5/scs", "key": "stars", "standard_id": ns.STD_CONE, "security": "ivo://ivoa.net/sso#BasicAA"}
    assert client.post("/api/services/described", json=body, headers=headers).status_code == 201
    assert b"sso#BasicAA" in record(founded, STARS).xml
    assert client.post("/api/services/described", json={"url": "http://a/"}, headers=headers).status_code == 400


@pytest.fixture()
def watched(founded: Any, httpserver: HTTPServer) -> HTTPServer:
    url = httpserver.url_for("/cat")
    whole = (capability(f"{url}/scs"), capability(f"{url}/capabilities", standard_id=ns.STD_VOSI_CAPABILITIES, use="full"))
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(*whole), content_type="text/xml")
    importing.register(founded, url, key="stars", who="test")
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(whole[1]), content_type="text/xml")
    return httpserver


def test_what_waits_is_decided_on_a_page(founded: Any, browser: Any, watched: HTTPServer) -> None:
    watching.reread(founded, STARS)
    person = browser("publisher")
    page = person.get("/admin/held").text
    assert "is gone" in page and "Accept" in page and "registry api accept" in page
    assert person.post("/admin/held/refuse", ivoid=STARS).status_code == 303
    assert "Nothing waits" in person.get("/admin/held").text
    assert person.post("/admin/held/accept", ivoid=STARS).status_code == 404


def test_what_waits_is_decided_by_the_api(founded: Any, app: Any, bearer: Any, watched: HTTPServer) -> None:
    client, headers = app.test_client(), bearer("publisher")
    checked = client.post("/api/services/check", json={"ivoid": STARS}, headers=headers).json
    assert checked["document_changes"] and checked["status"] == "up" and checked["held"]["changes"]
    assert [one["ivoid"] for one in client.get("/api/held", headers=headers).json["held"]] == [STARS]
    assert client.post("/api/held/accept", json={"ivoid": STARS}, headers=headers).json["version"] == 2
    assert b"/scs" not in record(founded, STARS).xml
    assert client.post("/api/held/refuse", json={"ivoid": STARS}, headers=headers).status_code == 404


def test_a_look_now_is_a_button(founded: Any, browser: Any, watched: HTTPServer) -> None:
    person = browser("publisher")
    done = person.post("/admin/services/check", ivoid=STARS)
    assert done.status_code == 303
    with founded.database.read() as connection:
        assert all(row.seen for row in health.rows(connection, STARS))
    assert person.post("/admin/services/check", ivoid="ivo://north.example/none").status_code == 404
