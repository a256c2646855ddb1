"""What a container has used, from the kernel's accounts of its processes (control groups of version 1 and 2).

They are there while it runs, and only where the engine is on this machine. They go as soon as the container has ended, so
its first process is watched as well: at its end there is still time for a last look. They are also the last means to
end what an engine has lost sight of.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from registry.executor.runtime import Usage

_PROCESSES, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_PATIENCE, _PAUSE = 5.0, 0.01  # seconds
_MOST = 64 * 1024  # bytes of one account
_ACCOUNTS = (  # controller -> its files in version 1 and in version 2; a kernel need not keep all of them
    ("cpuacct", ("cpuacct.usage", "cpu.stat")),
    ("memory", ("memory.max_usage_in_bytes", "memory.peak")),
    ("pids", ("pids.events",)),
    ("blkio", ("blkio.throttle.io_service_bytes_recursive", "io.stat")),
)


class Group:
    """The accounts of one running container, held open; `meter` finds them."""

    def __init__(self, process: int, accounts: dict[str, int]) -> None:
        self._process, self._accounts = process, accounts

    def read(self) -> Usage | None:
        """What has been used so far; None when the container has ended."""
        try:
            text = {name: os.pread(handle, _MOST, 0).decode() for name, handle in self._accounts.items()}
        except OSError:
            return None
        nanoseconds = _number(text, "cpuacct.usage") or 1000 * _entry(text, "cpu.stat", "usage_usec")
        peak = _number(text, "memory.max_usage_in_bytes") or _number(text, "memory.peak")
        return Usage(nanoseconds / 1e9, peak, _entry(text, "pids.events", "max"), _written(text))

    def fileno(self) -> int:
        """Readable once the container's first process has ended."""
        return self._process

    def close(self) -> None:
        """Let go of them."""
        for handle in (self._process, *self._accounts.values()):
            if handle >= 0:
                os.close(handle)


def meter(pid: int, container: str, processes: Path = _PROCESSES, groups: Path = _GROUPS) -> Group | None:
    """The accounts of the container (its engine's long ID) whose first process is `pid`; None where there are none.

    The ID must be in the names of its groups: a number of another machine's process says nothing here.
    """
    process = -1
    with contextlib.suppress(OSError):
        process = os.pidfd_open(pid)  # before its groups are looked up: the number may become another's
    accounts: dict[str, int] = {}
    for path in _places(pid, container, processes, groups):
        with contextlib.suppress(OSError):
            accounts[path.name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    found = Group(process, accounts)
    if accounts:
        return found
    found.close()
    return None


def end(container: str, groups: Path = _GROUPS) -> int:
    """End what runs in the groups of a container (its engine's long ID) that its engine has lost sight of.

    How many processes there were; none where the groups are another machine's, or we are not root.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE
    while (left := _inside(container, groups)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
        time.sleep(_PAUSE)  # the kernel tells nobody that a group is empty
    return len(ended)


def _inside(container: str, groups: Path) -> list[int]:
    if len(container) < 32:
        return []
    top = groups / "pids" if (groups / "pids").is_dir() else groups
    numbers: list[int] = []
    for folder in top.rglob(f"*{container}*"):
        with contextlib.suppress(OSError):
            numbers += [int(word) for word in (folder / "cgroup.procs").read_text().split()]
    return numbers


def _places(pid: int, container: str, processes: Path, groups: Path) -> Iterator[Path]:
    """Where the accounts would be."""
    try:
        text = (processes / str(pid) / "cgroup").read_text()
    except OSError:  # it has ended meanwhile
        return
    unified = (groups / "cgroup.controllers").exists()
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if len(container) < 32 or container not in path:
            continue
        named = ["cpuacct", "memory", "pids", "blkio"] if unified and not controllers else controllers.split(",")
        for controller, names in _ACCOUNTS:
            if controller in named:
                # `cpu,cpuacct` has a folder under each name too, mostly
                tops = [groups] if unified else [groups / controllers, groups / controller]
                yield from (top / path.lstrip("/") / name for top in tops for name in names)


def _number(text: dict[str, str], name: str) -> int:
    found = text.get(name, "").strip()
    return int(found) if found.isdigit() else 0


def _entry(text: dict[str, str], name: str, key: str) -> int:
    """The number behind `key` in a file of lines `key number`."""
    pairs = [line.split() for line in text.get(name, "").splitlines()]
    return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == key and pair[1].isdigit()), 0)


def _written(text: dict[str, str]) -> int:
    """Bytes written to all block devices: lines `8:0 Write 4096` in version 1, `8:0 rbytes=0 wbytes=4096 ...` in 2."""
    one = [line.split() for line in text.get("blkio.throttle.io_service_bytes_recursive", "").splitlines()]
    two = [field for line in text.get("io.stat", "").splitlines() for field in line.split()]
    return (sum(int(words[2]) for words in one if len(words) == 3 and words[1] == "Write")
            + sum(int(field[len("wbytes="):]) for field in two if field.startswith("wbytes=")))
