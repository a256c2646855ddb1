"""Log-ins that have begun at the provider: each is bound to the browser that began it, comes back once, and not late."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from registry import clock
from registry.access import digest
from registry.db import alone
from registry.errors import Busy
from registry.oidc.errors import AnswerRefused
from registry.tables import accounts, visits

LASTS = 600  # seconds
MOST = 100  # of one address that have not come back


@dataclass(frozen=True)
class Visit:
    """One log-in on its way. `account` is the one that is to be linked, '' for a log-in."""

    state: str
    nonce: str
    verifier: str
    goal: str
    account: str


def begin(connection: Connection, browser: str, address: str, goal: str, account: str = "") -> Visit:
    """A new one of the browser whose cookie is `browser`. Raises Busy where one address begins too many."""
    alone(connection, "visits")
    connection.execute(delete(visits).where(visits.c.at < clock.stamp(clock.later(-LASTS))))
    there = connection.execute(select(func.count()).select_from(visits).where(visits.c.address == address)).scalar_one()
    if there >= MOST:
        raise Busy(f"Too many log-ins have begun from your address: wait {LASTS // 60} minutes and try again.", LASTS)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    made = Visit(state, nonce, verifier, goal, account)
    number = connection.execute(select(accounts.c.id).where(accounts.c.name == account)).scalar() if account else None
    connection.execute(insert(visits).values(
        state_hash=digest(made.state), browser_hash=digest(browser), nonce=made.nonce, verifier=made.verifier, goal=goal,
        account_id=number, address=address, at=clock.stamp()))
    return made


def end(connection: Connection, browser: str, state: str) -> Visit:
    """The one of this state, which is no more from now on. Raises AnswerRefused where this browser has begun none."""
    query = select(visits, accounts.c.name).outerjoin(accounts, accounts.c.id == visits.c.account_id).where(
        visits.c.state_hash == digest(state), visits.c.browser_hash == digest(browser),
        visits.c.at >= clock.stamp(clock.later(-LASTS)))
    row = connection.execute(query).first() if state and browser else None
    # of two that bring the same at once, one has it
    if row is None or not connection.execute(delete(visits).where(visits.c.state_hash == row.state_hash)).rowcount:
        raise AnswerRefused("This browser has not begun that log-in, or it has come back already or took too long: "
                            "begin it here again.")
    return Visit(state, row.nonce, row.verifier, row.goal, row.name or "")
