"""Describing a service by its VOSI address: looked at, confirmed, published; and what is no VOSI is told."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from registry.records import store
from registry.services import watches
from tests.admin.test_editing import fields, send
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface, write


@pytest.fixture()
def stars(httpserver: HTTPServer) -> str:
    """The address of a service that speaks cone search and says so."""
    url = httpserver.url_for("/stars")
    found = [Capability(ns.STD_CONE, interfaces=(Interface(access_url=f"{url}/scs?", url_use="base", role="std"),))]
    httpserver.expect_request("/stars/capabilities").respond_with_data(write(found), content_type="text/xml")
    return url


def test_a_service_is_looked_at_and_published(founded: Any, browser: Any, stars: str) -> None:
    person = browser("publisher")
    page = person.get("/admin/import", query_string={"url": stars}).get_data(as_text=True)
    assert "ivo://ivoa.net/std/ConeSearch" in page and f"{stars}/scs?" in page
    assert 'value="stars"' in page  # the guessed identifier
    again = person.post("/admin/import", url=stars, key="stars", title="")
    assert again.status_code == 400 and b"Give a title." in again.data
    done = person.post(
        "/admin/import", url=stars, key="stars", title="Stars", description="Bright ones.", subjects="stars, surveys"
    )
    assert done.location == "/admin/records/north.example/stars", done.get_data(as_text=True)
    with founded.database.read() as connection:
        record = store.get(connection, "ivo://north.example/stars")
    assert record.origin == store.OWN and not record.problems and b"<subject>surveys</subject>" in record.xml
    assert b"Stars" in person.get(done.location).data


@pytest.mark.parametrize(
    ("body", "says"),
    [(b"<html><body>Hello</body></html>", "HTML"), (b"nothing", "XML"), (b"<!DOCTYPE x><x/>", "DOCTYPE")],
)
def test_what_is_no_vosi_document_is_told_beside_the_address(
    browser: Any, httpserver: HTTPServer, body: bytes, says: str
) -> None:
    httpserver.expect_request("/x/capabilities").respond_with_data(body)
    httpserver.expect_request("/x").respond_with_data(body)
    answer = browser("publisher").get("/admin/import", query_string={"url": httpserver.url_for("/x")})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and says in page and 'role="alert"' in page
    assert httpserver.url_for("/x") in page


def test_a_service_that_went_away_between_the_steps_loses_nothing_typed(browser: Any) -> None:
    answer = browser("publisher").post(
        "/admin/import", url="http://127.0.0.1:1/stars", key="stars", title="My stars", description="Long text"
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and "My stars" in page and "Long text" in page and 'role="alert"' in page


def test_the_same_by_the_api(app: Any, bearer: Any, stars: str) -> None:
    body = {"url": stars, "key": "stars", "title": "Stars", "subjects": ["stars"]}
    answer = app.test_client().post("/api/services", json=body, headers=bearer("publisher"))
    assert answer.status_code == 201 and answer.json["ivoid"] == "ivo://north.example/stars"
    found = app.test_client().get("/api/services?standard_id=ivo://ivoa.net/std/ConeSearch").json["services"]
    assert [one["access_url"] for one in found] == [f"{stars}/scs?"]


def test_an_import_goes_on_in_the_form_with_where_each_value_is_from(founded: Any, browser: Any, stars: str) -> None:
    person, place = browser("publisher"), "/admin/edit/north.example/stars"
    form = person.post("/admin/import-record", url=stars, key="stars", title="Stars", description="", subjects="")
    page = form.get_data(as_text=True)
    assert 'data-state="imported"' in page and 'data-state="guessed"' in page and f"Read from {stars}/capabilities" in page
    assert fields(form)["r/capability.0/interface.0/accessURL.0"] == f"{stars}/scs?"
    blank = send(person, place, form, "check", **{"r/title.0": ""}).get_data(as_text=True)
    assert 'data-state="missing"' in blank and 'data-state="imported"' in blank
    send(person, place, send(person, place, form, "review", **{"r/shortName.n1": "S"}), "publish")
    with founded.database.read() as connection:
        record = store.get(connection, "ivo://north.example/stars")
        assert b"<shortName>S</shortName>" in record.xml
        assert watches.watch(connection, record.key).url == f"{stars}/capabilities"
    for wrong in ({"url": "http://127.0.0.1:1/x"}, {"key": "app/x"}, {"key": ""}, {"url": ""}):
        answer = person.post("/admin/import-record", **{"url": stars, "key": "k", "title": "Typed", "description": "", **wrong})
        assert answer.status_code >= 400 and "Typed" in answer.get_data(as_text=True)
