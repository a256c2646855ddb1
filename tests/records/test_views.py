"""Records for readers: page, XML and JSON; names in any case; texts of strangers stay text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registry.records import publish, store, views
from registry.search.finding import views as finding
from tests.records.conftest import record
from vosi import xmlio

XSS = "&lt;script>alert(1)&lt;/script>&lt;b>"


@pytest.fixture()
def client(north: Any) -> Iterator[FlaskClient]:
    app = Flask("registry")
    app.extensions["site"] = north
    views.register(app)
    finding.register(app)
    with north.database.write() as connection:
        for xml in (record("ivo://A.example/Sky/r", title="Stars"), record("ivo://a.example/r.xml", title="Suffix"),
                    _evil()):
            store.put(connection, north.schemas, xml, origin=store.FOREIGN_FILE, who="t")
    with app.test_client() as client:
        yield client


def _evil() -> bytes:
    """A record that tries to run something from each text it has."""
    xml = record("ivo://b.example/evil", title=XSS).replace(b"http://a.example/", b"javascript:alert(1)")
    for text in (b"Text.", b"stars", b"Somebody"):
        xml = xml.replace(text, XSS.encode())
    return xml.replace(b"<identifier>", f"<shortName>{XSS}</shortName><identifier>".encode())


def test_a_record_is_a_page_xml_or_json_by_accept(client: FlaskClient) -> None:
    page = client.get("/records/A.example/Sky/r", headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
    assert page.mimetype == "text/html" and "<h1>Stars" in page.text
    assert client.get("/records/A.example/Sky/r").mimetype == "text/html"
    json = client.get("/records/A.example/Sky/r", headers={"Accept": "application/json"}).get_json()
    assert (json["ivoid"], json["title"], json["origin"]) == ("ivo://A.example/Sky/r", "Stars", "foreign-file")
    for accept in ("application/xml", "text/xml"):
        assert client.get("/records/A.example/Sky/r", headers={"Accept": accept}).mimetype == "text/xml"


def test_a_record_says_where_it_answers(client: FlaskClient) -> None:
    page = client.get("/records/north.example/registry", headers={"Accept": "text/html"}).text
    told = client.get("/records/north.example/registry.json").json["interfaces"]
    assert "Where it answers" in page and 'href="/services/north.example/registry"' in page
    assert told and all(one["access_url"] in page and one["standard_id"] in page for one in told)
    assert "Where it answers" not in client.get("/records/A.example/Sky/r").text


def test_xml_is_the_bytes_as_they_are_kept_and_runs_nothing(client: FlaskClient, north: Any) -> None:
    answer = client.get("/records/A.example/Sky/r.xml")
    with north.database.read() as connection:
        kept = store.get(connection, "ivo://a.example/sky/r")
    assert kept is not None and kept.xml in answer.data
    assert xmlio.digest(xmlio.parse(answer.data)) == kept.digest
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_names_are_found_in_any_case_and_answered_under_their_own(client: FlaskClient) -> None:
    for path, goal in (("/records/a.example/SKY/R", "/records/A.example/Sky/r"),
                       ("/records/a.example/sky/r.json", "/records/A.example/Sky/r.json")):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (301, goal)
        assert client.get(goal).status_code == 200


def test_a_suffix_counts_only_where_no_record_has_the_whole_name(client: FlaskClient) -> None:
    assert "Suffix" in client.get("/records/a.example/r.xml", headers={"Accept": "text/html"}).text
    assert client.get("/records/a.example/r.xml.json").get_json()["title"] == "Suffix"
    assert client.get("/records/a.example/r").status_code == 404


def test_an_authority_alone_is_a_record_too(client: FlaskClient) -> None:
    assert client.get("/records/north.example.json").get_json()["type"] == "vg:Authority"


@pytest.mark.parametrize("path", [
    "a.example/none", "..%2f..", "%00", "a%20b", "%FF", "x", "a.example/%41%25", "a" * 3000])
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json"])
def test_what_is_not_here_is_told_in_the_clients_format(client: FlaskClient, path: str, accept: str) -> None:
    answer = client.get(f"/records/{path}", headers={"Accept": accept})
    assert answer.status_code == 404
    assert "There is no record" in (answer.get_json()["error"] if "json" in accept else answer.text)


def test_texts_of_strangers_stay_text_and_only_web_addresses_are_links(client: FlaskClient) -> None:
    for path in ("/records/b.example/evil", "/records?q=evil", "/records?q=<script>alert(1)</script>",
                 "/records/b.example/%3Cscript%3Ealert(1)%3C/script%3E"):
        page = client.get(path, headers={"Accept": "text/html"}).text
        assert "<script>alert" not in page and "<b>" not in page
        assert 'href="javascript:' not in page
    assert 'href="http://a.example/"' in client.get("/records/A.example/Sky/r").text


@pytest.mark.parametrize(("text", "good"), [
    ("http://a.example/", True), ("HTTPS://a.example", True), ("javascript:alert(1)", False), ("//a.example/", False),
    ("data:text/html,x", False), ("http:", False), ("http://[", False), ("", False), (None, False),
])
def test_what_may_be_a_link(text: object, good: bool) -> None:
    assert views.is_web_address(text) is good


def test_a_deleted_record_is_gone(client: FlaskClient, north: Any) -> None:
    publish.retire(north, "ivo://A.example/Sky/r", who="t", why="")
    for suffix in ("", ".xml", ".json"):
        answer = client.get(f"/records/A.example/Sky/r{suffix}")
        assert answer.status_code == 410 and "ivo://A.example/Sky/r" in answer.text
    assert "Stars" not in client.get("/records").text


def test_drafts_are_shown_to_nobody(client: FlaskClient, north: Any) -> None:
    with north.database.write() as connection:
        store.put(connection, north.schemas, record("ivo://north.example/draft", title="Secret"), origin=store.OWN,
                  who="t", draft=True)
    assert client.get("/records/north.example/draft").status_code == 404
    assert "Secret" not in client.get("/records").text


def test_the_list_is_searched_and_paged(client: FlaskClient) -> None:
    names = [one["ivoid"] for one in get_json(client, "/records")["records"]]
    assert len(names) == 7 and names == sorted(names, key=str.lower)
    assert [one["title"] for one in get_json(client, "/records?q=stars+SKY")["records"]] == ["Stars"]
    assert len(get_json(client, "/records?origin=own")["records"]) == 4
    assert len(get_json(client, "/records?type=VG:registry")["records"]) == 1
    seen: list[str] = []
    number: int | None = 1
    while number is not None:
        page = get_json(client, f"/records?limit=2&page={number}")
        seen += [one["ivoid"] for one in page["records"]]
        number = page["next"]
    assert seen == names


def test_the_page_leads_to_the_next(client: FlaskClient) -> None:
    page = client.get("/records?limit=2").text
    assert 'rel="next"' in page and "limit=2" in page
    assert "No record matches" in client.get("/records?q=nothing+such").text


def test_an_unchanged_record_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/records/A.example/Sky/r.xml")
    again = client.get("/records/A.example/Sky/r.xml", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/records/A.example/Sky/r.json", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def get_json(client: FlaskClient, path: str) -> dict[str, Any]:
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document
