"""Jobs taken out of the queue: as many as may run, and no question where we have as many ourselves. It runs none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.site import Site
from registry.uws import fair, store
from registry.uws.store import Job
from registry.worker.images import Fetches
from registry.worker.lease import Lease


class Claims:
    """What one worker has claimed; for all its threads."""

    def __init__(self, site: Site, lease: Lease, fetches: Fetches, observe: Callable[[str, Job], None]) -> None:
        """Jobs that wait for their images are `fetches`' and take no place; `observe` is told of each claim."""
        self._site, self._lease, self._fetches, self._observe = site, lease, fetches, observe
        self._ours: set[str] = set()  # that have not ended; those of others may fill places as well

    def next(self) -> Job | None:
        """The next job, which is ours now; None where there is none or all places are taken."""
        most = self._site.settings.running_jobs + self._fetches.waiting()
        if len(self._ours) >= most:
            return None
        with self._site.database.write() as connection:
            job = store.claim(connection, self._lease.name, most, fair.shares(self._site.settings))
        if job is not None:
            self._ours.add(job.id)
            self._observe("claimed", job)
        return job

    def over(self, job_id: str) -> None:
        """The job needs its place no longer, or is no longer ours."""
        self._ours.discard(job_id)

    def still(self, leased: Iterable[Job]) -> None:
        """Of all jobs only these are anybody's: what is not among them has ended without our seeing it."""
        self._ours.intersection_update([job.id for job in leased if not job.final])
