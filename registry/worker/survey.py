"""The whole picture, both ways: rows without a living worker, containers and folders without a row.

Jobs that need a look are named and get their turn; containers and folders that belong to no job are removed here.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from registry import clock, space
from registry.bell import PHASES
from registry.executor import runtime, tree
from registry.executor.runtime import EngineAbsent, EngineRefuses, State
from registry.services import own
from registry.uws import kinds, store
from registry.uws.phases import EXECUTING, SUSPENDED, UNKNOWN
from registry.uws.store import Job, NoJob
from registry.worker import stage
from registry.worker.hands import Hands

SIGHT = 5.0  # seconds of silence after which an engine is not just being restarted
_log = logging.getLogger("registry.worker")


def survey(hands: Hands) -> list[str]:
    """The jobs that need a turn. Without an engine those in the queue are told so, and the others left alone."""
    site = hands.site
    with site.database.read() as connection:
        due = [job.id for job in store.due(connection, clock.fine_stamp(), kept=site.settings.archive_time)]
    try:
        states = hands.runtime.list(site.settings.engine_name)
        if hands.engine is None:
            _greet(hands)
    except EngineAbsent as error:
        hands.engine = None
        own.tell_engine(site, str(error))
        _tell_queue(hands, str(error))
        _lose_sight(hands, str(error))
        return due
    hands.silent = None
    full = _engine_full(hands)
    own.tell_engine(site, full)
    hands.obstacle = full or space.shortage(site.settings)
    _tell_queue(hands, hands.obstacle)
    with site.database.read() as connection:
        jobs = store.leased(connection)
        answered = store.leased(connection, kinds.QUERIES)  # by threads of workers, some of which may be gone
    hands.watch.forget([*jobs, *answered])
    hands.claims.still(jobs)
    known = {stage.container(site, job) for job in jobs}
    ours = [state for state in states if state.labels.get(runtime.HOME) == stage.home(site)]
    strays = [job_id for state in ours if state.name not in known and (job_id := _stray(hands, state))]
    _sweep(hands, jobs)
    return [*(job.id for job in jobs), *due, *strays]


def _greet(hands: Hands) -> None:
    """An engine that was not there before: jobs may be claimed once it has the network."""
    engine = hands.runtime.describe()
    try:
        hands.network.ensure(again=True)
    except EngineRefuses as error:  # jobs without the network can run all the same
        _log.error("%s", error)
    own.tell_platform(hands.site, engine.architecture)
    hands.engine = engine


def _stray(hands: Hands, state: State) -> str:
    """Remove a container that no job's present attempt has; else the job's name, for it to have a turn."""
    job_id = state.labels.get(runtime.JOB, "")
    job = _job(hands, job_id)
    if job is not None and stage.container(hands.site, job) == state.name:
        return job_id
    _log.info("the container %s belongs to no job and is removed", state.name)
    try:
        hands.runtime.remove(state.name)
    except EngineRefuses as error:  # it may be busy with it; the next look tries again
        _log.warning("%s", error)
    return ""


def _sweep(hands: Hands, jobs: list[Job]) -> None:
    """Remove the folders of attempts that are over."""
    top = hands.site.settings.instance / "staging"
    present = {stage.folder(hands.site, job).name for job in jobs}
    for path in top.iterdir() if top.is_dir() else ():
        if path.name in present:
            continue
        job = _job(hands, path.name.rpartition("-")[0])
        if job is None or job.final or stage.folder(hands.site, job).name != path.name:
            try:
                tree.remove(path)
            except OSError as error:  # files of another user's, where we are not root: no reason to stop here
                _log.debug("%s cannot be removed: %s", path, error)


def _job(hands: Hands, job_id: str) -> Job | None:
    try:
        with hands.site.database.read() as connection:
            return store.get(connection, job_id)
    except NoJob:
        return None


def _engine_full(hands: Hands) -> str:
    """Whether the engine's own disk is nearly full, where it is one of this machine's."""
    folder = Path(hands.engine.folder) if hands.engine and hands.engine.folder else None
    return space.shortage(hands.site.settings, folder, "Docker engine") if folder and folder.is_dir() else ""


def _lose_sight(hands: Hands, why: str) -> None:
    """Nobody knows what becomes of running jobs until the engine answers again; a short silence is no news."""
    now = time.monotonic()
    hands.silent = hands.silent or now
    if now - hands.silent < SIGHT:
        return
    with hands.site.database.read() as connection:
        running = [job for job in store.leased(connection) if job.phase in (EXECUTING, SUSPENDED)]
    for job in running:
        if hands.may(job) and (ours := _job(hands, job.id)) is not None and ours.phase is job.phase:
            with hands.site.database.write() as connection:
                store.move(connection, ours, UNKNOWN, message=why)
    if running:
        hands.site.bells.ring(PHASES)


def _tell_queue(hands: Hands, why: str) -> None:
    """Say of the jobs in the queue why none is started, or no longer."""
    if why or hands.told:
        with hands.site.database.write() as connection:
            store.tell_waiting(connection, why)
    hands.told = why
