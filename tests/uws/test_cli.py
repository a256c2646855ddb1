"""The commands about jobs, with a thread that plays the worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry import clock
from registry.bell import WORK
from registry.cli.main import registry
from registry.errors import Refusal
from registry.uws import files, store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, EXECUTING, PENDING, QUEUED
from tests.uws.conftest import APP, World
from tests.uws.jobs_at_hand import put

Act = Callable[..., Result]


@pytest.fixture()
def command(world: World) -> Act:
    def act(*words: str) -> Result:
        return CliRunner().invoke(registry, ["--instance", str(world.site.settings.instance), *words])
    return act


@contextmanager
def worker(world: World, act: Callable[[store.Job], object]) -> Iterator[None]:
    """Do `act` with each job that comes into the queue."""
    stop = threading.Event()

    def work() -> None:
        with world.site.bells.listen(WORK) as bell:
            while not stop.is_set():
                with world.site.database.write() as connection:
                    job = store.claim(connection, "worker", 10)
                if job is not None:
                    act(job)
                bell.wait(1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        world.site.bells.ring(WORK)
        thread.join()


def test_run_makes_a_job_and_says_where_it_is(world: World, command: Act) -> None:
    done = command("run", APP, "maxmag=4", "--runid", "night")
    assert done.exit_code == 0, done.output
    with world.site.database.read() as connection:
        [job] = store.listing(connection)
    assert (job.phase, job.run_id) == (QUEUED, "night")
    assert f"http://127.0.0.1:8080/jobs/{job.id}" in done.stdout and "QUEUED" in done.stdout


def test_run_waits_and_ends_as_the_job_ends(world: World, command: Act, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("ra,dec\n")
    with worker(world, lambda job: world.finish(job.id)):
        done = command("run", APP, "--wait", "--json", "--download", str(tmp_path / "out"),
                       "--file", f"targets={tmp_path}/x.csv")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["phase"] == "COMPLETED" and [item["id"] for item in found["results"]][0] == "summary.json"
    assert (tmp_path / "out/summary.json").read_bytes() == b'{"stars": 3}'
    assert (tmp_path / "out/plots/page.html").is_file()
    assert (files.inputs(world.site, found["jobId"]) / "targets").read_text() == "ra,dec\n"


def test_a_job_that_fails_fails_the_command_with_its_own_sentence(world: World, command: Act) -> None:
    with worker(world, lambda job: world.finish(job.id, ERROR, error="There are no stars.")):
        done = command("run", APP, "--wait")
    assert isinstance(done.exception, Refusal) and "There are no stars." in str(done.exception)


def test_a_job_that_cannot_run_here_keeps_nobody_waiting(command: Act, label: dict[str, Any]) -> None:
    label["resources"] = {"cores": 64}
    done = command("run", APP, "--wait")
    assert isinstance(done.exception, Refusal) and "64 cores" in str(done.exception)


@pytest.mark.parametrize(("words", "says"), [
    (("run", "ivo://north.example/app/none"), "no application"), (("run", APP, "maxmag=bright"), "maxmag"),
    (("run", APP, "--as", "nobody"), "nobody"), (("run", APP, "--file", "targets=/nonesuch"), "cannot be read"),
    (("jobs", "show", "nonesuch"), "no job nonesuch"), (("logs", "nonesuch"), "no job"), (("rm", "nonesuch"), "no job"),
    (("abort", "nonesuch"), "no job"), (("results", "nonesuch"), "no job"), (("jobs", "list", "--phase", "FLY"), "FLY"),
])
def test_what_cannot_be_done_is_one_sentence(command: Act, words: tuple[str, ...], says: str) -> None:
    done = command(*words)
    assert isinstance(done.exception, Refusal) and says in str(done.exception) and "\n" not in str(done.exception)


def test_a_parameter_that_is_none_is_wrong_usage(command: Act) -> None:
    assert command("run", APP, "maxmag").exit_code == 2


def test_an_account_acts_for_itself(world: World, command: Act) -> None:
    world.token("ada"), world.token("bob"), world.token("rita")
    assert command("run", APP, "--as", "ada").exit_code == 0
    assert command("jobs", "list", "--as", "bob").stdout.startswith("There are no such jobs")
    with world.site.database.read() as connection:
        [job] = store.listing(connection, owner="ada")
    assert job.id in command("jobs", "list").stdout
    assert isinstance(command("rm", job.id, "--as", "bob").exception, Refusal)
    assert isinstance(command("run", APP, "--as", "rita").exception, Refusal)


def test_jobs_are_listed_and_shown(world: World, command: Act) -> None:
    old = put(world.site, phase=PENDING, owner="ada", created="2026-01-01T00:00:00.000Z")
    new = put(world.site, store.Parameter("maxmag", "4"), phase=ERROR, error="no stars", usage={"result_bytes": 4})
    assert [item["id"] for item in json.loads(command("jobs", "list", "--json").stdout)["jobs"]] == [new.id, old.id]
    assert old.id not in command("jobs", "list", "--phase", "error").stdout
    shown = command("jobs", "show", new.id).stdout
    assert "no stars" in shown and "parameter maxmag" in shown and "result_bytes 4" in shown
    assert json.loads(command("jobs", "show", new.id, "--json").stdout)["errorSummary"]["message"] == "no stars"


def test_logs_are_printed_and_followed_to_the_end(world: World, command: Act) -> None:
    job = put(world.site, phase=EXECUTING)
    world.write(job.id)
    done = command("logs", job.id)
    assert (done.stdout, done.stderr) == ("hello\n", "a\nb\nlast words\n")

    def end() -> None:
        with (files.folder(world.site, job.id) / "stdout").open("a") as log:
            log.write("bye\n")
        world.move(job.id, COMPLETED)

    later = threading.Timer(0.2, end)
    later.start()
    assert command("logs", job.id, "--follow").stdout == "hello\nbye\n"
    later.join()


def test_results_are_listed_and_copied(world: World, command: Act, tmp_path: Path) -> None:
    job = put(world.site, phase=COMPLETED)
    assert "has no results" in command("results", job.id).stdout
    world.write(job.id)
    assert [item["id"] for item in json.loads(command("results", job.id, "--json").stdout)][2:] == ["stdout", "stderr"]
    assert command("results", job.id, "--download", str(tmp_path / "here")).exit_code == 0
    assert (tmp_path / "here/stdout").read_text() == "hello\n"
    with world.site.database.write() as connection:
        store.set_results(connection, job.id, [store.Result("../out", 0, "stdout", 6, "text/plain", "")])
    assert isinstance(command("results", job.id, "--download", str(tmp_path / "here")).exception, Refusal)
    assert not (tmp_path / "out").exists()


def test_abort_and_rm(world: World, command: Act) -> None:
    first, second = put(world.site, phase=QUEUED), put(world.site, phase=EXECUTING, lease="w")
    assert "is being stopped" in command("abort", first.id, second.id).stdout
    assert world.job(first.id).phase is ABORTED and world.job(second.id).desired == store.ABORT
    assert command("rm", first.id, second.id).exit_code == 0
    assert world.job(second.id).desired == store.DELETE


def test_a_job_is_kept_longer_by_command(world: World, command: Act) -> None:
    assert command("run", APP).exit_code == 0
    with world.site.database.read() as connection:
        [job] = store.listing(connection)
    until = clock.stamp(clock.later(600))
    done = command("jobs", "keep", job.id, until, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["destruction"].startswith(until[:19])
    assert isinstance(command("jobs", "keep", job.id, "2001-01-01").exception, Refusal)
