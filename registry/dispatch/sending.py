"""A job for another datacenter: made here as a job like any other, sent there by the worker (`following`).

Whoever asks waits for nobody: what is known of the runner is held against the application, and the job is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from registry import clock
from registry.access import Caller
from registry.applications import parameters as declared
from registry.applications.catalogue import Offer
from registry.applications.contract import Contract
from registry.bell import WORK
from registry.db import alone
from registry.dispatch import runners, store as desk, where
from registry.dispatch.runners import Runner
from registry.dispatch.store import Dispatched
from registry.errors import Conflict
from registry.site import Site
from registry.uws import creation, files, limits, references, store, uploads, values
from registry.uws.errors import BadValue, TooManyJobs
from registry.uws.files import Upload
from registry.uws.phases import QUEUED
from registry.uws.store import Job, Parameter

_CONTROL = frozenset({"EXECUTIONDURATION", *limits.CONTROLS})  # what goes along as it is
_OURS = frozenset({"APP", "PHASE", "RUNID", "UPLOAD", "DESTRUCTION", "WAIT", "RESPONSEFORMAT"})
_ON_ITS_WAY = "It is on its way to {}."

Pairs = list[tuple[str, str]]


class CannotRunThere(Conflict):
    """The runner does not run the application now; the message says why."""


def send(site: Site, caller: Caller, pairs: Pairs, at: str, parts: Iterable[Upload] = ()) -> Job:
    """Make a job of `pairs` (as UWS takes them) that runs at the datacenter `at`; at our own it is a job like any other.

    Raises all that `uws.creation.create` raises, NoRunner, and CannotRunThere. The job is committed, and sent soon.
    """
    creation.require_runner(site, caller)
    with site.database.read() as connection:
        runner = runners.pick(runners.known(connection, site, ()), at)
        application = None if runner.own else where.look_up(connection, _control(pairs, "APP"))
    if application is None:
        return creation.create(site, caller, [*pairs, ("PHASE", "RUN")] if not _control(pairs, "PHASE") else pairs, parts)
    why = where.reasons(site, runner, application)
    if why:
        raise CannotRunThere(f"{application.offer.name} cannot run at {runner.title} now. {' '.join(why)}")
    return _kept(site, caller, pairs, parts, runner, application.offer, application.contract)


def _kept(
    site: Site, caller: Caller, pairs: Pairs, parts: Iterable[Upload], runner: Runner, offer: Offer,
    contract: Contract | None,
) -> Job:
    own = [(name, value) for name, value in pairs if name.upper() not in _CONTROL | _OURS]
    sent = uploads.given(pairs, parts, site.settings.url("jobs"))
    if contract:
        own, referred = references.apart(contract, own, site.settings.url("jobs"))
        sent += referred
    checked = declared.check(contract, own) if contract else own
    if sent and contract is None:
        raise BadValue(f"Files can be sent with {offer.name} once its contract has been read here: list its publisher "
                       f"{offer.publisher_authority} in accepted_publishers.")
    named = uploads.for_contract(contract, references.found(site, caller, sent)) if contract else []
    job = _job(site, caller, pairs, runner, offer, contract)
    control = tuple((name.upper(), value) for name, value in pairs if name.upper() in _CONTROL)
    row = Dispatched(job.id, runner.ivoid, runner.title, runner.jobs_url, control)
    try:
        references.save(site, job.id, named)
        _store(site, job, row, [*(Parameter(name, value) for name, value in checked),
                                *(Parameter(upload.name, file, True, upload.origin) for file, upload in named)])
    except BaseException:  # whatever it was: no file may stay without its row
        files.remove(site, job.id)
        raise
    site.bells.ring(WORK)
    return job


def _job(
    site: Site, caller: Caller, pairs: Pairs, runner: Runner, offer: Offer, contract: Contract | None,
) -> Job:
    now, latest = clock.fine_stamp(), clock.later(site.settings.job_lifetime)
    seconds = _control(pairs, "EXECUTIONDURATION")
    most = runner.offer.limits.get("time") or values.MOST_SECONDS
    destruction = _control(pairs, "DESTRUCTION")
    return Job(
        id=secrets.token_hex(10), owner=caller.name, run_id=_control(pairs, "RUNID") or None, phase=QUEUED, version=1,
        application=offer.ivoid, application_version=offer.version, image=offer.image, created=now, queued=now,
        started=None, ended=None,
        execution_duration=values.duration(seconds, int(most)) if seconds else site.settings.given("time"),
        destruction=values.destruction(destruction, latest) if destruction else clock.fine_stamp(latest), quote=None,
        limits={}, contract=contract.as_json() if contract else {}, message=_ON_ITS_WAY.format(runner.title),
        error_type=None, error=None, exit_code=None, usage={}, node=runner.ivoid, desired=store.RUN, attempt=1,
        step=store.ELSEWHERE, lease="", beat=0, token_hash=None)


def _store(site: Site, job: Job, row: Dispatched, parameters: list[Parameter]) -> None:
    most = site.settings.queued_jobs
    with site.database.write() as connection:
        alone(connection, f"jobs of {job.owner}")
        if store.waiting(connection, job.owner, most) >= most:
            raise TooManyJobs(f"{most} of these jobs are waiting, the most that this site allows one owner: ask again "
                              "when some of them have run.", retry_after=60)
        store.insert(connection, job, parameters)
        desk.add(connection, row)


def _control(pairs: Pairs, name: str) -> str:
    given = [value for key, value in pairs if key.upper() == name]
    if len(given) > 1:
        raise BadValue(f"{name} is given more than once.")
    return given[0].strip() if given else ""
