"""Jobs as rows: the only module that writes them. The table is the queue, and every change is conditional (D6).

A change names the job as its caller has read it; where the row has moved on since (phase, version or lease), nothing is
written and None comes back: read again, decide again. It opens no transaction, rings no bell, judges no caller and
knows neither HTTP nor containers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete as sql_delete,
    func,
    insert as sql_insert,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from registry import clock
from registry.db import alone
from registry.tables import job_parameters, job_phases, job_results, jobs
from registry.uws import fair
from registry.uws.fair import Shares
from registry.uws.job import Job, NoJob, Parameter, PhaseChange, Reference, Result
from registry.uws.kinds import RUNS
from registry.uws.phases import ARCHIVED, EXECUTING, FINAL, HELD, PENDING, QUEUED, WAITING, Phase, may_move

RUN, ABORT, DELETE = "RUN", "ABORT", "DELETE"  # what is wanted of a job; one with DELETE is gone for its clients
CLAIMED = "claimed"
ELSEWHERE = "elsewhere"  # step of a job that another datacenter runs: no worker here takes it (see dispatch)
NO_SHARES = Shares()

_OPEN = tuple(phase.value for phase in Phase if phase not in FINAL)
# literals, as in the partial indexes that these conditions are to be found by
_TAKEN = jobs.c.lease > literal_column("''")
_UNWANTED = jobs.c.desired != literal_column("'RUN'")
_READY = jobs.c.rank > literal_column("''")
_QUERY_READY = (jobs.c.kind == literal_column("'query'"), jobs.c.phase == literal_column("'QUEUED'"),
                jobs.c.lease == literal_column("''"), jobs.c.desired == literal_column("'RUN'"))
# made once: they are asked many times a job
_BY_ID = select(jobs).where(jobs.c.id == bindparam("wanted"))
_HOLDER = select(jobs.c.lease, jobs.c.attempt).where(jobs.c.id == bindparam("wanted"))
_ALL_TAKEN, _ALL_UNWANTED = select(jobs).where(_TAKEN), select(jobs).where(_UNWANTED)
_share = func.coalesce(jobs.c.owner, literal_column("''"))


# --- reading ----------------------------------------------------------------------------------------------------------


def get(connection: Connection, job_id: str) -> Job:
    """The job of that id, whatever is wanted of it. Raises NoJob."""
    row = connection.execute(_BY_ID, {"wanted": job_id}).first()
    if row is None:
        raise NoJob(job_id)
    return _job(row)


def holder(connection: Connection, job_id: str) -> tuple[str, int] | None:
    """Which lease the job has, and with which attempt; None for a job that is gone."""
    row = connection.execute(_HOLDER, {"wanted": job_id}).first()
    return (row.lease, row.attempt) if row else None


def parameters(connection: Connection, job_id: str) -> list[Parameter]:
    """The job's parameters in their order; a parameter with several values is there several times."""
    query = select(job_parameters).where(job_parameters.c.job_id == job_id).order_by(job_parameters.c.id)
    return [Parameter(row.name, row.value, row.by_reference, row.origin) for row in connection.execute(query)]


def results(connection: Connection, job_id: str) -> list[Result]:
    """The job's results, the primary one first."""
    query = select(job_results).where(job_results.c.job_id == job_id).order_by(job_results.c.position, job_results.c.id)
    return [Result(row.id, row.position, row.path, row.size, row.media_type, row.sha256)
            for row in connection.execute(query)]


def history(connection: Connection, job_id: str) -> list[PhaseChange]:
    """Every phase the job has been in, oldest first."""
    query = select(job_phases).where(job_phases.c.job_id == job_id).order_by(job_phases.c.id)
    return [PhaseChange(Phase(row.phase), row.at) for row in connection.execute(query)]


def by_token(connection: Connection, token_hash: str) -> Job | None:
    """The unfinished job whose present attempt has the gateway token of this hash (D14)."""
    row = connection.execute(select(jobs).where(jobs.c.token_hash == token_hash, jobs.c.phase.in_(_OPEN))).first()
    return _job(row) if row else None


