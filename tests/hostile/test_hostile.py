"""A hostile program on the real engine: nothing it tries works, what it takes too much of is named, the web answers."""

from __future__ import annotations

import json
import stat
import time
import urllib.request
from typing import Any

import pytest

from applications.demo.datacenter import FINAL
from registry.executor import firewall
from tests.hostile.conftest import LIMITS, Prey, interface

pytestmark = pytest.mark.docker
LEAST_ATTEMPTS = 25
# what a container without walls gets in the test of the attempts themselves
CAPABILITIES = [
    "SYS_ADMIN", "SYS_PTRACE", "SYS_RAWIO", "SYS_MODULE", "SYS_BOOT", "SYSLOG", "DAC_READ_SEARCH", "NET_ADMIN"]
# what gets nothing without walls either: the gateway asks for a token, and there is no world, machine or kcore here
NOWHERE = {
    "change_its_own_limits", "read_the_kernel",
    "the_jobs_own_api", "gateway_without_a_token", "gateway_with_anothers_token", "gateway_beside_the_path",
    "gateway_smuggling", "loopback_by_the_gateways_address", "the_world", "names_of_the_world", "the_machine_below",
}


def attempts(text: str) -> dict[str, dict[str, str]]:
    """What the program says it got, by attempt."""
    return {one["attempt"]: one for one in map(json.loads, text.splitlines())}


def show(title: str, found: dict[str, dict[str, str]]) -> None:
    print(f"\n{title}")
    for name, one in found.items():
        print(f"  {'GOT' if one['got'] else 'not':4}{name:34}{one['got'] or one['saw'][:90]}")


def test_where_there_are_no_walls_the_attempts_work(prey: Prey, company: None, tmp_path):
    """Else they would prove nothing: root, all capabilities, the host's namespaces, the engine's socket."""
    inside = {**dict.fromkeys(("JOB_DIR", "DATACENTER_DIR", "RESULTS_DIR"), str(tmp_path)), "REGISTRY_KEY": "x"}
    targets = {**prey.targets, "tokens": [], "neighbour": prey.targets["host"][:1],
               "neighbour_port": prey.targets["listener"]}
    (tmp_path / "parameters.json").write_text(json.dumps({"attempt": "all", "targets": json.dumps(targets)}))
    (tmp_path / "token").write_text("none")
    (tmp_path / "apis.json").write_text("{}")
    folders = [str(tmp_path), str(prey.center.folder), "/var/run/docker.sock", "/dev"]
    container = prey.client.api.create_container_from_config({
        "Image": prey.images["none"], "User": "0", "Env": [f"{name}={value}" for name, value in inside.items()],
        "HostConfig": {
            "NetworkMode": "host", "PidMode": "host", "CapAdd": CAPABILITIES, "DeviceCgroupRules": ["a *:* rwm"],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"], "MaskedPaths": [], "ReadonlyPaths": [],
            "Binds": [f"{folder}:{folder}" for folder in folders],
        }})["Id"]
    try:
        prey.client.api.start(container)
        prey.client.api.wait(container, timeout=120)
        found = attempts(prey.client.api.logs(container, stdout=True, stderr=False).decode())
    finally:
        prey.client.api.remove_container(container, force=True)
    show("without walls", found)
    assert {name for name, one in found.items() if not one["got"]} <= NOWHERE


@pytest.mark.parametrize("network", ["none", "dc"])
def test_no_attempt_gets_anything(prey: Prey, company: None, network: str):
    assert firewall.holds(interface(prey))
    job = prey.submit(network, "all")
    state = prey.ended(job, 150)
    found = attempts((prey.folder(job) / "stdout").read_text())
    show(f"network {network}", found)
    assert state["phase"] == "COMPLETED", state
    own = found.pop("the_jobs_own_api")
    assert bool(own["got"]) == (network == "dc"), own
    assert len(found) >= LEAST_ATTEMPTS
    assert {name: one["got"] for name, one in found.items() if one["got"]} == {}


