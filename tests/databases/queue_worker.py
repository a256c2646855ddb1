"""A worker of the queue without containers, as a process that may be killed at any moment.

It uses the product's own leases and store. Its effect on the world stands for a container: a file whose name is the
job's and its attempt's, which can be made once.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from pathlib import Path

from registry.site import Site, open_site
from registry.uws import store
from registry.uws.phases import COMPLETED, EXECUTING, QUEUED
from registry.uws.store import Job, Result
from registry.worker.lease import Lease, Watch


def work(instance: Path, url: str, effects: Path, told: Connection) -> None:
    """Take jobs up until none is left that is not another living worker's; a byte to `told` after each step."""
    site = open_site(instance, database_url=url)
    lease, watch = Lease(site), Watch(site)
    while True:
        job = _next(site, lease, watch)
        if job is None:
            break
        os.write(told.fileno(), b".")
        if job.phase is QUEUED:
            with site.database.write() as connection:
                moved = store.move(connection, job, EXECUTING)
            if moved is None:
                continue
            job = moved
            os.write(told.fileno(), b".")
        (effects / f"{job.id}-{job.attempt}").touch(exist_ok=True)
        with site.database.write() as connection:
            if store.move(connection, job, COMPLETED) is not None:
                store.set_results(connection, job.id, [Result("stdout", 1, "stdout", 0, "text/plain", "")])
        os.write(told.fileno(), b".")
    lease.close()
    site.close()


def _next(site: Site, lease: Lease, watch: Watch) -> Job | None:
    """A job of a worker that is gone, else one from the queue; None when there is neither."""
    with site.database.read() as connection:
        taken = store.leased(connection)
    for job in taken:
        if job.lease and job.lease != lease.name and watch.is_gone(job):
            with site.database.write() as connection:
                adopted = store.adopt(connection, job, lease.name)
            if adopted is not None:
                return adopted
    with site.database.write() as connection:
        return store.claim(connection, lease.name, 1000)
