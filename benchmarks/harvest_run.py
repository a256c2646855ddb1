"""One harvest in a process of its own (`python -m benchmarks.harvest_run INSTANCE`): how long it takes and what it holds.

Nothing is imported here that a harvest does not need. It makes no instance and asks for no harvest.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from registry.harvest import schedule
from registry.site import Site, open_site


def open_at(instance: Path, **settings: object) -> Site:
    """The instance of a benchmark."""
    return open_site(instance, authority="bench.example", allowed_networks=["127.0.0.0/8"], **settings)


def main(instance: Path) -> None:
    """Carry out what is asked for in the instance, and print it: seconds, CPU seconds, MB at rest and at most.

    What other processes use and hold that this one begins counts; of memory, what each held at most.
    """
    site = open_at(instance)
    rest, ended, others = memory("VmRSS"), threading.Event(), dict[str, tuple[float, float]]()
    watch = threading.Thread(target=_watch, args=(others, ended))
    watch.start()
    began, used = time.perf_counter(), cpu()
    schedule.turn(site, "bench")
    seconds, spent = time.perf_counter() - began, cpu() - used
    ended.set()
    watch.join()
    held, by_others = [sum(found) for found in zip(*others.values(), strict=True)] or [0.0, 0.0]
    print(json.dumps({"seconds": seconds, "cpu": spent + by_others, "rest": rest, "peak": memory("VmHWM") + held}))
    site.close()


def _watch(others: dict[str, tuple[float, float]], ended: threading.Event) -> None:
    """Note of each process that this one begins what it held at most, MB, and its CPU seconds, as long as it is there."""
    while not ended.wait(0.02):
        for thread in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                for number in (thread / "children").read_text().split():
                    fields = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()
                    ticks = int(fields[11]) + int(fields[12])
                    others[number] = memory("VmHWM", number), ticks / os.sysconf("SC_CLK_TCK")


def cpu() -> float:
    """CPU seconds of this process."""
    return sum(os.times()[:2])


def memory(name: str, process: str = "self") -> float:
    """MB that a process holds (VmRSS), or held at most (VmHWM)."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc", process, "status").read_text())
    return int(found.group(1)) * 1024 / 1e6 if found else 0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
