"""Jobs that are queries: what a client may say of one, and how it is made. What a query means is the search room's."""

from __future__ import annotations

from collections.abc import Iterable

from registry import clock
from registry.access import Caller
from registry.bell import WORK
from registry.config import Settings
from registry.db import alone
from registry.site import Site
from registry.uws import creation, kinds, store, values
from registry.uws.errors import BadValue, TooManyJobs
from registry.uws.files import Upload
from registry.uws.phases import PENDING
from registry.uws.store import Job, Parameter
from registry.uws.uploads import Pairs

# of TAP 1.1 §2.7 and DALI 1.1 §3.4; what is not among them is ignored, as DALI has it
NAMES = frozenset({"REQUEST", "LANG", "QUERY", "RESPONSEFORMAT", "FORMAT", "MAXREC", "UPLOAD"})
MOST_SIGNS = 64 * 1024  # of a value; no query that is answered is longer
_CONTROL = frozenset({"PHASE", "RUNID", "EXECUTIONDURATION", "DESTRUCTION"})


def create(site: Site, caller: Caller, pairs: Pairs, parts: Iterable[Upload] = ()) -> Job:
    """Make a query's job; PHASE=RUN puts it into the queue at once. Anybody may: records are public.

    Raises BadValue, TooManyJobs. The job is committed when this returns.
    """
    if list(parts):
        raise BadValue("Files cannot be sent with a query: there are no tables of users here.")
    given = _given(pairs)
    settings = site.settings
    job = _new(settings, caller, given)
    parameters = [Parameter(name, value) for name, value in given.items() if name in NAMES]
    with site.database.write() as connection:
        alone(connection, f"jobs of {job.owner}")
        if store.waiting(connection, job.owner, settings.queued_jobs, kind=kinds.QUERIES) >= settings.queued_jobs:
            who = f"{job.owner} has" if job.owner else "Callers without an account have"
            raise TooManyJobs(f"{who} {settings.queued_jobs} queries waiting, the most that this site allows: ask again "
                              "when some of them have been answered.", retry_after=60)
        store.insert(connection, job, parameters)
        if given.get("PHASE"):
            job = creation.start(connection, settings, job) or job
    site.bells.ring(WORK)
    return job


def changed(old: Iterable[Parameter], pairs: Pairs) -> list[Parameter]:
    """The parameters of a query that is PENDING with those in `pairs` set; new ones may come (DALI 1.1 §2.1)."""
    said = _given(pairs)
    if unknown := sorted(said.keys() - NAMES - {"RUNID"}):
        raise BadValue(f"A query has no parameter {values.shown(unknown[0])} that can be set here; it has "
                       f"{', '.join(sorted(NAMES))}.")
    kept = {item.name: item.value for item in old} | said
    return [Parameter(name, value) for name, value in kept.items() if name in NAMES]


def run_id(job: Job, pairs: Pairs) -> str | None:
    """What the query is called once `pairs` are set. Raises BadValue."""
    said = _given(pairs)
    return creation.run_id(said["RUNID"]) if "RUNID" in said else job.run_id


def _given(pairs: Pairs) -> dict[str, str]:
    """Values by upper-case name (DALI 1.1 §2.3.1). Raises BadValue for one that is given twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.upper()
        if key in found and key in NAMES | _CONTROL and found[key] != value:
            raise BadValue(f"{key} is given more than once.")
        if key in NAMES and len(value) > MOST_SIGNS:
            raise BadValue(f"{key} has {len(value):,} characters; {MOST_SIGNS:,} are the most that are kept.")
        found[key] = value
    if found.get("PHASE", store.RUN) != store.RUN:
        raise BadValue(f"PHASE={values.shown(found['PHASE'])} cannot be asked of a new job; only RUN can.")
    return found


def _new(settings: Settings, caller: Caller, given: dict[str, str]) -> Job:
    most = kinds.most_time(settings, kinds.QUERIES)
    latest = clock.later(settings.job_lifetime)
    duration, destruction = given.get("EXECUTIONDURATION"), given.get("DESTRUCTION")
    return Job(
        id=kinds.new_id(kinds.QUERIES), kind=kinds.QUERIES, owner=caller.name,
        run_id=creation.run_id(given.get("RUNID", "")), phase=PENDING, version=1, application="", application_version="",
        image="", created=clock.fine_stamp(), queued=None, started=None, ended=None,
        execution_duration=values.duration(duration, most) if duration else most,
        destruction=values.destruction(destruction, latest) if destruction else clock.fine_stamp(latest),
        quote=None, limits={}, contract={}, message="", error_type=None, error=None, exit_code=None, usage={}, node="",
        desired=store.RUN, attempt=0, step="", lease="", beat=0, token_hash=None)
