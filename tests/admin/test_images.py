"""Watched repositories and decisions about images on pages and in the JSON API; the page of one application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from applications.demo import repository
from registry import create_app
from registry.applications import catalogue, seen, watching
from tests.applications.conftest import CONTRACT, Pusher


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pusher]:
    """A repository with two versions of an application, and one that cannot be used."""
    with repository.start(tmp_path_factory.mktemp("repository")) as running:
        pusher = Pusher(running.address)
        pusher.application("stars", "1.0", title="Stars <i>", authors="Ann", licenses="MIT", version="1.0")
        pusher.application("stars", "2.0", {**CONTRACT, "inputs": [{"name": "targets", "multiplicity": "1"}]}, version="2.0")
        pusher.push("broken", "1", {"innerspace.application": "{"})
        yield pusher


@pytest.fixture()
def founded(founded: Any, pushed: Pusher) -> Any:
    """The datacenter with that repository as its own."""
    object.__setattr__(founded, "settings", founded.settings.model_copy(update={"repository": pushed.address}))
    return founded


@pytest.fixture()
def looked(founded: Any, pushed: Pusher) -> Any:
    watching.begin(founded, pushed.address, who="ann")
    assert watching.look(founded, pushed.address).states == {"draft": 2, "faulty": 1}
    return founded


def reference(site: Any, tag: str) -> str:
    with site.database.read() as connection:
        return next(one.reference for one in seen.listing(connection) if one.tag == tag and one.name == "stars")


def test_an_image_goes_from_waiting_to_offered_to_retracted_on_pages(looked: Any, app: Any, browser: Any) -> None:
    person, image = browser("publisher"), reference(looked, "1.0")

    waiting = person.get("/admin/applications/images").text
    assert "registry app images --state draft" in waiting and "/api/images?state=draft" in waiting
    assert "Stars &lt;i&gt;" in waiting and image.rpartition("@")[2][:19] in waiting and "not JSON" not in waiting
    assert "not JSON" in person.get("/admin/applications/images?state=faulty").text
    asked = person.get(f"/admin/applications/images/decide?image={image}&to=approved").text
    assert "a new application, offered here and to every registry" in asked and f"registry app approve {image}" in asked
    done = person.post("/admin/applications/images/decide", image=image, to="approved")
    assert done.status_code == 303
    assert "ivo://north.example/app/stars#1.0 is approved." in person.get(done.location).text
    asked = person.get(f"/admin/applications/images/decide?image={image}&to=vulnerable").text
    assert "has no other version" in asked
    refused = person.post("/admin/applications/images/decide", image=image, to="vulnerable", why="")
    assert refused.status_code == 409 and "Say why" in refused.text
    person.post("/admin/applications/images/decide", image=image, to="vulnerable", why="a <hole>")
    page = person.get("/admin/applications/images?state=vulnerable").text
    assert "a &lt;hole&gt;" in page and "publisher" in page
    run = person.get("/admin/applications/run?app=ivo://north.example/app/stars%231.0")
    assert run.status_code == 403 and "was marked as vulnerable by publisher" in run.text


def test_a_repository_is_watched_and_left_on_pages(founded: Any, app: Any, browser: Any, pushed: Pusher) -> None:
    chief = browser("administrator")

    assert chief.post("/admin/applications/repositories", host=pushed.address, names="stars").status_code == 303
    page = chief.get("/admin/applications/images").text
    assert pushed.address in page and "only stars" in page and "No image waits." in page
    assert chief.post("/admin/applications/repositories/look", host=pushed.address).status_code == 303
    assert watching.turn(founded) == 1
    assert "2 draft" in chief.get("/admin/applications/images").text
    assert "takes no images" in chief.post("/admin/applications/repositories", host="127.0.0.1:1").text
    asked = chief.post("/admin/applications/repositories/remove", host=pushed.address).text
    assert "images of it that wait" in asked and "What was approved stays on offer." in asked
    chief.post("/admin/applications/repositories/remove", host=pushed.address, confirm=pushed.address)
    assert "None yet." in chief.get("/admin/applications/images").text
    assert chief.post("/admin/applications/repositories/look", host=pushed.address).status_code == 404


def test_the_api_does_what_the_pages_do(founded: Any, app: Any, bearer: Any, pushed: Pusher) -> None:
    client, chief, publisher, reader = app.test_client(), bearer("administrator"), bearer("publisher"), bearer("reader")
    described = json.loads((Path(app.static_folder) / "openapi.json").read_text())["components"]["schemas"]

    def post(path: str, header: dict[str, str], **given: Any) -> Any:
        return client.post(f"/api/{path}", json=given, headers=header)

    assert post("repositories", publisher, host=pushed.address).status_code == 403
    made = post("repositories", chief, host=pushed.address, names=["stars"])
    assert made.status_code == 201 and made.json["only"] == ["stars"]
    assert set(described["Repository"]["properties"]) == set(made.json)
    assert post("repositories/look", publisher, host=pushed.address).status_code == 202
    watching.turn(founded)
    assert [one["counts"] for one in client.get("/api/repositories", headers=reader).json["repositories"]] == [{"draft": 2}]
    found = client.get("/api/images?state=draft", headers=reader).json
    assert found["next"] is None and sorted(one["version"] for one in found["images"]) == ["1.0", "2.0"]
    assert set(described["Image"]["properties"]) == set(found["images"][0])
    old, new = reference(founded, "1.0"), reference(founded, "2.0")
    asked = client.get(f"/api/images/consequences?image={old}&to=approved", headers=publisher).json
    assert asked["image"]["reference"] == old and "a new application" in asked["changes"][0]
    assert post("images/approve", reader, image=old).status_code == 403
    assert post("images/approve", publisher, image=old).json["state"] == "approved"
    assert post("images/reject", publisher, image=new, why="no").json["reason"] == "no"
    assert post("images/retract", publisher, image=old).json["state"] == "retracted"
    assert post("images/mark-vulnerable", publisher, image=old, why="x").json["decider"] == "publisher"
    assert "--anyway" in post("images/approve", publisher, image=old).json["error"]
    assert post("images/approve", publisher, image=old, anyway=True).json["state"] == "approved"
    for path, given, status in (
            ("images/approve", {"image": "nothing"}, 404), ("images/approve", {}, 400), ("images/approve", {"image": 7}, 400),
            ("images/approve", {"image": old, "anyway": "yes"}, 400), ("images/reject", {"image": old}, 409),
            ("repositories/remove", {"host": "x"}, 404)):
        answer = post(path, chief, **given)
        assert answer.status_code == status and answer.json["error"], (path, given)
    assert client.get("/api/images?state=odd", headers=reader).status_code == 400
    assert client.get("/api/images/consequences?image=x&to=odd", headers=publisher).status_code == 400
    assert post("repositories/remove", chief, host=pushed.address).status_code == 200


def test_under_the_two_person_rule_pages_and_api_need_another_person(founded: Any, pushed: Pusher, bearer: Any) -> None:
    object.__setattr__(founded, "settings", founded.settings.model_copy(update={"two_person_rule": True}))
    client = create_app(founded).test_client()
    given = {"reference": f"{pushed.address}/stars:1.0"}

    made = client.post("/api/applications", json=given, headers=bearer("publisher"))
    assert made.status_code == 202 and made.json["state"] == "draft"
    one = {"image": made.json["reference"]}
    assert "put up by publisher" in client.post("/api/images/approve", json=one, headers=bearer("publisher")).json["error"]
    assert client.get("/api/applications").json["applications"] == []
    assert client.post("/api/images/approve", json=one, headers=bearer("administrator")).json["state"] == "approved"


def test_the_page_of_an_application_tells_all_of_it(founded: Any, app: Any, browser: Any, pushed: Pusher) -> None:
    for tag in ("1.0", "2.0"):
        catalogue.register(founded, f"{pushed.address}/stars:{tag}", who="ann")
    client = app.test_client()

    page = client.get("/applications/north.example/app/stars?version=1.0").text
    for words in ("MIT", "<code>band</code> (needed)", "one of B, V",
                  "ivo://ivoa.net/std/ConeSearch", reference(founded, "1.0"), "linux/amd64", "512 MiB of memory",
                  "north.example", "this datacenter", "?version=2.0",
                  "/admin/applications/run?app=ivo%3A//north.example/app/stars%231.0",
                  "registry run &#39;ivo://north.example/app/stars#1.0&#39; band=B --wait", "AsyncTAPJob"):
        assert words in page, words
    assert "<dt><code>band</code></dt><dd>B</dd>" in page and "star%231.0&amp;p-band=B" in page.replace("stars", "star")
    newest = client.get("/applications/north.example/app/stars").text
    assert "targets=@targets" in newest and "--file targets=targets" in newest
    form = browser("runner").get("/admin/applications/run?app=ivo://north.example/app/stars").text
    assert "--file targets=targets" in form and "-F targets=@targets" in form and 'type="file"' in form
    assert client.get("/where?app=stars").status_code == 200, "asked before anything is given, though band is needed"
    assert client.get("/where.json?app=stars&band=X").status_code == 400
    document = client.get("/applications/north.example/app/stars.json").json
    assert [one["version"] for one in document["versions"]] == ["2.0", "1.0"]
    assert document["example"] == {"band": "B"}
    assert document["app"] == "ivo://north.example/app/stars#2.0" and document["vouched_for_by"] == "North, this datacenter"
    assert client.get("/applications/north.example/app/stars?version=9").status_code == 404
    missing = client.get("/applications/north.example/app/nothing.json")
    assert missing.status_code == 404


def test_what_waits_and_what_fails_is_among_the_problems(looked: Any, app: Any, browser: Any) -> None:
    with looked.database.write() as connection:
        [one] = seen.watched(connection)
        seen.looked(connection, one.host, after=60, fault="It is on <fire>.", seconds=None)

    page = browser("publisher").get("/admin/problems").text

    assert "ivo://north.example/app/stars#2.0" in page and "/admin/applications/images/decide?image=" in page
    assert "It is on &lt;fire&gt;." in page
    assert "not published" not in page, "the draft that shows them is not told as one that a person has left"
