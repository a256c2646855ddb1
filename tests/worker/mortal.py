"""Workers as processes of their own, forked from this one, which has everything loaded and runs nothing itself.

Lines of JSON on standard input say what to fork; each is answered by the number of its process, or how that ended.
A worker may be told to send itself a signal when it comes to a step, -9 mostly, with one job or with any.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from registry.db import Database
from registry.executor.docker_runtime import DockerRuntime
from registry.uws.store import Job
from registry.worker import lease as leases, loop
from registry.worker.lease import Lease
from registry.worker.loop import Loop
from tests.worker.conftest import site_in
from tests.worker.remote import RemoteEngine


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes before it is handled waits
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_fork(order) if order["do"] == "fork" else os.waitpid(order["pid"], 0)[1]), flush=True)


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        _work(order)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


_writing = threading.RLock()
_write = Database.write


@contextlib.contextmanager
def _one_at_a_time(database: Database) -> Iterator[Connection]:
    with _writing, _write(database) as connection:
        yield connection


def _work(order: dict[str, Any]) -> None:
    step, job_id = order["step"], order["job"]

    def observe(seen: str, job: Job) -> None:
        nonlocal step
        if seen == step and job_id in ("", job.id):
            step = ""  # once: a stopped one goes on
            with _writing:  # none of our threads: one that is halted in the middle of a change halts all of SQLite
                signal.pthread_kill(threading.get_ident(), order["signal"])  # to this thread: it does not come later

    leases.BEAT, leases.PATIENCE, loop.TICK = order["beat"], order["patience"], order["tick"]
    if order["signal"] == signal.SIGSTOP:
        Database.write = _one_at_a_time  # type: ignore[method-assign]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    site = site_in(Path(order["instance"]), order["name"], **order["settings"])
    runtime = RemoteEngine(order["engine"]) if order["engine"] else DockerRuntime()
    lease = Lease(site)
    Loop(site, runtime, lease, stop, observe=observe).run()
    lease.close()


if __name__ == "__main__":
    main()
