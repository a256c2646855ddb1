"""The kernel's accounts of a container, as both versions of control groups lay them out."""

from __future__ import annotations

import select
import subprocess
import threading
from pathlib import Path

import pytest

from registry.executor import cgroups, stats
from registry.executor.runtime import Usage
from registry.executor.stats import StatsMeter

ID = "5b" * 32
USED = Usage(1.5, 4096, 7, 8192)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture()
def one(tmp_path: Path) -> tuple[Path, Path]:
    """Version 1, with `cpu` and `cpuacct` mounted together and a line of version 2 beside."""
    processes, groups = tmp_path / "proc", tmp_path / "cgroup"
    lines = [f"{controllers}:/docker/{ID}" for controllers in ("5:memory", "4:cpu,cpuacct", "3:pids", "2:blkio", "0:")]
    write(processes / "42/cgroup", "\n".join(lines))
    write(groups / "memory/docker" / ID / "memory.max_usage_in_bytes", "4096\n")
    write(groups / "cpu,cpuacct/docker" / ID / "cpuacct.usage", "1500000000\n")
    write(groups / "pids/docker" / ID / "pids.events", "max 7\n")
    write(groups / "blkio/docker" / ID / "blkio.throttle.io_service_bytes_recursive",
          "8:0 Read 1\n8:0 Write 4096\n8:16 Write 4096\nTotal 8193\n")
    return processes, groups


@pytest.fixture()
def two(tmp_path: Path) -> tuple[Path, Path]:
    processes, groups = tmp_path / "proc", tmp_path / "cgroup"
    write(processes / "42/cgroup", f"0::/system.slice/docker-{ID}.scope\n")
    folder = groups / f"system.slice/docker-{ID}.scope"
    write(groups / "cgroup.controllers", "cpu memory pids\n")
    write(folder / "memory.peak", "4096\n")
    write(folder / "cpu.stat", "usage_usec 1500000\nuser_usec 1\n")
    write(folder / "pids.events", "max 7\n")
    write(folder / "io.stat", "8:0 rbytes=1 wbytes=8192 rios=1 wios=2\n")
    return processes, groups


def look(pid: int, container: str, places: tuple[Path, Path]) -> Usage | None:
    meter = cgroups.meter(pid, container, *places)
    if meter is None:
        return None
    found = meter.read()
    meter.close()
    return found


@pytest.mark.parametrize("version", ["one", "two"])
def test_what_a_container_has_used_is_read(request, version):
    assert look(42, ID, request.getfixturevalue(version)) == USED


def test_another_machines_process_is_not_taken_for_the_containers(one):
    assert look(42, "c4" * 32, one) is None
    assert look(42, "", one) is None


def test_one_that_has_ended_has_no_account_any_more(one):
    assert look(43, ID, one) is None


def test_an_account_that_the_kernel_does_not_keep_is_zero(two):
    (two[1] / f"system.slice/docker-{ID}.scope/memory.peak").unlink()
    assert look(42, ID, two) == Usage(1.5, 0, 7, 8192)


def test_the_end_of_the_first_process_is_told(tmp_path):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        places = tmp_path / "proc", tmp_path / "cgroup"
        write(places[0] / f"{process.pid}/cgroup", f"1:pids:/docker/{ID}\n")
        write(places[1] / f"pids/docker/{ID}/pids.events", "max 7\n")
        meter = cgroups.meter(process.pid, ID, *places)
        assert meter is not None
        assert select.select([meter], [], [], 0)[0] == []
        process.communicate()
        assert select.select([meter], [], [], 10)[0] == [meter]
        meter.close()


def test_what_an_engine_elsewhere_tells_of_one_that_runs():
    answers = [{"cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}}, "memory_stats": {"usage": usage},
                "blkio_stats": {"io_service_bytes_recursive": [
                    {"op": "Read", "value": 5}, {"op": "Write", "value": 8192}]}} for usage in (4096, 1024)]
    meter = StatsMeter(lambda: answers.pop(0) if answers else None)
    assert meter.read() == Usage(1.5, 4096, 0, 8192)
    assert meter.read() == Usage(1.5, 4096, 0, 8192)  # the most that was seen
    assert meter.read() is None
    assert stats.usage({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}) is None


def test_what_an_engine_has_lost_sight_of_is_ended(tmp_path):
    groups = tmp_path / "cgroup"
    with subprocess.Popen(["sleep", "60"]) as lost, subprocess.Popen(["sleep", "60"]) as other:
        procs = groups / "pids/docker" / ID / "cgroup.procs"
        write(procs, f"{lost.pid}\n")
        write(groups / "pids/docker" / ("c4" * 32) / "cgroup.procs", f"{other.pid}\n")
        emptied = threading.Thread(target=lambda: (lost.wait(), procs.write_text("")))  # as the kernel does
        emptied.start()
        assert cgroups.end(ID, groups) == 1
        emptied.join()
        assert lost.returncode == -9
        assert other.poll() is None
        other.kill()


def test_a_short_name_ends_nobody(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as other:
        write(tmp_path / "pids/docker/abc/cgroup.procs", f"{other.pid}\n")
        assert cgroups.end("", tmp_path) == cgroups.end("abc", tmp_path) == 0
        assert other.poll() is None
        other.kill()
