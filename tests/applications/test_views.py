"""`/applications` as page, JSON and XML, and the commands that say the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from registry.applications import catalogue, views
from registry.cli.main import registry
from registry.errors import Refusal
from registry.site import Site
from tests.applications.conftest import Opener, Pusher
from vosi import namespaces as ns, xmlio


@pytest.fixture()
def client(north: Site, pusher: Pusher) -> FlaskClient:
    pusher.application("stars", "1", title="Stars & <b>")
    catalogue.register(north, f"{pusher.address}/stars:1", who="ann")
    app = Flask("registry")
    app.extensions["site"] = north
    views.register(app)
    return app.test_client()


def test_the_page_shows_parameters_as_text(client: FlaskClient) -> None:
    page = client.get("/applications").text

    assert "Stars &amp; &lt;b&gt;" in page and "Faintest &lt;star&gt; &amp; more" in page
    assert "<code>band</code> (needed)" in page and "one of B, V" in page
    assert client.get("/applications/").status_code == 200


def test_json_says_what_may_run(client: FlaskClient) -> None:
    by_header = client.get("/applications", headers={"Accept": "application/json"}).json
    [found] = client.get("/applications.json").json["applications"]

    assert by_header == {"applications": [found], "count": 1, "exact": True, "next": None}
    assert (found["app"], found["accepted"], found["refusal"]) == ("ivo://north.example/app/stars#1", True, "")
    assert [one["name"] for one in found["contract"]["parameters"]] == ["max_magnitude", "band", "star", "exact"]


def test_xml_holds_the_records_as_they_are(client: FlaskClient, north: Site) -> None:
    answer = client.get("/applications.xml")
    root = xmlio.parse(answer.data)

    assert (root.tag, root.get("numberReturned")) == (ns.clark(ns.RI, "VOResources"), "1")
    assert root.findtext("*/identifier") == "ivo://north.example/app/stars"
    assert [problem for one in root for problem in north.schemas.validate(one)] == []


def run(site: Site, *arguments: str) -> str:
    done = CliRunner().invoke(registry, ["--instance", str(site.settings.instance), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture()
def configured(opened: Opener, pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> Site:
    """North, whose settings the command line finds in the environment."""
    for name, value in (("REPOSITORY", pusher.address), ("AUTHORITY", "north.example"), ("BASE_URL", "http://north.example/")):
        monkeypatch.setenv(f"INNERSPACE_{name}", value)
    return opened("north", repository=pusher.address)


def test_commands_register_list_and_show(configured: Site, pusher: Pusher) -> None:
    pushed = pusher.application("moons", "2", title="Moons")

    registered = run(configured, "app", "register", f"{pusher.address}/moons:2")
    listed = json.loads(run(configured, "app", "list", "--json"))
    shown = run(configured, "app", "show", "moons")

    assert registered == f"ivo://north.example/app/moons#2 is {pusher.address}/moons@{pushed}\n"
    assert [one["title"] for one in listed] == ["Moons"]
    assert "ivo://north.example/app/moons#2" in run(configured, "app", "list")
    assert "one of B, V" in shown and pushed in shown
    assert json.loads(run(configured, "app", "show", "moons", "--json"))["contract"]["network"] == "dc"


def test_a_command_refuses_with_one_sentence(configured: Site, pusher: Pusher) -> None:
    with pytest.raises(Refusal, match="no image nothing:here"):
        run(configured, "app", "register", f"{pusher.address}/nothing:here")
    with pytest.raises(Refusal, match="There is no application nothing"):
        run(configured, "app", "show", "nothing")


def test_a_long_catalogue_is_given_part_by_part(north: Site, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with north.database.read() as connection:
        [offer] = catalogue.offers(connection)
    many = [replace(offer, version=str(number), title=f"Stars {number:02d}") for number in range(60, 0, -1)]
    monkeypatch.setattr(catalogue, "offers", lambda connection: many)

    first = client.get("/applications").text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])  # type: ignore[index]

    assert first.count("<section") == 25 and "60 versions of applications" in first and "Stars 60" in first
    assert "Stars 35" in client.get(f"/applications{following}").text
    assert [one["version"] for one in client.get("/applications.json?sort=-title&limit=2").json["applications"]] == ["60", "59"]
    assert client.get("/applications.csv?q=stars+07").text.splitlines()[1].startswith("ivo://north.example/app/stars,")
    root = xmlio.parse(client.get("/applications.xml?limit=20").data)
    assert (root.get("from"), root.get("more")) == ("1", "true")
    assert len(client.get("/applications.json").json["applications"]) == 60
