"""Keeps `site_service`: in which datacenter and network zone each registered service stands, and when it answered last.

Searches ask it beside the tables of records. It follows the shelf by datestamp, a few hundred records at a time, and
asks nobody anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from registry.config import Settings
from registry.records.store import ACTIVE, OWN
from registry.services import zones
from registry.site import Site
from registry.tables import facts, health, records, rr_interface, rr_resource, site_service

FOLLOWED = "local services"  # fact: how far the shelf has been followed, under which settings
_STEP = 500


def follow(site: Site) -> int:
    """Take in the records that have changed since the last call; says how many were looked at."""
    settings, count = site.settings, 0
    with site.database.read() as connection:
        kept = connection.execute(select(facts.c.value).where(facts.c.name == FOLLOWED)).scalar() or ""
    by, _, since = kept.partition(" ")
    if by != _fingerprint(settings):
        since = ""
    after = (since, "")  # records of that second may have come since
    while True:
        with site.database.write() as connection:
            position = (records.c.datestamp, records.c.key)
            page = connection.execute(
                select(*position, records.c.origin).where(
                    (position[0] > after[0]) | (position[0] == after[0]) & (position[1] > after[1]), position[0] != "")
                .order_by(*position).limit(_STEP)).all()
            if not page:
                return count
            take(connection, settings, {row.key: row.origin for row in page})
            after, count = (page[-1].datestamp, page[-1].key), count + len(page)
            connection.execute(delete(facts).where(facts.c.name == FOLLOWED))
            connection.execute(insert(facts).values(name=FOLLOWED, value=f"{_fingerprint(settings)} {after[0]}"))


def _fingerprint(settings: Settings) -> str:
    """Changes with the settings that decide where a service stands."""
    said = (settings.authority, settings.base_url, sorted(settings.internal_hosts), sorted(settings.allowed_networks))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def take(connection: Connection, settings: Settings, origins: Mapping[str, str]) -> None:
    """Write the rows of these records anew; one that is not active, or has no address, has none."""
    keys = list(origins)
    before = _last_seen(connection, keys)
    addresses = connection.execute(
        select(rr_interface.c.ivoid, rr_interface.c.access_url, rr_resource.c.harvested_from)
        .join(rr_resource, rr_resource.c.ivoid == rr_interface.c.ivoid).join(records, records.c.key == rr_interface.c.ivoid)
        .where(rr_interface.c.ivoid.in_(keys), records.c.status == ACTIVE, rr_interface.c.access_url.is_not(None))).all()
    rows: dict[str, dict[str, Any]] = {}
    for ivoid, url, registry in addresses:
        zone = zones.zone(settings, url)
        row = rows.setdefault(ivoid, {
            "ivoid": ivoid, "network_zone": zone, "last_seen_alive": before.get(ivoid),
            "datacenter": settings.authority.lower() if origins[ivoid] == OWN else _authority(registry)})
        if zone == zones.INTERNAL:  # one way in is enough
            row["network_zone"] = zone
    connection.execute(delete(site_service).where(site_service.c.ivoid.in_(keys)))
    if rows:
        connection.execute(insert(site_service), list(rows.values()))


def _last_seen(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """What is known already, and what looks have seen that came before the row."""
    looks = connection.execute(select(health.c.key, func.max(health.c.seen)).where(
        health.c.key.in_(keys), health.c.state == "up", health.c.failures == 0).group_by(health.c.key))
    found = {key: _moment(seen) for key, seen in looks if seen}
    kept = connection.execute(select(site_service.c.ivoid, site_service.c.last_seen_alive).where(
        site_service.c.ivoid.in_(keys), site_service.c.last_seen_alive.is_not(None)))
    return found | {key: max(seen, found.get(key, "")) for key, seen in kept}


def _authority(registry: str | None) -> str | None:
    return registry.removeprefix("ivo://").split("/")[0] if registry else None


def _moment(stamp: str) -> str:
    return stamp.rstrip("Z")


def alive(connection: Connection, seen: Mapping[str, str]) -> None:
    """Note when services, by their keys, have answered."""
    if seen:
        connection.execute(
            update(site_service).where(site_service.c.ivoid == bindparam("key")).values(last_seen_alive=bindparam("at")),
            [{"key": key, "at": _moment(stamp)} for key, stamp in seen.items()])
