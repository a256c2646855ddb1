"""The tests' side of mortal.py: worker processes that can be killed, stopped, and waited for."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from typing import Any

from registry.site import Site
from registry.worker import lease as leases, loop
from tests.conftest import ROOT


class Mortal:
    """One worker process."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery, self.pid = nursery, pid
        self._death = os.pidfd_open(pid)
        self._status: int | None = None

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self._death, number)

    def terminate(self) -> None:
        """Tell it to stop."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """End it with -9 and wait for that."""
        if self._status is None:
            self.send(signal.SIGKILL)
            self.wait()

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code, negative for the signal that ended it."""
        if self._status is None:
            assert select.select([self._death], [], [], seconds)[0], f"worker {self.pid} does not end"
            self._status = self._nursery.ask(do="reap", pid=self.pid)
            os.close(self._death)
        return os.waitstatus_to_exitcode(self._status)

    def until_stopped(self, seconds: float = 30.0) -> None:
        """Wait until it has been halted by SIGSTOP."""
        poll = select.poll()
        for _ in range(int(seconds * 100)):
            with open(f"/proc/{self.pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "T":
                    return
            poll.poll(10)
        raise AssertionError(f"worker {self.pid} was not halted")


class Nursery:
    """Forks workers; `engine` is the socket of a fake one, '' for Docker's."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.mortal"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._workers: list[Mortal] = []
        assert self._answer() == "ready"

    def worker(self, site: Site, engine: str = "", *, step: str = "", job: str = "", number: int = signal.SIGKILL,
               beat: float = leases.BEAT, patience: float = leases.PATIENCE, tick: float = loop.TICK,
               **settings: Any) -> Mortal:
        """A worker of the site, which sends itself the signal `number` when it comes to `step` with `job` ('': any)."""
        pid = self.ask(
            do="fork", instance=str(site.settings.instance), name=site.settings.engine_name, engine=engine, step=step,
            job=job, signal=int(number), beat=beat, patience=patience, tick=tick, settings=settings)
        self._workers.append(Mortal(self, pid))
        return self._workers[-1]

    def ask(self, **order: Any) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._answer())

    def clear(self) -> None:
        """End all workers with -9."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def close(self) -> None:
        self.clear()
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())
