"""Makes a backup of a datacenter, while it works: its database, configuration, keys, and the files of its jobs.

Data sets that applications may ask for, Docker images and the engine's containers are not in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from registry import clock, schema
from registry.backup import archive, copying
from registry.backup.archive import Progress
from registry.config import CONFIG_FILE, Settings
from registry.db import Database
from registry.errors import NotFound, Refusal

_STALE = 86400  # seconds


@dataclass(frozen=True)
class Made:
    """A finished backup: where it is, how many bytes long, and what it says of itself."""

    path: Path
    size: int
    about: dict[str, Any]


def make(
    settings: Settings, database: Database, target: Path, *, keys: bool = True, results: bool = True,
    progress: Progress = lambda done, words: None,
) -> Made:
    """Write an archive to the new file `target`, or into the folder `target` under a name of its own.

    `progress` gets bytes and words. Raises Conflict where the file is there, NotFound without a folder for it, and what
    `schema.state` and `copying.copy` raise.
    """
    path = _place(settings, target)
    revision = schema.state(database).present
    if not revision:
        raise NotFound(f"The {database.name} holds nothing yet: there is nothing to back up.")
    holds = [name for name, wanted in (("keys", keys), ("results", results)) if wanted]
    about = {
        "program": version("innerspace"), "made": clock.stamp(), "authority": settings.authority, "title": settings.title,
        "database": {"name": copying.name(database), "revision": revision}, "holds": ["database", "configuration", *holds],
    }
    copy = path.with_name(f".{path.name}.{os.getpid()}.database")
    try:
        with archive.made(path, about, progress) as writer:
            copying.copy(database, copy, lambda done, total: progress(0, f"database, {100 * done // max(total, 1)} % copied"))
            writer.file(copying.name(database), copy)
            copy.unlink()
            writer.file(CONFIG_FILE, settings.instance / CONFIG_FILE)
            for folder in holds:
                for file in _below(settings.instance / folder):
                    writer.file(file.relative_to(settings.instance).as_posix(), file)
    except OSError as error:
        raise Refusal(f"The backup could not be written: {error.strerror} ({error.filename or path}).") from None
    finally:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}-journal").unlink(missing_ok=True)
    return Made(path, path.stat().st_size, about)


def _place(settings: Settings, target: Path) -> Path:
    if target.is_dir():
        _clear(target)
        name = "".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in settings.authority or "innerspace")
        return target / f"{name}-{clock.stamp().replace(':', '')}.tar.gz"
    if not target.parent.is_dir():
        raise NotFound(f"There is no folder {target.parent} to put the backup in: make it, or name another.")
    return target


def _clear(folder: Path) -> None:
    """Remove what backups that were killed have left there, a day ago at least."""
    for path in folder.glob(".*.tar.gz.*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE:
                path.unlink()


def _below(folder: Path) -> Iterator[Path]:
    """Every file below, links not followed; folders that go meanwhile are no error."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            yield Path(place) / file
