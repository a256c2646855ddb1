"""Data sets that an application asks for: who gets them, and the one sentence for who does not, before there is a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.data_sets import DataSet
from tests.uws.conftest import APP, SHORT, World
from tests.uws.test_cli import Act, command  # noqa: F401


@pytest.fixture()
def label(label: dict[str, Any]) -> dict[str, Any]:
    return {**label, "data": [{"name": "gaia"}, {"name": "extra", "required": False}]}


@pytest.fixture()
def data(world: World, tmp_path: Path) -> dict[str, DataSet]:
    """Gaia is for runners, the other for administrators."""
    for name in ("gaia", "extra"):
        (tmp_path / name).mkdir()
    found = {"gaia": DataSet(path=tmp_path / "gaia", title="Gaia DR3"),
             "extra": DataSet(path=tmp_path / "extra", roles=("administrator",))}
    world.set(data=found)
    return found


def test_a_job_gets_what_its_owners_role_may_use(world: World, data: dict[str, DataSet]) -> None:
    assert world.job(world.make("ada")).data == ["gaia"]
    assert world.job(world.make("root")).data == ["gaia", "extra"]
    record = world.get(f"/jobs/{world.make('root')}/run.json", "root").json
    assert record["data"] == ["gaia", "extra"] and str(data["gaia"].path) not in str(record)


def refusal(world: World, who: str = "") -> tuple[int, str]:
    answer = world.post("/jobs", who, **SHORT, PHASE="RUN")
    assert world.listed(who="root") == []
    return answer.status_code, answer.text.strip()


def test_without_an_account_it_takes_one_unless_it_is_for_anyone(world: World, data: dict[str, DataSet]) -> None:
    assert refusal(world) == (401, "The application needs the data set gaia, which takes an account here: log in, or send a "
                                   "bearer token or name and password.")
    world.set(data={"gaia": data["gaia"].model_copy(update={"roles": ("anyone",)})})
    assert world.job(world.make()).data == ["gaia"]


def test_a_lesser_role_is_refused(world: World, data: dict[str, DataSet]) -> None:
    world.set(data={"gaia": data["extra"]})

    status, words = refusal(world, "ada")
    assert status == 403 and words == ("The application needs the data set gaia, which is for administrator here, and ada is "
                                       "runner: ask an administrator.")


def test_what_is_absent_is_named_with_what_there_is(world: World, data: dict[str, DataSet]) -> None:
    world.set(data={"extra": data["extra"]})
    assert refusal(world, "ada") == (
        409, "The application needs the data set gaia, which this datacenter does not have: it has extra.")
    world.set(data={})
    assert "it has none." in refusal(world, "ada")[1]
    world.set(data={"gaia": DataSet(path=Path("/srv/no/such/folder"))})
    status, words = refusal(world, "ada")
    assert status == 409 and "not there at present" in words and "/srv" not in words


def test_by_command_it_is_the_same(
    world: World, data: dict[str, DataSet], command: Act, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    def run(*options: str, **sets: DataSet) -> str:
        told = {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in sets.items()}
        monkeypatch.setenv("INNERSPACE_DATA", json.dumps(told))
        return str(command("run", APP, *options).exception or "")

    world.token("ada")  # makes the account
    assert run("--as", "ada", **data) == "" and world.job(world.listed(who="root")[0]).data == ["gaia"]
    assert "which is for administrator here, and ada is runner" in run("--as", "ada", gaia=data["extra"])
    assert "which this datacenter does not have: it has extra." in run(extra=data["extra"])
    assert len(world.listed(who="root")) == 1


def test_the_offer_names_them_and_no_path(world: World, data: dict[str, DataSet]) -> None:
    from registry.services import runner

    with world.site.database.read() as connection:
        offer = runner.offer(connection, world.site)
    assert offer["data"] == [{"name": "extra", "title": "", "anonymous": False},
                             {"name": "gaia", "title": "Gaia DR3", "anonymous": False}]
    assert str(data["gaia"].path) not in str(offer)
