"""What the set-up keeps between its screens: the link, the browser it was opened in, the answers so far.

Link and browser are kept as hashes, the administrator's password as the hash that the account gets. Everything is in the
database's facts and is forgotten with the founding. It knows nothing of pages.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from registry import clock
from registry.access import digest
from registry.db import alone
from registry.site import Site
from registry.tables import facts

LINK, BROWSER, ANSWERS = "setup link", "setup browser", "setup answers"
LINK_SECONDS = 3600
BROWSER_SECONDS = 86400


def new_link(site: Site) -> str:
    """A secret to open the set-up with: good once and for an hour; one made before is worth nothing any more."""
    secret = secrets.token_urlsafe(24)
    with site.database.write() as connection:
        _set(connection, LINK, {"hash": digest(secret), "until": _until(LINK_SECONDS)})
    return secret


def redeem(site: Site, secret: str) -> str:
    """The secret of the browser that opened the link, '' where it is used up, expired or wrong.

    The browser that opened one before is let in no more.
    """
    with site.database.write() as connection:
        alone(connection, "setup")
        if not _fits(_get(connection, LINK), secret):
            return ""
        _forget(connection, LINK)
        browser = secrets.token_urlsafe(32)
        _set(connection, BROWSER, {"hash": digest(browser), "until": _until(BROWSER_SECONDS)})
    return browser


def let_in(site: Site, browser: str) -> bool:
    """Whether this is the browser that opened the link."""
    with site.database.read() as connection:
        return _fits(_get(connection, BROWSER), browser)


def answers(site: Site) -> dict[str, str]:
    """What has been answered so far."""
    with site.database.read() as connection:
        return _get(connection, ANSWERS)


def keep(site: Site, **given: str) -> dict[str, str]:
    """Add answers to those so far; gives all."""
    with site.database.write() as connection:
        alone(connection, "setup")
        whole = _get(connection, ANSWERS) | given
        _set(connection, ANSWERS, whole)
    return whole


def forget(connection: Connection) -> None:
    """The set-up is over."""
    _forget(connection, LINK, BROWSER, ANSWERS)


def _fits(kept: dict[str, Any], secret: str) -> bool:
    return bool(secret) and secrets.compare_digest(kept.get("hash", ""), digest(secret)) and kept["until"] > clock.stamp()


def _until(seconds: int) -> str:
    return clock.stamp(clock.later(seconds))


def _get(connection: Connection, name: str) -> dict[str, Any]:
    text = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()
    return dict(json.loads(text)) if text else {}


def _set(connection: Connection, name: str, value: dict[str, Any]) -> None:
    alone(connection, "setup")
    _forget(connection, name)
    connection.execute(insert(facts).values(name=name, value=json.dumps(value)))


def _forget(connection: Connection, *names: str) -> None:
    connection.execute(delete(facts).where(facts.c.name.in_(names)))
