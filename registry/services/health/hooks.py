"""Tells the site's webhooks that a service went down or came back: one POST of JSON for each change and address.

A hook that fails is tried again a few times, with the same `id`, so that it may know what it has heard already.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from registry.errors import Refusal
from registry.fetch import Fetcher
from registry.services.health import store
from registry.services.health.asking import quick
from registry.services.health.store import Change
from registry.site import Site

TRIES = 5
AGAIN = 10.0  # seconds before what failed is tried again
_log = logging.getLogger(__name__)
_failed: dict[Path, float] = {}  # when the last try failed, by instance


def anything(site: Site) -> bool:
    """Whether a hook is to be told something now."""
    if time.monotonic() - _failed.get(site.settings.instance, float("-inf")) < AGAIN:
        return False
    with site.database.read() as connection:
        return bool(store.untold(connection))


def tell(site: Site) -> int:
    """Tell the hooks what they have not heard; says how many changes are settled now."""
    fetcher = Fetcher(quick(site.settings))
    with site.database.read() as connection:
        changes = store.untold(connection)
    settled = 0
    for change in changes:
        heard = list(change.told)
        for url in site.settings.webhooks:
            if url not in heard and _posted(fetcher, url, document(site, change)):
                heard.append(url)
        tries = (change.tries or 0) + 1
        done = len(heard) >= len(set(site.settings.webhooks)) or tries >= TRIES
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


def _posted(fetcher: Fetcher, url: str, said: dict[str, Any]) -> bool:
    body = json.dumps(said, ensure_ascii=False).encode()
    try:
        with fetcher.stream("POST", url, headers={"Content-Type": "application/json"}, body=body) as answer:
            if 200 <= answer.status < 300:
                return True
            _log.warning("the webhook %s answers with status %s", url, answer.status)
    except Refusal as error:
        _log.warning("a webhook is not told: %s", error)
    return False
