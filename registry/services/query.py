"""Capability queries with everything that can be asked: which standard, where, how secured, whether it works now.

The answer is made from what is known here; nobody is asked while a client waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from registry.config import Settings
from registry.errors import Refusal
from registry.services import zones
from registry.services.find import Endpoint, datacenters, find
from registry.services.health import rules, store
from registry.tables import rr_res_subject, rr_resource

ANYWHERE, ANYTHING = "any", "any"
ANONYMOUS = "anonymous"
NAMES = ("standardid", "ivoid", "type", "security", "zone", "datacenter", "status", "q")
_LATER = (rules.DOWN, rules.MAINTENANCE)  # what does not work now comes behind what may


@dataclass(frozen=True)
class Asked:
    """What a query asks for; '' takes everything, but for `datacenter`, where it means ours."""

    standard_id: str = ""
    ivoid: str = ""
    interface_type: str = ""
    security: str = ""
    zone: str = ""
    datacenter: str = ""
    status: str = ""
    words: str = ""


def asked(said: Mapping[str, str]) -> Asked:
    """The query in name-value pairs, names in any case (DALI 1.1 §2.4.1). Raises Refusal for what means nothing here."""
    values = dict.fromkeys(NAMES, "")
    for name, value in said.items():
        if name.lower() not in values:
            raise Refusal(f"A capability query knows no {name[:50]!r}: ask by standardID, {', '.join(NAMES[1:])}.")
        values[name.lower()] = value.strip()
    status, zone = values["status"].lower(), values["zone"].lower()
    if status and status not in (*rules.STATES, ANYTHING):
        raise Refusal(f"There is no status {values['status'][:50]!r}: there are {', '.join(rules.STATES)}.")
    if zone and zone not in zones.ZONES:
        raise Refusal(f"There is no zone {values['zone'][:50]!r}: there are {', '.join(zones.ZONES)}.")
    return Asked(
        standard_id=values["standardid"], ivoid=values["ivoid"], interface_type=values["type"],
        security=values["security"], zone=zone, datacenter=values["datacenter"].lower().removeprefix("ivo://"),
        status="" if status == ANYTHING else status, words=values["q"])


def answer(connection: Connection, settings: Settings, query: Asked) -> list[Endpoint]:
    """The endpoints that are asked for, best first, each with its state and zone.

    Those that do not work now come last, and are left out only where the query asks for a status.
    """
    found = find(connection, query.standard_id, ivoid=query.ivoid, interface_type=query.interface_type,
                 datacenters=places(connection, settings, query.datacenter))
    return sorted(narrowed(connection, settings, query, found), key=lambda one: one.state in _LATER)


def narrowed(connection: Connection, settings: Settings, query: Asked, found: list[Endpoint]) -> list[Endpoint]:
    """Those of `found` that have what else is asked, in their order, each with its state and zone."""
    if query.words:
        found = _with_words(connection, found, query.words)
    if query.security:
        found = [one for one in found if _secured(one, query.security)]
    keys = {one.key for one in found}
    known = store.states(connection, keys) if found else {}
    told = [_told(settings, one, known) for one in found]
    return [one for one in told
            if (not query.zone or one.zone == query.zone) and (not query.status or one.state == query.status)]


def places(connection: Connection, settings: Settings, datacenter: str) -> Collection[str] | None:
    """The authorities whose services are looked at; none for our own."""
    ours = settings.authority.lower()
    if datacenter in ("", ours):
        return None
    if datacenter == ANYWHERE:
        return {ours, *datacenters(connection)}
    return {datacenter} & set(datacenters(connection))


def _told(settings: Settings, endpoint: Endpoint, known: Mapping[str, list[rules.Row]]) -> Endpoint:
    row = store.state_of(known.get(endpoint.key, ()), endpoint.access_url)
    return replace(
        endpoint, zone=zones.zone(settings, endpoint.access_url), state=row.state if row else rules.UNKNOWN,
        since=row.since if row else "", message=row.message if row and row.state in _LATER else "")


def _secured(endpoint: Endpoint, method: str) -> bool:
    """Whether it takes that method: a standardID, or what stands behind its #; `anonymous` for none at all."""
    wanted = method.lower()
    if wanted == ANONYMOUS:
        return endpoint.anonymous
    return any(wanted in (one.lower(), one.lower().rpartition("#")[2]) for one in endpoint.security_methods if one)


def _with_words(connection: Connection, found: list[Endpoint], words: str) -> list[Endpoint]:
    """Those whose record or standardID has every word."""
    texts: dict[str, str] = {}
    described = select(rr_resource.c.ivoid, rr_resource.c.res_description)
    subjects = select(rr_res_subject.c.ivoid, rr_res_subject.c.res_subject)
    keys = {one.key for one in found}
    if len(keys) <= 500:
        described = described.where(rr_resource.c.ivoid.in_(keys))
        subjects = subjects.where(rr_res_subject.c.ivoid.in_(keys))
    for statement in (described, subjects):
        for key, text in connection.execute(statement):
            texts[key] = f"{texts.get(key, '')} {text or ''}".lower()
    wanted = words.lower().split()

    def fits(one: Endpoint) -> bool:
        text = f"{one.title} {one.ivoid} {one.standard_id} {one.capability.description}".lower() + texts.get(one.key, "")
        return all(word in text for word in wanted)

    return [one for one in found if fits(one)]
