"""Answers the queries under /tap/async, a few at a time, in threads of the worker: none of them has a container.

A query has the worker's lease while it is answered. One whose worker is gone goes back into the queue; so does none that
has cost three workers their lives. What a query means and how it runs is the search room's.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from registry import clock, space
from registry.bell import PHASES, WORK
from registry.errors import Busy, Refusal, Unavailable
from registry.search.running import Queries, Stop, Stopped, TooLong
from registry.search.tap import parameters
from registry.search.tap.formats import Table
from registry.site import Site
from registry.uws import files, kinds, limits, store
from registry.uws.jobs import MAIN
from registry.uws.phases import ABORTED, ARCHIVED, COMPLETED, ERROR, EXECUTING, QUEUED, UNKNOWN, Phase
from registry.uws.store import Job, NoJob, Result
from registry.worker.lease import Watch

_LOOK = 5.0  # seconds between two looks when nobody rings
_LIVES = 3  # workers that may die of one query
_TRIES = 10  # a change that somebody else is always faster with is given up
_FATAL, _TRANSIENT = "fatal", "transient"
_log = logging.getLogger("registry.worker")


class TooLarge(Refusal):
    """The answer takes more of the disk than a job may."""


def run(site: Site, lease: str, stop: threading.Event) -> None:
    """Answer queries until `stop` is set; those under way are left for the next worker."""
    crew = Crew(site, lease, stop)
    with site.bells.listen(WORK) as bell:
        while not stop.is_set():
            try:
                crew.look()
            except Exception:  # the next look comes in a few seconds, whatever this one met
                _log.exception("a look at the queries failed")
            bell.wait(_LOOK)
    crew.leave()


class Crew:
    """The threads that answer, and the queries they have."""

    def __init__(self, site: Site, lease: str, stop: threading.Event) -> None:
        self._site, self._lease, self._stop = site, lease, stop
        self._queries = Queries(site)
        self._watch = Watch(site)
        self._lock = threading.Lock()  # whoever has it sees rows and `_running` as they belong together
        self._running: dict[str, Stop] = {}  # by job
        self._most = min(site.settings.tap_async_clients, site.settings.tap_clients)
        self._looked = float("-inf")  # for queries whose destruction has come

    def look(self) -> None:
        """Heed what clients want, take over what is left behind, and have as many answered as may be."""
        if time.monotonic() - self._looked >= _LOOK:
            self._looked = time.monotonic()
            self._destroy()
        with self._lock, self._site.database.read() as connection:
            wanted = store.leased(connection, kinds.QUERIES)
            left = [job for job in wanted if self._heed(job)]
        for job in left:
            self._take_over(job)
        while (new := self._claim()) is not None:
            threading.Thread(target=self._work, args=(new,), name=f"query {new.id}", daemon=True).start()

    def leave(self) -> None:
        """Stop every query; their rows stay as they are, for the next worker."""
        with self._lock:
            for stop in self._running.values():
                stop.ask()

    # --- whose a query is ---------------------------------------------------------------------------------------------

    def _heed(self, job: Job) -> bool:
        """Whether nobody works on `job`. One of ours that is not wanted any more is told so."""
        stop = self._running.get(job.id)
        if stop is not None:
            if job.desired != store.RUN:
                stop.ask()
            return False
        return job.lease in ("", self._lease) or self._watch.is_gone(job)

    def _take_over(self, job: Job) -> None:
        """Bring a query on which nobody works to its end, or back into the queue."""
        if job.desired == store.DELETE:
            self._remove(job.id)
            return
        ours = job.lease == self._lease  # the database broke it off: that cost no worker its life
        attempt = job.attempt - 1 if ours else job.attempt
        with self._site.database.write() as connection:
            if job.desired == store.ABORT:
                store.move(connection, job, ABORTED)
            elif attempt >= _LIVES:
                store.move(connection, job, ERROR, error_type=_FATAL, error=(
                    f"{job.attempt} workers ended while they answered this query: ask for less at once."))
            elif job.phase is QUEUED:
                store.note(connection, job, lease="", attempt=attempt)
            else:
                unknown = job if job.phase is UNKNOWN else store.move(connection, job, UNKNOWN, lease="", attempt=attempt)
                if unknown is not None:
                    store.move(connection, unknown, QUEUED)
        self._site.bells.ring(PHASES)

    def _claim(self) -> Job | None:
        with self._lock:
            if self._stop.is_set() or len(self._running) >= self._most:
                return None
            with self._site.database.read() as connection:
                if not store.has_query(connection):  # so that no look takes the database's one place for a writer
                    return None
            with self._site.database.write() as connection:
                job = store.claim_query(connection, self._lease)
            if job is not None:
                self._running[job.id] = Stop()
            return job

    def _destroy(self) -> None:
        """Remove the queries whose destruction has come, or what they answered where rows are kept (UWS 1.1 §2.1.3)."""
        kept = self._site.settings.archive_time
        with self._site.database.read() as connection:
            due = store.due(connection, clock.fine_stamp(), kept=kept, kind=kinds.QUERIES)
        for job in due:
            if kept and job.final and job.phase is not ARCHIVED:
                files.remove(self._site, job.id)
                with self._site.database.write() as connection:
                    store.set_results(connection, job.id, ())
                    store.move(connection, job, ARCHIVED)
            else:
                with self._site.database.write() as connection:
                    store.note(connection, job, desired=store.DELETE)

    def _remove(self, job_id: str) -> None:
        files.remove(self._site, job_id)
        with self._site.database.write() as connection:
            store.remove(connection, job_id)

    # --- answering ----------------------------------------------------------------------------------------------------

    def _work(self, first: Job) -> None:
        """Answer `first`, then others, until there are none."""
        job: Job | None = first
        while job is not None:
            stop = self._running[job.id]
            try:
                self._answered(job, stop)
            except SQLAlchemyError as error:  # it stays ours, and goes back into the queue when the database answers
                _log.warning("query %s was broken off: %s", job.id, error)
            except Exception:  # a fault at one query must not end the thread, nor leave the query as if it ran
                _log.exception("query %s failed", job.id)
                self._end(job.id, ERROR, error_type=_FATAL, error="A fault of this service, not of the query: it is in its log.")
            finally:
                with self._lock:
                    del self._running[job.id]
            job = self._claim()

    def _answered(self, job: Job, stop: Stop) -> None:
        """Bring a query that is ours to its end, whichever it is."""
        with self._site.database.write() as connection:
            begun = store.move(connection, job, EXECUTING)
        if begun is None:  # a client has changed it: it is looked at again
            self._site.bells.ring(WORK)
            return
        self._site.bells.ring(PHASES)
        try:
            result = self._written(begun, stop)
        except TooLong as error:
            self._end(job.id, ABORTED, error_type=_FATAL, error=str(error))
        except Stopped:
            if not self._stop.is_set():  # else the next worker answers it
                self._end(job.id, ABORTED)
        except Refusal as error:
            if not self._stop.is_set():
                passes = isinstance(error, Busy | Unavailable)
                self._end(job.id, ERROR, error_type=_TRANSIENT if passes else _FATAL, error=str(error))
        else:
            self._end(job.id, COMPLETED, result)

    def _written(self, job: Job, stop: Stop) -> Result:
        """The answer as a file. Raises Refusal where there is none."""
        with self._site.database.read() as connection:
            asked = parameters.asked((one.name, one.value) for one in store.parameters(connection, job.id))
        if shortage := space.shortage(self._site.settings):
            raise Unavailable(shortage)
        # each attempt has a folder of its own: a worker that only seemed to be gone writes into no other's
        place = Path(str(job.attempt)) / f"{MAIN}.{asked.format.suffix}"
        path = files.folder(self._site, job.id) / place
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, size, most = hashlib.sha256(), 0, self._site.settings.most("disk")
        with self._queries.answer(asked.query, maxrec=asked.maxrec, seconds=job.execution_duration, stop=stop) as answer, \
                path.open("wb") as file:
            table = Table(answer.columns, answer.rows, lambda: answer.overflow, (("QUERY", asked.query),), late_errors=False)
            for piece in asked.format.write(table):
                size += len(piece)
                if size > most:
                    raise TooLarge(f"The answer is larger than a job's results may be here ({limits.size(most)}, job_disk_max): "
                                   "ask for fewer rows or columns.")
                file.write(piece)
                digest.update(piece)
            file.flush()
            os.fsync(file.fileno())
        return Result(MAIN, 0, str(place), size, asked.format.content_type, digest.hexdigest())

    def _end(self, job_id: str, phase: Phase, result: Result | None = None, **values: Any) -> None:
        """Write the last phase, where the query is still ours; of one without an answer no file stays."""
        for _ in range(_TRIES):
            try:
                with self._site.database.write() as connection:
                    job = store.get(connection, job_id)
                    if job.lease != self._lease:  # another worker may be writing its answer
                        return
                    store.set_results(connection, job_id, (result,) if result else ())
                    done = store.move(connection, job, phase, **values)
            except NoJob:
                files.remove(self._site, job_id)  # its row is gone, and so must its answer be
                return
            if done is not None:
                break
        if result is None:
            files.remove(self._site, job_id)
        self._site.bells.ring(PHASES)
        if job.desired == store.DELETE:
            self._remove(job_id)
