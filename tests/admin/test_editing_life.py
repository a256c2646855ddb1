"""The life of a record by buttons and by the API: states, history, undo, many at once, deletion by name."""

from __future__ import annotations

import html
from typing import Any

import pytest

from registry import access
from registry.records import drafting, lifecycle, local_sets, publish, store
from registry.records.listing import Range, count
from tests.records.conftest import record
from vosi.resource import amend

NAME = "ivo://north.example/stars"
PAGE, LIFE, HISTORY = (f"/admin/{one}/north.example/stars" for one in ("records", "life", "history"))


@pytest.fixture()
def stars(founded: Any) -> Any:
    """A published record of ours."""
    return publish.publish(founded, record(NAME, title="First"), who="ann")


def shown(site: Any, ivoid: str = NAME) -> Any:
    with site.database.read() as connection:
        return store.get(connection, ivoid)


def text(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def test_a_record_goes_through_its_life_by_buttons(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    assert "Deactivate" in text(person.get(PAGE)) and "Undo" not in text(person.get(PAGE))
    assert person.post(LIFE, do="deactivate", expected="1", why="rests").location == PAGE
    assert shown(founded).status == "inactive" and "Activate" in text(person.get(PAGE))
    assert "is inactive" in text(person.get(PAGE)) or "rests" in text(person.get(PAGE))
    person.post(LIFE, do="restore", version="1", expected="2", why="undone")
    assert (shown(founded).status, shown(founded).version) == ("active", 3)
    refused = person.post(LIFE, do="delete", confirm="stars")
    assert refused.status_code == 400 and f"Type {NAME}" in text(refused) and shown(founded).status == "active"
    person.post(LIFE, do="delete", confirm=NAME)
    page = text(person.get(PAGE))
    assert shown(founded).deleted and "tombstone" in page and "Undo the last change" in page and ">Edit<" not in page
    person.post(LIFE, do="restore", version="3")
    assert shown(founded).status == "active"
    stale = person.post(LIFE, do="deactivate", expected="1")
    assert stale.status_code == 409 and "you began from 1" in text(stale)
    for version in ("", "x", "99"):
        assert person.post(LIFE, do="restore", version=version).status_code in (400, 404, 409)
    for nonsense in ("", "explode"):
        assert person.post(LIFE, do=nonsense).status_code in (400, 404, 409)
    with founded.database.read() as connection:
        assert {"deactivate record", "restore record", "delete record"} <= {one.action for one in access.trail(connection)}


def test_the_history_tells_who_when_why_and_what(founded: Any, browser: Any, stars: Any) -> None:
    lifecycle.save(founded, amend(stars.xml, {"title": "Second <b>"}), who="bob", why="better")
    page = text(browser("reader").get(HISTORY))
    assert "bob" in page and "better" in page and "First" in page and "Second <b>" in page and "Restore" not in page
    raw = browser("publisher").get(HISTORY).get_data(as_text=True)
    assert "Restore" in raw and "Second &lt;b&gt;" in raw and "<td class=\"is\">Second <b>" not in raw
    assert "No element differs" in text(browser("reader").get(f"{HISTORY}?old=2&new=2"))
    assert browser("reader").get(f"{HISTORY}?old=9&new=1").status_code == 404
    assert browser("reader").get("/admin/history/north.example/none").status_code == 404


def test_a_draft_is_thrown_away_by_a_button(founded: Any, browser: Any, stars: Any) -> None:
    drafting.save_draft(founded, amend(stars.xml, {"title": "Later"}), who="ann")
    person = browser("publisher")
    assert "There is a draft, saved by ann" in text(person.get(PAGE))
    assert person.post(LIFE, do="discard").location == PAGE
    assert person.post(LIFE, do="discard").status_code == 404


def test_many_at_once(founded: Any, browser: Any) -> None:
    names = [f"ivo://north.example/{one}" for one in "abc"]
    for name in names:
        publish.publish(founded, record(name), who="ann")
    with founded.database.write() as connection:
        local_sets.create(connection, "best", "The best")
    person = browser("publisher")

    def send(**more: Any) -> Any:
        return person.client.post("/admin/records-bulk", data={"csrf_token": person.token, "ivoid": names, **more},
                                  headers={"Accept": "text/html"})

    assert "The best" in text(person.get("/admin/records")) and "Deactivate" not in text(browser("reader").get("/admin/records"))
    send(do="deactivate", why="rest")
    assert {shown(founded, name).status for name in names} == {"inactive"}
    send(do="activate")
    send(do="set", set="best")
    with founded.database.read() as connection:
        assert count(connection, Range("best")) == 3
    exported = send(do="export")
    assert exported.data.count(b"<identifier>") == 3 and "attachment" in exported.headers["Content-Disposition"]
    asked = send(do="delete")
    assert "delete 3 records" in text(asked) and names[0] in text(asked) and not shown(founded, names[0]).deleted
    assert send(do="delete", confirm="delete 2 records").status_code == 400 and not shown(founded, names[0]).deleted
    send(do="delete", confirm="delete 3 records")
    assert all(shown(founded, name).deleted for name in names)
    assert send(ivoid=[], do="delete").status_code == 400 and send(do="explode").status_code == 400
    mixed = send(ivoid=["ivo://north.example/registry", "ivo://north.example/none"], do="delete", confirm="delete 2 records")
    page = text(person.get(mixed.location))
    assert "own record, without which nobody can harvest it" in page and "no record ivo://north.example/none" in page


def test_the_same_by_the_api(app: Any, founded: Any, bearer: Any) -> None:
    client, header = app.test_client(), bearer("publisher")
    xml = record(NAME, title="First")
    assert client.post("/api/records/check", data=xml, headers=header).json == {"valid": True, "faults": []}
    wrong = client.post("/api/records/check", data=xml.replace(b"<title>First</title>", b""), headers=header).json
    assert wrong["faults"][0] == {"path": "r/title.n1", "label": "Title", "what": "This is needed."}
    assert client.post("/api/records/check", data=b"no", headers=header).json["valid"] is False
    made = client.post("/api/records?expected=0&why=new", data=xml, headers=header)
    assert (made.status_code, made.json["version"]) == (201, 1)
    second = client.post("/api/records?expected=1", data=amend(xml, {"title": "Second"}), headers=header)
    assert (second.status_code, second.json["title"]) == (200, "Second")
    assert client.post("/api/records?expected=1", data=amend(xml, {"title": "Third"}), headers=header).status_code == 409
    assert client.post("/api/records?expected=x", data=xml, headers=header).status_code == 400
    assert client.post("/api/records", data=b"<x/>", headers=header).status_code == 400
    told = client.get("/api/history/north.example/stars?old=1&new=2", headers=header).json
    assert [one["version"] for one in told["versions"]] == [2, 1] and any(one["new"] == "Second" for one in told["changes"])
    restored = client.post("/api/records/restore", json={"ivoid": NAME, "version": 1}, headers=header).json
    assert (restored["title"], restored["version"]) == ("First", 3)
    acted = client.post("/api/records/act", json={"do": "deactivate", "ivoids": [NAME, "ivo://x.example/y"]}, headers=header).json
    assert acted["records"][0]["status"] == "inactive" and "error" in acted["records"][1]
    draft = client.post("/api/drafts?expected=0", data=amend(xml, {"title": "Later"}), headers=header)
    assert (draft.status_code, draft.json["revision"]) == (201, 1)
    assert [one["title"] for one in client.get("/api/drafts", headers=header).json["drafts"]] == ["Later"]
    published = client.post("/api/drafts/publish", json={"ivoid": NAME, "why": "done"}, headers=header).json
    assert published["title"] == "Later"
    assert client.post("/api/drafts/discard", json={"ivoid": NAME}, headers=header).status_code == 404
    for bad in ({}, {"do": "delete"}, {"do": "explode", "ivoids": []}, {"do": 3, "ivoids": []}, {"do": "delete", "ivoids": "x"},
                {"x": 1}):
        assert client.post("/api/records/act", json=bad, headers=header).status_code == 400
