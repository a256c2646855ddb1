"""The search page: the same address as page, JSON and XML, without JavaScript, and its twins at /api and the command line."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from registry import create_app
from registry.cli.main import main
from registry.records import founding, store
from registry.services import local
from registry.site import Site, open_site
from tests.oai.shelves import put, record
from tests.search.test_find_search import BANDS, CONE
from vosi import xmlio
from vosi.schemas import Schemas

XSS = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: Any) -> Iterator[Site]:
    """Thirty-six records that nobody changes."""
    from registry.schema import upgrade  # as in tests.conftest

    site = open_site(tmp_path_factory.mktemp("pages") / "instance", authority="north.example", title="North",
                     base_url="http://127.0.0.1:8101/")
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    put(site, record("ivo://north.example/stars", "Stars", type_="vr:Service", more=CONE.format("http://q.internal/x?a='b&amp;")))
    put(site, *(record(f"ivo://far.example/r{number:02}", f"Star list {number}", more=BANDS) for number in range(30)),
        record("ivo://far.example/evil", XSS.replace("<", "&lt;"), more=CONE.format("javascript:alert(1)").replace(
            "ConeSearch", "x&quot;&gt;" + XSS.replace("<", "&lt;"))), origin=store.FOREIGN_FILE)
    local.follow(site)
    yield site
    site.close()


@pytest.fixture(scope="module")
def app(site: Site) -> Flask:
    return create_app(site)


@pytest.fixture()
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def test_one_address_in_three_forms(client: FlaskClient) -> None:
    for suffix, accept, kind in (
        ("", "text/html", "text/html"), ("", "*/*", "text/html"), ("", "application/json", "application/json"),
        ("", "application/xml", "text/xml"), (".json", "text/html", "application/json"), (".xml", "text/html", "text/xml")):
        answer = client.get(f"/records{suffix}?q=star", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, kind)
        assert "ivo://north.example/stars" in answer.text


def test_the_xml_is_a_list_of_records_as_they_are_kept(client: FlaskClient, site: Site) -> None:
    answer = client.get("/records.xml?q=star&limit=10&page=2")
    root = etree.fromstring(answer.data)
    assert (root.get("from"), root.get("numberReturned"), root.get("more")) == ("11", "10", "true")
    assert len(root) == 10
    with site.database.read() as connection:
        for element in root:
            kept = store.get(connection, element.findtext("identifier") or "")
            assert kept is not None and kept.xml in answer.data
    assert len(list(xmlio.records_in(answer.data))) == 10
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert etree.fromstring(client.get("/records.xml?q=nebula").data).get("numberReturned") == "0"
    assert list(Schemas().validate(etree.fromstring(client.get("/records.xml?type=vg:registry").data))) == []


def test_the_page_shows_what_it_found_and_how_to_do_without_it(client: FlaskClient) -> None:
    page = html.unescape(client.get("/records?q=stars&type=vr:service").text)
    assert "One record found" in page and "<h1>Records</h1>" in page
    data = client.get("/records.json?q=stars&type=vr:service").json
    [item] = data["records"]
    for line in (*(data[name] for name in ("adql", "pyvo", "topcat", "table", "command")),
                 *(item[name] for name in ("pyvo", "topcat", "curl", "xml"))):
        assert line in page or line.replace("http://127.0.0.1:8101", "") in page
    assert 'SCSService("http://q.internal/x?a=\'b&")' in item["pyvo"]
    compile(item["pyvo"], "snippet", "exec")
    compile(data["pyvo"], "snippet", "exec")
    assert data["command"] == "registry records find --type vr:service stars"


def test_every_link_of_the_page_leads_somewhere_and_keeps_the_state(client: FlaskClient) -> None:
    page = client.get("/records?q=star&authority=far.example").text
    ours = [link for link in links(page) if link.startswith("/records")]
    assert any("page=2" in link and "q=star" in link and "authority=far.example" in link for link in ours)
    for link in sorted(set(ours)):
        assert client.get(link).status_code == 200, link
    assert 'rel="next"' in page and 'rel="prev"' not in page
    second = client.get("/records?q=star&authority=far.example&page=2").text
    assert 'rel="prev"' in second and "page 2 of 2" in second
    form = re.search(r"<form[^>]*role=\"search\".*?</form>", page, re.S)
    assert form and 'name="authority" value="far.example"' in form[0] and 'for="q"' in form[0]


def test_texts_of_strangers_stay_text(client: FlaskClient) -> None:
    for address in ("/records?q=evil", f"/records?q={XSS}", f"/records?subject={XSS}", f"/records?q=!&type={XSS}"):
        page = client.get(address).text
        assert "<script>alert" not in page and 'href="javascript:' not in page
    assert "evil" in client.get("/records?q=evil").text


def test_what_cannot_be_asked_is_one_sentence_in_the_clients_form(client: FlaskClient) -> None:
    page = client.get("/records?q=%3F%3F&type=vr:Service")
    assert page.status_code == 400 and "There is no word in" in page.text and "<h1>Records</h1>" in page.text
    assert 'value="??"' in page.text and 'name="type" value="vr:Service"' in page.text
    assert "no word" in client.get("/records.json?q=%3F").json["error"]
    answer = client.get("/records.xml?page=x")
    assert (answer.status_code, answer.mimetype) == (400, "text/plain") and answer.text.endswith(".\n")
    assert client.get("/records?q=%ED%A0%80").status_code in (200, 400)


def test_empty_states_say_the_next_step(client: FlaskClient, site: Site) -> None:
    assert "No record matches." in client.get("/records?q=nebula").text
    assert "this would be page 9" in client.get("/records?q=star&page=9").text


def test_an_empty_shelf_says_the_next_step(site: Site, tmp_path: Any) -> None:
    from registry.schema import upgrade  # as in tests.conftest

    empty = open_site(tmp_path / "instance", authority="south.example", base_url="http://127.0.0.1:8101/")
    upgrade(empty.database)
    assert "There is no record yet" in create_app(empty).test_client().get("/records").text
    empty.close()


def test_its_twins_find_the_same(client: FlaskClient, site: Site, monkeypatch: Any, capsys: Any) -> None:
    ours = client.get("/records.json?q=star&authority=far.example&page=2").json
    assert client.get("/api/search?q=star&authority=far.example&page=2").json == ours
    refused = client.get("/api/search?page=x")
    assert refused.status_code == 400 and "whole number" in refused.json["error"]
    run = _command(site, monkeypatch, capsys)
    told = json.loads(run("records", "find", "star", "--authority", "far.example", "--page", "2", "--json"))
    for name in ("total", "pages", "facets", "adql", "asked"):
        assert told[name] == ours[name]
    assert [one["ivoid"] for one in told["records"]] == [one["ivoid"] for one in ours["records"]]
    assert "page 2 of 2, 31 records" in run("records", "find", "star", "--authority", "far.example", "--page", "2")
    assert run("records", "find", "star", "--adql").strip() == client.get("/records.json?q=star").json["adql"]
    assert run("records", "find", "nebula").strip() == "No record matches."
    found = client.get("/records.json?q=stars&type=vr:service").json
    assert "ivo://north.example/stars" in run(*found["command"].split()[1:])


def _command(site: Site, monkeypatch: Any, capsys: Any) -> Callable[..., str]:
    monkeypatch.setenv("INNERSPACE_AUTHORITY", site.settings.authority)

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(site.settings.instance), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code in (0, None), said.err
        return str(said.out)

    return run
