"""Where can this application run, and does it run there now? Every known runner, yes or no, and why not.

It asks nobody: it holds the contract against what the runners' offers said last. Whether a job is taken is settled by
the runner that it is sent to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from registry.access import Caller
from registry.applications import catalogue, contract as contracts, parameters as declared, references
from registry.applications.catalogue import Offer
from registry.applications.contract import Contract
from registry.dispatch import runners
from registry.dispatch.offers import Offered
from registry.dispatch.runners import Runner
from registry.errors import Refusal
from registry.records import store
from registry.services import credentials
from registry.site import Site
from registry.tables import images, rr_relationship
from registry.uws import data as data_sets

ORDERS = OWN, FREE, DATA = "own", "free", "data"
_LIMITS = {"cores": "cores", "memory": "bytes of memory", "disk": "bytes of results", "time": "seconds"}


class BadOrder(Refusal):
    """The answers cannot be put in that order."""


@dataclass(frozen=True)
class Application:
    """What is known of an application here: its contract where its image's label has been read, and its platforms."""

    offer: Offer
    contract: Contract | None
    requires: tuple[str, ...]
    platforms: tuple[str, ...] = ()

    @cached_property
    def host(self) -> str:
        """The Docker repository that its image is in."""
        return references.parse(self.offer.image).host


@dataclass(frozen=True)
class Verdict:
    """Whether one runner can run the application now, and if not, why; `free` and `queued` as it said last.

    `data` are the data sets that the application asks for and the runner has.
    """

    runner: str
    title: str
    datacenter: str
    own: bool
    possible: bool
    reasons: tuple[str, ...]
    free: int
    queued: int
    read: str
    jobs_url: str
    data: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The verdict as a JSON document."""
        return {**vars(self), "reasons": list(self.reasons), "data": list(self.data)}


@dataclass(frozen=True)
class Answer:
    """All verdicts, those that can first; `known` is whether the application's own contract could be looked at."""

    offer: Offer
    known: bool
    verdicts: tuple[Verdict, ...]

    def as_json(self) -> dict[str, Any]:
        """The answer as a JSON document."""
        return {"app": self.offer.name, "image": self.offer.image, "contract_known": self.known,
                "runners": [one.as_json() for one in self.verdicts]}


def where(
    site: Site, app: str, pairs: Iterable[tuple[str, str]] = (), *, by: str = OWN, data: str = "",
    caller: Caller | None = None,
) -> Answer:
    """Every runner's verdict on `app` with parameters `pairs`; without any, on whatever will be given.

    Sorted by: can it; then `own` site first, `free` slots, or the `data`: the datacenter of that service's record or
    with that data set first, without one those that have most of what the application asks for. With `caller` our own
    data sets count where they may use them. Raises NoApplication, ParameterError for values that would be refused
    everywhere, BadOrder.
    """
    order = _order(by, data)
    with site.database.read() as connection:
        application = look_up(connection, app)
        every = runners.known(connection, site, application.requires)
    if application.contract is not None:
        inputs = {one.name.lower() for one in application.contract.inputs}
        given = [pair for pair in pairs if pair[0].lower() not in inputs]
        if given:  # a form asks before anything is filled in
            declared.check(application.contract, given)
    found = [_verdict(site, one, application, caller) for one in every]
    found.sort(key=lambda one: (not one.possible, *order(one)))
    return Answer(application.offer, application.contract is not None, tuple(found))


def look_up(connection: Connection, app: str) -> Application:
    """The application `app` with what is known of it here; it fetches nothing. Raises NoApplication."""
    offer = catalogue.pick(connection, app)
    row = connection.execute(select(images.c.contract, images.c.platforms).where(images.c.reference == offer.image)).first()
    contract = contracts.read(row.contract) if row else None
    return Application(offer, contract, needed(connection, offer, contract), tuple(row.platforms) if row else ())


def needed(connection: Connection, offer: Offer, contract: Contract | None) -> tuple[str, ...]:
    """The standards that the application needs: by its contract, else by the relationships of its record."""
    if contract is not None:
        return contract.requires
    query = select(rr_relationship.c.related_id).where(
        rr_relationship.c.ivoid == store.key_of(offer.ivoid), rr_relationship.c.related_id.is_not(None),
        func.lower(rr_relationship.c.relationship_type).in_(("cites", "requires")))
    return tuple(dict.fromkeys(connection.execute(query).scalars()))


