"""What is wrong, who did what, and the settings, on pages, by API and at the command line."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert

from registry import access, clock
from registry.harvest import store as harvests
from registry.records import store
from registry.tables import facts, harvest_runs, health, jobs, quarantine, sources, watches
from tests.admin.test_pages import RECORD


@pytest.fixture()
def troubled(founded: Any) -> Any:
    """A datacenter where something of nearly each kind is wrong."""
    now = clock.stamp()
    with founded.database.write() as connection:
        connection.execute(insert(facts).values(name="engine fault", value="It does not answer."))
        connection.execute(insert(health).values(
            key="ivo://north.example/stars", url="http://127.0.0.1:1/stars", ivoid="ivo://north.example/stars", asked="head",
            state="down", since=now, failures=3, message="<b>refused</b>", seen=now, due=now, said={}, recent=[]))
        connection.execute(insert(watches).values(
            key="ivo://north.example/stars", ivoid="ivo://north.example/stars", url="http://127.0.0.1:1/stars/capabilities",
            due=now, problems=["It is no XML.", "And more."]))
        connection.execute(insert(sources).values(
            id=7, name="south", url="http://127.0.0.1:1/oai", interval=3600, next_run=now, created=now, health="failing"))
        connection.execute(insert(harvest_runs).values(
            source_id=7, state=harvests.FAILED, started=now, ended=now, message="Nobody answers."))
        connection.execute(insert(quarantine).values(
            source_id=7, run_id=1, ivoid="ivo://other.example/x", digest="d", reason="Not theirs.", raw=b"<x/>", at=now,
            state="open"))
        xml = RECORD.replace("{text}", "x").encode()
        put = store.put(connection, founded.schemas, xml, origin=store.FOREIGN_FILE, who="test")
        assert put.record and not put.record.profile
    return founded


def text(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


def test_everything_that_is_wrong_is_on_one_page_with_where_it_is_mended(
    troubled: Any, app: Any, browser: Any, bearer: Any,
) -> None:
    person = browser("administrator")
    raw = person.get("/admin/problems").get_data(as_text=True)
    page = unescape(raw)
    for words in ("It does not answer.", "ivo://north.example/stars", "Nobody answers.", "Not theirs.",
                  "ivo://south.example/hostile", "It is no XML. And 1 more."):
        assert words in page, words
    assert "<b>refused" not in raw
    places = re.findall(r'class="btn btn-sm btn-secondary" href="([^"#]+)', page)
    assert len(places) >= 6
    for place in set(places):
        if "/services/" not in place:  # that service has no record of its own here
            assert person.get(place).status_code == 200, place
    told = app.test_client().get("/api/problems", headers=bearer("reader")).json["problems"]
    assert {one["kind"] for one in told} >= {"engine", "services down", "harvests", "quarantine", "documents", "records"}
    assert all(one["mend"].startswith("http://127.0.0.1:8101/") for one in told)
    told = app.test_client().get("/api/problems?kind=engine", headers=bearer("reader")).json["problems"]
    assert [one["kind"] for one in told] == ["engine"]
    page = text(person.get("/admin/problems?kind=harvests&sort=-since"))
    assert "services down</td>" not in page and "1 problem" in page
    assert text(person.get("/admin/problems.csv?kind=engine")).splitlines()[0] == "kind,subject,words,since,mend,raw"


def test_nothing_wrong_is_said_too(founded: Any, browser: Any) -> None:
    assert "Nothing is wrong" in text(browser("reader").get("/admin/problems"))


def test_a_runner_sees_no_job_of_others_among_the_problems(founded: Any, browser: Any) -> None:
    with founded.database.write() as connection:
        connection.execute(insert(jobs).values(
            id="a" * 20, owner="publisher", phase="ERROR", application="ivo://north.example/app/x", image="h/x@sha256:0",
            created=clock.stamp(), ended=clock.stamp(), execution_duration=60, destruction="9999", error="It broke."))
    assert "jobs in error" not in text(browser("runner").get("/admin/problems"))
    assert "jobs in error" in text(browser("publisher").get("/admin/problems"))
    assert "jobs in error" in text(browser("administrator").get("/admin/problems"))


def test_the_audit_trail_is_narrowed_and_paged_by_its_address(founded: Any, browser: Any) -> None:
    with founded.database.write() as connection:
        for number in range(130):
            access.audit(connection, "ada" if number % 2 else "pat", "run", f"job-{number:03d}")
    person = browser("administrator")
    page = text(person.get("/admin/audit?who=ada"))
    assert "job-129" in page and "job-128" not in page and 'rel="next"' not in page
    first = text(person.get("/admin/audit?action=run"))
    older = re.search(r'rel="next" href="(\?[^"]+)"', first)
    assert older
    second = text(person.get(f"/admin/audit{unescape(older[1])}"))
    assert "job-029" in second and "job-030" not in second and 'rel="next"' not in second and 'rel="prev"' in second
    assert "Nothing like that" in text(person.get("/admin/audit?who=nobody"))
    assert "registry audit --who ada" in page


def test_every_setting_is_shown_with_where_it_comes_from_and_no_password(
    founded: Any, app: Any, browser: Any, bearer: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INNERSPACE_PAGE_SIZE", "200")
    settings = founded.settings.model_copy(update={
        "database_url": "postgresql://u:hidden-one@h/d", "webhooks": ["https://u:hidden-two@hook.example/hidden-three"]})
    object.__setattr__(app.extensions["site"], "settings", settings)
    page = text(browser("administrator").get("/admin/settings"))
    assert all(f'id="{name}"' in page for name in type(settings).model_fields)
    assert re.search(r'id="page_size".*?<strong>environment', page, re.S) and "hook.example/***" in page
    told = app.test_client().get("/api/settings", headers=bearer("administrator"))
    assert "hidden-" not in page and "hidden-" not in text(told)
    assert {one["key"] for one in told.json["settings"]} == set(type(settings).model_fields)


def test_the_commands_say_the_same(troubled: Any) -> None:
    import json

    from click.testing import CliRunner

    from registry.cli.main import registry

    folder = ["--instance", str(troubled.settings.instance)]
    environment = {"INNERSPACE_AUTHORITY": "north.example"}
    done = CliRunner().invoke(registry, [*folder, "problems", "--json"], env=environment)
    assert done.exit_code == 1 and "engine" in {one["kind"] for one in json.loads(done.stdout)}
    with troubled.database.write() as connection:
        access.audit(connection, "ada", "wave", "everybody")
    done = CliRunner().invoke(registry, [*folder, "audit", "--who", "ada", "--json"], env=environment)
    assert [one["subject"] for one in json.loads(done.stdout)] == ["everybody"]
    words = ["user", "role", "reader", "publisher", "--authority", "north.example"]
    done = CliRunner().invoke(registry, [*folder, *words], env=environment)
    assert done.output == "reader is a publisher of north.example now.\n"
    done = CliRunner().invoke(registry, [*folder, "user", "disable", "administrator"], env=environment)
    assert done.exit_code == 1 and "only administrator" in str(done.exception)
