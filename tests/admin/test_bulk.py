"""Many rows at once: each is told for itself, what cannot be taken back is asked about by name, and every act has its role."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from registry.harvest import quarantine as kept
from registry.tables import jobs, quarantine, sources


@pytest.fixture()
def stocked(founded: Any) -> Any:
    with founded.database.write() as connection:
        for number, name in enumerate(("east", "south", "west"), 1):
            connection.execute(insert(sources).values(
                id=number, name=name, url=f"http://{name}.example/oai", interval=3600, next_run="2099", created="x"))
            kept.keep(connection, number, 1, f"ivo://{name}.example/x", "odd", b"<x/>")
            connection.execute(insert(jobs).values(
                id=f"job{number:017d}", owner="runner" if number < 3 else "publisher", phase="ERROR", application="x", image="x",
                created="x", execution_duration=60, destruction="9999"))
    return founded


def paused(site: Any) -> list[str]:
    with site.database.read() as connection:
        return sorted(connection.execute(select(sources.c.name).where(sources.c.paused.is_(True))).scalars())


def test_sources_are_paused_and_removed_many_at_once(stocked: Any, browser: Any) -> None:
    publisher, chief = browser("publisher"), browser("administrator")
    page = publisher.get("/admin/sources").text
    assert 'name="one" value="east"' in page and "Remove…" not in page
    assert publisher.post("/admin/bulk/sources", do="pause", one=["east", "none", "west"]).location == "/admin/sources"
    page = publisher.get("/admin/sources").text
    assert paused(stocked) == ["east", "west"] and "2 of 3 paused." in page and "There is no source none" in page
    assert publisher.post("/admin/bulk/sources", do="remove", one="east").status_code == 403
    asked = chief.post("/admin/bulk/sources", do="remove", one=["east", "west"])
    assert asked.status_code == 200 and "Remove 2 of the sources?" in asked.text and "east, with its runs" in asked.text
    assert chief.post("/admin/bulk/sources", do="remove", one=["east", "west"], confirm="remove").status_code == 400
    assert paused(stocked) == ["east", "west"]
    chief.post("/admin/bulk/sources", do="remove", one=["east", "west"], confirm="remove 2")
    assert paused(stocked) == [] and "2 of 2 removed." in chief.get("/admin/sources").text


def test_what_waits_and_jobs_too(stocked: Any, browser: Any) -> None:
    publisher, runner = browser("publisher"), browser("runner")
    with stocked.database.read() as connection:
        numbers = [str(one) for one in connection.execute(select(quarantine.c.id)).scalars()]
    assert publisher.post("/admin/bulk/quarantine", do="accept", one=numbers).status_code == 403
    publisher.post("/admin/bulk/quarantine", do="mute", one=[*numbers, "x", "4711"])
    page = publisher.get("/admin/quarantine").text
    assert "3 of 5 muted." in page and "not the number of a record" in page and "Nothing waits here" in page
    mine = ["job00000000000000001", "job00000000000000002", "job00000000000000003"]
    assert "Delete 3 of the jobs?" in runner.post("/admin/bulk/jobs", do="delete", one=mine).text
    runner.post("/admin/bulk/jobs", do="delete", one=mine, confirm="delete 3")
    assert "2 of 3 deleted." in runner.get("/admin/jobs").text  # the third is somebody else's


def test_nothing_chosen_is_a_sentence(stocked: Any, browser: Any) -> None:
    chief = browser("administrator")
    for fields, words in (({"do": "pause"}, "tick some rows"), ({"one": "east"}, "use one of the buttons"),
                          ({"do": "abort", "one": "east"}, "use one of the buttons")):
        answer = chief.post("/admin/bulk/sources", **fields)
        assert answer.status_code == 400 and words in answer.text
    assert chief.post("/admin/bulk/stars", do="pause", one="east").status_code == 404


def test_the_api_does_the_same(stocked: Any, app: Any, bearer: Any) -> None:
    client, header = app.test_client(), bearer("publisher")
    told = client.post("/api/bulk/sources", json={"do": "pause", "which": ["east", "none"]}, headers=header).json["done"]
    assert told[0] == {"which": "east", "error": None} and "no source none" in told[1]["error"]
    assert client.post("/api/bulk/sources", json={"do": "remove", "which": ["east"]}, headers=header).status_code == 403
    assert client.post("/api/bulk/sources", json={"do": "mute", "which": ["east"]}, headers=header).status_code == 400
    assert client.post("/api/bulk/sources", json={"do": "pause", "which": "east"}, headers=header).status_code == 400
    assert client.post("/api/bulk/jobs", json={"do": "abort", "which": []}, headers=bearer("reader")).status_code == 403
