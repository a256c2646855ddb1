"""The runners that are known, here and harvested, and what each offers. Offers of others are read ahead by the worker.

Nobody who asks waits for another datacenter: what was read last is kept in the table `runners`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update

from registry import clock
from registry.db import alone
from registry.errors import NotFound, Refusal
from registry.records import store
from registry.services import runner as own
from registry.site import Site
from registry.tables import records, rr_capability, rr_interface, runners
from vosi import namespaces as ns

MAX_OFFER = 2**20  # bytes
_AT_ONCE = 8


class NoRunner(NotFound):
    """No runner is known by that name, or nothing of it is; the message says which there are."""


@dataclass(frozen=True)
class Runner:
    """One runner: its record, and its offer document as it was read last (empty: never) with what went wrong since."""

    ivoid: str
    title: str
    authority: str
    own: bool
    url: str
    offer: Mapping[str, Any] = field(default_factory=dict)
    read: str = ""
    fault: str = ""

    @property
    def jobs_url(self) -> str:
        """The far list of jobs; '' where none is told, or one of another host's."""
        url = str(self.offer.get("jobs") or "").rstrip("/")
        return url if urlsplit(url)[:2] == urlsplit(self.url)[:2] else ""


def known(connection: Connection, site: Site) -> list[Runner]:
    """Every runner on the shelf, our own first, then by title."""
    joined = rr_capability.join(records, records.c.key == rr_capability.c.ivoid).join(
        rr_interface, (rr_interface.c.ivoid == rr_capability.c.ivoid)
        & (rr_interface.c.cap_index == rr_capability.c.cap_index)).outerjoin(
        runners, (runners.c.key == records.c.key) & (runners.c.url == rr_interface.c.access_url))
    query = select(
        records.c.key, records.c.ivoid, records.c.title, records.c.origin, records.c.authority,
        rr_interface.c.access_url, runners.c.offer, runners.c.read, runners.c.fault,
    ).select_from(joined).where(
        rr_capability.c.standard_id == ns.STD_RUNNER.lower(), records.c.status == store.ACTIVE,
        records.c.origin.in_((store.OWN, store.HARVESTED)),
    ).order_by(records.c.key, rr_interface.c.intf_index)
    found: dict[str, Runner] = {}
    for row in connection.execute(query):
        mine = row.origin == store.OWN
        if row.key not in found:
            offer = (own.offer(connection, site) if mine else row.offer) or {}
            found[row.key] = Runner(
                row.ivoid, str(offer.get("title") or row.title)[:100], row.authority, mine, row.access_url or "",
                offer, row.read or "", "" if mine else row.fault or "")
    return sorted(found.values(), key=lambda one: (not one.own, one.title.lower(), one.ivoid))


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
