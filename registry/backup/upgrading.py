"""Brings a datacenter's database to the present schema, after a backup: for people, and for `registry serve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from registry import schema
from registry.backup import making
from registry.config import Settings
from registry.db import Database
from registry.errors import Refusal
from registry.schema import Revision

FOLDER = "backups"  # in the instance's


class NoBackup(Refusal):
    """The database is not changed because it could not be backed up before."""

    status = 500


@dataclass(frozen=True)
class Upgraded:
    """From which revision to which, what changed between, and where the backup from before is; None without one."""

    before: str
    after: str
    changes: tuple[Revision, ...]
    backup: Path | None


def upgrade(
    settings: Settings, database: Database, *, backup: bool = True, tell: Callable[[str], None] = lambda words: None,
) -> Upgraded:
    """Upgrade, after a backup without the files of jobs into the instance's folder `backups`; nothing where it is up to date.

    Raises NoBackup, and what `schema.upgrade` raises: then the database is as it was.
    """
    found = schema.state(database)
    if not found.pending:
        schema.upgrade(database)  # where it is new
        return Upgraded(found.newest, found.newest, (), None)
    path = _backed_up(settings, database, found.present, tell) if backup else None
    tell(f"upgrading the {database.name} from revision {found.present} to {found.newest}")
    before = schema.upgrade(database)
    return Upgraded(before.present, before.newest, before.pending, path)


def _backed_up(settings: Settings, database: Database, revision: str, tell: Callable[[str], None]) -> Path:
    folder = settings.instance / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        made = making.make(settings, database, folder, results=False)
    except (Refusal, OSError) as refused:
        raise NoBackup(f"{str(refused).rstrip('.')}; without a backup the database of revision {revision} is not upgraded. "
                       "Make one by other means, then: registry upgrade --without-backup") from None
    tell(f"backup from before: {made.path}")
    return made.path
