"""The rows of what is looked at, their history, and what is still to be told of it. It looks at nothing itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from registry import clock
from registry.config import Settings
from registry.db import alone
from registry.services import local, versions
from registry.services.find import Endpoint
from registry.services.health import rules
from registry.services.health.rules import UNKNOWN, Row
from registry.tables import facts, health, health_changes
from vosi import namespaces as ns
from vosi.availability import Availability

AVAILABILITY, HEAD = "availability", "head"
CHANGES = "health changes"  # fact that moves with every change of state
KEPT = timedelta(days=90)
_FOR_PEOPLE = "vr:webbrowser"
_SOME = 500
_NAMES = tuple(Row.__dataclass_fields__)


@dataclass(frozen=True)
class Change:
    """A state that an address came into."""

    id: int
    key: str
    url: str
    ivoid: str
    at: str
    was: str
    state: str
    message: str
    tries: int | None
    told: list[str]


def targets(settings: Settings, found: Iterable[Endpoint]) -> dict[tuple[str, str], Row]:
    """What to look at for these endpoints: a service's own availability document, else each of its addresses."""
    services: dict[str, list[Endpoint]] = defaultdict(list)
    for one in found:
        if one.interface_type.lower() != _FOR_PEOPLE and _is_web(one.access_url):
            services[one.ivoid].append(one)
    wanted = {}
    for ivoid, endpoints in services.items():
        # a document that we answer on its behalf says only what we have seen
        own = [one for one in endpoints if versions.satisfies(ns.STD_VOSI_AVAILABILITY, one.standard_id)
               and not one.access_url.startswith(settings.url("services/"))]
        asked = AVAILABILITY if own else HEAD
        for one in own[:1] or endpoints:
            row = Row(key=one.ivoid.lower(), url=one.access_url, ivoid=ivoid, asked=asked)
            wanted[row.key, row.url] = row
    return wanted


def follow(connection: Connection, wanted: Mapping[tuple[str, str], Row], now: datetime) -> None:
    """Make the rows those that are `wanted`: new ones are due now, what is no longer registered is forgotten."""
    alone(connection, CHANGES)
    have = {(row.key, row.url): row.asked for row in connection.execute(
        select(health.c.key, health.c.url, health.c.asked))}
    gone = [pair for pair in have if pair not in wanted or wanted[pair].asked != have[pair]]
    if gone:
        statement = delete(health).where(health.c.key == bindparam("k"), health.c.url == bindparam("u"))
        connection.execute(statement, [{"k": key, "u": url} for key, url in gone])
    fresh = [row for pair, row in wanted.items() if have.get(pair) != row.asked]
    add(connection, fresh, now)
    if gone or fresh:
        moved(connection)


def add(connection: Connection, fresh: Sequence[Row], now: datetime) -> None:
    """Rows of what has not been looked at; they are due now."""
    if fresh:
        stamps = {"since": clock.stamp(now), "due": clock.fine_stamp(now)}
        connection.execute(insert(health), [asdict(row) | stamps for row in fresh])


def said(says: Availability) -> dict[str, Any]:
    """What a service said of itself, as a row keeps it."""
    return {"up_since": says.up_since, "down_at": says.down_at, "back_at": says.back_at,
            "notes": [note[:500] for note in says.notes[:20]]}


def due(connection: Connection, now: datetime, limit: int) -> list[Row]:
    """Rows whose time has come, the longest overdue first."""
    query = select(health).where(health.c.due <= clock.fine_stamp(now)).order_by(health.c.due).limit(limit)
    return [_row(one) for one in connection.execute(query)]


def next_due(connection: Connection) -> str:
    """When the next row is due; '' where there is none."""
    return connection.execute(select(health.c.due).order_by(health.c.due).limit(1)).scalar() or ""


def rows(connection: Connection, key: str) -> list[Row]:
    """What is known of one service's addresses."""
    return [_row(one) for one in connection.execute(select(health).where(health.c.key == key).order_by(health.c.url))]


