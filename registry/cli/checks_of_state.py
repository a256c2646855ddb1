"""What `registry doctor` looks at of the datacenter's own state: schema, clock, processes, and who can read its files.

Each look gives a verdict and one sentence; none changes anything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from registry import beats, clock, schema
from registry.beats import Watch
from registry.config import CONFIG_FILE
from registry.site import Site
from registry.tables import audit, jobs, records

PASS, WARN, FAIL = "pass", "warn", "fail"
_TOLERATED = 5.0  # seconds between two clocks
_AHEAD = 2.0  # seconds by which what is written may be ahead of the clock


def schema_state(site: Site) -> tuple[str, str]:
    """Whether the database is of this program's revision, and holds what that says."""
    found = schema.state(site.database)
    if found.pending:
        words = "; ".join(f"{one.number}: {one.words}" for one in found.pending)
        return FAIL, f"revision {found.present}, older than this program's: `registry upgrade` brings it up to date ({words})"
    missing = schema.missing(site.database)
    if missing:
        return FAIL, f"it says that it is of revision {found.present} and lacks {', '.join(missing)}: restore a backup"
    return PASS, f"revision {found.present}, the newest"


def the_clock(site: Site) -> tuple[str, str]:
    """Whether the clock goes with what has been written, and with the database server's."""
    with site.database.read() as connection:
        newest = max((mark for mark in _marks(connection) if mark), default="")
        server = None if site.database.is_sqlite else connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    now = clock.now()
    if newest and (clock.parse(newest) - now).total_seconds() > _AHEAD:
        return FAIL, f"it says {clock.stamp(now)}, and something here was written at {newest}: have a time service set it"
    if isinstance(server, datetime) and abs((server - now).total_seconds()) > _TOLERATED:
        apart = abs((server - now).total_seconds())
        return WARN, f"it differs from the database server's by {apart:.0f} s: set both by a time service"
    return PASS, f"{clock.stamp(now)}, after everything that has been written"


def _marks(connection: Connection) -> Iterator[str | None]:
    for column in (records.c.datestamp, audit.c.at, jobs.c.created):
        yield connection.execute(select(func.max(column))).scalar()


def processes(site: Site) -> tuple[str, str]:
    """Whether worker and gateway are heard."""
    watch, silent = Watch(), []
    with site.database.read() as connection:
        for name in (beats.WORKER, beats.GATEWAY):
            age = watch.silent(connection, name)
            if age is None or age > beats.PATIENCE:
                silent.append(f"the {name} has {'never been heard' if age is None else f'not been heard for {age:.0f} s'}")
    if silent:
        return WARN, f"{' and '.join(silent)}: `registry serve` runs both"
    return PASS, "worker and gateway are heard"


def permissions(site: Site) -> tuple[str, str]:
    """Whether we can write what we must, and others cannot read what they must not."""
    instance = site.settings.instance
    places = [path for path in (instance, *(instance / name for name in ("results", "run", "keys"))) if path.exists()]
    closed = [str(path) for path in places if not os.access(path, os.W_OK | os.X_OK)]
    if closed:
        return FAIL, f"{', '.join(closed)} cannot be written by this account: give the instance's folder to it (chown -R)"
    open_ = [str(path) for path in _private(site) if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_:
        return FAIL, f"others can read {', '.join(open_)}: chmod go= on each"
    if not instance.stat().st_mode & 0o001:
        return WARN, f"{instance} is shut to others (o-x): with an engine that maps users (userns-remap) jobs see nothing"
    return PASS, "keys and passwords are ours alone to read, and the folder is ours to write"


def _private(site: Site) -> Iterator[Path]:
    """Files that hold secrets."""
    keys = site.settings.instance / "keys"
    yield from [path for path in keys.glob("*") if path.is_file()]
    yield from (site.settings.instance / "backups").glob("*.tar.gz")
    if site.database.url.password or site.settings.webhooks:
        yield site.settings.instance / CONFIG_FILE
