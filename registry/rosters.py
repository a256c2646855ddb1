"""The lists of accounts and API tokens; who may see whose is said where they are shown."""

from __future__ import annotations

from registry import clock
from registry.access import ROLES, Account, Token
from registry.lists import Column, Listing, Narrow


def _open(value: str, row: Account) -> bool:
    return row.disabled == (value == "shut")


def _good(value: str, row: Token) -> bool:
    return (row.expires is not None and row.expires <= clock.stamp()) == (value == "expired")


ACCOUNTS: Listing[Account] = Listing(
    "accounts",
    (
        Column("name", "Name", searched=True),
        Column("role", "Role", searched=True),
        Column("authorities", "Authorities", searched=True),
        Column("disabled", "Shut"),
        Column("created", "Made (UTC)"),
    ),
    key="name", sort="name",
    narrows=(
        Narrow("role", "Role", lambda value, row: row.role == value, ROLES),
        Narrow("state", "State", _open, ("open", "shut")),
    ),
)
TOKENS: Listing[Token] = Listing(
    "tokens",
    (
        Column("id", "Token", number=True),
        Column("account", "Account", searched=True),
        Column("label", "For", searched=True),
        Column("role", "No more than"),
        Column("created", "Made (UTC)"),
        Column("last_used", "Last used (UTC)"),
        Column("expires", "Good until (UTC)"),
    ),
    key="id", sort="id",
    narrows=(
        Narrow("account", "Account", lambda value, row: row.account == value),
        Narrow("state", "State", _good, ("good", "expired")),
    ),
)
