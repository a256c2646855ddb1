"""A job's run record, and what a second run did otherwise."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from registry.uws import record
from tests.uws.conftest import World


def run(world: World, **parameters: Any) -> dict[str, Any]:
    """The run record of a job that came to its end."""
    job_id = world.make(PHASE="RUN", maxmag="5", targets=(io.BytesIO(b"1,2\n"), "t.csv"), **parameters)
    record.keep_endpoints(world.site, job_id, [
        {"ivoid": "ivo://a/b", "standardID": "ivo://c", "url": "http://d/", "record_version": 3}])
    world.finish(job_id)
    found: dict[str, Any] = world.get(f"/jobs/{job_id}/run.json").get_json()
    return found


def test_it_says_what_ran_on_what_and_what_came_of_it(world: World) -> None:
    found = run(world)

    assert found["application"]["digest"].startswith("sha256:") and found["phase"] == "COMPLETED"
    assert {"name": "maxmag", "value": "5"} in found["parameters"]
    assert found["inputs"] == [
        {"name": "targets", "file": "targets", "size": 4, "sha256": hashlib.sha256(b"1,2\n").hexdigest()}]
    assert found["endpoints"][0]["record_version"] == 3 and found["limits"]["cores"] == 0.5
    assert {one["id"] for one in found["results"]} >= {"summary.json", "stdout"}
    assert all(len(one["sha256"]) == 64 for one in found["results"])


def test_nobody_else_may_read_it(world: World) -> None:
    job_id = world.make("ada")

    assert world.get(f"/jobs/{job_id}/run.json", "bob").status_code == 403


def test_the_same_again_differs_in_nothing_and_another_run_is_told(world: World) -> None:
    one, other = run(world), run(world)
    assert record.differences(one, other) == []

    other["results"][0]["sha256"] = "0" * 64
    other["endpoints"][0]["record_version"] = 4
    other["phase"] = "ERROR"
    told = record.differences(one, {**other, "inputs": []})
    assert told == [
        "phase: COMPLETED before, ERROR now", "input targets was there and is not now",
        f"result {one['results'][0]['id']} is another one", "endpoint http://d/ is another one"]
