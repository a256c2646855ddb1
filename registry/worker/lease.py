"""Who has a job: a worker's lease, and whether the worker behind another's is gone (decision D6).

On one host a lease is a locked file in the instance's run folder: the kernel lets go of the lock however its process
ends. Of a worker on another host there is no file here, and one that hangs keeps its lock: the beat of these must stand
still for half a minute by our clock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.site import Site
from registry.uws import store
from registry.uws.store import Job

BEAT = 10.0      # seconds between two renewals
PATIENCE = 30.0  # seconds a beat may stand still
_BLIND = 15.0    # seconds between two looks after which we cannot say that it stood still
_FOLDER = "workers"


class Lease:
    """This worker's own lease; closing it lets others take over its jobs."""

    def __init__(self, site: Site) -> None:
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{os.urandom(4).hex()}"
        folder = _folder(site)
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = _held(folder / self.name)

    def close(self) -> None:
        """Let go; the file stays, and says that its worker is gone."""
        os.close(self._handle)


@dataclass(frozen=True)
class _Seen:
    """A job's lease and beat: since when they are as they are, and when they were looked at last, on our clock."""

    lease: str
    beat: int
    since: float
    last: float


class Watch:
    """Tells whether the worker that has a job is gone."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._seen: dict[str, _Seen] = {}  # by job

    def is_gone(self, job: Job) -> bool:
        """Whether nobody works on `job` any more. A first look at a worker elsewhere never says so."""
        if _locked(_folder(self._site) / job.lease) is False:
            return True
        now, seen = time.monotonic(), self._seen.get(job.id)
        # while the database was away nobody's beat could move, and we saw none
        fresh = seen is None or (seen.lease, seen.beat) != (job.lease, job.beat) or now - seen.last > _BLIND
        since = now if fresh else seen.since  # type: ignore[union-attr]
        self._seen[job.id] = _Seen(job.lease, job.beat, since, now)
        return now - since > PATIENCE

    def forget(self, jobs: Iterable[Job]) -> None:
        """Keep only what is known of these jobs, and the files of leases that they name or that are alive."""
        listed = list(jobs)
        ids, leases = {job.id for job in listed}, {job.lease for job in listed}
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if job_id in ids}
        for path in _folder(self._site).glob("*"):
            if path.name not in leases:
                self._clear(path)

    def _clear(self, path: Path) -> None:
        """Remove the file of a lease whose worker is gone and has no jobs; it may have died since they were listed."""
        with contextlib.suppress(OSError), _opened(path) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self._site.database.read() as connection:  # once its lock is ours it takes none any more
                named = store.has_jobs(connection, path.name)
            if not named:
                path.unlink(missing_ok=True)


def _held(path: Path) -> int:
    """The file, made and locked; made anew where somebody cleared it away before it was locked."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _folder(site: Site) -> Path:
    return site.settings.instance / "run" / _FOLDER


def _locked(path: Path) -> bool | None:
    """Whether a living process holds the file; None where there is no such file."""
    try:
        with _opened(path) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
