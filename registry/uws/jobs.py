"""What can be done with a job, and by whom: the use cases of UWS 1.1. It knows neither HTTP nor containers.

Every function that names a job goes through `looking.visible_in`, the one place where its owner is checked. Changes are
committed when a function returns, and whoever waits for them has been woken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from registry import clock
from registry.access import READER, Caller
from registry.applications import contract as contracts, parameters as declared
from registry.bell import PHASES, WORK
from registry.config import Settings
from registry.errors import Conflict
from registry.site import Site
from registry.uws import creation, fair, files, kinds, queries, store, values, waiting
from registry.uws.creation import (
    create as create,  # the first of the use cases
    require_runner,
)
from registry.uws.errors import BadValue, NoSuchThing, WrongPhase
from registry.uws.looking import MAIN as MAIN, file_of as file_of, visible_in
from registry.uws.phases import ABORTED, ARCHIVED, PENDING, QUEUED, STARTABLE, WAITING, Phase
from registry.uws.store import Job, Parameter, Reference, Result
from registry.uws.uploads import Pairs
from registry.uws.values import Filters

STRETCH = 200  # jobs of a list read at once
_EVERYTHING = Filters()
_TRIES = 10  # a change that somebody else is always faster with is given up


@dataclass(frozen=True)
class Details:
    """A job with all that belongs to it, as one transaction saw it."""

    job: Job
    parameters: list[Parameter]
    results: list[Result]


# --- looking ----------------------------------------------------------------------------------------------------------


def admit(site: Site, caller: Caller, kind: str = kinds.RUNS) -> None:
    """Raises Unauthenticated for somebody unknown where this site wants accounts; queries are everybody's."""
    if kind == kinds.RUNS and not site.settings.anonymous_jobs:
        caller.require(READER)


def visible(site: Site, caller: Caller, job_id: str) -> Job:
    """The job, where `caller` may see it. Raises NoJob, NotYours, Unauthenticated."""
    admit(site, caller, kinds.of(job_id))
    with site.database.read() as connection:
        return _with_reason(connection, site.settings, visible_in(connection, caller, job_id))


def details(site: Site, caller: Caller, job_id: str) -> Details:
    """The job with its parameters and results. Raises as `visible`."""
    admit(site, caller, kinds.of(job_id))
    with site.database.read() as connection:
        job = _with_reason(connection, site.settings, visible_in(connection, caller, job_id))
        return Details(job, store.parameters(connection, job_id), store.results(connection, job_id))


def references(
    site: Site, caller: Caller, filters: Filters = _EVERYTHING, kind: str = kinds.RUNS,
) -> Iterator[list[Reference]]:
    """The jobs of one kind that `caller` may list: an administrator all, others their own, the unknown those without owner.

    They come in stretches of at most STRETCH, each read when it is asked for and as the database then is: no list is
    held in memory or in a transaction, however long it is and however slowly its reader takes it.
    """
    admit(site, caller, kind)
    left, beyond = filters.last, None
    while left is None or left > 0:
        limit = STRETCH if left is None else min(left, STRETCH)
        with site.database.read() as connection:
            found = store.references(
                connection, owner=caller.name, everybody=caller.administrator, phases=filters.phases,
                after=filters.after, newest=filters.last is not None, limit=limit, beyond=beyond, kind=kind)
        yield found
        if len(found) < limit:
            return
        beyond, left = found[-1], None if left is None else left - limit


def wait(site: Site, caller: Caller, job_id: str, seconds: int, phase: Phase | None = None) -> Job:
    """The job once it has left `phase` (default: its present one), or after `seconds`; see `waiting.until_moved`."""
    return waiting.until_moved(site, lambda: visible(site, caller, job_id), seconds, phase)


def log(site: Site, job: Job, stream: str, since: int = 0) -> tuple[bytes, int]:
    """What the job has written to stdout or stderr from the byte `since` on, and the offset to go on from."""
    if stream not in files.STREAMS:
        raise NoSuchThing(f"A job has the logs {' and '.join(files.STREAMS)}, and no {values.shown(stream)}.")
    return files.log(site, job.id, stream, since)


def input_of(site: Site, job: Job, parameter: Parameter) -> Path:
    """The file of a parameter by reference. Raises NoSuchThing."""
    path = files.inside(site, job.id, f"inputs/{parameter.value}")
    if path is None:
        raise NoSuchThing(f"The file of parameter {parameter.name} of job {job.id} is no longer kept here.")
    return path


def error_text(site: Site, job: Job) -> str:
    """What went wrong: the message, then all that was kept of stderr. Raises NoSuchThing where nothing did."""
    if job.error is None:
        raise NoSuchThing(f"Job {job.id} has no error: it is {job.phase}.")
    path = files.inside(site, job.id, "stderr")
    written = path.read_bytes().decode("utf-8", "replace") if path else ""
    return f"{job.error}\n" + (f"\nstderr:\n{written}" if written else "")


# --- changing ---------------------------------------------------------------------------------------------------------


