"""Tells whether the process that carries out a harvest is still alive: a lock on a file, which dies with its process.

The lease of a run names a file in the instance's run folder; whoever carries the run out holds a lock on it. The
kernel lets go of the lock however the process ends (kill -9, a crash), knows no clock, and cannot mistake another
process with a recycled number for it. It reaches as far as the instance folder does, one host; workers on several
hosts must be told apart by a heartbeat, and that would go here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.site import Site

_FLOCK = "hhqqi"  # struct flock of Linux: type, whence, start, length, process


@contextmanager
def held(site: Site, lease: str) -> Iterator[bool]:
    """Hold `lease` meanwhile; False where somebody else holds one of that name."""
    path = _path(site, lease)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)
            os.close(handle)


def alive(site: Site, lease: str) -> bool:
    """Whether the process that took `lease` still holds it; looking at a lease disturbs nobody."""
    try:
        handle = os.open(_path(site, lease), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _lock_of_all())
        return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
    finally:
        os.close(handle)


def _locked(path: Path) -> int | None:
    """An open handle with the lock on the file that has this name now; none where somebody has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _lock_of_all())
        except BlockingIOError:
            os.close(handle)
            return None
        if _inode(path) == os.fstat(handle).st_ino:
            return handle
        os.close(handle)  # its last holder has just taken the name off this file


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _lock_of_all() -> bytes:
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _path(site: Site, lease: str) -> Path:
    # a lease is any text, a file's name is not
    return site.settings.instance / "run" / "harvest" / hashlib.sha256(lease.encode()).hexdigest()[:32]
