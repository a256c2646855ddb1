"""Who speaks for which authority: us, or a registry we know of.

Being named in a record claims nothing (D15): a claim is written down here by whoever decided it, the founding, an
adoption or a harvest. In a unit of work that writes, nobody else claims anything from the first question to its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree
from sqlalchemy import Connection, delete, func, insert, select

from registry.db import alone
from registry.records.fitness import our_registry as our_registry
from registry.records.shelf_rows import SHELF
from registry.tables import authorities, records, rr_res_detail

# the authorities of what ships with this product: standards and our own vocabulary
SHIPPED = frozenset({"ivoa.net", "innerspace"})


def ours(connection: Connection) -> frozenset[str]:
    """Our authorities, lower case, without ivo://."""
    alone(connection, SHELF)
    query = select(authorities.c.authority).where(authorities.c.own.is_(True))
    return frozenset(connection.execute(query).scalars())


def holder(connection: Connection, authority: str) -> str:
    """The identifier (lower case) of the registry that manages `authority`, '' where none is known to."""
    alone(connection, SHELF)
    query = select(authorities.c.registry).where(authorities.c.authority == authority.lower())
    return connection.execute(query).scalar() or ""


def claimant(connection: Connection, authority: str) -> str:
    """The registry that manages `authority`, or else one on our shelf whose record says that it does; '' for none.

    Our own records are not asked: among them may be copies of others' (import --own).
    """
    detail = rr_res_detail
    query = (
        select(records.c.ivoid).join(detail, detail.c.ivoid == records.c.key)
        .where(detail.c.detail_xpath == "/managedAuthority", func.lower(detail.c.detail_value) == authority.lower(),
               records.c.managed.is_(False), records.c.type == "vg:Registry")
        .order_by(records.c.key))
    return holder(connection, authority) or connection.execute(query).scalar() or ""


def claim(connection: Connection, authority: str, registry: str, *, own: bool) -> None:
    """Write down that `registry` manages `authority`, whoever was written there before."""
    alone(connection, SHELF)
    name = authority.lower()
    connection.execute(delete(authorities).where(authorities.c.authority == name))
    connection.execute(insert(authorities).values(authority=name, registry=registry.lower(), own=own))


def release(connection: Connection, registry: str, *, keep: Iterable[str] = ()) -> None:
    """Forget that another registry manages authorities, all but those in `keep` (lower case)."""
    alone(connection, SHELF)
    table = authorities
    connection.execute(delete(table).where(
        table.c.registry == registry.lower(), table.c.own.is_(False), table.c.authority.not_in(list(keep))))


def listed(registry_record: etree._Element) -> list[str]:
    """The authorities that a vg:Registry record lists, as it spells them, without ivo:// (VORegistry 1.0 §3.1)."""
    texts = ("".join(map(str, found.itertext())).strip() for found in registry_record.iterchildren("{*}managedAuthority"))
    return [text.removeprefix("ivo://") for text in texts if text]
