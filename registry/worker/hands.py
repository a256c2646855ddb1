"""A job's turn: look at its row and its container, decide, act, and look again until there is nothing to do.

It has no timer and no memory that matters: what it knows of running jobs (their log, their clock) it finds anew after a
restart. `decide.py` says what to do, `loop.py` when to look.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from registry import clock
from registry.bell import PHASES, WORK
from registry.executor import tree
from registry.executor.runtime import (
    ABSENT,
    CREATED,
    EXITED,
    PAUSED,
    RUNNING,
    Engine,
    EngineAbsent,
    EngineFault,
    EngineRefuses,
    ImageAbsent,
    RepositoryAbsent,
    Runtime,
    State,
)
from registry.site import Site
from registry.uws import files, store
from registry.uws.phases import ABORTED, ARCHIVED, ERROR, EXECUTING, HELD, SUSPENDED, WAITING
from registry.uws.store import Job, NoJob, PhaseChange
from registry.worker import publish, stage
from registry.worker.claims import Claims
from registry.worker.decide import OVERDISK, OVERTIME, STAGED, Action, decide, is_overtime
from registry.worker.images import Fetches
from registry.worker.lease import Lease, Watch
from registry.worker.network import DcNetwork
from registry.worker.outcome import FATAL, TRANSIENT, Outcome, outcome, times
from registry.worker.running import Running

STOP_GRACE = 10  # seconds between SIGTERM and SIGKILL
_MOST_ACTIONS = 20  # in one turn; no job needs half of them
_TRIES = 10
_SOON = 10  # seconds; longer than the loop ever sleeps
_PAUSED = ("Somebody has paused the job's container on the engine (docker pause); it goes on when it is let go on "
           "(docker unpause), and the time between is no time of execution.")
_log = logging.getLogger("registry.worker")


class _Superseded(Exception):
    """The job has gone to another worker while we hung: what is done with it is no longer ours to do."""


class Hands:
    """One worker's hands: everything that changes a job or its container goes through `turn`."""

    def __init__(
        self, site: Site, runtime: Runtime, lease: Lease, *, stop: threading.Event, news: Callable[[str], None],
        freed: Callable[[], None] = lambda: None, observe: Callable[[str, Job], None] = lambda step, job: None,
    ) -> None:
        """`news` is called with a job that needs a turn, `freed` when a place is free, `observe` after each step."""
        self.site, self.runtime, self.lease = site, runtime, lease
        self.network = DcNetwork(site, runtime)
        self.fetches = Fetches(runtime, news, stop)
        self.claims = Claims(site, lease, self.fetches, observe)
        self.watch = Watch(site)
        self.engine: Engine | None = None
        self.obstacle = ""  # why no job is claimed though there is an engine
        self.silent: float | None = None  # since when it does not answer, by the monotonic clock
        self.told = "?"  # what the jobs in the queue were told last; what an earlier worker told them nobody knows
        self._news, self._freed, self._observe = news, freed, observe
        self.running = Running(site, runtime)
        self._stopping: set[str] = set()
        self._acts: dict[Action, Callable[[Job, State], bool | State]] = {
            Action.NOTHING: self._keep_watch, Action.START: self._start, Action.RUNNING: self._mark_running,
            Action.SUSPEND: self._suspend, Action.STOP: self._stop, Action.FINISH: self._finish,
            Action.LOST: self._finish, Action.ABORT: self._abort, Action.CLEAN: self._clean,
            Action.ARCHIVE: self._archive, Action.DELETE: self._delete,
        }

    # --- the turn -----------------------------------------------------------------------------------------------------

    def turn(self, job_id: str) -> None:
        """Do what is to be done with the job. Raises nothing of the engine's: that is noted, and looked at again."""
        ended: State | None = None  # nothing changes about a container that has ended
        for _ in range(_MOST_ACTIONS):
            job = self._load(job_id)
            if job is None or not self.may(job):
                self.claims.over(job_id)
                self.running.let_go(job_id)
                return
            try:
                state = ended or self._inspect(job)
                action = decide(job, state, self.running.now(job), self.site.settings.archive_time)
                again = self._acts[action](job, state)
            except EngineAbsent as error:
                self.engine = None
                again = self._wait(job, str(error))
            except _Superseded:
                again = True
            except EngineFault as error:  # it is busy with the container, mostly: look again at the next tick
                _log.warning("job %s: %s", job.id, error)
                again = self._wait(job, str(error))
            except OSError as error:  # a full disk, mostly: the job waits as it is, and is looked at again
                _log.error("job %s: %s", job.id, error)
                again = self._wait(job, f"The files of the job cannot be written: {error.strerror or error}.")
            if not again:
                return
            ended = again if isinstance(again, State) else None
        _log.error("job %s does not come to rest", job_id)

    def claim(self) -> list[str]:
        """Take jobs out of the queue while there are places and an engine; they need a turn each."""
        claimed: list[str] = []
        while self.engine is not None and not self.obstacle and (job := self.claims.next()) is not None:
            claimed.append(job.id)
        return claimed

    def _inspect(self, job: Job) -> State:
        """The container of the present attempt; none is made before the row says STAGED."""
        name = stage.container(self.site, job)
        return State(ABSENT, name) if job.step == store.CLAIMED else self.runtime.inspect(name)

    def _load(self, job_id: str) -> Job | None:
        try:
            with self.site.database.read() as connection:
                return store.get(connection, job_id)
        except NoJob:
            return None

    def may(self, job: Job) -> bool:
        """Whether the job is ours to act on; one of a worker that is gone becomes ours."""
        if not job.lease or job.lease == self.lease.name:
            return True
        if not self.watch.is_gone(job):
            return False
        with self.site.database.write() as connection:
            adopted = store.adopt(connection, job, self.lease.name)
        if adopted is not None:
            _log.info("job %s is taken over from %s", job.id, job.lease)
        return adopted is not None

    def _confirm(self, job: Job) -> None:
        """Raise _Superseded unless the job is still ours: asked before what no condition in the database can undo.

        A worker that hung for longer than its beat may, its jobs have gone to another, goes on where it was.
        """
        with self.site.database.read() as connection:
            holder = store.holder(connection, job.id)
        if holder != (self.lease.name, job.attempt):
            raise _Superseded

    def _wait(self, job: Job, why: str) -> bool:
        if self._note(job, message=why) is None:  # this very turn may have written the row since it was read
            now = self._load(job.id)
            if now is not None and now.lease == self.lease.name and not now.final:
                self._note(now, message=why)
        return False

    def _free(self, job: Job) -> None:
        """The job needs its place no longer: let the next one in."""
        self.claims.over(job.id)
        self._freed()

    # --- actions: each gives back whether to look again at once, or the state of its container to look at -------------

    def _start(self, job: Job, state: State) -> bool | State:
        try:
            if not self.runtime.has_image(job.image):
                return self._fetch(job)
            unsure = state.status == CREATED and not state.seen
            if unsure:
                self.runtime.reap(state)
            if unsure or state.status == ABSENT:  # what a lost run has written is no result of this one
                if lacking := stage.lacking(self.site, job):
                    return self._hold(job, lacking)
                dc = self.network.ensure(again=True) if stage.profile(job) == stage.DC else None
                staged = self._stage(job)
                if staged is None:
                    return True
                job = staged  # the row as it now is: what the engine refuses from here on must end this one
                self.runtime.create(stage.spec(self.site, job, dc))
                self._observe("created", job)
            self._confirm(job)  # one that has ended meanwhile would run again
            self.runtime.start(stage.container(self.site, job))
        except ImageAbsent:  # it was removed meanwhile: fetch it again
            return True
        except EngineRefuses as error:
            return self._end(job, Outcome(ERROR, FATAL if error.fatal else TRANSIENT, str(error)))
        self._observe("started", job)
        state = self.runtime.inspect(stage.container(self.site, job))
        again = self._mark_running(job, state) or state.status != RUNNING
        return state if state.status == EXITED else again

    def _stage(self, job: Job) -> Job | None:
        """Folders and token; None where the job was changed meanwhile."""
        token_hash = stage.prepare(self.site, job)
        node = self.engine.name if self.engine else ""
        staged = self._note(job, step=STAGED, token_hash=token_hash, node=node, message="")
        if staged is not None:
            self._observe("staged", staged)
        return staged

    def _fetch(self, job: Job) -> bool:
        """Have the image fetched; the job stays QUEUED and says why."""
        fault = self.fetches.want(job.image, job.id)
        if fault is None:
            return self._wait(job, f"The image is being fetched from {job.image.partition('/')[0]}.")
        if isinstance(fault, RepositoryAbsent | EngineAbsent):
            return self._wait(job, str(fault))
        return self._end(job, Outcome(ERROR, FATAL, str(fault)))

    def _mark_running(self, job: Job, state: State) -> bool:
        if state.started_at is None:  # it is gone, or was set back: look again
            return True
        with self.site.database.write() as connection:
            moved = store.move(connection, job, EXECUTING, started=clock.fine_stamp(state.started_at))
        if moved is None:
            return True
        self.site.bells.ring(PHASES)
        self._observe("running", moved)
        return self._keep_watch(moved, state)

    def _keep_watch(self, job: Job, state: State) -> bool:
        """See that a running job's log is followed and its clock kept."""
        if state.status == RUNNING and job.phase is EXECUTING:
            fresh = self.running.keep(job, state, lambda: self._history(job))
            if fresh and 0 < job.execution_duration < _SOON:
                self.site.bells.ring(WORK)  # the loop may be asleep for longer than that
        if job.phase is EXECUTING and job.message:  # the engine was away, and is back
            self._note(job, message="")
        return state.status == EXITED and not job.final

    def _suspend(self, job: Job, state: State) -> bool:
        with self.site.database.write() as connection:
            moved = store.move(connection, job, SUSPENDED, message=_PAUSED)
        if moved is None:
            return True
        self.running.pause(moved)
        self.site.bells.ring(PHASES)
        return False

    def _stop(self, job: Job, state: State) -> bool:
        if job.desired != store.ABORT and not job.step.startswith("over"):
            step = OVERTIME if is_overtime(job, self.running.now(job)) else job.step
            if self._note(job, step=step) is None:
                return True
        self._end_container(job, 0 if job.step == OVERDISK else STOP_GRACE)
        return False

    def _end_container(self, job: Job, grace: int) -> None:
        """Stop it in a thread of its own: it may use all its grace. Its end is told like any other."""
        name = stage.container(self.site, job)

        def end() -> None:
            try:
                self.runtime.stop(name, grace)
            except EngineFault as error:
                _log.warning("job %s cannot be stopped: %s", job.id, error)
            finally:
                self._stopping.discard(name)
            self._news(job.id)

        if name not in self._stopping:
            self._stopping.add(name)
            threading.Thread(target=end, name=f"stop {job.id}", daemon=True).start()

    def _finish(self, job: Job, state: State) -> bool:
        """Take logs and results, then write the last phase; what a killed worker had taken is taken again."""
        if state.status == EXITED:
            self._observe("exited", job)
        else:
            state = State(ABSENT, state.name)  # one that was never started has an exit code all the same, and it is 0
        self._confirm(job)
        ended = self.running.end(job)
        ended.follower.finish()
        self._observe("collecting", job)
        published = publish.publish(self.site, job, state, ended.used, lambda: self._confirm(job))
        for _ in range(_TRIES):
            end = outcome(job, state, published.left)
            if self._publish(job, state, end, published):
                break
            now = self._load(job.id)
            if now is None or now.lease != self.lease.name or now.final:
                return now is not None
            job = now  # a wish or a date was changed meanwhile; the attempt is the same
        return self._after(job)

    def _publish(self, job: Job, state: State, end: Outcome, published: publish.Published) -> bool:
        with self.site.database.write() as connection:
            moved = store.move(
                connection, job, end.phase, exit_code=state.exit_code, usage={**job.usage, **published.usage},
                **end.summary, **times(state))
            if moved is not None:
                store.set_results(connection, job.id, published.results)
        return moved is not None

    def _after(self, job: Job) -> bool:
        """The last phase is committed: wake who waits for it, let the next job in, then clear up."""
        self.site.bells.ring(PHASES)
        self._observe("published", job)
        self._free(job)
        self._clean(job, State(ABSENT, ""))
        return False

    def _end(self, job: Job, end: Outcome) -> bool:
        """The job ends without having run."""
        with self.site.database.write() as connection:
            moved = store.move(connection, job, end.phase, **end.summary)
        return True if moved is None else self._after(job)

    def _hold(self, job: Job, why: str) -> bool:
        """The job cannot run until a person changes something: it makes room for others."""
        with self.site.database.write() as connection:
            moved = store.move(connection, job, HELD, message=why, lease="", step="")
        return True if moved is None else self._after(moved)

    def _abort(self, job: Job, state: State) -> bool:
        self.fetches.forget(job.id)
        if state.status == CREATED:
            self.runtime.remove(state.name)
        return self._end(job, Outcome(ABORTED)) if job.phase in WAITING else self._finish(job, state)

    def _clean(self, job: Job, state: State) -> bool:
        self.running.let_go(job.id)
        name = stage.container(self.site, job)
        if state.status in (RUNNING, PAUSED):
            self.runtime.stop(name, 0)
        # in this order: without its folder nobody who was late can make the container again
        try:
            tree.remove(stage.folder(self.site, job))
        except PermissionError as error:  # folders that the job made, where we are not root
            _log.warning("the folder of job %s cannot be removed: %s", job.id, error)
        self.runtime.remove(name)
        self._observe("cleaned", job)
        return False

    def _archive(self, job: Job, state: State) -> bool:
        """Its destruction has come: nothing runs and no file is left, and what it was can still be read."""
        self._remove_all(job, state)
        with self.site.database.write() as connection:
            ended: Job | None = job
            if not job.final:
                ended = store.move(connection, job, ABORTED, error_type=FATAL, error=(
                    f"The job's time of destruction came while it was {job.phase}."))
            moved = ended and store.move(connection, ended, ARCHIVED)
            if moved is None:
                return True
            store.set_results(connection, job.id, ())
        self.site.bells.ring(PHASES)
        self._free(job)
        return False

    def _remove_all(self, job: Job, state: State) -> None:
        self.fetches.forget(job.id)
        self._clean(job, state)
        tree.remove(files.folder(self.site, job.id))

    def _delete(self, job: Job, state: State) -> bool:
        self._remove_all(job, state)
        with self.site.database.write() as connection:
            store.remove(connection, job.id)
        self.site.bells.ring(PHASES)
        self._free(job)
        return False

    # --- what runs ----------------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Look how much the running jobs have written, and have those over their limit stopped."""
        for job_id in self.running.too_large():
            job = self._load(job_id)
            if job is not None and job.phase is EXECUTING and job.step not in (OVERDISK, OVERTIME):
                self._note(job, step=OVERDISK)
            self._news(job_id)

    def leave(self) -> None:
        """Let go of what runs: the next worker finds it."""
        self.running.leave()

    def _history(self, job: Job) -> list[PhaseChange]:
        with self.site.database.read() as connection:
            return store.history(connection, job.id)

    def _note(self, job: Job, **values: Any) -> Job | None:
        """Set values of the row where they differ; None when somebody was faster."""
        if all(getattr(job, name) == value for name, value in values.items()):
            return job

        with self.site.database.write() as connection:
            return store.note(connection, job, **values)
