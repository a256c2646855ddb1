"""A worker as a process of its own, which kills itself with -9 when it comes to a step: `mortal INSTANCE NAME STEP`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from registry.executor.docker_runtime import DockerRuntime
from registry.uws.store import Job
from registry.worker.lease import Lease
from registry.worker.loop import Loop
from tests.worker.conftest import site_in


def main() -> None:
    folder, name, die_at = sys.argv[1:]

    def observe(step: str, job: Job) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    site = site_in(Path(folder), name)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    Loop(site, DockerRuntime(), Lease(site), stop, observe=observe).run()


if __name__ == "__main__":
    main()