def run(site: Site, caller: Caller, job_id: str) -> Job:
    """Put a PENDING or HELD job into the queue. Raises WrongPhase for any other."""
    if kinds.of(job_id) == kinds.RUNS:
        require_runner(site, caller)

    def start(connection: Connection, job: Job) -> Job | None:
        if job.phase not in STARTABLE:
            raise WrongPhase(f"Job {job_id} is {job.phase}: only a job that is PENDING or HELD can be run.")
        return creation.start(connection, site.settings, job)

    return _change(site, caller, job_id, start)


def abort(site: Site, caller: Caller, job_id: str) -> Job:
    """Stop the job; one that has ended stays as it is. A job that a worker has is stopped by that worker, soon."""

    def stop(connection: Connection, job: Job) -> Job | None:
        if job.final or job.desired == store.ABORT:
            return job
        if job.phase in WAITING and not job.lease:
            return store.move(connection, job, ABORTED)
        return store.note(connection, job, desired=store.ABORT)

    return _change(site, caller, job_id, stop)


def delete(site: Site, caller: Caller, job_id: str) -> None:
    """Delete the job: it is gone at once for its clients, and a worker removes container, files and row."""
    _change(site, caller, job_id, lambda connection, job: store.note(connection, job, desired=store.DELETE))


def set_duration(site: Site, caller: Caller, job_id: str, text: str) -> Job:
    """Set the seconds the job may execute, up to the site's most. Raises BadValue, WrongPhase once it has ended."""
    seconds = values.duration(text, kinds.most_time(site.settings, kinds.of(job_id)))

    def change(connection: Connection, job: Job) -> Job | None:
        if job.final:
            raise WrongPhase(f"Job {job_id} is {job.phase}: the time it may execute cannot be changed any more.")
        place = fair.rank(site.settings, job.queued, seconds) if job.queued else job.rank
        return store.note(connection, job, execution_duration=seconds, rank=place)

    return _change(site, caller, job_id, change)


def set_destruction(site: Site, caller: Caller, job_id: str, text: str) -> Job:
    """Set when the job is destroyed, up to the site's lifetime from now. Raises BadValue, WrongPhase of an archived one."""
    stamp = values.destruction(text, clock.later(site.settings.job_lifetime))

    def change(connection: Connection, job: Job) -> Job | None:
        if job.phase is ARCHIVED:
            raise WrongPhase(f"Job {job_id} is ARCHIVED: its time of destruction has come, and cannot be changed any more.")
        expected = job.quote if job.final else creation.quote(site.settings, replace(job, destruction=stamp))
        return store.note(connection, job, destruction=stamp, quote=expected)

    return _change(site, caller, job_id, change)


def set_parameters(site: Site, caller: Caller, job_id: str, pairs: Pairs) -> Job:
    """Give parameters of a PENDING job other values; those not named stay, and none is made anew (UWS 1.1 §2.2.3.3).

    Only a query may get more of those that queries have (DALI 1.1 §2.1).

    Raises WrongPhase, BadValue, ParameterError.
    """

    def change(connection: Connection, job: Job) -> Job | None:
        if job.phase is not PENDING:
            raise WrongPhase(f"Job {job_id} is {job.phase}: parameters can be changed only while it is PENDING.")
        old = store.parameters(connection, job_id)
        if job.kind == kinds.QUERIES:
            store.set_parameters(connection, job_id, queries.changed(old, pairs))
            return store.note(connection, job, run_id=queries.run_id(job, pairs))
        plain = [(item.name, item.value) for item in old if not item.by_reference]
        _check_known(job_id, pairs, {name.lower() for name, _ in plain})
        given = {name.lower() for name, _ in pairs}
        merged = [*((name, value) for name, value in plain if name.lower() not in given), *pairs]
        checked = [Parameter(name, value) for name, value in declared.check(contracts.read(job.contract), merged)]
        store.set_parameters(connection, job_id, [*checked, *(item for item in old if item.by_reference)])
        return store.note(connection, job)

    return _change(site, caller, job_id, change)


def _with_reason(connection: Connection, settings: Settings, job: Job) -> Job:
    """The job with why it waits, where that is its owner's share and nothing else is said."""
    if job.phase is not QUEUED or job.lease or job.message or job.kind == kinds.QUERIES:
        return job
    return replace(job, message=fair.held_back(connection, fair.shares(settings), job.owner))


def _check_known(job_id: str, pairs: Pairs, known: set[str]) -> None:
    for name, _ in pairs:
        if name.lower() not in known:
            raise BadValue(f"Job {job_id} has no parameter {values.shown(name)} to change: make another job with it.")


def _change(
    site: Site, caller: Caller, job_id: str, change: Callable[[Connection, Job], Job | None],
) -> Job:
    """Read the job, change it, and read again where somebody was faster; then wake worker and waiters."""
    admit(site, caller, kinds.of(job_id))
    for _ in range(_TRIES):
        with site.database.write() as connection:
            changed = change(connection, visible_in(connection, caller, job_id))
        if changed is not None:
            site.bells.ring(WORK)
            site.bells.ring(PHASES)
            return changed
    raise Conflict(f"Job {job_id} is being changed by others all the time: try again.")
