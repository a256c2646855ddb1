"""Who speaks for which authority: us, or a registry we know of. It claims nothing by itself (D15)."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from registry.tables import authorities


def ours(connection: Connection) -> frozenset[str]:
    """Our authorities, lower case, without ivo://."""
    query = select(authorities.c.authority).where(authorities.c.own.is_(True))
    return frozenset(connection.execute(query).scalars())


def holder(connection: Connection, authority: str) -> str:
    """The identifier (lower case) of the registry that manages `authority`, '' where none is known to."""
    query = select(authorities.c.registry).where(authorities.c.authority == authority.lower())
    return connection.execute(query).scalar() or ""


def claim(connection: Connection, authority: str, registry: str, *, own: bool) -> None:
    """Write down that `registry` manages `authority`, whoever was written there before."""
    name = authority.lower()
    connection.execute(delete(authorities).where(authorities.c.authority == name))
    connection.execute(insert(authorities).values(authority=name, registry=registry.lower(), own=own))


def our_registry(settings_authority: str) -> str:
    """The identifier of our own registry record."""
    return f"ivo://{settings_authority}/registry"
