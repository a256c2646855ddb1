"""Whether the worker and the gateway live, for whoever only sees the database: each writes down now and then that it does.

A watcher goes by its own clock from the moment at which it sees the mark move; only its first look goes by the date.
"""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from registry import clock
from registry.site import Site
from registry.tables import facts

WORKER, GATEWAY = "worker", "gateway"
EVERY = 10.0  # seconds
PATIENCE = 45.0  # seconds of silence after which a process counts as gone
_FACT = "beat "
_log = logging.getLogger("registry.beats")


def keep(site: Site, name: str, stop: threading.Event) -> None:
    """Let `name` beat, in a thread of its own, until `stop` is set."""
    threading.Thread(target=_keep, args=(site, name, stop), name="beat", daemon=True).start()


def _keep(site: Site, name: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            beat(site, name)
        except SQLAlchemyError as error:  # others tell of a database that is away; the next beat may succeed
            _log.debug("no beat: %s", error)
        stop.wait(EVERY)


def beat(site: Site, name: str) -> None:
    """Write down that the process `name` lives."""
    mark = {"value": clock.fine_stamp()}
    with site.database.write() as connection:
        if not connection.execute(update(facts).where(facts.c.name == _FACT + name).values(mark)).rowcount:
            connection.execute(insert(facts).values(name=_FACT + name, **mark))


class Watch:
    """What one process has seen of the beats of others."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, float]] = {}  # by name: the mark, and when it moved

    def silent(self, connection: Connection, name: str) -> float | None:
        """Seconds for which the process has not been heard; None for never."""
        mark = connection.execute(select(facts.c.value).where(facts.c.name == _FACT + name)).scalar()
        if mark is None:
            return None
        now = time.monotonic()
        known = self._seen.get(name)
        if known is None:
            age = (clock.now() - clock.parse(mark)).total_seconds()
            self._seen[name] = (mark, now - max(age, 0.0))
        elif known[0] != mark:
            self._seen[name] = (mark, now)
        return now - self._seen[name][1]
