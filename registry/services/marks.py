"""A mark of the state that answers are made from: the same mark, the same answers. Cheap enough to be asked each time.

It moves with the last datestamp of a record and with every change of a service's state. A second that is not over has
no mark, since further changes may come under its datestamp.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from sqlalchemy import select

from registry import clock
from registry.records.store import LAST_STAMP
from registry.services.health.store import CHANGES
from registry.site import Site
from registry.tables import facts

_QUERY = f"SELECT name, value FROM facts WHERE name IN ('{LAST_STAMP}', '{CHANGES}')"  # noqa: S608 - names of ours


class Marks:
    """The marks of one site; threads share it."""

    errors = sqlite3.Error  # what a look raises besides SQLAlchemy's errors

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._raw: Any = None

    def now(self) -> str:
        """The mark of what is committed now; '' while there is none. Raises what a database does that is away."""
        values = self._look()
        stamp = values.get(LAST_STAMP, "")
        return "" if stamp >= clock.stamp() else f"{stamp} {values.get(CHANGES, '')}"

    def _look(self) -> dict[str, str]:
        database = self._site.database
        if not database.is_sqlite:
            with database.read() as connection:
                rows = connection.execute(select(facts.c.name, facts.c.value).where(facts.c.name.in_((LAST_STAMP, CHANGES))))
                return {row.name: row.value for row in rows}
        with self._lock:  # SQLAlchemy would take ten times as long as the look
            if self._raw is None:
                self._raw = database.engine.raw_connection()
            return dict(self._raw.cursor().execute(_QUERY).fetchall())