def listing(
    connection: Connection, *, owner: str | None = None, everybody: bool = False, phases: Sequence[str] = (),
    after: str = "", last: int | None = None, kind: str = RUNS,
) -> list[Job]:
    """The jobs of `owner` (None: those without one) or of everybody; see `references` for the filters."""
    query = _of(select(jobs), owner, everybody, after, kind)
    return [_job(row) for row in _listed(connection, query, phases, newest=last is not None, limit=last)]


def references(
    connection: Connection, *, owner: str | None = None, everybody: bool = False, phases: Sequence[str] = (),
    after: str = "", newest: bool = False, limit: int | None = None, beyond: Reference | None = None, kind: str = RUNS,
) -> list[Reference]:
    """The same list, of each job only what a list shows (UWS 1.1 §2.2.2.1).

    `phases` is a union; without it archived jobs are left out. `after` is a stamp, strictly. The oldest come first, or
    the `newest`; at most `limit`, and only those that follow `beyond` in that order.
    """
    columns = (jobs.c.id, jobs.c.phase, jobs.c.run_id, jobs.c.owner, jobs.c.created)
    query = _of(select(*columns), owner, everybody, after, kind)
    if beyond is not None:
        place, here = tuple_(jobs.c.created, jobs.c.id), tuple_(literal(beyond.created), literal(beyond.id))
        query = query.where(place < here if newest else place > here)
    found = _listed(connection, query, phases, newest=newest, limit=limit)
    return [Reference(row.id, Phase(row.phase), row.run_id, row.owner, row.created) for row in found]


def waiting(connection: Connection, owner: str | None, most: int = 2**31, *, kind: str = RUNS) -> int:
    """How many jobs of `owner` have not been started; it stops counting at `most`."""
    found: Select[Any] = select(literal_column("1")).where(  # of no other columns, so that the index is all that is read
        _owned_by(owner), jobs.c.phase.in_([phase.value for phase in WAITING]), jobs.c.desired == RUN,
        jobs.c.kind == kind).limit(most)
    return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()


def counts(connection: Connection) -> dict[Phase, int]:
    """How many runs there are in each phase that has any."""
    query = select(jobs.c.phase, func.count()).where(jobs.c.desired != DELETE, jobs.c.kind == RUNS).group_by(jobs.c.phase)
    return {Phase(phase): number for phase, number in connection.execute(query)}


# --- writing ----------------------------------------------------------------------------------------------------------


def insert(connection: Connection, job: Job, parameters: Iterable[Parameter] = ()) -> Job:
    """Store a new job with its parameters."""
    job = replace(job, rank=(job.rank or job.queued or job.created) if _is_ready(job) else "")
    connection.execute(sql_insert(jobs).values(_columns(job)))
    _remember_phase(connection, job.id, job.phase, job.created)
    set_parameters(connection, job.id, parameters)
    return job


def set_parameters(connection: Connection, job_id: str, parameters: Iterable[Parameter]) -> None:
    """Replace the job's parameters."""
    connection.execute(sql_delete(job_parameters).where(job_parameters.c.job_id == job_id))
    rows = [{"job_id": job_id, **vars(item)} for item in parameters]
    if rows:
        connection.execute(sql_insert(job_parameters), rows)


def set_results(connection: Connection, job_id: str, results: Iterable[Result]) -> None:
    """Replace the job's results; the same again is no change."""
    connection.execute(sql_delete(job_results).where(job_results.c.job_id == job_id))
    rows = [{"job_id": job_id, **vars(item)} for item in results]
    if rows:
        connection.execute(sql_insert(job_results), rows)


def move(connection: Connection, job: Job, phase: Phase, **values: Any) -> Job | None:
    """Bring `job` into `phase`, setting `values` with it; None when somebody was faster.

    What follows from the phase is set unless given: `queued`, `started`, `ended`; no `message` but in the waiting
    phases; in a final phase no gateway token, no lease, no step and no wish but DELETE. Raises ValueError for a move
    that does not exist.
    """
    if not may_move(job.phase, phase):
        raise ValueError(f"A job cannot go from {job.phase} to {phase}.")
    at = clock.fine_stamp()
    moved = _write(connection, job, {**_follows(job, phase, at), **values, "phase": phase.value})
    if moved is not None:
        _remember_phase(connection, job.id, phase, at)
        if moved.final and not job.final and job.step != ELSEWHERE and job.kind == RUNS:
            fair.account(connection, moved.owner, moved.limits, moved.started, moved.ended)
    return moved


