"""Makes a datacenter from a backup, in a folder and a database where there is none; all of it, or nothing.

What was going on when the backup was made is not going on in what comes of it: see `registry.backup.settling`.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import config, schema
from registry.backup import archive, copying, settling
from registry.backup.archive import ArchiveRefused, Progress
from registry.backup.settling import Settled
from registry.config import CONFIG_FILE
from registry.db import Database
from registry.errors import Conflict

_NAME = re.compile(r"^([ \t]*instance_name[ \t]*=.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Restored:
    """What has been restored: what the archive says of itself, and what became of what was going on."""

    about: dict[str, Any]
    settled: Settled


def restore(path: Path, instance: Path, who: str, *, progress: Progress = lambda done, words: None) -> Restored:
    """Restore the archive at `path` as the datacenter in the folder `instance`, and bring its database up to date.

    Raises Conflict where there is something already, NotFound, ArchiveRefused, SchemaTooNew and what `copying` raises.
    """
    if instance.exists() and (not instance.is_dir() or any(instance.iterdir())):
        raise Conflict(f"{instance} is not empty, and a backup is restored only where nothing is: move it away, or name another "
                       "folder with --instance.")
    _understood(path, archive.about(path))
    draft = instance.absolute().with_name(f".{instance.name}.restoring-{os.getpid()}")
    draft.mkdir(mode=0o755, parents=True)
    try:
        about = archive.unpacked(path, draft, progress)
        _forget_name(draft / CONFIG_FILE)
        settled = _database(about, draft, who)
        os.sync()  # what has its name is whole, after a power cut too
        draft.rename(instance)  # over an empty folder, too
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Restored(about, settled)


def check(path: Path, *, progress: Progress = lambda done, words: None) -> dict[str, Any]:
    """Whether the archive at `path` is whole and of a version that this program knows; what it says of itself.

    Raises NotFound, ArchiveRefused, SchemaTooNew.
    """
    _understood(path, archive.about(path))
    return archive.checked(path, progress)


def _understood(path: Path, about: dict[str, Any]) -> None:
    """Raises SchemaTooNew, ArchiveRefused."""
    database = about.get("database")
    if not isinstance(database, dict) or database.get("name") not in (copying.SQLITE, copying.DUMP):
        raise ArchiveRefused(f"{path} does not say which database it holds: it is no backup that `registry backup` has made.")
    schema.check_known(str(database.get("revision")), f"database in {path}")


def _forget_name(file: Path) -> None:
    """Containers of that name are the first datacenter's, which may live on: this one makes itself another."""
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        file.write_text(_NAME.sub(r"# \1  # of the datacenter that this was restored from", text), encoding="utf-8")


def _database(about: dict[str, Any], draft: Path, who: str) -> Settled:
    """Put the database where the restored configuration wants it."""
    source = draft / about["database"]["name"]
    database = Database(config.load(draft).database)
    held = "SQLite" if source.name == copying.SQLITE else "PostgreSQL"
    if database.is_sqlite is not (held == "SQLite"):
        raise Conflict(f"The backup holds a {held} database, and database_url names the {database.name}: set "
                       "INNERSPACE_DATABASE_URL to one of its kind for this command.")
    try:
        if database.is_sqlite:
            _put(source, Path(str(database.url.database)))
        else:
            _fill(database, source)
        schema.upgrade(database)
        return settling.settle(database, draft, str(about.get("made")), who)
    finally:
        database.close()
        for lock in draft.glob("*.stamp"):
            lock.unlink()


def _put(source: Path, target: Path) -> None:
    if target.exists():
        raise Conflict(f"There is a database {target} already: move it away, or set INNERSPACE_DATABASE_URL for this command.")
    with closing(sqlite3.connect(source)) as connection:
        try:
            fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            fault = str(error)
    if fault != "ok":
        raise ArchiveRefused(f"The database in the backup is damaged ({fault}). Use another one.")
    shutil.move(source, target)


def _fill(database: Database, source: Path) -> None:
    if schema.state(database).present:
        raise Conflict(f"The {database.name} is not empty, and a backup is restored only where nothing is: make a new one, and "
                       "name it in INNERSPACE_DATABASE_URL for this command and in config.toml after it.")
    copying.put_back(database, source)
    source.unlink()
