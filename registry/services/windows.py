"""A page of the answer to a capability query, for people: services by name, so many addresses at a time.

Programs take the whole answer, best first (`query`). Here a page is named by the service that the last one ended with, and only
the records that it shows are read. A query that hardly anything fits ends its page when time is up, and says how far it came.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from registry.config import Settings
from registry.errors import Refusal
from registry.services import query
from registry.services.find import Endpoint, find, names
from registry.services.query import Asked
from registry.tables import health, records, rr_capability, rr_interface, rr_res_subject, rr_resource
from vosi.identifiers import InvalidIdentifier

SIZES = (50, 100, 200)  # addresses on a page
_STEP, _FEW = 100, 10  # services whose names are read at a time, and whose records
_PATIENCE = 0.3  # seconds


@dataclass(frozen=True)
class Window:
    """A page: `after` is the service to go on behind, '' at the end; `cut` when time was up before the page was full."""

    endpoints: list[Endpoint]
    after: str
    cut: bool


def size_asked(text: str) -> int:
    """How many addresses a page has. Raises Refusal."""
    if text and text not in map(str, SIZES):
        raise Refusal(f"A page has {', '.join(map(str, SIZES[:-1]))} or {SIZES[-1]} addresses, not {text[:20]!r}.")
    return int(text) if text else SIZES[0]


def window(
    connection: Connection, settings: Settings, asked: Asked, after: str, size: int,
    clock: Callable[[], float] = time.monotonic,
) -> Window:
    """The addresses of the services whose identifiers come behind `after`, `size` of them or as many as the last one has more."""
    until, found = clock() + _PATIENCE, list[Endpoint]()
    while True:
        keys = _next(connection, settings, asked, after, _STEP)
        for start in range(0, len(keys), _FEW):
            some = keys[start:start + _FEW]
            fitting = query.narrowed(connection, settings, asked, find(
                connection, asked.standard_id, interface_type=asked.interface_type,
                datacenters=query.places(connection, settings, asked.datacenter), among=some))
            for endpoint in sorted(fitting, key=lambda one: one.key):
                if len(found) >= size and endpoint.key != found[-1].key:
                    return Window(found, found[-1].key, False)
                found.append(endpoint)
            after = some[-1]
            if clock() > until:
                return Window(found, after if _next(connection, settings, asked, after, 1) else "", len(found) < size)
        if len(keys) < _STEP:
            return Window(found, "", False)


def _next(connection: Connection, settings: Settings, asked: Asked, after: str, limit: int) -> list[str]:
    """The next services that may fit: what the database can rule out is ruled out."""
    try:
        statement = names(connection, asked.standard_id, asked.ivoid, query.places(connection, settings, asked.datacenter))
    except InvalidIdentifier:
        return []
    narrow = [records.c.key > after, *(_has(word) for word in asked.words.lower().split() if word.isascii())]
    if asked.interface_type:
        kind = rr_interface.c.intf_type == asked.interface_type.lower()
        narrow.append(exists().where(rr_interface.c.ivoid == records.c.key, kind))
    if asked.status and asked.status != "unknown":
        narrow.append(records.c.key.in_(select(health.c.key).where(health.c.state == asked.status)))
    return list(connection.execute(statement.where(*narrow).limit(limit)).scalars())


def _has(word: str) -> ColumnElement[bool]:
    """What holds the word where the query's own look at it will find it: titles and texts in any case, names in lower case."""
    def within(column: ColumnElement[str]) -> ColumnElement[bool]:
        return func.lower(column).contains(word, autoescape=True)

    spoken = rr_capability.alias()  # the statement around it asks the table itself too
    return or_(
        within(records.c.title), records.c.key.contains(word, autoescape=True),
        exists().where(spoken.c.ivoid == records.c.key, or_(within(spoken.c.standard_id), within(spoken.c.cap_description))),
        exists().where(rr_resource.c.ivoid == records.c.key, within(rr_resource.c.res_description)),
        exists().where(rr_res_subject.c.ivoid == records.c.key, within(rr_res_subject.c.res_subject)))