def states(connection: Connection, keys: Collection[str]) -> dict[str, list[Row]]:
    """What is known of these services, by their keys; only what a query needs is in the rows."""
    columns = (health.c.key, health.c.url, health.c.ivoid, health.c.asked, health.c.state, health.c.since, health.c.message)
    query = select(*columns)
    if len(keys) <= _SOME:
        query = query.where(health.c.key.in_(keys))
    found: dict[str, list[Row]] = defaultdict(list)
    for one in connection.execute(query):
        found[one.key].append(Row(**one._mapping))
    return found


def state_of(rows: Sequence[Row], url: str) -> Row | None:
    """The row that speaks for the address `url` of a service: its own, else that of the service's own document."""
    own = next((one for one in rows if one.url == url), None)
    return own or next((one for one in rows if one.asked == AVAILABILITY), None)


def save(connection: Connection, judged: Sequence[tuple[Row, Row]], *, tell: bool) -> list[Change]:
    """Write what looks have seen, as (before, after); the changes of state among them. With `tell` hooks will hear."""
    values = [{f"_{name}": value for name, value in asdict(after).items()} for _, after in judged]
    if values:
        written = ("state", "since", "failures", "seen", "due", "millis", "message", "said", "recent")
        connection.execute(
            update(health).where(health.c.key == bindparam("_key"), health.c.url == bindparam("_url"))
            .values({name: bindparam(f"_{name}", type_=health.c[name].type) for name in written}), values)
    local.alive(connection, {after.key: after.seen for _, after in judged if after.state == rules.UP and not after.failures})
    changes = [(before, after) for before, after in judged if before.state != after.state]
    if not changes:
        return []
    moved(connection)
    found = []
    for before, after in changes:
        # that something new is up is no news
        news = tell and not (before.state == UNKNOWN and after.state == rules.UP)
        change: dict[str, Any] = {
            "key": after.key, "url": after.url, "ivoid": after.ivoid, "at": after.since, "was": before.state,
            "state": after.state, "message": after.message, "tries": 0 if news else None, "told": []}
        number = connection.execute(insert(health_changes).values(**change)).inserted_primary_key
        found.append(Change(id=number[0] if number else 0, **change))
    return found


def moved(connection: Connection) -> None:
    """Move the fact that says that answers may have changed."""
    alone(connection, CHANGES)
    value = connection.execute(select(facts.c.value).where(facts.c.name == CHANGES)).scalar()
    if value is None:
        connection.execute(insert(facts).values(name=CHANGES, value="1"))
    else:
        connection.execute(update(facts).where(facts.c.name == CHANGES).values(value=str(int(value) + 1)))


def history(connection: Connection, key: str, url: str = "", *, limit: int = 1000) -> list[Change]:
    """The changes of a service, or of one of its addresses, newest first."""
    query = select(health_changes).where(health_changes.c.key == key).order_by(health_changes.c.id.desc()).limit(limit)
    if url:
        query = query.where(health_changes.c.url == url)
    return [Change(**one._mapping) for one in connection.execute(query)]


def latest(connection: Connection) -> int:
    """The number of the last change there was, 0 for none."""
    return connection.execute(select(health_changes.c.id).order_by(health_changes.c.id.desc()).limit(1)).scalar() or 0


def after(connection: Connection, number: int) -> list[Change]:
    """The changes that came after that number, in order."""
    query = select(health_changes).where(health_changes.c.id > number).order_by(health_changes.c.id).limit(_SOME)
    return [Change(**one._mapping) for one in connection.execute(query)]


def untold(connection: Connection) -> list[Change]:
    """Changes that hooks have still to hear of, oldest first."""
    query = select(health_changes).where(health_changes.c.tries.is_not(None)).order_by(health_changes.c.id).limit(_SOME)
    return [Change(**one._mapping) for one in connection.execute(query)]


def told(connection: Connection, change: Change, tries: int | None, hooks: list[str]) -> None:
    """Write down who has heard of it; no `tries` ends the matter."""
    connection.execute(update(health_changes).where(health_changes.c.id == change.id).values(tries=tries, told=hooks))


def forget_old(connection: Connection, now: datetime) -> None:
    """Forget changes that no page draws any more; the present state is in the rows."""
    connection.execute(delete(health_changes).where(
        health_changes.c.at < clock.stamp(now - KEPT), health_changes.c.tries.is_(None)))


def _row(one: Any) -> Row:
    return Row(**{name: getattr(one, name) for name in _NAMES})


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
