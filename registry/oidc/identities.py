"""Which account here a person is whom a provider calls by a subject: linked by that person or an administrator, or made.

It knows no name of a person: two people whom two providers, or a provider and we, call alike are two people.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from registry import access, clock
from registry.db import alone
from registry.errors import NotFound
from registry.oidc.errors import Linked
from registry.tables import accounts, identities, sessions

_MOST = 255  # characters of a subject (OpenID Connect Core 2)


class NoIdentity(NotFound):
    """Nobody is linked so."""


@dataclass(frozen=True)
class Identity:
    """One person's name elsewhere and account here; `made` where a first log-in made the account."""

    issuer: str
    subject: str
    account: str
    made: bool
    created: str
    seen: str | None


def whose(connection: Connection, issuer: str, subject: str) -> Identity | None:
    """Whom the provider calls so; None for somebody we do not know."""
    found = _found(connection, identities.c.issuer == issuer, identities.c.subject == subject)
    return found[0] if found else None


def of_account(connection: Connection, name: str) -> list[Identity]:
    """Who may log in to the account by a provider."""
    return _found(connection, accounts.c.name == name)


def link(connection: Connection, name: str, issuer: str, subject: str, *, made: bool = False) -> Identity:
    """Let whom `issuer` calls `subject` in as `name` from now on.

    Raises NoAccount, Linked where that person is linked already or the account is another's of that provider.
    """
    subject = subject.strip()
    if not issuer or not 0 < len(subject) <= _MOST or not subject.isprintable():
        raise Linked(f"A subject is what the provider calls a person: 1 to {_MOST} characters.")
    alone(connection, "accounts")
    there = whose(connection, issuer, subject)
    if there is not None:
        raise Linked(f"{subject} of {issuer} is {there.account} here already: unlink that first.")
    account = access.get_account(connection, name)
    if any(one.issuer == issuer for one in of_account(connection, account.name)):
        raise Linked(f"{name} is linked to another person of {issuer} already: unlink that first.")
    number = connection.execute(select(accounts.c.id).where(accounts.c.name == name)).scalar_one()
    connection.execute(insert(identities).values(
        issuer=issuer, subject=subject, account_id=number, made=made, created=clock.stamp(), seen=None))
    return of_account(connection, name)[-1]


def unlink(connection: Connection, name: str, *, issuer: str = "", by_themselves: bool = False) -> list[Identity]:
    """Let nobody of `issuer` ('': of any provider) in as `name`; log-ins that came so end.

    Raises NoAccount, NoIdentity; Linked where it would be `by_themselves` and shut them out.
    """
    account = access.get_account(connection, name)
    gone = [one for one in of_account(connection, name) if issuer in ("", one.issuer)]
    if not gone:
        raise NoIdentity(f"{name} is linked to nobody{f' of {issuer}' if issuer else ''}.")
    if by_themselves and account.provider_only:
        raise Linked(f"{name} has no password, so nobody could log in any more: an administrator can set one.")
    number = connection.execute(select(accounts.c.id).where(accounts.c.name == name)).scalar_one()
    for one in gone:
        connection.execute(delete(identities).where(
            identities.c.issuer == one.issuer, identities.c.subject == one.subject))
        end_sessions(connection, number, one.issuer)
    return gone


def end_sessions(connection: Connection, account_id: int, issuer: str) -> None:
    """End the log-ins of the account for which this provider has vouched."""
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id, sessions.c.issuer == issuer))


def seen(connection: Connection, issuer: str, subject: str) -> None:
    """They have logged in now."""
    connection.execute(update(identities).where(
        identities.c.issuer == issuer, identities.c.subject == subject).values(seen=clock.stamp()))


def issuer_of_session(connection: Connection, secret: str) -> str:
    """Who vouched for whoever is logged in under this session; '' for a password, or where nobody is."""
    query = select(sessions.c.issuer).where(sessions.c.token_hash == access.digest(secret))
    return connection.execute(query).scalar() or ""


def like(connection: Connection, name: str) -> str:
    """The name of the account that a person would take for `name`; '' for none."""
    return connection.execute(select(accounts.c.name).where(func.lower(accounts.c.name) == name.lower())).scalar() or ""


def _found(connection: Connection, *conditions: object) -> list[Identity]:
    query = select(identities, accounts.c.name).join(accounts, accounts.c.id == identities.c.account_id).where(
        *conditions).order_by(identities.c.created, identities.c.issuer)  # type: ignore[arg-type]
    return [Identity(row.issuer, row.subject, row.name, row.made, row.created, row.seen)
            for row in connection.execute(query)]
