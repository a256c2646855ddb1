"""Images fetched apart from everything else: a slow repository delays only the jobs that need it. It writes no row."""

from __future__ import annotations

import threading
from collections.abc import Callable

from registry.executor.runtime import EngineAbsent, EngineFault, RepositoryAbsent, Runtime

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between two tries at a repository that does not answer


class Fetches:
    """The images that jobs wait for, each fetched by a thread of its own until it is here or cannot be."""

    def __init__(self, runtime: Runtime, news: Callable[[str], None], stop: threading.Event) -> None:
        """`news` is called with a job's name when there is something to look at; `stop` ends all waiting."""
        self._runtime, self._news, self._stop = runtime, news, stop
        self._lock = threading.Lock()
        self._waiting: dict[str, set[str]] = {}  # image -> jobs
        self._faults: dict[str, EngineFault] = {}  # by job

    def want(self, image: str, job_id: str) -> EngineFault | None:
        """Have the image fetched for the job. What went wrong at the last try: after RepositoryAbsent it goes on."""
        with self._lock:
            fault = self._faults.get(job_id)
            if fault is not None and not isinstance(fault, RepositoryAbsent | EngineAbsent):
                del self._faults[job_id]
                return fault
            jobs = self._waiting.get(image)
            if jobs is None:
                self._waiting[image] = {job_id}
                threading.Thread(target=self._fetch, args=(image,), name=f"fetch {image}", daemon=True).start()
            else:
                jobs.add(job_id)
            return fault

    def forget(self, job_id: str) -> None:
        """The job waits no longer."""
        with self._lock:
            self._faults.pop(job_id, None)
            for jobs in self._waiting.values():
                jobs.discard(job_id)

    def waiting(self) -> int:
        """How many jobs wait for an image: they have a worker, and take no place from those that can run."""
        with self._lock:
            return sum(len(jobs) for jobs in self._waiting.values())

    def _fetch(self, image: str) -> None:
        pause = _FIRST_PAUSE
        while True:
            fault: EngineFault | None = None
            try:
                self._runtime.ensure_image(image)
            except EngineFault as error:
                fault = error
            again = isinstance(fault, RepositoryAbsent | EngineAbsent)
            if not self._tell(image, fault, done=not again) or not again or self._stop.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _tell(self, image: str, fault: EngineFault | None, *, done: bool) -> bool:
        """Say how it went; False where nobody waits any more."""
        with self._lock:
            jobs = set(self._waiting[image])
            if done or not jobs:
                del self._waiting[image]
            for job_id in jobs:
                if fault is None:
                    self._faults.pop(job_id, None)
                else:
                    self._faults[job_id] = fault
        for job_id in jobs:
            self._news(job_id)
        return bool(jobs)
