"""What a full list no longer holds: records that came from its registry before and are missing now.

A registry says of most deletions itself. What is missing without a word is deleted here too, but only as long as that
is little: a fault in its paging once took a third of a registry's records from those who harvest it. Beyond the
floor nothing is done without a person's word, and the run is `held`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, func, insert, select, update

from registry.harvest.sources import Source
from registry.records import store as shelf
from registry.tables import harvest_runs, harvest_seen, records

_SIZE = 16  # bytes of a name's hash
AT_ONCE = 200  # records deleted in one transaction


def note(connection: Connection, run_id: int, ivoids: Iterable[str]) -> None:
    """Write down what a page held, in the transaction that stored its records."""
    hashes = b"".join(_hashed(shelf.key_of(ivoid)) for ivoid in ivoids)
    if hashes:
        connection.execute(insert(harvest_seen).values(run_id=run_id, hashes=hashes))


def pass_on(connection: Connection, run_id: int, successor: int) -> None:
    """Let the run that goes on with another's list have what that one saw."""
    connection.execute(update(harvest_seen).where(harvest_seen.c.run_id == run_id).values(run_id=successor))


def forget(connection: Connection, source_id: int, *, but: int = 0) -> None:
    """Forget what the source's runs saw, all but one."""
    of_source = select(harvest_runs.c.id).where(harvest_runs.c.source_id == source_id, harvest_runs.c.id != but)
    connection.execute(delete(harvest_seen).where(harvest_seen.c.run_id.in_(of_source)))


def held(connection: Connection, source_id: int, state: str) -> int | None:
    """The newest run of the source in `state` of which it is known what it saw."""
    query = (select(func.max(harvest_runs.c.id)).join(harvest_seen, harvest_seen.c.run_id == harvest_runs.c.id)
             .where(harvest_runs.c.source_id == source_id, harvest_runs.c.state == state))
    return connection.execute(query).scalar()


def missing(connection: Connection, source: Source, run_id: int) -> tuple[list[str], int]:
    """The keys of the source's records that the run has not seen, and how many records the source has here."""
    blobs = connection.execute(select(harvest_seen.c.hashes).where(harvest_seen.c.run_id == run_id)).scalars()
    seen = {part for blob in blobs for part in _parts(bytes(blob))}
    query = select(records.c.key).where(
        records.c.source_id == source.id, records.c.origin == shelf.HARVESTED, records.c.status != shelf.DELETED)
    keys = list(connection.execute(query.order_by(records.c.key)).scalars())
    return [key for key in keys if _hashed(key) not in seen], len(keys)


def bury(connection: Connection, source: Source, keys: Iterable[str]) -> int:
    """Leave tombstones of the source's records that are missing; says how many."""
    number = 0
    for key in keys:
        record = shelf.get(connection, key)
        if record and not record.deleted and record.source_id == source.id:
            shelf.delete(connection, key, who=f"harvest:{source.name}", why="missing from a full list of its registry")
            number += 1
    return number


def _hashed(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=_SIZE).digest()


def _parts(blob: bytes) -> Iterator[bytes]:
    return (blob[start:start + _SIZE] for start in range(0, len(blob), _SIZE))
