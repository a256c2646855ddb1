"""Which changes of services' states are to be told outside, and what is said of each; `registry.hooks` tells it.

Who could not be told is told again a few times, with the same `id`, so that it may know what it has heard already.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from registry import hooks
from registry.fetch import Fetcher
from registry.services.health import store
from registry.services.health.asking import quick
from registry.services.health.store import Change
from registry.site import Site

TRIES = 5
AGAIN = 10.0  # seconds before what failed is tried again
_failed: dict[Path, float] = {}  # when the last try failed, by instance


def anything(site: Site) -> bool:
    """Whether something is to be told now."""
    if time.monotonic() - _failed.get(site.settings.instance, float("-inf")) < AGAIN:
        return False
    with site.database.read() as connection:
        return bool(store.untold(connection))


def tell(site: Site) -> int:
    """Tell of what has not been told everybody; says how many changes are settled now."""
    outside = replace(site, fetcher=Fetcher(quick(site.settings)))
    with site.database.read() as connection:
        changes = store.untold(connection)
    settled = 0
    for change in changes:
        heard = list(change.told)
        fault = hooks.tell(outside, document(site, change), f"{change.ivoid} is {change.state}, was {change.was}", heard)
        tries = (change.tries or 0) + 1
        done = not fault or tries >= TRIES
        if not done:
            _failed[site.settings.instance] = time.monotonic()
        with site.database.write() as connection:
            store.told(connection, change, None if done else tries, heard)
        settled += done
    return settled


def document(site: Site, change: Change) -> dict[str, Any]:
    """What a hook is sent."""
    return {
        "id": change.id, "datacenter": f"ivo://{site.settings.authority}", "service": change.ivoid, "url": change.url,
        "state": change.state, "was": change.was, "at": change.at, "message": change.message,
        "page": site.settings.url(f"services/{change.ivoid.removeprefix('ivo://')}"),
    }
