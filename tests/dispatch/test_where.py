"""Where an application can run: each reason against it, the order, the page, the command; and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from registry import create_app
from registry.access import Caller
from registry.applications.catalogue import NoApplication
from registry.applications.parameters import ParameterError
from registry.cli.main import registry
from registry.data_sets import DataSet
from registry.dispatch import offers, runners, where
from registry.dispatch.sending import CannotRunThere
from registry.dispatch.where import BadOrder
from registry.records import store as shelf
from registry.services import credentials
from registry.tables import images, runners as table
from tests.dispatch.conftest import APP, Pair
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface
from vosi.compose import compose
from vosi.draft import Draft


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
    ({"data": [1, {"name": 2}], "engine": "none", "title": [], "jobs": "http://[/", "standards": [3]}, "no list of jobs"),
    ({"engine": {"working": True, "platform": "linux/riscv64"}}, "runs on linux/amd64, and its engine is linux/riscv64"),
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


def test_the_data_must_be_there_and_open_to_us(pair: Pair, tmp_path: Path) -> None:
    needs(pair, data=[{"name": "gaia", "required": True}, {"name": "extra", "required": False}])
    assert offered(pair).reasons == ("It has no data set gaia.",)
    assert verdict(pair, "north.example").reasons == ("It has no data set gaia.",)
    closed = offered(pair, data=[{"name": "gaia", "anonymous": False}, {"name": "extra", "anonymous": True}])
    assert "Its data set gaia takes an account" in closed.reasons[0] and closed.data == ("gaia", "extra")
    with pytest.raises(CannotRunThere, match="data set gaia takes an account"):
        pair.send()
    credentials.set_bearer(pair.site, "ivo://south.example/runner", "secret")
    assert verdict(pair, "south.example").possible

    (tmp_path / "gaia").mkdir()
    data = {"gaia": DataSet(path=tmp_path / "gaia", roles=("publisher",))}
    object.__setattr__(pair.site, "settings", pair.site.settings.model_copy(update={"data": data}))
    runner, publisher = (where.where(pair.site, APP, caller=Caller("x", role)).verdicts for role in ("runner", "publisher"))
    assert "Its data set gaia is for publisher alone." in next(one for one in runner if one.own).reasons
    assert next(one for one in publisher if one.own).possible


def test_where_the_data_is_comes_first_by_its_name_or_without(pair: Pair) -> None:
    needs(pair, data=[{"name": "gaia", "required": False}])
    offered(pair, data=[{"name": "gaia", "title": "Gaia", "anonymous": True}])

    assert [where.where(pair.site, APP, **order).verdicts[0].datacenter for order in (
        {}, {"by": "data"}, {"by": "data", "data": "gaia"}, {"data": "ivo://north.example/stars"},
    )] == ["north.example", "south.example", "south.example", "north.example"]


def test_an_offer_is_read_again_when_it_has_changed_and_only_then(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    plain = offers.read
    monkeypatch.setattr(offers, "read", lambda document: read.append(document) or plain(document))  # type: ignore[func-returns-value]
    for _ in range(3):
        verdict(pair, "south.example")
    assert len(read) <= 4  # our own each time, south's once at most
    assert offered(pair, slots={"free": 77}).free == 77


def test_a_parameter_that_is_called_as_one_of_ours_can_be_given(pair: Pair) -> None:
    needs(pair, parameters=[{"name": "sort", "choices": ["up"]}])
    client = create_app(pair.site).test_client()

    assert client.get(f"/where.json?app={APP}&p-sort=up&sort=free").status_code == 200
    assert client.get(f"/where.json?app={APP}&p-sort=down").status_code == 400


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


def test_the_command_reads_the_offers_anew_where_it_is_told_to(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("authority", "repository", "base_url", "admin_email"):
        monkeypatch.setenv(f"INNERSPACE_{name.upper()}", getattr(pair.site.settings, name))
    monkeypatch.setenv("INNERSPACE_ALLOWED_NETWORKS", '["127.0.0.0/8"]')
    object.__setattr__(pair.south.site, "settings", pair.south.site.settings.model_copy(update={"running_jobs": 9}))

    def free(*options: str) -> list[int]:
        done = CliRunner().invoke(registry, [
            "--instance", str(pair.site.settings.instance), "where", APP, "limit=3", "--sort", "free", "--json", *options])
        assert done.exit_code == 0, done.exception
        return [one["free"] for one in json.loads(done.stdout)["runners"]]

    assert free() == [4, 4]
    assert free("--now") == [9, 4]


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


def test_offers_are_read_alike_on_both_databases(any_site: Any) -> None:
    for number, record in enumerate(("ivo://south.example/runner", "ivo://west.example/runner")):
        xml = compose(Draft(
            type="vr:Service", ivoid=record, title="A runner", created="2026-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z",
            publisher="P", contact_name="C", contact_email="c@p.example", subjects=("runners",), description="Runs.",
            reference_url="http://p.example/", capabilities=(Capability(
                ns.STD_RUNNER, interfaces=(Interface(access_url=f"http://p{number}.example/runner", role="std"),)),)))
        with any_site.database.write() as connection:
            assert shelf.put(connection, any_site.schemas, xml, origin=shelf.HARVESTED, who="test").record
    with any_site.database.write() as connection:
        connection.execute(insert(table).values(
            key="ivo://south.example/runner", url="http://p0.example/runner", read="2026-01-01T00:00:00Z", fault="",
            offer={"version": "1.0", "title": "S\u00fcd", "jobs": "http://p0.example/jobs", "standards": ["ivo://x/std/y#q-1.0"]}))
        south, west = sorted(runners.known(connection, any_site, ["ivo://x/std/y"]), key=lambda one: one.ivoid)
    assert (south.title, south.jobs_url, south.offer.speaks("ivo://x/std/y")) == (
        "S\u00fcd", "http://p0.example/jobs", ["ivo://x/std/y#q-1.0"])
    assert not west.offer.said and west.title == "A runner"
