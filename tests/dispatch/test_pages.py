"""A run elsewhere from the pages and the API: what the where page offers, the form's choice, and each refusal in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher

from registry import access, create_app
from registry.data_sets import DataSet
from registry.dispatch import store as desk
from registry.uws import store
from tests.admin.conftest import PASSWORD, Browser
from tests.dispatch.conftest import APP, Pair
from tests.dispatch.test_where import needs


@pytest.fixture()
def person(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A runner at a browser."""
    monkeypatch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with pair.site.database.write() as connection:
        access.create_account(connection, "runner", PASSWORD, "runner")
    return Browser(create_app(pair.site), "runner")


@pytest.fixture()
def ask(person: Browser, pair: Pair) -> Callable[..., Any]:
    """Ask the API as that runner."""
    with pair.site.database.write() as connection:
        secret = access.create_token(connection, "runner")[1]
    client = create_app(pair.site).test_client()
    return lambda **body: client.post("/api/jobs", json=body, headers={"Authorization": f"Bearer {secret}"})


def sent(pair: Pair) -> tuple[store.Job, desk.Dispatched, list[tuple[str, str]]]:
    """The one job of north, which is to run elsewhere."""
    (job,) = pair.north.jobs()
    row = pair.row(job)
    assert row is not None
    with pair.site.database.read() as connection:
        return job, row, [(one.name, one.value) for one in store.parameters(connection, job.id)]


def test_the_where_page_leads_to_a_form_that_runs_it_there(pair: Pair, person: Browser) -> None:
    page = person.get(f"/where?app={APP}&p-limit=3&sort=free").text
    link = re.search(r'href="(/admin/applications/run[^"]*at=south[^"]*)"', page)
    assert link and "limit=3 --at south.example" in page
    form = person.get(link[1].replace("&amp;", "&")).text

    assert re.search(r'<option value="south.example" selected>South', form) and 'value="3"' in form
    assert "limit=3 --at south.example --wait" in form and "/api/jobs" in form
    answer = person.post("/admin/applications/run", app=APP, at="south.example", **{"p-limit": "3"}, run_id="night")

    job, row, parameters = sent(pair)
    assert answer.status_code == 303 and answer.location.endswith(f"/admin/jobs/{job.id}")
    assert (row.runner, parameters, job.owner, job.run_id) == (
        "ivo://south.example/runner", [("limit", "3")], "runner", "night")
    assert "ivo://south.example/runner" in person.get(answer.location).text
    again = person.get(f"/admin/applications/run?app={quote(APP)}&job={job.id}").text
    assert re.search(r'<option value="south.example" selected>', again) and 'value="3"' in again


def test_without_a_choice_it_runs_here(pair: Pair, person: Browser) -> None:
    form = person.get(f"/admin/applications/run?app={APP}").text
    assert '<option value="">North, here (4 free)</option>' in form and "/jobs" in form

    assert person.post("/admin/applications/run", app=APP, at="", **{"p-limit": "3"}).status_code == 303
    (job,) = pair.north.jobs()
    assert pair.row(job) is None


@pytest.mark.parametrize(("at", "limit", "status", "words"), [
    ("nowhere", "3", 404, "no datacenter with a runner that is known here"), ("south.example", "12", 400, "Parameter limit")])
def test_what_is_refused_comes_back_with_the_form(
    pair: Pair, person: Browser, at: str, limit: str, status: int, words: str,
) -> None:
    answer = person.post("/admin/applications/run", app=APP, at=at, **{"p-limit": limit})

    assert answer.status_code == status and words in answer.text and f'value="{limit}"' in answer.text
    assert pair.north.jobs() == []


def test_data_that_is_not_here_is_said_with_the_form_before_there_is_a_job(pair: Pair, person: Browser, tmp_path: Path) -> None:
    needs(pair, data=[{"name": "gaia", "description": "Gaia DR3"}])
    form = person.get(f"/admin/applications/run?app={APP}").text
    assert "<dt>Reads</dt><dd>gaia</dd>" in form and "North, here: cannot now" in form

    answer = person.post("/admin/applications/run", app=APP, at="")
    assert answer.status_code == 409 and "needs the data set gaia, which this datacenter does not have" in answer.text
    (tmp_path / "gaia").mkdir()
    data = {"gaia": DataSet(path=tmp_path / "gaia", roles=("publisher",))}
    object.__setattr__(pair.site, "settings", pair.site.settings.model_copy(update={"data": data}))
    answer = person.post("/admin/applications/run", app=APP, at="")
    assert answer.status_code == 403 and "which is for publisher here, and runner is runner" in answer.text
    assert pair.north.jobs() == []


def test_an_application_that_may_not_run_here_can_be_sent_where_it_may(pair: Pair, person: Browser) -> None:
    object.__setattr__(pair.site, "settings", pair.site.settings.model_copy(update={"repository": "other.example"}))

    assert person.get(f"/admin/applications/run?app={APP}").status_code == 403
    assert person.get(f"/admin/applications/run?app={quote(APP)}&at=south.example").status_code == 200
    assert person.post("/admin/applications/run", app=APP, at="south.example").status_code == 303


def test_by_api(pair: Pair, ask: Callable[..., Any]) -> None:
    answer = ask(app=APP, at="South", parameters={"limit": 3, "EXECUTIONDURATION": ["50"]}, run_id="night")

    job, row, parameters = sent(pair)
    assert answer.status_code == 201 and answer.location.endswith(f"/jobs/{job.id}") and answer.json["jobId"] == job.id
    assert parameters == [("limit", "3")] and row.control == (("EXECUTIONDURATION", "50"),)


@pytest.mark.parametrize(("body", "words"), [
    ({}, "'app' is needed"), ({"app": 7}, "must be a text"), ({"app": APP, "colour": "red"}, "'colour' is unknown"),
    ({"app": APP, "parameters": []}, "must be an object"), ({"app": APP, "parameters": {"limit": {}}}, "'limit' must be"),
    ({"app": APP, "parameters": {"phase": "ABORT"}}, "not one of an application"),
    ({"app": APP, "at": "south.example", "parameters": {"limit": 12}}, "Parameter limit"),
    ({"app": "ivo://nobody.example/x"}, "no application"),
])
def test_what_the_api_refuses(pair: Pair, ask: Callable[..., Any], body: dict[str, Any], words: str) -> None:
    answer = ask(**body)

    assert 400 <= answer.status_code < 500 and words in answer.json["error"] and pair.north.jobs() == []
