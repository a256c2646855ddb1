"""Which services' documents are read again, and which changes of them wait for a person. It reads no document itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from registry import clock
from registry.records.store import Record
from registry.site import Site
from registry.tables import held_changes, watches

MOST_PROBLEMS = 50  # sentences that are kept of one reading


@dataclass(frozen=True)
class Watch:
    """A service that is read again: from where, when last and next, and what is wrong with what it says.

    `fault` is why the last reading came to nothing, '' when it did not.
    """

    url: str
    read: str
    due: str
    problems: list[str]
    fault: str

    @property
    def sentences(self) -> list[str]:
        """All that is wrong."""
        return [self.fault, *self.problems] if self.fault else self.problems


@dataclass(frozen=True)
class Held:
    """A change that waits for a person: `changes` are sentences, `based_on` the version of the record it changes."""

    key: str
    ivoid: str
    at: str
    based_on: int
    digest: str
    changes: list[str]
    validators: dict[str, list[str]]
    xml: bytes


def begin(
    site: Site, record: Record, url: str, validators: Mapping[str, list[str]], problems: list[str],
) -> None:
    """Read this service's documents again from now on; `url` is that of its capabilities."""
    with site.database.write() as connection:
        connection.execute(delete(watches).where(watches.c.key == record.key))
        connection.execute(delete(held_changes).where(held_changes.c.key == record.key))
        connection.execute(insert(watches).values(
            key=record.key, ivoid=record.ivoid, url=url, validators=dict(validators), due=due_next(site),
            read=clock.stamp(), problems=problems[:MOST_PROBLEMS]))


def watch(connection: Connection, key: str) -> Watch | None:
    """How the service is watched; None where it is not."""
    row = connection.execute(select(watches).where(watches.c.key == key)).first()
    return Watch(row.url, row.read, row.due, row.problems, row.fault) if row else None


def held(connection: Connection, key: str) -> Held | None:
    """What waits for a person; None for nothing."""
    row = connection.execute(select(held_changes).where(held_changes.c.key == key)).first()
    return Held(**row._mapping) if row else None


def all_held(connection: Connection) -> list[Held]:
    """Everything that waits, the oldest first."""
    query = select(held_changes).order_by(held_changes.c.at, held_changes.c.key)
    return [Held(**row._mapping) for row in connection.execute(query)]


def due_next(site: Site) -> str:
    """When a service that was read now is read again."""
    return clock.stamp(clock.later(site.settings.watch_interval))
