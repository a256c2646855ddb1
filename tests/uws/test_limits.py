"""A job's limits: asked for with units, up to the site's most and never above it, shown, refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from registry.applications.contract import Resources
from registry.cli.main import registry
from registry.config import Settings
from registry.uws import limits
from registry.uws.errors import BadValue
from registry.uws.phases import HELD, PENDING, QUEUED
from registry.worker import stage
from tests.uws.conftest import APP, World, tag
from tests.uws.jobs_at_hand import job

MIB = 2**20
WIDE: dict[str, Any] = {"job_cores_max": 4.0, "job_memory_max": 2**31, "job_disk_max": 2**30, "job_processes_max": 500,
                        "job_log_max": 2**23, "job_time_max": 7200}


@pytest.mark.parametrize(("control", "text", "value"), [
    ("CORES", "0.5", 0.5), ("CORES", "4", 4.0), ("MEMORY", "1GiB", 2**30), ("MEMORY", "1.5 GB", 1_500_000_000),
    ("MEMORY", "512mib", 512 * MIB), ("MEMORY", "104857600", 100 * MIB), ("DISK", "200MB", 200_000_000),
    ("DISK", "4096B", 4096), ("LOG", "8 KiB", 8192), ("PROCESSES", "64", 64),
])
def test_amounts_are_read_with_their_units(control: str, text: str, value: float) -> None:
    assert limits.chosen(Settings(**WIDE), Resources(), {control: text})[control.lower()] == value


@pytest.mark.parametrize(("control", "text", "says"), [
    ("MEMORY", "1G", "GiB"), ("MEMORY", "lots", "GiB"), ("MEMORY", "-1GiB", "GiB"), ("MEMORY", "1e9", "GiB"),
    ("MEMORY", "nan", "GiB"), ("CORES", "inf", "a number of cores"), ("CORES", "-1", "a number of cores"),
    ("CORES", "0", "0.01"), ("MEMORY", "1KiB", "16 MiB"), ("PROCESSES", "1", "2 processes"),
    ("PROCESSES", "2.5", "a whole number"), ("LOG", "0", "4 KiB"), ("DISK", "1.5TiB", "1 GiB of results at most"),
    ("CORES", "4.1", "4 cores at most"), ("MEMORY", "2.1GiB", "2 GiB of memory at most"),
    ("PROCESSES", "501", "500 processes at most"), ("LOG", "9MiB", "8 MiB of log at most"),
])
def test_what_is_no_amount_or_not_to_be_had_is_one_sentence(control: str, text: str, says: str) -> None:
    with pytest.raises(BadValue, match="^[^\n]+$") as refused:
        limits.chosen(Settings(**WIDE), Resources(), {control: text})
    assert says in str(refused.value) and control in str(refused.value)


def test_without_a_word_the_application_asks_and_then_the_site_gives() -> None:
    settings = Settings(job_cores=2, job_memory=2**28, job_memory_max=2**31)
    found = limits.chosen(settings, Resources(memory=2**30), {"CORES": " "})
    assert found == {"cores": 2, "memory": 2**30, "disk": settings.job_disk, "processes": 128, "log": MIB}


def test_a_site_that_names_no_maximum_gives_its_default_at_most() -> None:
    settings = Settings(job_memory=2**28)
    assert (settings.most("memory"), settings.given("memory")) == (2**28, 2**28)
    with pytest.raises(BadValue):
        limits.chosen(settings, Resources(), {"MEMORY": str(2**28 + 1)})
    assert Settings(job_memory=2**28, job_memory_max=2**27).given("memory") == 2**27


def test_a_job_says_what_it_may_take(world: World) -> None:
    world.set(**WIDE)
    job_id = world.make(memory="1GiB", Cores="2", LOG="64KiB", EXECUTIONDURATION="7200")
    job = world.xml(f"/jobs/{job_id}")
    found = {child.tag: child.text for child in job.find(f"{tag('jobInfo')}/limits")}
    assert found == {"cores": "2.0", "memory": str(2**30), "disk": str(256 * MIB), "processes": "128", "log": "65536"}
    assert job.findtext(tag("executionDuration")) == "7200"
    assert [one.get("id") for one in job.find(tag("parameters"))] == ["maxmag"]
    as_json = world.get(f"/jobs/{job_id}?RESPONSEFORMAT=json").json
    assert as_json["jobInfo"]["limits"]["memory"] == 2**30


@pytest.mark.parametrize("asked", [{"MEMORY": "1GiB"}, {"CORES": "1.01"}, {"DISK": "257MiB"}, {"PROCESSES": "129"},
                                   {"LOG": "1048577"}, {"MEMORY": "much"}])
def test_no_request_gets_more_than_the_site_gives(world: World, asked: dict[str, str]) -> None:
    answer = world.post("/jobs", APP=APP, **asked)
    assert answer.status_code == 400 and answer.text.count("\n") == 1 and world.listed() == []
    twice = world.ask("POST", "/jobs", data={"APP": APP, "MEMORY": ["64MiB", "32MiB"]})
    assert twice.status_code == 400


def test_what_is_in_the_row_is_clamped_where_the_container_is_made(site: Any) -> None:
    limits_ = {"cores": 64, "memory": 2**40, "disk": 2**40, "processes": 10**6, "log": 2**30}
    found = stage.limits(site, job(limits=limits_))
    most = site.settings
    assert vars(found) == {name: most.most(name) for name in limits_}
    assert vars(stage.limits(site, job(limits={"memory": 2**25})))["memory"] == 2**25


def test_a_job_that_asks_too_much_is_held_until_a_person_gives_more(world: World, label: dict[str, Any]) -> None:
    label["resources"] = {"memory": 2**31}
    job_id = world.make(PHASE="RUN")
    held = world.job(job_id)
    assert held.phase is HELD and held.quote > held.destruction
    assert "2 GiB of memory" in held.message and "job_memory_max" in held.message and "MEMORY" in held.message
    world.set(job_memory_max=2**31)
    world.post(f"/jobs/{job_id}/phase", PHASE="RUN")
    ready = world.job(job_id)
    assert (ready.phase, ready.message, ready.quote, ready.limits["memory"]) == (QUEUED, "", None, 2**31)


def test_its_maker_may_ask_for_less_than_the_application_does(world: World, label: dict[str, Any]) -> None:
    label["resources"] = {"memory": 2**31, "time": 10**12}
    assert world.job(world.make(PHASE="RUN", MEMORY="64MiB")).phase is HELD
    job_id = world.make(PHASE="RUN", MEMORY="64MiB", EXECUTIONDURATION="60")
    found = world.job(job_id)
    assert (found.phase, found.limits["memory"], found.execution_duration) == (QUEUED, 64 * MIB, 60)


def test_run_takes_limits_at_the_command_line(world: World) -> None:
    def command(*words: str) -> Any:
        return CliRunner().invoke(registry, ["--instance", str(world.site.settings.instance), "run", APP, *words])

    assert command("--memory", "64MiB", "--cores", "0.5", "--time", "30").exit_code == 0
    made = world.job(world.listed()[0])
    assert (made.limits["memory"], made.limits["cores"], made.execution_duration) == (64 * MIB, 0.5, 30)
    refused = command("--memory", "64GiB")
    assert "512 MiB of memory at most" in str(refused.exception)
    assert world.listed() == [made.id] and made.phase is not PENDING


def test_sizes_for_people() -> None:
    assert [limits.size(count) for count in (100, 1024, 1536, 2**30, 3 * 2**40)] == [
        "100 bytes", "1 KiB", "1.5 KiB", "1 GiB", "3 TiB"]
