"""`registry record` and `registry rerun`, with a thread that plays the worker."""

from __future__ import annotations

import json
from pathlib import Path

from registry.access import ANONYMOUS
from registry.uws import queries, store
from registry.uws.phases import ERROR, EXECUTING
from tests.uws.conftest import APP, World
from tests.uws.test_cli import Act, command, worker  # noqa: F401


def test_a_run_is_repeated_with_all_that_it_had(world: World, command: Act, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "x.csv").write_text("ra,dec\n")
    with worker(world, lambda job: world.finish(job.id)):
        first = json.loads(command("run", APP, "maxmag=4", "--cores", "0.25", "--wait", "--json", "--file",
                                   f"targets={tmp_path}/x.csv").stdout)["jobId"]
        done = command("rerun", first, "--json")
    assert done.exit_code == 0, done.exception

    found = json.loads(done.stdout)
    assert (found["of"], found["phase"], found["differences"]) == (first, "COMPLETED", [])
    one, other = (json.loads(command("record", job).stdout) for job in (first, found["job"]))
    assert found["job"] != first
    for same in ("application", "parameters", "inputs", "limits", "results"):
        assert one[same] == other[same]


def test_what_differs_is_said(world: World, command: Act) -> None:  # noqa: F811
    def fails(job: store.Job) -> None:
        world.move(job.id, EXECUTING, ERROR, error="No stars.")

    with worker(world, lambda job: world.finish(job.id)):
        first = json.loads(command("run", APP, "--wait", "--json").stdout)["jobId"]
    with worker(world, fails):
        done = command("rerun", first)
    assert "phase: COMPLETED before, ERROR now" in done.stdout and "was there and is not now" in done.stdout


def test_a_job_that_runs_is_not_repeated(world: World, command: Act) -> None:  # noqa: F811
    assert "once it has ended" in str(command("rerun", world.make(PHASE="RUN")).exception)


def test_a_query_is_no_run_that_could_be_repeated(world: World, command: Act) -> None:  # noqa: F811
    made = queries.create(world.site, ANONYMOUS, [("LANG", "ADQL"), ("QUERY", "SELECT ivoid FROM rr.resource")])
    assert "registry query" in str(command("rerun", made.id).exception)
