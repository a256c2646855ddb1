"""Derives the tables of searches from the records anew (D1, D17): all of them, or those that are behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import Connection, and_, delete, insert, or_, select

from registry.records import store
from registry.site import Site
from registry.tables import facts, records

REPROJECTED = "tables of searches made anew"  # fact: another value each time, for whoever keeps what they said
BATCH = 100
_BEHIND = or_(
    and_(records.c.status == store.ACTIVE, records.c.projected != records.c.digest),
    and_(records.c.status != store.ACTIVE, records.c.projected != ""))


def reproject(
    site: Site, *, behind_only: bool = False, progress: Callable[[int, str], None] = lambda done, words: None,
) -> int:
    """Write the rr_* rows of every record anew, or only of those that were projected from another digest.

    In batches: searches go on meanwhile, and a stopped run has done what it has done. Says how many records.
    """
    after, done = "", 0
    while True:
        query = select(records).where(records.c.key > after).order_by(records.c.key).limit(BATCH)
        if behind_only:
            query = query.where(_BEHIND)
        with site.database.write() as connection:
            page = [store.record_of(row) for row in connection.execute(query)]
            for record in page:
                store.project(connection, record)
            if page:
                _tell(connection)
        if not page:
            return done
        after, done = page[-1].key, done + len(page)
        progress(done, page[-1].ivoid)


def _tell(connection: Connection) -> None:
    """The records keep their datestamps: this alone says that searches may find something else now."""
    connection.execute(delete(facts).where(facts.c.name == REPROJECTED))
    connection.execute(insert(facts).values(name=REPROJECTED, value=uuid.uuid4().hex))
