"""A PostgreSQL server of the tests' own: from Debian's package, in a temporary folder, on a Unix socket only.

It knows nothing of the registry. Nothing it keeps is safe from a crash of the machine, and no test asks for that.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_READY = 30.0  # seconds
_SETTINGS = {
    "listen_addresses": "", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    "max_connections": "200", "shared_buffers": "64MB", "autovacuum": "off",
}
_PR_SET_PDEATHSIG = 1


class Server:
    """A running server; `url(name)` is one of its databases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of the database `name`."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def make(self, template: str = "template1") -> str:
        """A new database, a copy of `template`; its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.tell(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Remove the database, whoever is still connected to it."""
        self.tell(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def tell(self, statement: str) -> None:
        """Carry out one statement outside of any transaction."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as this lasts; it ends with this process however that ends."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="innerspace-pg-") as place:
        folder = Path(place)
        user = _owner(folder)
        # a collation that is not byte by byte, as most sites have: order must not depend on it
        _run([programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
              "--locale-provider=icu", "--icu-locale=en", "--no-sync"], user)
        settings = [f"--{name}={value}" for name, value in (_SETTINGS | {"unix_socket_directories": place}).items()]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place, user=user, preexec_fn=_end_with_parent)
        try:
            _wait(programs / "pg_isready", folder, process)
            yield Server(folder)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(_READY)


def _programs() -> Path:
    """The folder of the newest server's programs."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    found = debian[-1] if debian else shutil.which("postgres")
    if not found:
        raise RuntimeError("These tests need a PostgreSQL server's programs: apt-get install postgresql")
    return Path(found).resolve().parent


def _owner(folder: Path) -> str | None:
    """The account the server runs under: it refuses root's."""
    if os.geteuid() != 0:
        return None
    accounts = {one.pw_name: one for one in pwd.getpwall()}
    account = accounts.get("postgres") or accounts["nobody"]
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name


def _run(command: list[Path | str], user: str | None) -> None:
    done = subprocess.run(command, user=user, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait(pg_isready: Path, folder: Path, process: subprocess.Popen[bytes]) -> None:
    # the server opens its socket before it lets anybody in: its own tool asks it, until it says yes
    loop = 'until "$0" -q -h "$1"; do sleep 0.05; done'
    done = subprocess.run(["timeout", str(_READY), "sh", "-c", loop, pg_isready, folder], check=False)
    assert done.returncode == 0 and process.poll() is None, (folder / "log").read_text()
