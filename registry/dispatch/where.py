"""Where can this application run, and does it run there now? Every known runner, yes or no, and why not.

It asks nobody: it holds the contract against what the runners' offers said last. Whether a job is taken is settled by
the runner that it is sent to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from registry.applications import catalogue, contract as contracts, parameters as declared, references
from registry.applications.catalogue import Offer
from registry.applications.contract import Contract
from registry.dispatch import runners
from registry.dispatch.runners import Runner
from registry.errors import Refusal
from registry.records import store
from registry.services import credentials, versions
from registry.site import Site
from registry.tables import images, rr_relationship

OWN, FREE, DATA = "own", "free", "data"
_LIMITS = {"cores": "cores", "memory": "bytes of memory", "disk": "bytes of results", "time": "seconds"}


class BadOrder(Refusal):
    """The answers cannot be put in that order."""


@dataclass(frozen=True)
class Verdict:
    """Whether one runner can run the application now, and if not, why; `free` and `queued` as it said last."""

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

    def as_json(self) -> dict[str, Any]:
        """The verdict as a JSON document."""
        return {**asdict(self), "reasons": list(self.reasons)}


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


def where(site: Site, app: str, pairs: Iterable[tuple[str, str]] = (), *, by: str = OWN, data: str = "") -> Answer:
    """Every runner's verdict on `app` with parameters `pairs`.

    Sorted by: can it; then `own` site first, `free` slots, or the `data`: the datacenter of that service's record
    first. Raises NoApplication, ParameterError for values that would be refused everywhere, BadOrder.
    """
    order = _order(by, data)
    with site.database.read() as connection:
        offer = catalogue.pick(connection, app)
        contract = contract_at_hand(connection, offer)
        every = runners.known(connection, site)
        requires = needed(connection, offer, contract)
    if contract is not None:
        declared.check(contract, pairs)
    found = [_verdict(site, one, offer, contract, requires) for one in every]
    return Answer(offer, contract is not None, tuple(sorted(found, key=lambda one: (not one.possible, *order(one)))))


def contract_at_hand(connection: Connection, offer: Offer) -> Contract | None:
    """The offer's contract where its image's label has been read; it fetches nothing."""
    row = connection.execute(select(images.c.contract).where(images.c.reference == offer.image)).first()
    return contracts.read(row.contract) if row else None


def needed(connection: Connection, offer: Offer, contract: Contract | None) -> tuple[str, ...]:
    """The standards that the application needs: by its contract, else by the relationships of its record."""
    if contract is not None:
        return contract.requires
    query = select(rr_relationship.c.related_id).where(
        rr_relationship.c.ivoid == store.key_of(offer.ivoid), rr_relationship.c.related_id.is_not(None),
        func.lower(rr_relationship.c.relationship_type).in_(("cites", "requires")))
    return tuple(dict.fromkeys(connection.execute(query).scalars()))


def reasons(site: Site, runner: Runner, offer: Offer, contract: Contract | None, requires: Iterable[str]) -> list[str]:
    """Why `runner` does not run the application now, a sentence each; none where it does."""
    said = runner.offer
    if not said:
        return [f"{runner.title} has not told what it offers: {runner.fault or 'it has not been asked yet.'}"]
    found = [f"It does not answer at present: {runner.fault}"] if runner.fault else []
    engine = _mapping(said, "engine")
    if engine.get("working") is False:
        found.append(f"Its engine does not work: {engine.get('message') or 'it does not say why.'}")
    if offer.publisher_authority not in _texts(said, "publishers"):
        found.append(f"It does not accept applications published by {offer.publisher_authority}.")
    host = references.parse(offer.image).host
    if host not in _texts(said, "repositories"):
        found.append(f"It takes no images from the Docker repository {host}.")
    found += _missing(said, requires)
    found += _limits(said, contract)
    if not runner.own and not runner.jobs_url:
        found.append("Its offer names no list of jobs at its own address.")
    if not runner.own and said.get("anonymous") is not True and not credentials.get(site, runner.ivoid):
        found.append(f"It wants an account, and this site has none there: `registry api credential {runner.ivoid}` "
                     "keeps a token for it.")
    return found


def _verdict(
    site: Site, runner: Runner, offer: Offer, contract: Contract | None, requires: Iterable[str],
) -> Verdict:
    slots = _mapping(runner.offer, "slots")
    why = reasons(site, runner, offer, contract, requires)
    return Verdict(
        runner.ivoid, runner.title, runner.authority, runner.own, not why, tuple(why), _whole(slots.get("free")),
        _whole(slots.get("queued")), runner.read, runner.jobs_url)


def _missing(said: Mapping[str, Any], requires: Iterable[str]) -> list[str]:
    speaks, down = _texts(said, "standards"), set(_texts(said, "standards_down"))
    found = []
    for wanted in requires:
        fitting = [one for one in speaks if versions.satisfies(wanted, one)]
        if not fitting:
            found.append(f"It has no {wanted}.")
        elif down.issuperset(fitting):
            found.append(f"Its {wanted} is down.")
    return found


def _limits(said: Mapping[str, Any], contract: Contract | None) -> list[str]:
    if contract is None:
        return []
    found, most = [], _mapping(said, "limits")
    for name, words in _LIMITS.items():
        wanted, given = getattr(contract.resources, name), most.get(name)
        if isinstance(given, int | float) and wanted > given:
            found.append(f"The application asks for {wanted:g} {words}, and it gives {given:g} at most.")
    if contract.network not in _texts(said, "network_profiles"):
        found.append(f"It has no network profile {contract.network}.")
    return found


def _order(by: str, data: str) -> Callable[[Verdict], tuple[Any, ...]]:
    if by == DATA or data:
        authority = data.strip().lower().removeprefix("ivo://").partition("/")[0]
        if not authority:
            raise BadOrder("The order by data needs the identifier of the service that has the data: give data=IVOID.")
        return lambda one: (one.datacenter != authority, not one.own, -one.free, one.queued, one.runner)
    if by == FREE:
        return lambda one: (-one.free, one.queued, not one.own, one.runner)
    if by == OWN:
        return lambda one: (not one.own, -one.free, one.queued, one.runner)
    raise BadOrder(f"Runners cannot be sorted by {by[:40]!r}: give {OWN}, {FREE}, or {DATA} with data=IVOID.")


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    found = document.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
