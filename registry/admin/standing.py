"""Whether the program that runs is the one that is installed and that the database is of, and whether its processes live.

Told among the problems; what supervisors are told is in `vitals`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from sqlalchemy import Connection

from registry import beats, schema
from registry.beats import Watch

_PACKAGE = "innerspace"
_RUNNING = version(_PACKAGE)
_watch = Watch()


def faults(connection: Connection) -> Iterator[tuple[str, str]]:
    """What is not as it should be: its name, and a sentence that says what to do."""
    found = schema.revision(connection)
    if found != schema.newest():
        yield "version", (f"The database is of revision {found}, and this program needs {schema.newest()}: another version has "
                          "changed it meanwhile. Start `registry serve` anew, with the newer version.")
    installed = version(_PACKAGE)
    if installed != _RUNNING:
        yield "version", (f"Version {installed} is installed, and what runs is still {_RUNNING}: start `registry serve` anew, "
                          "which upgrades the database after a backup; `registry upgrade --dry-run` shows what that changes.")
    for name in (beats.WORKER, beats.GATEWAY):
        age = _watch.silent(connection, name)
        if age is not None and age > beats.PATIENCE:
            yield name, f"The {name} has not been heard for {age:.0f} s: look at its log, and start it again."
