"""Looks at one service at once, for a person who asks: its addresses, and its documents where it is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry import clock
from registry.bell import ANSWERS
from registry.errors import NotFound
from registry.hooks import anyone
from registry.records.store import key_of
from registry.services import levels, telling, watches, watching
from registry.services.find import find
from registry.services.health import rules, store
from registry.services.health.asking import asker
from registry.services.telling import Told
from registry.site import Site


@dataclass(frozen=True)
class Checked:
    """What a check saw: the service as it is known now, and how its documents changed, as sentences."""

    told: Told
    changes: list[str]

    @property
    def works(self) -> bool:
        """Whether it can be used now."""
        return self.told.state == rules.UP


def check(site: Site, ivoid: str) -> Checked:
    """Look now, write down what is seen, and read its documents again. Raises NoSuchService."""
    with site.database.read() as connection:
        telling.told(connection, site, ivoid)  # refuses what is no service
        wanted = store.targets(site.settings, find(connection))
        known = {(row.key, row.url): row for row in store.rows(connection, key_of(ivoid))}
    ours = {pair: row for pair, row in wanted.items() if row.key == key_of(ivoid)}
    if ours.keys() - known.keys():
        with site.database.write() as connection:
            store.follow(connection, wanted, clock.now())
    settings, look = site.settings, asker(site).look
    # a person has asked, and gets the answer to one look: no grace
    judged = [
        (row, rules.judged(row, look(row), clock.now(), interval=settings.health_interval, grace=1))
        for row in (known.get(pair, row) for pair, row in ours.items())]
    with site.database.write() as connection:
        changes = store.save(connection, judged, tell=anyone(settings))
    if changes:
        site.bells.ring(ANSWERS)
    with site.database.read() as connection:
        watched = watches.watch(connection, key_of(ivoid)) is not None
    said = _reread(site, key_of(ivoid)) if watched else []
    levels.settle(site, ivoid)
    with site.database.read() as connection:
        return Checked(telling.told(connection, site, ivoid), said)


def document(checked: Checked) -> dict[str, Any]:
    """The same for programs."""
    return {**telling.document(checked.told), "document_changes": checked.changes}


def _reread(site: Site, key: str) -> list[str]:
    try:
        return watching.reread(site, key, force=True)
    except NotFound:  # somebody has ended the watch meanwhile
        return []
