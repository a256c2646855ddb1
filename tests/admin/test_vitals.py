"""/healthz, /readyz and /metrics: what they say while all is well, and of each thing that is not."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from registry import access, beats, create_app
from registry.admin import problems, standing
from registry.admin.counted import BOUNDS, room_of
from registry.beats import Watch
from registry.db import Database
from registry.site import open_site
from registry.tables import facts, health
from registry.uws.phases import COMPLETED, QUEUED
from tests.uws.jobs_at_hand import put

LINE = re.compile(r'(innerspace_\w+)(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? ([0-9.e+-]+|\+Inf)')


def token(site: Any, role: str) -> dict[str, str]:
    with site.database.write() as connection:
        access.create_account(connection, role, None, role, hashed="none")
        _, secret = access.create_token(connection, role, "x")
    return {"Authorization": f"Bearer {secret}"}


def sampled(body: str) -> dict[str, float]:
    """Each sample by name and labels; every line must be one, or say what is meant and of which kind."""
    found = {}
    for line in body.splitlines():
        if not line.startswith(("# HELP innerspace_", "# TYPE innerspace_")):
            read = LINE.fullmatch(line)
            assert read, line
            assert read[1] + (read[2] or "") not in found
            found[read[1] + (read[2] or "")] = float(read[3])
    return found


def test_the_figures_are_there_for_readers_and_nobody_without_an_account(any_site):
    put(any_site, phase=QUEUED, queued="2026-01-01T00:00:00.000Z")
    put(any_site, phase=COMPLETED)
    with any_site.database.write() as connection:
        connection.execute(insert(health).values(key="a", url="http://x", ivoid="ivo://a/b", asked="head", state="down",
                                                 since=""))
        connection.execute(insert(facts).values(name="beat worker", value="2026-01-01T00:00:00.000Z"))
    client = create_app(any_site).test_client()
    for path in ("/oai?verb=Identify", "/oai?verb=Identify", "/nowhere/at/all", "/"):
        client.get(path)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
    answer = client.get("/metrics", headers=token(any_site, "reader"))
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=0.0.4")
    found = sampled(answer.text)
    assert found['innerspace_requests_total{room="oai",method="GET",status="200"}'] == 2
    assert found['innerspace_requests_total{room="other",method="GET",status="404"}'] == 1
    assert found['innerspace_requests_total{room="metrics",method="GET",status="401"}'] == 2
    assert found['innerspace_request_seconds_bucket{room="oai",le="+Inf"}'] == 2
    assert found['innerspace_request_seconds_count{room="oai"}'] == 2
    steps = [found[f'innerspace_request_seconds_bucket{{room="oai",le="{bound}"}}'] for bound in BOUNDS]
    assert steps == sorted(steps)
    assert found['innerspace_jobs{phase="QUEUED"}'] == 1 and found['innerspace_jobs{phase="ERROR"}'] == 0
    assert found["innerspace_queue_oldest_seconds"] > 0 and found['innerspace_endpoints{state="down"}'] == 1
    assert found['innerspace_silent_seconds{process="worker"}'] > 0
    assert found["innerspace_disk_free_bytes"] > 0


def test_who_may_read_the_figures_is_a_setting(site):
    for networks, status in ((["127.0.0.0/8", "fd00::/8"], 200), (["10.0.0.0/8"], 401)):
        near = open_site(site.settings.instance, authority="north.example", metrics_networks=networks)
        assert create_app(near).test_client().get("/metrics").status_code == status
        near.close()


def test_labels_are_escaped(site):
    from registry.admin.metrics import _sample
    assert _sample("x", {"source": 'a"\\\nb'}, 1) == 'innerspace_x{source="a\\"\\\\\\nb"} 1'


@pytest.mark.parametrize(("path", "room"), [("/", "front"), ("/oai", "oai"), ("/find.json", "find"), ("/jobs/1/phase", "jobs"),
                                            ("/wp-login.php", "other"), ("//", "front"), ("/OAI", "other")])
def test_rooms_are_few_whatever_is_asked(path, room):
    assert room_of(path) == room


def test_it_is_ready_and_says_who_is_not_heard(any_site):
    client = create_app(any_site).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["faults"].keys() == {"worker", "gateway"} and "never been heard" in answer.json["faults"]["worker"]
    beats.beat(any_site, beats.WORKER)
    beats.beat(any_site, beats.GATEWAY)
    assert client.get("/readyz").json["faults"] == {}


def test_silence_is_measured_by_ones_own_clock(site, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(beats.time, "monotonic", lambda: now)
    watch = Watch()

    def silent() -> float:
        with site.database.read() as connection:
            age = watch.silent(connection, beats.WORKER)
        assert age is not None
        return age

    beats.beat(site, beats.WORKER)
    assert silent() < 5
    now += 60
    assert silent() > beats.PATIENCE
    with site.database.write() as connection:  # its date is odd, but it moves
        connection.execute(update(facts).values(value="2001-01-01T00:00:00.000Z"))
    assert silent() == 0


def test_a_process_beats_until_it_is_stopped(site):
    stop = threading.Event()
    beats.keep(site, "worker", stop)
    while True:
        with site.database.read() as connection:
            if connection.execute(text("SELECT value FROM facts WHERE name = 'beat worker'")).scalar():
                break
    stop.set()


def test_a_database_of_another_version_is_not_ready(any_site):
    client = create_app(any_site).test_client()
    for revision, words in (("0001", "`registry upgrade`"), ("9999", "newer version")):
        with any_site.database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json["status"]) == (503, "unready") and words in answer.json["faults"]["database"]
        assert client.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_not_ready_and_the_process_lives(site):
    app = create_app(site)
    object.__setattr__(site, "database", Database("postgresql://nobody@127.0.0.1:1/x?connect_timeout=2"))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503 and "does not answer" in answer.json["faults"]["database"] and "127.0.0.1" not in answer.text
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_what_runs_and_is_not_what_is_installed_is_among_the_problems(any_site, monkeypatch):
    def told() -> list[str]:
        with any_site.database.read() as connection:
            found = problems.gather(connection, access.Caller("root", access.ADMINISTRATOR))
        return [one.words for kind in found if kind.name == "program" for one in kind.problems]

    beats.beat(any_site, beats.WORKER)
    monkeypatch.setattr(standing, "_watch", Watch())
    assert told() == []
    with any_site.database.write() as connection:
        connection.execute(update(facts).values(value="2026-01-01T00:00:00.000Z"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    monkeypatch.setattr(standing, "_RUNNING", "0.0.1")
    monkeypatch.setattr(standing, "_watch", Watch())
    newer, installed, silent = told()
    assert "of revision 9999" in newer and "what runs is still 0.0.1" in installed and "worker has not been heard" in silent
