"""One datacenter as its processes hold it: settings, database, schemas, bells, secret, fetcher. No behaviour of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import config
from registry.bell import ANSWERS, Bells
from registry.config import Settings
from registry.db import Database
from registry.fetch import Fetcher
from registry.server_bell import ServerBells
from vosi.schemas import Schemas


@dataclass(frozen=True)
class Site:
    """Everything a room needs to work; made once per process by `open_site`."""

    settings: Settings
    database: Database
    schemas: Schemas
    bells: Bells
    secret: bytes
    fetcher: Fetcher

    def close(self) -> None:
        """Let go of the database's connections."""
        self.bells.close()
        self.database.close()


def open_site(instance: Path, **overrides: Any) -> Site:
    """Open the datacenter in the folder `instance`; settings in `overrides` win over file and environment.

    Raises ConfigError, DatabaseRefused. Whether the database answers is not looked at: `registry.schema.upgrade` asks
    it, and brings its schema up to date.
    """
    settings = config.load(instance, **overrides)
    settings.instance.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    bells = Bells(settings.instance / "run") if database.is_sqlite else ServerBells(database)
    database.announce = lambda: bells.ring(ANSWERS)
    return Site(
        settings=settings,
        database=database,
        schemas=Schemas(settings.xsd_folder),
        bells=bells,
        secret=_secret(settings.instance / "keys" / "secret"),
        fetcher=Fetcher(settings),
    )


def _secret(path: Path) -> bytes:
    """The instance's random key for signing tokens and sessions; made at the first start, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"secret.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        # link() fails where another process was faster: then both use that one's
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
