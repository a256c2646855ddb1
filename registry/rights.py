"""What an administrator says of accounts: role, the authorities that a publisher may publish in, and who may not be lost.

It knows no room and no page; who may say such things is decided by whoever calls it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select, update

from registry import access, sessions
from registry.access import ADMINISTRATOR, PUBLISHER, ROLES, Account, AccountError
from registry.db import alone
from registry.errors import Conflict, Denied
from registry.site import Site
from registry.tables import accounts as people, api_tokens, authorities as authorities_table


def require_authority(connection: Connection, who: str, authority: str) -> None:
    """Raises Denied where `who` is a publisher of certain authorities, and this is not one of them.

    Names that are no account's (the command line, the worker) are not looked at.
    """
    row = connection.execute(select(people.c.role, people.c.authorities).where(people.c.name == who)).first()
    if row is None or row.role != PUBLISHER or not row.authorities:
        return
    if authority.lower() not in row.authorities:
        raise Denied(f"{who} publishes in {', '.join(row.authorities)} and not in {authority}: ask an administrator.")


def publishes_in(connection: Connection, who: str) -> frozenset[str]:
    """The authorities of ours, lower case, that `who` may publish in as far as `require_authority` is asked."""
    row = connection.execute(select(people.c.role, people.c.authorities).where(people.c.name == who)).first()
    bound = frozenset(row.authorities) if row is not None and row.role == PUBLISHER else frozenset()
    return ours(connection) & bound if bound else ours(connection)


def set_role(connection: Connection, name: str, role: str, authorities: Iterable[str] = ()) -> Account:
    """Give the account this role, and as a publisher these authorities (none: all that are ours); its logins end.

    Raises NoAccount, AccountError for what is no role or no authority of ours, Conflict for the last administrator.
    """
    if role not in ROLES:
        raise AccountError(f"There is no role {role!r}: one of {', '.join(ROLES)}.")
    wanted = sorted({one.strip().lower().removeprefix("ivo://") for one in authorities if one.strip()})
    if wanted and role != PUBLISHER:
        raise AccountError(f"Only a publisher is bound to authorities, and a {role} is none.")
    known = ours(connection)
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise AccountError(f"{unknown[0]} is no authority of ours: {', '.join(sorted(known)) or 'there is none'}.")
    alone(connection, "accounts")
    account = access.get_account(connection, name)
    if role != ADMINISTRATOR:
        _keep_one(connection, account)
    changed = update(people).where(people.c.name == name).values(role=role, authorities=wanted)
    if (role, tuple(wanted)) != (account.role, account.authorities):
        sessions.end(connection, name)  # nobody goes on under a session that began with other rights
    connection.execute(changed)
    return access.get_account(connection, name)


def ours(connection: Connection) -> frozenset[str]:
    """The authorities that a publisher can be bound to, lower case."""
    query = select(authorities_table.c.authority).where(authorities_table.c.own.is_(True))
    return frozenset(connection.execute(query).scalars())


def token_ends(connection: Connection, authorization: str) -> str:
    """When the bearer token of an Authorization header ends; '' for another header, or for no end."""
    scheme, _, secret = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        return ""
    query = select(api_tokens.c.expires).where(api_tokens.c.token_hash == access.digest(secret.strip()))
    return connection.execute(query).scalar() or ""


def set_disabled(connection: Connection, name: str, disabled: bool) -> Account:
    """As `access.set_disabled`, but the last administrator stays. Raises NoAccount, Conflict."""
    alone(connection, "accounts")
    if disabled:
        _keep_one(connection, access.get_account(connection, name))
    return access.set_disabled(connection, name, disabled)


def change_password(site: Site, name: str, present: str, new: str, address: str) -> None:
    """The account's own wish, which its present password shows; its other logins end.

    Raises Unauthenticated, Busy, AccountError.
    """
    access.check_password(site, name, present, address)
    with site.database.write() as connection:
        access.set_password(connection, name, new)


def _keep_one(connection: Connection, account: Account) -> None:
    others = select(func.count()).select_from(people).where(
        people.c.role == ADMINISTRATOR, people.c.disabled.is_(False), people.c.name != account.name)
    if account.role == ADMINISTRATOR and not account.disabled and not connection.execute(others).scalar_one():
        raise Conflict(f"{account.name} is the only administrator left: make another first.")
