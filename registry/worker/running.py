"""The jobs whose containers run here: their logs followed, their clocks kept, what they use measured.

It is a memory that a restart may lose: the next worker finds all of it anew from row, container and files. It changes no
row and no container.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry import clock
from registry.executor import collect, tree
from registry.executor.logs import Follower
from registry.executor.runtime import Meter, Runtime, State, Usage
from registry.site import Site
from registry.uws import files
from registry.uws.phases import SUSPENDED
from registry.uws.store import Job, PhaseChange
from registry.worker import stage

_LEAVE, _NEWS = b"l", b"n"  # told to the thread that watches
_SAMPLE = 0.25  # seconds between two looks at what is used
_FRESH = 1.0  # seconds; younger ones were started by this worker and nobody has paused them


@dataclass
class _Running:
    """One job: its log, its meter, when it started by our own monotonic clock (pauses taken out), what it has used."""

    job: Job
    follower: Follower
    meter: Meter
    began: float
    started: datetime
    used: Usage = Usage()
    paused: float | None = None  # since when, by the same clock
    written: int = 0  # most bytes that its results were seen to have

    def age(self) -> float:
        """Seconds for which it has executed."""
        return (self.paused or time.monotonic()) - self.began


@dataclass(frozen=True)
class Ended:
    """What is left of one whose container has ended: its log, to be finished, and what it has used."""

    follower: Follower
    used: Usage


class Running:
    """All of them."""

    def __init__(self, site: Site, runtime: Runtime) -> None:
        self._site, self._runtime = site, runtime
        self._lock = threading.Lock()
        self._jobs: dict[str, _Running] = {}
        self._used: dict[str, Usage] = {}  # by those that have ended and are not published yet
        self._meters: dict[int, _Running] = {}  # by the handle that tells the end
        self._watched = select.epoll()
        self._told, self._tell = os.pipe2(os.O_CLOEXEC)
        self._watched.register(self._told, select.EPOLLIN)
        self._watcher: threading.Thread | None = None

    # --- coming and going ---------------------------------------------------------------------------------------------

    def keep(self, job: Job, state: State, history: Callable[[], Sequence[PhaseChange]]) -> bool:
        """See that the job's log is followed, its clock kept, its use measured. True where it was not yet."""
        known = self._jobs.get(job.id)
        if known is not None:
            known.job = job  # its limits may have been changed
            if known.paused is not None:
                known.began += time.monotonic() - known.paused
                known.paused = None
            return False
        started = state.started_at or clock.now()
        age = (clock.now() - started).total_seconds()
        began = time.monotonic() - max(0.0, age - suspended(history()) if age > _FRESH else age)
        made = _Running(job, self._follower(job), self._runtime.meter(state), began, started)
        self._jobs[job.id] = made
        made.follower.start()
        self._measure_to_the_end(made)
        return True

    def pause(self, job: Job) -> None:
        """Stop the job's clock until it is kept again."""
        known = self._jobs.get(job.id)
        if known is not None and known.paused is None:
            known.job, known.paused = job, time.monotonic()

    def end(self, job: Job) -> Ended:
        """Take the job out; its container has ended."""
        known = self._out(job.id)
        if known is None:
            return Ended(self._follower(job), self._used.get(job.id, Usage()))
        used = replace(known.used, written=max(known.used.written, known.written))
        self._used[job.id] = used
        return Ended(known.follower, used)

    def let_go(self, job_id: str) -> None:
        """Take the job out, where it is in, and leave its container alone."""
        self._used.pop(job_id, None)
        known = self._out(job_id)
        if known is not None:
            known.follower.abandon()

    def leave(self) -> None:
        """Let go of all: the next worker finds them."""
        for job_id in list(self._jobs):
            self.let_go(job_id)
        if self._watcher is not None:
            os.write(self._tell, _LEAVE)
            self._watcher.join()
            self._watcher = None

    # --- looking ------------------------------------------------------------------------------------------------------

    def now(self, job: Job) -> datetime:
        """The present, by the clock that a running job was started by: a step of the host's clock ages no job."""
        known = self._jobs.get(job.id)
        return clock.later(known.age(), known.started) if known else clock.now()

    def heed(self, jobs: Iterable[Job]) -> None:
        """Take over what clients have changed of the jobs: the time they may execute."""
        for job in jobs:
            known = self._jobs.get(job.id)
            if known is not None:
                known.job = job

    def overdue(self) -> tuple[list[str], float | None]:
        """(jobs that have executed long enough, seconds until the next one will have)."""
        limited = {one.job.id: one.job.execution_duration - one.age() for one in list(self._jobs.values())
                   if one.job.execution_duration and one.paused is None}
        waiting = [left for left in limited.values() if left > 0]
        return [job_id for job_id, left in limited.items() if left <= 0], min(waiting, default=None)

    def too_large(self) -> list[str]:
        """Look what the jobs have used, and give those that have written more than they may."""
        found: list[str] = []
        for one in list(self._jobs.values()):
            self._look(one)
            most = stage.limits(self._site, one.job).disk
            size = tree.measure(stage.results(self._site, one.job), most, collect.MAX_FILES)
            one.written = max(one.written, size.bytes)
            if size.bytes >= most or size.entries > collect.MAX_FILES:
                found.append(one.job.id)
        return found

    # --- inside -------------------------------------------------------------------------------------------------------

    def _follower(self, job: Job) -> Follower:
        name, folder = stage.container(self._site, job), files.folder(self._site, job.id)
        return Follower(self._runtime, name, folder, stage.cursor(self._site, job), stage.limits(self._site, job).log)

    def _out(self, job_id: str) -> _Running | None:
        known = self._jobs.pop(job_id, None)
        if known is not None:
            self._look(known)
            with self._lock:
                self._forget(known)
                known.meter.close()
        return known

    def _look(self, one: _Running) -> None:
        with self._lock:
            if self._jobs.get(one.job.id) is one or one.meter.fileno() in self._meters:
                self._read(one)

    def _read(self, one: _Running) -> None:
        used = one.meter.read()
        if used is not None and used != Usage():
            one.used = used

    def _measure_to_the_end(self, one: _Running) -> None:
        """At its first process' end its accounts are there for a few milliseconds more."""
        handle = one.meter.fileno()
        if handle < 0:
            return
        with self._lock:
            self._meters[handle] = one
            self._read(one)
            self._watched.register(handle, select.EPOLLIN | select.EPOLLONESHOT)
            if len(self._meters) == 1:
                os.write(self._tell, _NEWS)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="ends", daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        """Look now and then as well: a busy machine may give us no time before the accounts are gone."""
        seen = time.monotonic()
        while True:
            patience = max(0.0, seen + _SAMPLE - time.monotonic()) if self._meters else None
            handles = {handle for handle, _ in self._watched.poll(patience)}
            if self._told in handles and _LEAVE in os.read(self._told, 64):
                return
            with self._lock:
                due = time.monotonic() >= seen + _SAMPLE
                for one in [one for handle, one in self._meters.items() if due or handle in handles]:
                    self._read(one)
            seen = time.monotonic() if due else seen

    def _forget(self, one: _Running) -> None:
        handle = one.meter.fileno()
        if self._meters.pop(handle, None) is not None:
            self._watched.unregister(handle)


def suspended(history: Sequence[PhaseChange]) -> float:
    """Seconds for which a job was SUSPENDED, by its phases, oldest first: they are no part of its execution."""
    total = 0.0
    for change, following in zip(history, history[1:], strict=False):
        if change.phase is SUSPENDED:
            total += (clock.parse(following.at) - clock.parse(change.at)).total_seconds()
    return max(0.0, total)
