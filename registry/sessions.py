"""Where an account is logged in just now, and an end to that: what people and administrators see of sessions.

Who is let in, and for how long, is `registry.access`'s. It is given secrets and shows none.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from registry import access, clock
from registry.config import Settings
from registry.tables import accounts, sessions


@dataclass(frozen=True)
class Login:
    """One browser that is logged in; `issuer` vouched for it, '' a password; `this` is the one that asks."""

    created: str
    seen: str
    issuer: str
    this: bool


def of_account(connection: Connection, settings: Settings, name: str, secret: str = "") -> list[Login]:
    """The logins of the account that count, newest first. Raises NoAccount."""
    access.get_account(connection, name)
    query = select(sessions).join(accounts, accounts.c.id == sessions.c.account_id).where(
        accounts.c.name == name, sessions.c.created > clock.stamp(clock.later(-settings.session_lifetime)),
        sessions.c.seen > clock.stamp(clock.later(-settings.session_idle))).order_by(sessions.c.created.desc())
    mine = access.digest(secret) if secret else ""
    return [Login(row.created, row.seen, row.issuer, row.token_hash == mine) for row in connection.execute(query)]


def end(connection: Connection, name: str, keep: str = "") -> int:
    """End the logins of the account, but for the one of the secret `keep`; says how many. Raises NoAccount."""
    access.get_account(connection, name)
    number = select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()
    kept = access.digest(keep) if keep else ""
    return connection.execute(delete(sessions).where(
        sessions.c.account_id == number, sessions.c.token_hash != kept)).rowcount
