"""The worker process: `run` is what the command `registry worker` calls. It puts the parts together, no more."""

from __future__ import annotations

import logging
import threading

from registry import beats
from registry.applications import logins
from registry.executor.docker_runtime import DockerRuntime
from registry.site import Site
from registry.worker.lease import Lease
from registry.worker.loop import Loop

_log = logging.getLogger("registry.worker")


def run(site: Site, stop: threading.Event) -> None:
    """Run the site's jobs, harvests and clean-up until `stop` is set; jobs that run then go on, for the next worker."""
    runtime = DockerRuntime(site.settings.docker_host, logins.of(site))
    lease = Lease(site)
    beats.keep(site, beats.WORKER, stop)
    _log.info("worker %s is at work, its containers are innerspace-%s-...", lease.name, site.settings.engine_name)
    try:
        Loop(site, runtime, lease, stop).run()
    finally:
        lease.close()
        runtime.close()
