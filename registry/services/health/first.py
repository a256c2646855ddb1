"""The first look at a service that has just been registered: what was read then counts, and nobody waits for the worker."""

from __future__ import annotations

from registry import clock
from registry.bell import ANSWERS
from registry.db import alone
from registry.records.store import Record
from registry.services.find import find
from registry.services.health import rules, store
from registry.services.health.rules import Look
from registry.site import Site
from vosi.availability import Availability


def note(site: Site, record: Record, says: Availability | None) -> None:
    """Write down what the service said of itself when it was registered; nothing where it said nothing."""
    if says is None:
        return
    look = Look(says.available, None, " ".join(says.notes)[:2000], store.said(says), definite=True)
    settings = site.settings
    with site.database.write() as connection:
        alone(connection, store.CHANGES)  # the worker may have seen the record already, and made its rows
        wanted = store.targets(settings, find(connection, ivoid=record.ivoid))
        known = {(row.key, row.url): row for row in store.rows(connection, record.key)}
        rows = [known.get(pair, row) for pair, row in wanted.items() if row.asked == store.AVAILABILITY]
        judged = [(row, rules.judged(row, look, clock.now(), interval=settings.health_interval, grace=1)) for row in rows]
        store.add(connection, [row for row in rows if (row.key, row.url) not in known], clock.now())
        store.save(connection, judged, tell=False)
    site.bells.ring(ANSWERS)
