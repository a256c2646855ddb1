"""Who of those whom the provider vouches for is let in, as which account and with which role: this site's own rules.

A person is known by issuer and subject. A name that the provider gives never opens an account that is here already:
who has that account links it, or an administrator does.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, select

from registry import access, rights
from registry.access import PUBLISHER, READER, ROLES, Account
from registry.db import alone
from registry.errors import Conflict
from registry.oidc import identities
from registry.oidc.errors import NotAdmitted
from registry.oidc.identities import Identity
from registry.oidc.settings import Provider, Rule
from registry.tables import accounts

# whom history and audit name where nobody's account is meant
_NOT_NAMES = frozenset({
    "anonymous", "cli", "gateway", "harvest", "innerspace", "provider", "registry", "system", "watch", "worker"})


def admit(connection: Connection, provider: Provider, claims: dict[str, Any]) -> Account | str:
    """The account of the person with these claims, made or given its role where the rules say so.

    A text says why there is none: what was taken away meanwhile stays so, and so the caller commits before it tells.
    """
    alone(connection, "accounts")  # one person may come by two browsers at once, and is to be one account
    known = identities.whose(connection, provider.issuer, claims["sub"])
    try:
        account = _known(connection, provider, known, claims) if known else _new(connection, provider, claims)
    except NotAdmitted as error:
        return str(error)
    identities.seen(connection, provider.issuer, claims["sub"])
    return account


def _known(connection: Connection, provider: Provider, known: Identity, claims: dict[str, Any]) -> Account:
    account = access.get_account(connection, known.account)
    if account.disabled:
        raise NotAdmitted(f"The account {account.name} is shut: ask an administrator.")
    if not known.made or not provider.roles:  # who was here before keeps the role that an administrator gave
        return account
    given = given_role(provider, claims)
    if given is None and provider.unknown == "refuse":
        _set(connection, account, READER, ())
        number = connection.execute(select(accounts.c.id).where(accounts.c.name == account.name)).scalar_one()
        identities.end_sessions(connection, number, provider.issuer)
        raise NotAdmitted(_no_rule(provider))
    return _set(connection, account, *(given or (READER, ())))


def _set(connection: Connection, account: Account, role: str, authorities: tuple[str, ...]) -> Account:
    ours = rights.ours(connection)
    bound = tuple(one for one in authorities if one in ours)
    if authorities and not bound:  # without any it would be every authority of ours
        role = access.lesser(role, access.RUNNER)
    if (role, bound) == (account.role, account.authorities):
        return account
    try:
        changed = rights.set_role(connection, account.name, role, bound)
    except Conflict:  # the last administrator stays, whatever the provider says
        return account
    access.audit(connection, "provider", "set role", account.name, " ".join((role, *bound)))
    return changed


def _new(connection: Connection, provider: Provider, claims: dict[str, Any]) -> Account:
    given = given_role(provider, claims)
    if given is None and provider.unknown == "refuse":
        raise NotAdmitted(_no_rule(provider))
    name = _name(provider, claims)
    there = identities.like(connection, name)
    if there:
        raise NotAdmitted(
            f"There is an account {there} here already. If it is yours, log in with its password and link it to "
            f"{provider.name} on the page of your account; else ask an administrator.")
    access.create_account(connection, name, None, READER)
    identities.link(connection, name, provider.issuer, claims["sub"], made=True)
    access.audit(connection, "provider", "add account", name, f"{claims['sub']} of {provider.issuer}")
    return _set(connection, access.get_account(connection, name), *(given or (READER, ())))


def _name(provider: Provider, claims: dict[str, Any]) -> str:
    name = claims.get(provider.name_claim)
    if not isinstance(name, str) or not re.fullmatch(access.NAME, name) or name.lower() in _NOT_NAMES:
        raise NotAdmitted(f"{provider.name} gives no name that an account can have here (its claim "
                          f"{provider.name_claim}): ask an administrator.")
    if provider.name_claim == "email" and claims.get("email_verified") is not True:
        raise NotAdmitted(f"{provider.name} has not verified your mail address, which would be your name here: ask there.")
    return name


def given_role(provider: Provider, claims: dict[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """The highest role that a rule gives, and a publisher's authorities (none: all of ours); None where none does."""
    values = _values(claims, provider.role_claim) if provider.role_claim else []
    fitting = [rule for rule in provider.roles if rule.value in values]
    if not fitting:
        return None
    role = max((rule.role for rule in fitting), key=ROLES.index)
    return role, _authorities([rule for rule in fitting if rule.role == role]) if role == PUBLISHER else ()


def _authorities(rules: list[Rule]) -> tuple[str, ...]:
    if any(not rule.authorities for rule in rules):
        return ()
    return tuple(sorted({one for rule in rules for one in rule.authorities}))


def _values(claims: dict[str, Any], name: str) -> list[str]:
    """The texts of a claim; a dot in its name leads into an object where no claim is called so as a whole."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, str)]


def _no_rule(provider: Provider) -> str:
    return f"{provider.name} knows you, and this site has no place for you: ask an administrator to let you in."
