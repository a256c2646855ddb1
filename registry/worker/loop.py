"""When to look at which job: woken by the bell of new work and by the engine's events, with a slow tick as safety net.

It holds the threads and the timers; what is done with a job is in `hands.py`, the view of the whole in `survey.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from registry.bell import WORK, Listener
from registry.executor.runtime import EngineFault, Runtime
from registry.site import Site
from registry.uws import store
from registry.uws.store import Job
from registry.worker import lease as leases, side
from registry.worker.hands import Hands
from registry.worker.lease import Lease
from registry.worker.pool import Pool
from registry.worker.survey import survey

TICK = 5.0      # seconds between two looks at everything
MEASURE = 2.0   # seconds between two looks at what running jobs have written
RECONNECT = 1.0
_NEWS = frozenset({"die", "pause", "unpause"})  # events that may change a job's phase
_PER_CORE = 2   # measured: more starts at once take longer and do not get more done
_log = logging.getLogger("registry.worker")


class Loop:
    """One worker at work."""

    def __init__(
        self, site: Site, runtime: Runtime, lease: Lease, stop: threading.Event, *,
        observe: Callable[[str, Job], None] = lambda step, job: None,
    ) -> None:
        self._site, self._runtime, self._lease, self._stop = site, runtime, lease, stop
        self._look = threading.Event()  # everything is to be looked at, soon
        self.hands = Hands(site, runtime, lease, stop=stop, news=self._ask, freed=self._claim, observe=observe)
        self._pool = Pool(self.hands.turn, _PER_CORE * (os.cpu_count() or 1))

    def run(self) -> None:
        """Work until `stop` is set; jobs that run go on without us."""
        helpers = [
            threading.Thread(target=target, name=name, daemon=True) for name, target in (
                ("engine events", self._listen), ("lease", self._renew), ("disk", self._measure),
                ("side", lambda: side.run(self._site, self._lease.name, self._stop)), ("end", self._wake_at_end))]
        try:
            with self._site.bells.listen(WORK) as bell:
                for helper in helpers:
                    helper.start()
                self._turn_round(bell)
        finally:
            self._end()

    def _turn_round(self, bell: Listener) -> None:
        seen = float("-inf")
        while not self._stop.is_set():
            with self._guarded():
                if self._look.is_set() or time.monotonic() - seen >= TICK:
                    self._look.clear()
                    seen = time.monotonic()
                    self._ask_all(survey(self.hands))
                self._wishes()
                self._claim()
            bell.wait(self._patience(seen))

    def _end(self) -> None:
        self._stop.set()
        self._pool.close()
        self.hands.leave()
        with contextlib.suppress(EngineFault):
            self.hands.network.leave()

    def _ask(self, job_id: str) -> None:
        self._pool.ask(job_id)

    def _ask_all(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            self._pool.ask(job_id)

    def _claim(self) -> None:
        """Called by the loop, and by whoever has just freed a place."""
        if not self._stop.is_set():
            for job_id in self.hands.claim():
                self._pool.ask(job_id, new=True)

    def _wishes(self) -> None:
        """Jobs that are to be stopped or deleted, or have another time to execute."""
        with self._site.database.read() as connection:
            jobs = store.leased(connection)
        self.hands.running.heed(jobs)
        self._ask_all([job.id for job in jobs if job.desired != store.RUN])
        late, _ = self.hands.running.overdue()
        self._ask_all(late)

    def _patience(self, seen: float) -> float:
        if self._stop.is_set() or self._look.is_set():
            return 0.0
        _, next_one = self.hands.running.overdue()
        left = seen + TICK - time.monotonic()
        return max(0.0, left if next_one is None else min(left, next_one))

    @contextlib.contextmanager
    def _guarded(self):  # type: ignore[no-untyped-def]
        """One look that fails must not end the worker: the next comes in a few seconds."""
        try:
            yield
        except (EngineFault, SQLAlchemyError, OSError) as error:
            _log.warning("a look at the jobs failed and is repeated: %s", error)

    # --- threads ------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                for event in self._runtime.events(self._site.settings.engine_name, self._stop):
                    if event.action == "listening":
                        if told:
                            _log.info("the engine answers again")
                        told, self.hands.engine = "", None  # it may be another one now
                        self._wake()
                    elif event.action in _NEWS and (job_id := event.labels.get("innerspace.job")):
                        self._ask(job_id)
            except EngineFault as error:
                self.hands.engine = None
                if str(error) != told:
                    _log.warning("%s", error)
                    told = str(error)
                self._wake()
            self._stop.wait(RECONNECT)

    def _wake(self) -> None:
        """Have the loop look at everything now."""
        self._look.set()
        self._site.bells.ring(WORK)

    def _renew(self) -> None:
        while not self._stop.wait(leases.BEAT):
            with self._guarded(), self._site.database.write() as connection:
                store.renew(connection, self._lease.name)

    def _measure(self) -> None:
        while not self._stop.wait(MEASURE):
            with self._guarded():
                self.hands.measure()

    def _wake_at_end(self) -> None:
        self._stop.wait()
        self._site.bells.ring(WORK)
