"""The runners that are known, here and harvested, and what each offers. Offers of others are read ahead by the worker.

Nobody who asks waits for another datacenter: what was read last is kept in the table `runners`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, Text, cast, delete, insert, select, update

from registry import clock
from registry.db import alone
from registry.dispatch import offers
from registry.dispatch.offers import NOTHING, Offered
from registry.errors import NotFound, Refusal
from registry.records import store
from registry.services import runner as own
from registry.site import Site
from registry.tables import records, rr_capability, rr_interface, runners
from vosi import namespaces as ns

MAX_OFFER = 2**20  # bytes
_AT_ONCE = 8
# made once: where an application can run is asked often, over hundreds of runners
_EVERY = select(
    records.c.key, records.c.ivoid, records.c.title, records.c.origin, records.c.authority,
    rr_interface.c.access_url, cast(runners.c.offer, Text).label("offer"), runners.c.read, runners.c.fault,
).select_from(rr_capability.join(records, records.c.key == rr_capability.c.ivoid).join(
    rr_interface, (rr_interface.c.ivoid == rr_capability.c.ivoid) & (rr_interface.c.cap_index == rr_capability.c.cap_index),
).outerjoin(runners, (runners.c.key == records.c.key) & (runners.c.url == rr_interface.c.access_url))).where(
    rr_capability.c.standard_id == ns.STD_RUNNER.lower(), records.c.status == store.ACTIVE,
    records.c.origin.in_((store.OWN, store.HARVESTED)),
).order_by(records.c.key, rr_interface.c.intf_index)


class NoRunner(NotFound):
    """No runner is known by that name, or nothing of it is; the message says which there are."""


@dataclass(frozen=True)
class Runner:
    """One runner: its record, and its offer as it was read last (`said` is False: never) with what went wrong since.

    `jobs_url` is the far list of jobs; '' where none is told, or one of another host's.
    """

    ivoid: str
    title: str
    authority: str
    own: bool
    url: str
    offer: Offered = NOTHING
    read: str = ""
    fault: str = ""
    jobs_url: str = ""


def known(connection: Connection, site: Site, standards: Collection[str] | None = None) -> list[Runner]:
    """Every runner on the shelf, our own first, then by title.

    With `standards` our own offer says of no other standards whether we have them: that is read much faster.
    """
    found: dict[str, Runner] = {}
    for row in connection.execute(_EVERY):
        if row.key not in found:
            found[row.key] = _own(connection, site, row, standards) if row.origin == store.OWN else _other(row)
    return sorted(found.values(), key=lambda one: (not one.own, one.title.lower(), one.ivoid))


def _own(connection: Connection, site: Site, row: Row[Any], standards: Collection[str] | None) -> Runner:
    offer = offers.read(own.offer(connection, site, standards))
    url = row.access_url or ""
    return Runner(row.ivoid, offer.title or row.title[:100], row.authority, True, url, offer, jobs_url=_jobs(offer, url))


def _other(row: Row[Any]) -> Runner:
    offer, url = offers.remembered(row.key, row.offer or ""), row.access_url or ""
    return Runner(row.ivoid, offer.title or row.title[:100], row.authority, False, url, offer, row.read or "",
                  row.fault or "", _jobs(offer, url))


@lru_cache(4096)
def _place(url: str) -> tuple[str, ...]:
    """A URL's scheme, host and port."""
    try:
        return tuple(urlsplit(url)[:2])
    except ValueError:
        return ()


def _jobs(offer: Offered, url: str) -> str:
    return offer.jobs if _place(offer.jobs) == _place(url) else ""


def pick(every: list[Runner], name: str) -> Runner:
    """The runner that `name` means: its identifier, its datacenter's authority, or its title. Raises NoRunner."""
    wanted = name.strip().lower().removeprefix("ivo://").rstrip("/")
    meant = [one for one in every if wanted in (one.ivoid.lower().removeprefix("ivo://"), one.authority)]
    meant = meant or [one for one in every if wanted in (one.title.lower(), one.authority.partition(".")[0])]
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(one.authority for one in (meant or every)[:20]) or "none"
    words = f"is the name of {len(meant)} datacenters" if meant else "is no datacenter with a runner that is known here"
    raise NoRunner(f"{name[:100]!r} {words}: those known are {names}; harvesting a registry makes more known.")


def read_offers(site: Site) -> int:
    """Read the offers of all runners elsewhere, and remember them or why they could not be read; how many answered."""
    with site.database.read() as connection:
        every = [one for one in known(connection, site) if not one.own]
        forgotten = set(connection.execute(select(runners.c.key)).scalars()) - {_key(one) for one in every}
    if forgotten:
        with site.database.write() as connection:
            connection.execute(delete(runners).where(runners.c.key.in_(forgotten)))
    if not every:
        return 0
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="offers") as pool:
        return sum(pool.map(lambda one: _read(site, one), every))


def _read(site: Site, one: Runner) -> bool:
    try:
        offer, fault = _offer(site, one.url), ""
    except Refusal as error:
        offer, fault = None, str(error)
    found = {"url": one.url, "fault": fault, **({"offer": offer, "read": clock.stamp()} if offer is not None else {})}
    with site.database.write() as connection:
        alone(connection, "runners")
        if not connection.execute(update(runners).where(runners.c.key == _key(one)).values(found)).rowcount:
            connection.execute(insert(runners).values({"key": _key(one), "offer": {}, "read": "", **found}))
    return offer is not None


def _offer(site: Site, url: str) -> dict[str, Any]:
    reply = site.fetcher.get(url, headers={"Accept": "application/json"}, limit=MAX_OFFER)
    if reply.status != 200:
        raise Refusal(f"{url} answers with status {reply.status} instead of the runner's offer.")
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not str(document.get("version", "")).startswith("1."):
        raise Refusal(f"{url} does not answer with an offer document of version 1.")
    return document


def _key(one: Runner) -> str:
    return store.key_of(one.ivoid)