def reasons(site: Site, runner: Runner, application: Application, caller: Caller | None = None) -> list[str]:
    """Why `runner` does not run the application now, a sentence each; none where it does."""
    said = runner.offer
    if not said.said:
        return [f"{runner.title} has not told what it offers: {runner.fault or 'it has not been asked yet.'}"]
    found = [f"It does not answer at present: {runner.fault}"] if runner.fault else []
    if said.engine_fault:
        found.append(f"Its engine does not work: {said.engine_fault}")
    if application.offer.publisher_authority not in said.publishers:
        found.append(f"It does not accept applications published by {application.offer.publisher_authority}.")
    if application.host not in said.repositories:
        found.append(f"It takes no images from the Docker repository {application.host}.")
    if application.offer.missing and not runner.own:  # our own engine may have it from before
        found.append(application.offer.missing)
    if said.platform and application.platforms and said.platform not in application.platforms:
        found.append(f"The image runs on {', '.join(application.platforms)}, and its engine is {said.platform}.")
    found += _missing(said, application.requires)
    if application.contract is not None:
        found += _limits(said, application.contract)
    if not runner.own and not runner.jobs_url:
        found.append("Its offer names no list of jobs at its own address.")
    known_there = runner.own or said.anonymous or bool(credentials.get(site, runner.ivoid))
    if not known_there:
        found.append(f"It wants an account, and this site has none there: `registry api credential {runner.ivoid}` "
                     "keeps a token for it.")
    return found + _data(site, runner, application, caller)


def _verdict(site: Site, runner: Runner, application: Application, caller: Caller | None) -> Verdict:
    why, asked = reasons(site, runner, application, caller), application.contract.data if application.contract else ()
    return Verdict(
        runner.ivoid, runner.title, runner.authority, runner.own, not why, tuple(why), runner.offer.free,
        runner.offer.queued, runner.read, runner.jobs_url,
        tuple(one.name for one in asked if one.name in runner.offer.data))


def _missing(said: Offered, requires: Iterable[str]) -> list[str]:
    found = []
    for wanted in requires:
        fitting = said.speaks(wanted)
        if not fitting:
            found.append(f"It has no {wanted}.")
        elif said.down and said.down.issuperset(one.lower() for one in fitting):
            found.append(f"Its {wanted} is down.")
    return found


def _limits(said: Offered, contract: Contract) -> list[str]:
    found = []
    for name, words in _LIMITS.items():
        wanted, given = getattr(contract.resources, name), said.limits.get(name)
        if given is not None and wanted > given:
            found.append(f"The application asks for {wanted:g} {words}, and it gives {given:g} at most.")
    if contract.network not in said.networks:
        found.append(f"It has no network profile {contract.network}.")
    return found


def _data(site: Site, runner: Runner, application: Application, caller: Caller | None) -> list[str]:
    """What is wrong with the data sets that the application cannot do without."""
    found = []
    for one in application.contract.data if application.contract else ():
        if not one.required:
            continue
        if one.name not in runner.offer.data:
            found.append(f"It has no data set {one.name}.")
        elif runner.own:
            mine = site.settings.data.get(one.name)
            if mine is not None and caller is not None and not data_sets.may_use(caller, mine):
                found.append(f"Its data set {one.name} is for {' and '.join(mine.roles)} alone.")
        elif not runner.offer.data[one.name] and not credentials.get(site, runner.ivoid):
            found.append(f"Its data set {one.name} takes an account, and this site has none there: `registry api credential "
                         f"{runner.ivoid}` keeps a token for it.")
    return found


def _order(by: str, data: str) -> Callable[[Verdict], tuple[Any, ...]]:
    if by not in ORDERS:
        raise BadOrder(f"Runners cannot be sorted by {by[:40]!r}: give {OWN}, {FREE}, or {DATA}, with data=IVOID or "
                       "data=NAME of a data set if you like.")
    if by == DATA or data:
        authority = data.strip().lower().removeprefix("ivo://").partition("/")[0]
        return lambda one: (one.datacenter != authority and data not in one.data, -len(one.data), not one.own, -one.free,
                            one.queued, one.runner)
    if by == FREE:
        return lambda one: (-one.free, one.queued, not one.own, one.runner)
    return lambda one: (not one.own, -one.free, one.queued, one.runner)