def note(connection: Connection, job: Job, **values: Any) -> Job | None:
    """Set `values` of `job` without a change of phase; None when somebody was faster."""
    return _write(connection, job, values)


def claim(connection: Connection, lease: str, running_limit: int, shares: Shares = NO_SHARES) -> Job | None:
    """Take the next job out of the queue, where fewer than `running_limit` are taken; else None.

    Whose job is the next is `fair.owners`' to say, which of an owner's jobs its rank. The job taken is still QUEUED: it
    has the lease, one attempt more, and the step 'claimed'.
    """
    alone(connection, "queue")  # of two who count at once, each would take the last place
    for owner in fair.owners(connection, shares, running_limit):
        row = connection.execute(_next_of(owner)).first()
        if row is not None:
            values = {"lease": lease, "attempt": row.attempt + 1, "step": CLAIMED, "message": ""}
            return _write(connection, _job(row), values)
    return None


def tell_waiting(connection: Connection, message: str) -> int:
    """Say why no job is started, of every job in the queue that no worker has; '' for no reason. How many heard news."""
    told = update(jobs).where(_READY, jobs.c.message != message).values(message=message, version=jobs.c.version + 1)
    return connection.execute(told).rowcount


def has_query(connection: Connection) -> bool:
    """Whether a query waits for a worker."""
    return connection.execute(select(literal_column("1")).where(*_QUERY_READY).limit(1)).first() is not None


def claim_query(connection: Connection, lease: str) -> Job | None:
    """Take the query that has waited longest; it gets the lease, one attempt more, and stays QUEUED. None without one."""
    first = select(jobs).where(*_QUERY_READY).order_by(jobs.c.created, jobs.c.id).limit(1)
    row = connection.execute(first.with_for_update(skip_locked=True)).first()
    return _write(connection, _job(row), {"lease": lease, "attempt": row.attempt + 1}) if row else None


def leased(connection: Connection, kind: str = RUNS) -> list[Job]:
    """The jobs a worker has to look at: unfinished ones that are taken or are to stop, and those to be deleted."""
    # two queries, since each has its partial index and their union has none
    found = {row.id: _job(row) for query in (_ALL_TAKEN, _ALL_UNWANTED) for row in connection.execute(query)}
    wanted = (job for job in found.values()
              if job.kind == kind and (job.desired == DELETE or not (job.final or job.step == ELSEWHERE)))
    return sorted(wanted, key=lambda job: (job.created, job.id))


def has_jobs(connection: Connection, lease: str) -> bool:
    """Whether any job is the worker's of that lease."""
    return connection.execute(select(jobs.c.id).where(_TAKEN, jobs.c.lease == lease).limit(1)).first() is not None


def adopt(connection: Connection, job: Job, lease: str) -> Job | None:
    """Take over the job of a worker that is gone, with its attempt and step; None when somebody was faster."""
    return _write(connection, job, {"lease": lease})


def renew(connection: Connection, lease: str) -> int:
    """Say that the worker with this lease lives: the beat of its jobs moves, their version does not; how many."""
    done = connection.execute(update(jobs).where(_TAKEN, jobs.c.lease == lease).values(beat=jobs.c.beat + 1))
    return done.rowcount


def due(connection: Connection, now: str, *, kept: int = 0, limit: int = 100, kind: str = RUNS) -> list[Job]:
    """Jobs whose destruction time has passed, oldest first; archived ones `kept` seconds later, deleted ones never."""
    moment = clock.parse(now)
    # with milliseconds, as in the rows: texts of other forms do not sort by time
    passed, gone = (jobs.c.destruction <= clock.fine_stamp(clock.later(-seconds, moment)) for seconds in (0, kept))
    query = select(jobs).where(passed, jobs.c.desired != DELETE, or_(jobs.c.phase != ARCHIVED.value, gone),
                               jobs.c.kind == kind)
    return [_job(row) for row in connection.execute(query.order_by(jobs.c.destruction).limit(limit))]


