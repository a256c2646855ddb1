"""A new job from what a client sent: control parameters apart, the rest held against the application's contract.

What an application is and what it takes is decided in `applications`; whether it can run on this site's limits, here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from registry import clock
from registry.access import RUNNER, Caller
from registry.applications import catalogue, parameters as declared
from registry.applications.catalogue import Offer
from registry.applications.contract import Contract
from registry.bell import WORK
from registry.config import Settings
from registry.db import alone
from registry.errors import NotFound
from registry.site import Site
from registry.uws import data, fair, files, kinds, limits, references, store, uploads, values
from registry.uws.errors import BadValue, TooManyJobs
from registry.uws.files import Upload
from registry.uws.phases import HELD, PENDING, QUEUED
from registry.uws.references import Referred
from registry.uws.store import Job, Parameter
from registry.uws.uploads import Pairs

MOST_PAIRS = 1000
MOST_RUN_ID = 1000  # characters
_ONCE = frozenset({
    "APP", "RUNID", "PHASE", "EXECUTIONDURATION", "DESTRUCTION", "WAIT", "RESPONSEFORMAT", *limits.CONTROLS})
_CONTROL = _ONCE | {"UPLOAD"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class _Request:
    """What a client sent, sorted: control parameters by upper-case name, the application's own as they came."""

    control: dict[str, str]
    own: list[tuple[str, str]]
    uploads: list[Upload | Referred]


def create(site: Site, caller: Caller, pairs: Pairs, parts: Iterable[Upload] = ()) -> Job:
    """Make a job of `pairs` (APP and the application's parameters); PHASE=RUN puts it into the queue at once.

    `parts` are the files that came with the request, each under the name of its part.
    Raises BadValue, ParameterError, NoData, Denied, Unauthenticated, TooManyJobs, or what keeps the image's
    contract from being read. The job is committed when this returns.
    """
    require_runner(site, caller)
    asked = _sorted(site.settings, pairs, parts)
    offer = _offer(site, asked.control.get("APP", "").strip())
    contract = catalogue.contract_of(site, offer)
    own, referred = references.apart(contract, asked.own, site.settings.url("jobs"))
    checked = [Parameter(name, value) for name, value in declared.check(contract, own)]
    named = uploads.for_contract(contract, references.found(site, caller, [*asked.uploads, *referred]))
    job = _timed(site.settings, asked.control, replace(
        _blank(site.settings, contract, asked.control), owner=caller.name, run_id=asked.control.get("RUNID") or None,
        application=offer.ivoid, application_version=offer.version, image=offer.image,
        data=data.granted(site.settings, caller, contract.data)))
    inputs = [Parameter(upload.name, file, True, upload.origin) for file, upload in named]
    try:
        references.save(site, job.id, named)
        job = _store(site, job, [*checked, *inputs], run=asked.control.get("PHASE") == store.RUN)
    except BaseException:  # whatever it was: no file may stay without its row
        files.remove(site, job.id)
        raise
    site.bells.ring(WORK)
    return job


def require_runner(site: Site, caller: Caller) -> None:
    """Raises Unauthenticated or Denied where `caller` may not run applications."""
    if not (caller.name is None and site.settings.anonymous_jobs):
        caller.require(RUNNER)


def start(connection: Connection, settings: Settings, job: Job) -> Job | None:
    """Put a job that waits for its client into the queue, or into HELD where only a person can change what it lacks."""
    why = limits.obstacle(settings, job)
    expected = quote(settings, job)
    if not why:
        place = fair.rank(settings, clock.fine_stamp(), job.execution_duration)
        return store.move(connection, job, QUEUED, message="", quote=expected, rank=place)
    if job.phase is HELD:
        return store.note(connection, job, message=why, quote=expected)
    return store.move(connection, job, HELD, message=why, quote=expected)


def quote(settings: Settings, job: Job) -> str | None:
    """When the job is expected to be done: not known, or after its destruction where it cannot run (UWS 1.1 §2.1.9)."""
    if not limits.obstacle(settings, job):
        return None
    return clock.fine_stamp(clock.later(1, clock.parse(job.destruction)))


def run_id(text: str) -> str | None:
    """What a client calls a job, none for ''. Raises BadValue."""
    if len(text) > MOST_RUN_ID or _NOT_IN_XML.search(text):
        raise BadValue(f"RUNID must be at most {MOST_RUN_ID} characters, none of them a control character.")
    return text or None


def _sorted(settings: Settings, pairs: Pairs, parts: Iterable[Upload]) -> _Request:
    if len(pairs) > MOST_PAIRS:
        raise BadValue(f"The request has {len(pairs)} parameters; {MOST_PAIRS} are the most that are taken.")
    control: dict[str, str] = {}
    for name, value in pairs:
        key = name.upper()
        if key in _ONCE and key in control:
            raise BadValue(f"{key} is given more than once.")
        if key in _CONTROL:
            control[key] = value
    if control.get("PHASE", store.RUN) != store.RUN:
        raise BadValue(f"PHASE={values.shown(control['PHASE'])} cannot be asked of a new job; only RUN can.")
    run_id(control.get("RUNID", ""))
    own = [(name, value) for name, value in pairs if name.upper() not in _CONTROL]
    return _Request(control, own, uploads.given(pairs, parts, settings.url("jobs")))


def _offer(site: Site, app: str) -> Offer:
    if not app:
        raise BadValue("APP is missing: give the identifier of the application to run, as /applications lists them.")
    try:
        with site.database.read() as connection:
            return catalogue.pick(connection, app)
    except NotFound as error:
        raise BadValue(str(error)) from None  # it is a value of this request, not the address, that means nothing


def _blank(settings: Settings, contract: Contract, control: dict[str, str]) -> Job:
    """A job with what this site, the contract and the request say of its times and limits."""
    return Job(
        id=kinds.new_id(kinds.RUNS), owner=None, run_id=None, phase=PENDING, version=1, application="",
        application_version="", image="", created=clock.fine_stamp(), queued=None, started=None, ended=None,
        execution_duration=min(contract.resources.time or settings.given("time"), values.MOST_SECONDS),
        destruction=clock.fine_stamp(clock.later(settings.job_lifetime)), quote=None,
        limits=limits.chosen(settings, contract.resources, control),
        contract=contract.as_json(), message="", error_type=None, error=None, exit_code=None, usage={}, node="",
        desired=store.RUN, attempt=0, step="", lease="", beat=0, token_hash=None,
    )


def _timed(settings: Settings, control: dict[str, str], job: Job) -> Job:
    if "EXECUTIONDURATION" in control:
        duration = values.duration(control["EXECUTIONDURATION"], settings.most("time"))
        job = replace(job, execution_duration=duration)
    if "DESTRUCTION" in control:
        latest = clock.later(settings.job_lifetime)
        job = replace(job, destruction=values.destruction(control["DESTRUCTION"], latest))
    return replace(job, quote=quote(settings, job))


def _store(site: Site, job: Job, parameters: list[Parameter], *, run: bool) -> Job:
    most = site.settings.queued_jobs
    with site.database.write() as connection:
        alone(connection, f"jobs of {job.owner}")
        if store.waiting(connection, job.owner, most) >= most:
            who = f"{job.owner} has" if job.owner else "Callers without an account have"
            raise TooManyJobs(f"{who} {most} jobs waiting, the most that this site allows: ask again when some of them "
                              "have run.", retry_after=60)
        store.insert(connection, job, parameters)
        return (start(connection, site.settings, job) if run else None) or job
