"""A source from the form to its harvested records: added, harvested by the button, watched, stopped; and by the API."""

from __future__ import annotations

from typing import Any

from registry.harvest import schedule
from registry.records import store

NAME = "south.example"


def turn(site: Any) -> None:
    """What the worker does when it is woken."""
    schedule.turn(site, "worker", pause=lambda _: None)


def test_a_source_is_added_harvested_and_watched_on_pages(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    added = boss.post("/admin/sources", url=f"{neighbour}oai")
    assert added.status_code == 303 and added.location == f"/admin/sources/{NAME}"
    assert b"ivo://south.example/registry" in boss.get(added.location).data
    asked = boss.post(f"/admin/sources/{NAME}/harvest")
    page = boss.get(asked.location)
    assert b'data-live="/admin/runs/1/state"' in page.data and b"waits for the worker" in page.data
    assert boss.post(f"/admin/sources/{NAME}/harvest").location == asked.location
    turn(founded)
    state = boss.client.get(f"{asked.location}/state").json
    assert (state["done"], state["state"], state["new"]) == (True, "complete", 4)
    page = boss.get(asked.location).get_data(as_text=True)
    assert "data-live" not in page and "complete" in page
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://south.example/runner").origin == store.HARVESTED
    assert b"south.example" in boss.get("/admin/").data and b"south.example" in boss.get("/admin/sources").data


def test_a_run_is_stopped_by_the_button(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    run = boss.post(f"/admin/sources/{NAME}/harvest").location
    boss.post(f"{run}/cancel")
    turn(founded)
    assert boss.client.get(f"{run}/state").json["state"] == "cancelled"
    assert b"administrator stopped it." in boss.get(run).data


def test_the_same_by_the_api(founded: Any, app: Any, bearer: Any, neighbour: str) -> None:
    client, header = app.test_client(), bearer("administrator")
    added = client.post(
        "/api/sources", json={"url": f"{neighbour}oai", "name": "deep", "interval": 600}, headers=header
    )
    assert added.status_code == 201 and added.json["name"] == "deep" and added.json["interval"] == 600
    assert "already" in client.post("/api/sources", json={"url": f"{neighbour}oai"}, headers=header).json["error"]
    asked = client.post("/api/sources/deep/harvest", headers=header)
    assert asked.status_code == 202 and not asked.json["done"]
    turn(founded)
    assert client.get(f"/api/runs/{asked.json['id']}", headers=header).json["new"] == 4
    assert client.post("/api/sources/none/harvest", headers=header).status_code == 404
