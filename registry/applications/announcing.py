"""Which images have begun to wait for a person, told once to those outside; `registry.hooks` tells it.

What one look at a repository finds is one message, however many images that are. Who could not be told is told again a
few times, with the same `id`. It decides nothing about an image.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from registry import clock, hooks
from registry.applications.seen import Seen
from registry.site import Site
from registry.tables import draft_news

TRIES = 5
AGAIN = 60.0  # seconds before what failed is tried again
SHOWN = 20  # images that a message names
_failed: dict[Path, float] = {}  # when the last try failed, by instance


def note(connection: Connection, site: Site, drafts: Iterable[Seen]) -> None:
    """Write down that these wait now; with those that nobody was told of yet where there are some.

    In the unit of work that makes them drafts.
    """
    named = [one.app or one.shown for one in drafts]
    if not named or not hooks.anyone(site.settings):
        return
    row = connection.execute(select(draft_news).where(draft_news.c.tries == 0)).first()
    if row is None:
        connection.execute(insert(draft_news).values(
            at=clock.stamp(), waiting=len(named), images=named[:SHOWN], tries=0, told=[]))
        return
    connection.execute(update(draft_news).where(draft_news.c.id == row.id).values(
        waiting=row.waiting + len(named), images=[*row.images, *named][:SHOWN]))


def tell(site: Site) -> int:
    """Tell of what has not been told everybody; says how many messages are settled now. Never raises for what others do."""
    if time.monotonic() - _failed.get(site.settings.instance, float("-inf")) < AGAIN:
        return 0
    with site.database.read() as connection:
        untold = connection.execute(select(draft_news).where(draft_news.c.tries.is_not(None)).order_by(draft_news.c.id)).all()
    return sum(_tell(site, news) for news in untold)


def _tell(site: Site, news: Row[Any]) -> bool:
    with site.database.write() as connection:  # from here on nothing is added to it, and no other worker tells it
        mine = (draft_news.c.id == news.id) & (draft_news.c.tries == news.tries)
        if not connection.execute(update(draft_news).where(mine).values(tries=news.tries + 1)).rowcount:
            return False
        news = connection.execute(select(draft_news).where(draft_news.c.id == news.id)).one()
    heard = list(news.told)
    what = "a new image waits" if news.waiting == 1 else f"{news.waiting} new images wait"
    fault = hooks.tell(site, document(site, news, what), f"{what} for approval", heard)
    settled = not fault or news.tries >= TRIES
    if not settled:
        _failed[site.settings.instance] = time.monotonic()
    with site.database.write() as connection:
        connection.execute(update(draft_news).where(draft_news.c.id == news.id).values(
            tries=None if settled else news.tries, told=heard))
    return settled


def document(site: Site, news: Row[Any], what: str) -> dict[str, Any]:
    """What a hook is sent."""
    more = f" and {news.waiting - len(news.images)} more" if news.waiting > len(news.images) else ""
    return {
        "id": f"drafts-{news.id}", "datacenter": f"ivo://{site.settings.authority}", "state": "draft",
        "waiting": news.waiting, "images": news.images, "at": news.at,
        "message": f"{what[0].upper()}{what[1:]} for a person to approve or reject: {', '.join(news.images)}{more}.",
        "page": site.settings.url("admin/applications/images?state=draft"),
    }
