"""Our runner's offer: what another datacenter must know before it sends an application here (D12), as one document.

It decides nothing: whether an application may run is settled when a job is made.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, func, select

from registry.records.store import ACTIVE, OWN
from registry.services.find import offered
from registry.services.own import engine_fault, engine_platform
from registry.site import Site
from registry.tables import health, jobs, records, rr_capability

_BUSY = ("EXECUTING", "SUSPENDED")
_LIMITS = ("cores", "memory", "processes", "disk", "log", "time")


def offer(connection: Connection, site: Site, standards: Collection[str] | None = None) -> dict[str, Any]:
    """The document; sizes are bytes, times seconds. With `standards` it says of no others whether they are here."""
    speaks = offered(connection, standards)
    settings = site.settings
    running, queued = _count(connection, _BUSY), _count(connection, ("QUEUED",))
    fault = engine_fault(connection)
    return {
        "version": "1.0",
        "runner": f"ivo://{settings.authority}/runner",
        "title": settings.title,
        "jobs": settings.url("jobs"),
        "anonymous": settings.anonymous_jobs,
        "engine": {"kind": "docker", "working": not fault, "message": fault, "platform": engine_platform(connection)},
        "limits": {**{name: settings.most(name) for name in _LIMITS}, "lifetime": settings.job_lifetime},
        "defaults": {name: settings.given(name) for name in _LIMITS},
        "network_profiles": ["none", "dc"],
        "publishers": sorted(settings.publishers),
        "repositories": sorted(settings.repositories),
        "slots": {"total": settings.running_jobs, "free": max(0, settings.running_jobs - running), "queued": queued},
        "data": [{"name": name, "title": one.title, "anonymous": one.open_to_anyone}
                 for name, one in sorted(settings.data.items())],
        "standards": speaks,
        "standards_down": _down(connection, None if standards is None else speaks),
    }


def _down(connection: Connection, among: Collection[str] | None) -> list[str]:
    """The standardIDs, in lower case, of which every service of ours that speaks them is known to be down."""
    if among is not None and not among:
        return []
    up = select(health.c.key).where(health.c.state != "down")
    down = select(health.c.key).where(health.c.state == "down", health.c.key.not_in(up))
    spoken = select(rr_capability.c.standard_id).join(records, records.c.key == rr_capability.c.ivoid).where(
        records.c.origin == OWN, records.c.status == ACTIVE, rr_capability.c.standard_id.is_not(None)).distinct()
    if among is not None:
        spoken = spoken.where(rr_capability.c.standard_id.in_(among))
    silent = set(connection.execute(spoken.where(records.c.key.in_(down))).scalars())
    if not silent:
        return []
    alive = set(connection.execute(spoken.where(
        rr_capability.c.standard_id.in_(silent), records.c.key.not_in(down))).scalars())
    return sorted(silent - alive)


def _count(connection: Connection, phases: tuple[str, ...]) -> int:
    here = jobs.c.step != "elsewhere"  # those of other datacenters take no place of ours
    return connection.execute(select(func.count()).select_from(jobs).where(jobs.c.phase.in_(phases), here)).scalar_one()
