"""A database as one file, and back: SQLite by its own copying, while others read and write; PostgreSQL by its own tools.

The file is one state of the database. It knows nothing of archives and of what the tables mean.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from registry.db import Database
from registry.errors import Refusal, Unavailable

SQLITE, DUMP = "database.sqlite", "database.dump"
_PAGES = 1000  # between two reports
_DEBIAN = Path("/usr/lib/postgresql")


class CopyFailed(Refusal):
    """The database could not be copied or put back; the message is what its tool says."""

    status = 500


def name(database: Database) -> str:
    """What the file is called in an archive, which says of which kind it is."""
    return SQLITE if database.is_sqlite else DUMP


def copy(database: Database, target: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Write the database as it is now to the new file `target`; `progress` gets bytes done and in all, where known.

    Raises Unavailable where a tool is missing, CopyFailed.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    if database.is_sqlite:
        _copy_sqlite(str(database.url.database), target, progress)
    else:
        _tell(database, "pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--file={target}")


def put_back(database: Database, source: Path) -> None:
    """Fill the PostgreSQL database, which is empty, from a file that `copy` has written: all of it or nothing.

    Raises Unavailable where a tool is missing, CopyFailed.
    """
    _tell(database, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source))


def _copy_sqlite(source: str, target: Path, progress: Callable[[int, int], None]) -> None:
    try:
        with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(target)) as theirs:
            size = ours.execute("PRAGMA page_size").fetchone()[0]
            # from here to the end it is one state, whatever others write meanwhile
            ours.execute("BEGIN")
            ours.execute("SELECT count(*) FROM sqlite_master").fetchone()
            ours.backup(theirs, pages=_PAGES, progress=lambda _, left, total: progress((total - left) * size, total * size))
            fault = theirs.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise CopyFailed(f"The database could not be copied: {error}.") from None
    if fault != "ok":
        raise CopyFailed(f"The database is damaged ({fault}): the copy is of no use. Restore an older backup.")


def _tell(database: Database, tool: str, *options: str) -> None:
    program = _found(tool)
    if program is None:
        raise Unavailable(f"{tool} is not installed here, and a PostgreSQL database is copied and put back with it: install "
                          "PostgreSQL's client programs, or do it on the server.")
    from psycopg import conninfo  # an extra: only who has a server has it

    url = database.url
    known = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **url.query}
    place = conninfo.make_conninfo(**{key: value for key, value in known.items() if value})  # type: ignore[arg-type]
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}  # never where a list of processes shows it
    done = subprocess.run([program, *options[:-1], f"--dbname={place}", options[-1]], env={**os.environ, **secret},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise CopyFailed(f"{tool} failed for the {database.name}: {words[0].partition('error: ')[2] or words[0]}.")


def _found(tool: str) -> str | None:
    """The newest of Debian's, else what the path has: an older one does not read a newer server."""
    debian = sorted(_DEBIAN.glob(f"*/bin/{tool}"), key=lambda path: float(path.parts[4]))
    return str(debian[-1]) if debian else shutil.which(tool)