def remove(connection: Connection, job_id: str) -> None:
    """Take the job out of the table with all that belongs to it; one that is gone already is no error."""
    # the rest goes with its row (ON DELETE CASCADE): whoever takes the job's rows in another order waits for ever
    row = connection.execute(sql_delete(jobs).where(jobs.c.id == job_id).returning(*jobs.c)).first()
    if row is not None and row.ended is None and row.step != ELSEWHERE and row.kind == RUNS:
        fair.account(connection, row.owner, row.limits, row.started, row.ended)


# --- inside -----------------------------------------------------------------------------------------------------------


def _follows(job: Job, phase: Phase, at: str) -> dict[str, Any]:
    """What a phase brings with it."""
    values: dict[str, Any] = {}
    if phase not in (PENDING, HELD, QUEUED):
        values["message"] = ""
    if phase is QUEUED:
        values.update(queued=at, rank=at)
    if phase is EXECUTING and job.started is None:
        values["started"] = at
    if phase in FINAL:
        values.update(token_hash=None, lease="", step="", desired=DELETE if job.desired == DELETE else RUN)
        values["ended"] = job.ended or at
    return values


def _write(connection: Connection, job: Job, values: dict[str, Any]) -> Job | None:
    unmoved = (jobs.c.phase == job.phase.value, jobs.c.version == job.version, jobs.c.lease == job.lease)
    values = {**values, "version": job.version + 1}
    if not _is_ready(replace(job, **{**values, "phase": Phase(values.get("phase", job.phase))})):
        values["rank"] = ""
    done = connection.execute(update(jobs).where(jobs.c.id == job.id, *unmoved).values(values))
    if done.rowcount != 1:
        return None
    return replace(job, **{**values, "phase": Phase(values.get("phase", job.phase))})


def _is_ready(job: Job) -> bool:
    """Whether it may be given a container."""
    return job.phase is QUEUED and not job.lease and job.desired == RUN and job.step != ELSEWHERE and job.kind == RUNS


def _next_of(owner: str) -> Select[Any]:
    """The owner's next job. SKIP LOCKED where there are rows to lock: a client may be changing the first just now."""
    query = select(jobs).where(_READY, _share == literal(owner)).order_by(jobs.c.rank, jobs.c.id).limit(1)
    return query.with_for_update(skip_locked=True)


def _of(query: Select[Any], owner: str | None, everybody: bool, after: str, kind: str) -> Select[Any]:
    query = query.where(jobs.c.desired != DELETE, jobs.c.kind == kind)
    if not everybody:
        query = query.where(_owned_by(owner))
    return query.where(jobs.c.created > after) if after else query


def _listed(
    connection: Connection, query: Select[Any], phases: Sequence[str], *, newest: bool, limit: int | None,
) -> list[Row[Any]]:
    columns = (jobs.c.created.desc(), jobs.c.id.desc()) if newest else (jobs.c.created, jobs.c.id)
    kinds = [jobs.c.phase == str(phase) for phase in dict.fromkeys(phases)] or [jobs.c.phase != ARCHIVED.value]
    query = query.order_by(*columns).limit(limit)
    if limit is None:
        return list(connection.execute(query.where(or_(*kinds))))
    # one phase at a time: the first of each are then found by an index, however many jobs there are
    found = [row for kind in kinds for row in connection.execute(query.where(kind))]
    return sorted(found, key=lambda row: (row.created, row.id), reverse=newest)[:limit]


def _owned_by(owner: str | None) -> ColumnElement[bool]:
    return jobs.c.owner.is_(None) if owner is None else jobs.c.owner == owner


def _remember_phase(connection: Connection, job_id: str, phase: Phase, at: str) -> None:
    connection.execute(sql_insert(job_phases).values(job_id=job_id, phase=phase.value, at=at))


def _columns(job: Job) -> dict[str, Any]:
    return {**vars(job), "phase": job.phase.value}


def _job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    return Job(**{**values, "phase": Phase(values["phase"])})
