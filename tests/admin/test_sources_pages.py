"""A source from the form to its harvested records: added, harvested by the button, watched, stopped; and by the API."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from registry.admin import sources as source_pages
from registry.harvest import publishers, quarantine, schedule, sources as sources_store, store as harvests
from registry.harvest.publishers import Publisher
from registry.records import authorities, store
from registry.tables import harvest_runs, sources as sources_table
from tests.oai.shelves import record

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


def test_a_registry_is_looked_at_before_it_is_added(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    page = boss.post("/admin/sources/look", url=f"{neighbour}oai").get_data(as_text=True)
    assert "ivo://south.example/registry" in page and "oai_dc, ivo_vor" in page and "Nothing is kept yet" in page
    assert '<option selected value="ivo_managed">' in page and "4 in ivo_managed" in page
    assert f'value="{founded.settings.harvest_interval}"' in page
    assert '<option selected value="ivo_vor">' in page and '<option value="oai_dc">' in page
    assert b"No source yet" in boss.get("/admin/sources").data
    wrong = boss.post("/admin/sources", url=f"{neighbour}oai", prefix="marc")
    assert wrong.status_code == 400 and b"does not offer marc" in wrong.data
    added = boss.post("/admin/sources", url=f"{neighbour}oai", set_spec="", priority="4", owner="publisher", name="deep")
    assert added.location == "/admin/sources/deep"
    page = boss.get(added.location).get_data(as_text=True)
    assert "set (all)" in page and "priority 4" in page and "publisher" in page
    wrong = boss.post("/admin/sources/look", url=f"{neighbour}nothing")
    assert wrong.status_code == 400 and b"status 404" in wrong.data


def test_a_source_that_was_looked_at_waits_to_be_tried(founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str) -> None:
    boss = browser("administrator")
    page = boss.post("/admin/sources/look", url=f"{neighbour}oai").get_data(as_text=True)
    assert 'name="first" value="later"' in page
    added = boss.post("/admin/sources", url=f"{neighbour}oai", set_spec="", first="later")
    assert "Test its first page" in boss.get(added.location).text
    turn(founded)
    with founded.database.read() as connection:
        assert harvests.runs(connection) == []
    boss.post(f"/admin/sources/{NAME}/remove", confirm=NAME)
    client, header = app.test_client(), bearer("administrator")
    assert client.post("/api/sources", json={"url": f"{neighbour}oai", "later": "no"}, headers=header).status_code == 400
    client.post("/api/sources", json={"url": f"{neighbour}oai", "later": True}, headers=header)
    turn(founded)
    with founded.database.read() as connection:
        assert harvests.runs(connection) == []


def test_what_a_registry_of_registries_knows_is_shown(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    page = boss.post("/admin/sources/publishers", registries=f"{neighbour}oai")
    assert page.status_code == 200 and b"It knows none" in page.data
    assert boss.post("/admin/sources/publishers", registries="nowhere").status_code == 400
    assert boss.post("/admin/sources/publishers", registries="http://127.0.0.1:9/").status_code == 400


@pytest.fixture()
def known(monkeypatch: pytest.MonkeyPatch, neighbour: str) -> str:
    """A Registry of Registries knows south and one that does not answer; one request asks one of them."""
    found = [Publisher("ivo://gone.example/registry", "Gone <i>", "http://127.0.0.1:9/oai"),
             Publisher("ivo://south.example/registry", "South", f"{neighbour}oai"),
             Publisher("ivo://mute.example/registry", "Mute", "")]
    monkeypatch.setattr(publishers, "publishers", lambda _site, _url: iter(found))
    monkeypatch.setattr(source_pages, "AT_ONCE", 0)
    return "http://rofr.example/oai"


def test_all_that_a_registry_of_registries_knows_is_added_at_once(founded: Any, browser: Any, known: str) -> None:
    boss = browser("administrator")
    shown = boss.post("/admin/sources/publishers", registries=known).get_data(as_text=True)
    assert "Add all 2" in shown and "Gone &lt;i&gt;" in shown and "harvest add --all-from http://rofr.example/oai" in shown
    with founded.database.read() as connection:
        assert not sources_store.list_sources(connection)  # shown, and nothing kept yet
    first = boss.post("/admin/sources/publishers/add", registries=known).get_data(as_text=True)
    assert "not added: " in first and "1 of 2 were asked" in first and "Go on with the other 1" in first
    second = boss.post("/admin/sources/publishers/add", registries=known,
                       asked="ivo://gone.example/registry").get_data(as_text=True)
    assert "2 of 2 were asked" in second and "<td>added</td>" in second and "Go on" not in second
    with founded.database.read() as connection:
        assert [one.name for one in sources_store.list_sources(connection)] == [NAME]
    assert browser("publisher").post("/admin/sources/publishers/add", registries=known).status_code == 403


def test_all_that_it_knows_is_added_by_the_api(founded: Any, app: Any, bearer: Any, known: str) -> None:
    client, header = app.test_client(), bearer("administrator")
    asked: list[str] = []
    outcomes: dict[str, str] = {}
    left = 1
    while left:
        answer = client.post("/api/sources/publishers", json={"url": known, "asked": asked}, headers=header).json
        outcomes |= {one["ivoid"]: one["outcome"] for one in answer["registries"]}
        asked, left = list(outcomes), answer["left"]
    assert list(outcomes.values()) == ["refused", "added", "refused"]
    wrong = client.post("/api/sources/publishers", json={"url": known, "asked": "all"}, headers=header)
    assert wrong.status_code == 400 and "a list of texts" in wrong.json["error"]


def test_what_a_registry_of_registries_knows_is_shown_by_the_api(founded: Any, app: Any, bearer: Any, known: str) -> None:
    client, header = app.test_client(), bearer("administrator")
    found = client.post("/api/sources/publishers/look", json={"url": known}, headers=header).json["registries"]
    assert {one["ivoid"]: (bool(one["url"]), one["known"]) for one in found} == {
        "ivo://gone.example/registry": (True, False), "ivo://south.example/registry": (True, False),
        "ivo://mute.example/registry": (False, False)}
    with founded.database.read() as connection:
        assert not sources_store.list_sources(connection)


def test_a_source_is_looked_at_changed_and_removed_by_the_api(founded: Any, app: Any, bearer: Any, neighbour: str) -> None:
    client, header = app.test_client(), bearer("administrator")
    seen = client.post("/api/sources/look", json={"url": f"{neighbour}oai"}, headers=header).json
    assert seen["identity"]["authorities"] == [NAME] and "ivo_managed" in seen["sets"] and seen["set_spec"] == "ivo_managed"
    assert client.get("/api/sources", headers=header).json["sources"] == []
    client.post("/api/sources", json={"url": f"{neighbour}oai"}, headers=header)
    changed = client.post(f"/api/sources/{NAME}/change", json={"interval": 7200, "owner": "ann"}, headers=header).json
    assert (changed["interval"], changed["owner"], changed["set_spec"]) == (7200, "ann", "ivo_managed")
    client.post(f"/api/sources/{NAME}/harvest", json={}, headers=header)
    turn(founded)
    one = client.get(f"/api/sources/{NAME}", headers=header).json
    assert one["interval"] == 7200 and [run["state"] for run in one["runs"]] == ["complete"]
    assert client.post(f"/api/sources/{NAME}/remove", json={}, headers=header).json["name"] == NAME
    assert client.get(f"/api/sources/{NAME}", headers=header).status_code == 404
    assert client.post(f"/api/sources/{NAME}/remove", json={}, headers=header).status_code == 404


def test_the_bytes_of_a_record_that_was_not_taken(founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str) -> None:
    raw = b"<a>\xff & no XML\r\n"
    with founded.database.write() as connection:
        connection.execute(insert(sources_table).values(
            id=1, name="far", url=f"{neighbour}oai", registry="ivo://far.example/registry", interval=3600,
            next_run="2999-01-01T00:00:00Z", created="2024-01-01T00:00:00Z"))
        connection.execute(insert(harvest_runs).values(id=1, source_id=1, state="complete", started="2024-01-01T00:00:00Z"))
        number = quarantine.keep(connection, 1, 1, "ivo://far.example/x", "It is no XML.", raw)
    page = browser("reader").get("/admin/quarantine").get_data(as_text=True)
    assert f'href="/admin/quarantine/{number}/record" download' in page
    for answer in (browser("reader").get(f"/admin/quarantine/{number}/record"),
                   app.test_client().get(f"/api/quarantine/{number}/record", headers=bearer("reader"))):
        assert (answer.data, answer.content_type) == (raw, "application/octet-stream")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="quarantine-{number}.xml"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert app.test_client().get(f"/api/quarantine/{number}", headers=bearer("reader")).json["reason"] == "It is no XML."
    assert app.test_client().get(f"/api/quarantine/{number + 1}", headers=bearer("reader")).status_code == 404


def test_a_source_is_changed_paused_and_removed(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    at = f"/admin/sources/{NAME}"
    assert boss.post(f"{at}/change", interval="7200", set_spec="ivo_managed", priority="-2", owner="reader").status_code == 303
    assert b"every 7200 s, priority -2" in boss.get(at).data
    wrong = boss.post(f"{at}/change", interval="1", set_spec="a b")
    assert wrong.status_code == 400 and b"Between 60 and" in wrong.data and b"no such characters" in wrong.data
    boss.post(f"{at}/pause", paused="1")
    assert b"<dd>paused</dd>" in boss.get(at).data
    boss.post(f"{at}/pause", paused="0")
    assert b"<dd>paused</dd>" not in boss.get(at).data
    name = at.rpartition("/")[2]
    asked = boss.post(f"{at}/remove").text
    assert f"Remove source {name}?" in asked and "of its runs" in asked and "stay on the shelf" in asked
    assert boss.post(f"{at}/remove", confirm="another").status_code == 400
    assert boss.post(f"{at}/remove", confirm=name.upper()).location == "/admin/sources"
    assert boss.get(at).status_code == 404
    assert boss.post("/admin/sources/none/remove").status_code == 404


def test_the_history_of_a_source_is_drawn(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    for _ in range(2):
        boss.post(f"/admin/sources/{NAME}/harvest", full="1")
        turn(founded)
    page = boss.get(f"/admin/sources/{NAME}").get_data(as_text=True)
    assert page.count("<rect ") == 2 and "complete, 4 new, 0 updated" in page and "0 new, 0 updated, 4 unchanged" in page


def test_records_in_quarantine_wait_for_a_persons_word(
    founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str,
) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai", set_spec="")
    with founded.database.write() as connection:
        source = connection.execute(select(sources_table.c.id)).scalar_one()
        numbers = [
            quarantine.keep(connection, source, 1, f"ivo://else.example/{name}", "It is <odd>.", record(f"ivo://else.example/{name}"))
            for name in "abcd"
        ]
    page = boss.get("/admin/quarantine").get_data(as_text=True)
    assert "It is &lt;odd&gt;." in page and "&lt;identifier&gt;ivo://else.example/a" in page
    assert page.count("/ri:Resource/identifier, line") == 4
    assert b"4 records in quarantine" in boss.get("/admin/").data
    assert boss.post(f"/admin/quarantine/{numbers[0]}/accept").location == "/admin/quarantine"
    assert boss.post(f"/admin/quarantine/{numbers[1]}/mute").location == "/admin/quarantine"
    client, header = app.test_client(), bearer("administrator")
    waiting = client.get("/api/quarantine", headers=header).json["records"]
    assert [one["id"] for one in waiting] == numbers[:1:-1]
    assert waiting[0]["path"] == "/ri:Resource/identifier" and waiting[0]["line"] > 0
    assert client.post(f"/api/quarantine/{numbers[2]}/accept", headers=header).json["state"] == "accepted"
    assert client.post(f"/api/quarantine/{numbers[3]}/mute", headers=header).json["state"] == "muted"
    assert client.post("/api/quarantine/4711/mute", headers=header).status_code == 404
    assert b"Nothing waits here" in boss.get("/admin/quarantine").data
    assert boss.get("/admin/quarantine?state=any").get_data(as_text=True).count("as it came") == 4
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://else.example/a").origin == store.HARVESTED
        assert store.get(connection, "ivo://else.example/b") is None


def test_a_second_claim_is_told_on_the_dashboard(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    assert b"Two registries claim" not in boss.get("/admin/").data
    with founded.database.write() as connection:
        authorities.claim(connection, "south.example", "ivo://else.example/registry", own=False)
    page = boss.get("/admin/").get_data(as_text=True)
    assert "<strong>south.example</strong>" in page and "ivo://else.example/registry manages it already" in page


def test_a_great_loss_waits_for_a_button(founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    boss.post(f"/admin/sources/{NAME}/harvest")
    turn(founded)
    with founded.database.write() as connection:  # one that its list has never held
        source = connection.execute(select(sources_table.c.id)).scalar_one()
        store.put(connection, founded.schemas, record("ivo://south.example/lost"), origin=store.HARVESTED, who="test",
                  source_id=source)
    run = boss.post(f"/admin/sources/{NAME}/harvest", full="1").location
    turn(founded)
    page = boss.get(run).get_data(as_text=True)
    assert "1 of its 5 records are missing" in page and "They are gone: delete them here" in page
    assert "They are gone" not in browser("publisher").get(run).get_data(as_text=True)
    client, header = app.test_client(), bearer("administrator")
    done = client.post(f"/api/runs/{run.rpartition('/')[2]}/accept-loss", headers=header)
    assert (done.json["state"], done.json["deleted"]) == ("complete", 1)
    assert boss.post(f"{run}/accept-loss").status_code == 409
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://south.example/lost").deleted


def test_pausing_and_stopping_by_the_api(founded: Any, app: Any, bearer: Any, neighbour: str) -> None:
    client, header = app.test_client(), bearer("administrator")
    body = {"url": f"{neighbour}oai", "set_spec": "", "priority": 7, "owner": "ann"}
    added = client.post("/api/sources", json=body, headers=header).json
    assert (added["set_spec"], added["priority"], added["owner"], added["health"]) == ("", 7, "ann", "")
    assert client.post(f"/api/sources/{NAME}/pause", headers=header).json["paused"] is True
    assert client.post(f"/api/sources/{NAME}/resume", headers=header).json["paused"] is False
    run = client.post(f"/api/sources/{NAME}/harvest", headers=header).json
    assert run["place"] == 0
    assert client.post(f"/api/runs/{run['id']}/cancel", headers=header).json["state"] == "cancelled"
    assert client.post("/api/sources", json={"url": "http://x/", "priority": 1000}, headers=header).status_code == 400


def spoilt(site: Any) -> int:
    """A source whose list would bring a record of an authority that it does not speak for; the number of its records."""
    with site.database.write() as connection:
        authorities.claim(connection, "south.example", "ivo://else.example/registry", own=False)
    return 4


def test_a_first_page_is_tried_and_nothing_of_it_is_kept(
    founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str,
) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    page = boss.post(f"/admin/sources/{NAME}/test").get_data(as_text=True)
    assert '<span data-field="new">4</span> new' in page and "4 records of 4" in page and "Start</button>" in page
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://south.example/runner") is None
    wrong = spoilt(founded)
    page = boss.post(f"/admin/sources/{NAME}/test").get_data(as_text=True)
    assert f'<span data-field="rejected">{wrong}</span> not taken' in page
    assert page.count("does not manage the authority") == wrong + 1
    assert "&lt;identifier&gt;ivo://south.example/runner&lt;" in page and "/ri:Resource/identifier, line" in page
    told = app.test_client().post(f"/api/sources/{NAME}/test", headers=bearer("publisher")).json
    assert (told["rejected"], told["new"], told["read"]) == (wrong, 0, 4) and told["problems"][0]["line"] > 0
    with founded.database.read() as connection:
        assert quarantine.waiting(connection) == 0 and not harvests.runs(connection)


def test_a_source_that_does_not_answer_cannot_be_tried(founded: Any, browser: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    with founded.database.write() as connection:
        connection.execute(update(sources_table).values(url=f"{neighbour}nothing"))
    page = boss.post(f"/admin/sources/{NAME}/test")
    assert page.status_code == 502 and b"status 404" in page.data and b"Test it again" in page.data


def test_a_run_is_paused_and_goes_on(founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    run = boss.post(f"/admin/sources/{NAME}/harvest").location
    assert boss.post(f"{run}/pause").location == run
    page = boss.get(run).get_data(as_text=True)
    assert "Its source is paused" in page and ">Resume</button>" in page
    again = boss.post(f"{run}/resume").location
    assert again != run and b"Its source is paused" not in boss.get(again).data
    client, header = app.test_client(), bearer("publisher")
    number = again.rpartition("/")[2]
    assert client.post(f"/api/runs/{number}/pause", headers=header).json["state"] == "cancelled"
    resumed = client.post(f"/api/runs/{number}/resume", headers=header)
    assert (resumed.status_code, resumed.json["state"]) == (202, "queued")
    turn(founded)
    done = client.get(f"/api/runs/{resumed.json['id']}", headers=header).json
    assert done["state"] == "complete" and done["pages_per_second"] > 0 and done["seconds_left"] is None
    assert "ivo://south.example/runner" in done["tail"].splitlines()


def test_what_a_run_did_not_take_is_decided_beside_it_and_taken_along(
    founded: Any, app: Any, browser: Any, bearer: Any, neighbour: str,
) -> None:
    boss = browser("administrator")
    boss.post("/admin/sources", url=f"{neighbour}oai")
    spoilt(founded)
    run = boss.post(f"/admin/sources/{NAME}/harvest").location
    turn(founded)
    number = run.rpartition("/")[2]
    page = boss.get(run).get_data(as_text=True)
    assert page.count("Accept once<") == page.count("Mute<") == 4 and "4 × The source does not manage" in page
    with founded.database.read() as connection:
        first, second, *_ = (one.quarantine_id for one in harvests.problems(connection, int(number)) if one.quarantine_id)
    assert boss.post(f"/admin/quarantine/{first}/accept", back=number).location == run
    assert boss.post(f"/admin/quarantine/{second}/mute", back=number).location == run
    assert boss.post(f"/admin/quarantine/{second}/mute", back="//evil.example").location == "/admin/quarantine"
    page = boss.get(run).get_data(as_text=True)
    assert page.count("Accept once<") == 2 and ">accepted<" in page and ">muted<" in page
    rows = list(csv.DictReader(io.StringIO(boss.get(f"{run}/problems.csv").get_data(as_text=True))))
    assert {row["source"] for row in rows} == {NAME} and {row["kind"] for row in rows} == {"rejected", "conflict"}
    assert [row["path"] for row in rows if row["kind"] == "rejected"] == ["/ri:Resource/identifier"] * 4
    as_json = boss.client.get(f"{run}/problems.json").json["problems"]
    assert as_json == app.test_client().get(f"/api/runs/{number}/problems", headers=bearer("reader")).json["problems"]
    assert len(as_json) == len(rows) == 5 and as_json[-1]["record"].startswith("<")


def test_sources_runs_and_quarantine_are_lists(founded: Any, browser: Any, bearer: Any, app: Any) -> None:
    with founded.database.write() as connection:
        for number, name in enumerate(("west", "south", "east"), 1):
            connection.execute(insert(sources_table).values(
                id=number, name=name, url=f"http://{name}.example/oai", interval=3600 * number, next_run="2026-11-25T00:00:00Z",
                created="x", health="failing" if name == "east" else "ok"))
            for turn in range(40):
                connection.execute(insert(harvest_runs).values(
                    source_id=number, state="failed" if turn == 39 and name == "east" else "complete", started=f"2026-{turn:02d}",
                    new=turn * number, message="It is away." if turn == 39 else ""))
            quarantine.keep(connection, number, 1, f"ivo://{name}.example/x", "=odd()", b"<x/>")
    reader, client, header = browser("reader"), app.test_client(), bearer("reader")
    assert [one["name"] for one in reader.get("/admin/sources.json?sort=-interval").json["sources"]] == ["east", "south", "west"]
    page = reader.get("/admin/sources?health=failing").text
    assert "/admin/sources/east" in page and "/admin/sources/west" not in page and "117 new" in page
    assert [one["new"] for one in reader.get("/admin/runs.json?sort=-new&limit=2").json["runs"]] == [117, 114]
    assert client.get("/api/runs?source=south&state=complete&limit=1", headers=header).json["count"] == 40
    away = client.get("/api/runs?q=away&sort=source", headers=header).json["runs"]
    assert [one["source"] for one in away] == ["east", "south", "west"]
    assert 'rel="next"' in reader.get("/admin/runs?state=complete").text
    rows = reader.get("/admin/quarantine.csv?sort=source&limit=2").text.splitlines()
    assert [row.split(",")[1] for row in rows] == ["source", "east", "south"] and ",'=odd()," in rows[1]
    assert client.get("/api/quarantine?source=west", headers=header).json["records"][0]["record"] == "<x/>"
    assert client.get("/api/quarantine?state=lost", headers=header).status_code == 400
