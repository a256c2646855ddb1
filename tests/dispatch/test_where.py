"""Where an application can run: each reason against it, the order, the page, the command; and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from registry import create_app
from registry.applications.catalogue import NoApplication
from registry.applications.parameters import ParameterError
from registry.cli.main import registry
from registry.dispatch import runners, where
from registry.dispatch.where import BadOrder
from registry.tables import images, runners as table
from tests.dispatch.conftest import APP, Pair


def offered(pair: Pair, **changes: Any) -> where.Verdict:
    """South's verdict once its offer says something else."""
    with pair.site.database.write() as connection:
        offer = connection.execute(select(table.c.offer)).scalar_one()
        connection.execute(update(table).values(offer={**offer, **changes}))
    return verdict(pair, "south.example")


def verdict(pair: Pair, datacenter: str) -> where.Verdict:
    return next(one for one in where.where(pair.site, APP).verdicts if one.datacenter == datacenter)


def needs(pair: Pair, **changes: Any) -> None:
    """The application needs something else than it does."""
    with pair.site.database.write() as connection:
        contract = connection.execute(select(images.c.contract)).scalar_one()
        connection.execute(update(images).values(contract={**contract, **changes}))


def test_it_runs_at_both_our_own_first(pair: Pair) -> None:
    answer = where.where(pair.site, APP, [("limit", "3")])

    assert [(one.datacenter, one.possible, one.reasons) for one in answer.verdicts] == [
        ("north.example", True, ()), ("south.example", True, ())]
    assert answer.verdicts[1].free == 4 and answer.verdicts[1].jobs_url == f"http://127.0.0.1:{pair.south.port}/jobs"


@pytest.mark.parametrize(("changes", "words"), [
    ({"publishers": ["south.example"]}, "does not accept applications published by north.example"),
    ({"repositories": ["other.example"]}, "takes no images from the Docker repository 127.0.0.1"),
    ({"engine": {"working": False, "message": "It burns."}}, "engine does not work: It burns."),
    ({"limits": {"memory": 2**20}}, "asks for 6.71089e+07 bytes of memory"),
    ({"network_profiles": []}, "no network profile none"),
    ({"anonymous": False}, "wants an account"),
    ({"jobs": "http://elsewhere.example/jobs"}, "no list of jobs at its own address"),
    ({"publishers": {"x": 1}, "slots": [], "limits": 7, "standards": None}, "does not accept"),
])
def test_each_reason_against_it(pair: Pair, changes: dict[str, Any], words: str) -> None:
    found = offered(pair, **changes)

    assert not found.possible and words in " ".join(found.reasons)
    assert verdict(pair, "north.example").possible


def test_the_apis_must_be_there_and_alive(pair: Pair) -> None:
    cone = "ivo://ivoa.net/std/ConeSearch"
    needs(pair, requires=[cone], network="dc")

    assert offered(pair).reasons == (f"It has no {cone}.",)
    assert offered(pair, standards=[cone.lower()]).possible
    assert offered(pair, standards=[cone.lower()], standards_down=[cone.lower()]).reasons == (f"Its {cone} is down.",)
    assert verdict(pair, "north.example").reasons == (f"It has no {cone}.",)


def test_the_order_is_the_callers(pair: Pair) -> None:
    offered(pair, slots={"free": 9, "queued": 0})

    def first(**order: str) -> str:
        return where.where(pair.site, APP, **order).verdicts[0].datacenter

    assert first() == "north.example"
    assert first(by="free") == "south.example"
    assert first(by="data", data="ivo://south.example/catalogue") == "south.example"
    with pytest.raises(BadOrder, match="give own, free, or data"):
        first(by="luck")


def test_a_silent_runner_is_no_place_to_run_but_stays_known(pair: Pair) -> None:
    pair.south.stop()
    assert runners.read_offers(pair.site) == 0

    found = verdict(pair, "south.example")

    assert not found.possible and "does not answer at present" in found.reasons[0] and found.free == 4


def test_values_that_are_refused_everywhere_are_refused_here(pair: Pair) -> None:
    with pytest.raises(ParameterError, match="limit"):
        where.where(pair.site, APP, [("limit", "12")])


def test_the_page_and_json(pair: Pair) -> None:
    client = create_app(pair.site).test_client()

    page, document = client.get(f"/where?app={APP}&limit=3"), client.get(f"/where.json?app={APP}&by=free").json

    assert page.status_code == 200 and "--at south.example" in page.text
    assert [one["possible"] for one in document["runners"]] == [True, True]
    refused = client.get("/where.json?app=nothing")
    assert refused.status_code == 404 and "no application nothing" in refused.json["error"]
    assert client.get("/where.json").status_code == 400
    assert client.get(f"/where.json?app={APP}&limit=x").status_code == 400


def test_a_retracted_application_is_offered_nowhere_and_can_come_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("authority", "repository", "base_url", "admin_email"):
        monkeypatch.setenv(f"INNERSPACE_{name.upper()}", getattr(pair.site.settings, name))

    def retract(*options: str) -> str:
        done = CliRunner().invoke(registry, [
            "--instance", str(pair.site.settings.instance), "app", "retract", *options])
        assert done.exit_code == 0, done.exception
        return done.stdout

    assert "no longer" in retract("count", "--why", "A hole in its library.")
    with pytest.raises(NoApplication):
        where.where(pair.site, APP)
    pair.south.harvested(pair.north.record(APP))  # what a harvest brings
    with pytest.raises(NoApplication):
        where.where(pair.south.site, APP)

    assert "offered again" in retract("count", "--back")
    assert where.where(pair.site, APP).verdicts[0].possible