# flood -> (phase, words of the error, control parameters)
FLOODS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "forks": ("ABORTED", ("after the 3 s", "too many processes (the limit is 48"), {"EXECUTIONDURATION": 3}),
    "one_fork_too_many": ("ERROR", ("too many processes (the limit is 48",), {}),
    "threads": ("ERROR", ("too many processes (the limit is 48",), {}),
    "memory": ("ERROR", ("out of memory", "64 MiB"), {}),
    "memory_of_a_child": ("ERROR", ("out of memory", "64 MiB"), {}),
    "memory_of_scratch": ("ERROR", ("No space left", "/scratch holds 16 MiB"), {}),
    "one_big_file": ("ERROR", ("results", "8 MiB"), {}),
    "one_sparse_file": ("ERROR", ("limit of results", "8 MiB"), {}),
    "many_files": ("ERROR", ("more results than it may", "8 MiB"), {}),
    "inodes": ("ERROR", ("10000 files",), {}),
    "log": ("COMPLETED", (), {}),
    "ignored_signal": ("ABORTED", ("after the 1 s",), {"EXECUTIONDURATION": 1}),
    "descriptors": ("ERROR", ("too many open files (the limit is 1024",), {}),
}


def test_what_is_taken_too_much_of_is_named_and_the_web_answers_meanwhile(prey: Prey):
    jobs = {flood: prey.submit("none", flood, **control) for flood, (_, _, control) in FLOODS.items()}
    slowest = 0.0
    ended: dict[str, dict[str, Any]] = {}
    while len(ended) < len(jobs):
        for flood, job in jobs.items():
            began = time.monotonic()
            state = prey.center.look(job)  # the bound that holds is its time limit of 30 s; the figure is printed
            slowest = max(slowest, time.monotonic() - began)
            if state["phase"] in FINAL and flood not in ended:
                ended[flood] = state
    print(f"\nslowest answer of the web during {len(jobs)} floods: {slowest:.2f} s")
    for flood, state in ended.items():
        print(f"  {flood:20}{state['phase']:10}{(state.get('errorSummary') or {}).get('message', '')}")
    for flood, (phase, words, _) in FLOODS.items():
        message = (ended[flood].get("errorSummary") or {}).get("message", "")
        assert ended[flood]["phase"] == phase, (flood, message)
        assert [word for word in words if word not in message] == [], (flood, message)
    for flood in jobs:
        assert size(prey, jobs[flood]) <= LIMITS["job_disk"] + 3 * LIMITS["job_log"], flood


def size(prey: Prey, job: str) -> int:
    """Bytes kept of the job."""
    return sum(path.stat().st_blocks * 512 for path in prey.folder(job).rglob("*") if path.is_file())


def test_results_that_are_not_what_they_seem_give_nothing_away(prey: Prey):
    job = prey.submit("none", "links")
    state = prey.ended(job)
    assert state["phase"] == "COMPLETED", state
    files = prey.folder(job) / "files"
    found = {path.relative_to(files).as_posix(): path for path in files.rglob("*") if not path.is_dir()}
    print(f"\ntaken: {sorted(found)}")
    assert {"good", "setuid", "..."} <= set(found)
    assert not {"link-in-the-image", "link-out", "results.json", "fifo", "socket", "twice", "twice-again"} & set(found)
    for path in found.values():
        mode = path.lstat().st_mode
        assert stat.S_ISREG(mode), path
        assert not mode & (stat.S_ISUID | stat.S_ISGID | 0o111), path
    listed = {result["id"] for result in state["results"]}
    assert listed - {"stdout", "stderr", "exitcode"} == set(found)
    for result in state["results"]:
        with urllib.request.urlopen(result["href"], timeout=30) as answer:
            assert b"root:" not in answer.read()
            assert answer.headers["Content-Disposition"].startswith("attachment")
