"""What a container has used, from the kernel's accounts of its processes (control groups of version 1 and 2).

They are there while it runs, and only where the engine is on this machine: elsewhere nothing is found, and zeros say
so.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from registry.executor.runtime import Usage

_PROCESSES, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def usage(pid: int, container: str, processes: Path = _PROCESSES, groups: Path = _GROUPS) -> Usage:
    """What the container (its engine's long ID) whose first process is `pid` has used so far.

    The ID must be in the names of its groups: a number of another machine's process says nothing here.
    """
    folders = _folders(pid, container, processes, groups)
    memory, cpu, pids = (folders.get(name) for name in ("memory", "cpuacct", "pids"))
    nanoseconds = _number(cpu, "cpuacct.usage") or 1000 * _entry(cpu, "cpu.stat", "usage_usec")
    peak = _number(memory, "memory.max_usage_in_bytes") or _number(memory, "memory.peak")
    return Usage(nanoseconds / 1e9, peak, _entry(pids, "pids.events", "max"))


def _folders(pid: int, container: str, processes: Path, groups: Path) -> dict[str, Path]:
    """The folder of each controller's group."""
    found: dict[str, Path] = {}
    unified = (groups / "cgroup.controllers").exists()
    for line in _text(processes / str(pid) / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if len(container) < 32 or container not in path:
            continue
        if unified and not controllers:
            return dict.fromkeys(("memory", "cpuacct", "pids"), groups / path.lstrip("/"))
        for controller in controllers.split(","):
            found[controller] = groups / controllers / path.lstrip("/")
            if not found[controller].is_dir():  # `cpu,cpuacct` has a folder under each name too
                found[controller] = groups / controller / path.lstrip("/")
    return found


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):  # it has ended meanwhile, or the kernel keeps no such account
        return path.read_text()
    return ""


def _number(folder: Path | None, name: str) -> int:
    text = _text(folder / name).strip() if folder else ""
    return int(text) if text.isdigit() else 0


def _entry(folder: Path | None, name: str, key: str) -> int:
    """The number behind `key` in a file of lines `key number`."""
    pairs = [line.split() for line in (_text(folder / name) if folder else "").splitlines()]
    return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == key and pair[1].isdigit()), 0)
