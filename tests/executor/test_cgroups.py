"""The kernel's accounts of a container, as both versions of control groups lay them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.executor import cgroups
from registry.executor.runtime import Usage

ID = "5b" * 32
USED = Usage(1.5, 4096, 7)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture()
def one(tmp_path: Path) -> tuple[Path, Path]:
    """Version 1, with `cpu` and `cpuacct` mounted together and a line of version 2 beside."""
    processes, groups = tmp_path / "proc", tmp_path / "cgroup"
    lines = [f"{controllers}:/docker/{ID}" for controllers in ("5:memory", "4:cpu,cpuacct", "3:pids", "0:")]
    write(processes / "42/cgroup", "\n".join(lines))
    write(groups / "memory/docker" / ID / "memory.max_usage_in_bytes", "4096\n")
    write(groups / "cpu,cpuacct/docker" / ID / "cpuacct.usage", "1500000000\n")
    write(groups / "pids/docker" / ID / "pids.events", "max 7\n")
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
    return processes, groups


@pytest.mark.parametrize("version", ["one", "two"])
def test_what_a_container_has_used_is_read(request, version):
    assert cgroups.usage(42, ID, *request.getfixturevalue(version)) == USED


def test_another_machines_process_is_not_taken_for_the_containers(one):
    assert cgroups.usage(42, "c4" * 32, *one) == Usage()
    assert cgroups.usage(42, "", *one) == Usage()


def test_one_that_has_ended_has_no_account_any_more(one):
    assert cgroups.usage(43, ID, *one) == Usage()


def test_an_account_that_the_kernel_does_not_keep_is_zero(two):
    (two[1] / f"system.slice/docker-{ID}.scope/memory.peak").unlink()
    assert cgroups.usage(42, ID, *two) == Usage(1.5, 0, 7)
