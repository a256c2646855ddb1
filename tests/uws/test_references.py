"""Results of one job as inputs of the next, by reference: over UWS and by command, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.uws import files
from registry.uws.phases import ARCHIVED, COMPLETED
from tests.uws.conftest import SHORT, World
from tests.uws.test_cli import Act, command, worker  # noqa: F401


def ended(world: World, who: str = "") -> str:
    """A job that has ended, with results."""
    job_id = world.make(who, PHASE="RUN")
    world.finish(job_id)
    return job_id


def address(world: World, job_id: str, result: str) -> str:
    return f"{world.site.settings.url('jobs')}/{job_id}/results/{result}"


@pytest.mark.parametrize("words", [
    lambda world, job: {"UPLOAD": f"targets,job:{job}/results/summary.json"},
    lambda world, job: {"UPLOAD": f"targets,{address(world, job, 'summary.json')}"},
    lambda world, job: {"targets": f"job:{job}/results/summary.json"},
    lambda world, job: {"TARGETS": address(world, job, "summary.json")},
    lambda world, job: {"targets": f"@job:{job}/results/result"},  # DALI's name of the first
])
def test_a_result_is_an_input_without_a_copy(world: World, words: Callable[[World, str], dict[str, str]]) -> None:
    first = ended(world)

    second = world.make(**words(world, first))

    path = files.inputs(world.site, second) / "targets"
    assert path.read_bytes() == b'{"stars": 3}'
    assert path.samefile(files.folder(world.site, first) / "files/summary.json")
    record = world.get(f"/jobs/{second}/run.json").json
    before = world.get(f"/jobs/{first}/run.json").json
    (told,) = record["inputs"]
    assert told["origin"] == f"job:{first}/results/summary.json" and told["size"] == 12
    assert told["sha256"] == next(one["sha256"] for one in before["results"] if one["id"] == "summary.json")
    assert world.get(f"/jobs/{second}/parameters/targets").data == b'{"stars": 3}'


def test_its_name_may_need_escapes_and_several_go_to_one_input(world: World) -> None:
    first = ended(world)
    second = world.make(UPLOAD=f"tables,{address(world, first, 'plots%2Fpage.html')};tables,job:{first}/results/stdout")

    place = files.inputs(world.site, second)
    assert (place / "tables.2").read_bytes() == b"hello\n" and b"script" in (place / "tables").read_bytes()


def test_it_stays_when_the_first_job_goes(world: World) -> None:
    first = ended(world)
    second = world.make(targets=f"job:{first}/results/stdout")
    files.remove(world.site, first)

    assert (files.inputs(world.site, second) / "targets").read_bytes() == b"hello\n"


def refused(world: World, who: str = "", **parameters: str) -> str:
    answer = world.post("/jobs", who, **SHORT, **parameters)
    assert answer.status_code == 400 and answer.text.count("\n") <= 1, answer.text
    return answer.text.strip()


def test_somebody_elses_job_is_refused_as_one_that_is_not_there(world: World) -> None:
    first = ended(world, "ada")

    theirs, none = (refused(world, "bob", targets=f"job:{job}/results/stdout") for job in (first, "nosuchjob"))
    assert theirs.replace(first, "X") == none.replace("nosuchjob", "X")
    assert "there is no job" in theirs and "of yours" in theirs
    assert world.make("ada", targets=f"job:{first}/results/stdout")
    assert len(world.listed(who="root")) == 2


def test_what_is_not_there_is_one_sentence(world: World) -> None:
    first = ended(world)
    assert "has no result 'none'. It has summary.json" in refused(world, targets=f"job:{first}/results/none")

    waiting = world.make(PHASE="RUN")
    assert "its results are there when it has ended" in refused(world, targets=f"job:{waiting}/results/stdout")

    (files.folder(world.site, first) / "stdout").unlink()
    assert "no longer kept here" in refused(world, targets=f"job:{first}/results/stdout")

    with world.site.database.write() as connection:
        from registry.uws import store
        store.set_results(connection, first, ())
    world.move(first, ARCHIVED)
    assert "any more: it is ARCHIVED" in refused(world, targets=f"job:{first}/results/stdout")

    world.ask("DELETE", f"/jobs/{first}")
    assert "it has been deleted" in refused(world, targets=f"job:{first}/results/stdout")


@pytest.mark.parametrize("value", [
    "http://other.example/jobs/abc/results/x", "file:///etc/passwd", "job:abc/results/", "job:../results/x", "/etc/passwd"])
def test_nothing_else_is_taken_for_a_file(world: World, value: str) -> None:
    assert "is none" in refused(world, targets=value)
    assert "nothing is fetched" in refused(world, UPLOAD=f"targets,{value}")


def test_a_result_that_goes_at_this_very_moment_leaves_no_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ended(world)

    def gone(*_: object) -> None:
        raise FileNotFoundError("gone")

    monkeypatch.setattr(files, "link", gone)
    assert "was deleted this very moment" in refused(world, targets=f"job:{first}/results/stdout")
    assert world.listed() == [first] and not list((world.site.settings.instance / "results").glob("*/inputs/*"))


def test_by_command_and_once_more(world: World, command: Act, tmp_path: Path) -> None:  # noqa: F811
    with worker(world, lambda job: world.finish(job.id)):
        first = json.loads(command("run", SHORT["APP"], "--wait", "--json").stdout)["jobId"]
        second = json.loads(command(
            "run", SHORT["APP"], f"targets=@job:{first}/results/summary.json", "--wait", "--json").stdout)["jobId"]
        again = json.loads(command("rerun", second, "--json").stdout)
    assert again["differences"] == [] and again["phase"] == COMPLETED
    (told,) = json.loads(command("record", again["job"]).stdout)["inputs"]
    assert told["origin"] == f"job:{first}/results/summary.json"
