"""Folders that strangers have written, walked without trusting a name in them: never through a symbolic link.

Every entry is opened relative to its folder's handle, so that nothing that is swapped meanwhile leads elsewhere. It
reads no content.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_DEPTH = 32
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """Something in a folder that is no folder that was entered; `folder` is the handle it is relative to."""

    path: str
    name: str
    folder: int
    status: os.stat_result
    too_deep: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is a regular file with no second name: the only kind that is a result."""
        return stat.S_ISREG(self.status.st_mode) and self.status.st_nlink == 1


@dataclass(frozen=True)
class Size:
    """How much a folder holds; `bytes` as written or as allocated, whichever is more."""

    bytes: int
    entries: int


def walk(top: Path) -> Iterator[Entry]:
    """All entries below `top`, folders themselves too, in no order; those below MAX_DEPTH are left out."""
    handle = os.open(top, _FOLDER)
    try:
        yield from _inside(handle, "", 1)
    finally:
        os.close(handle)


def _inside(folder: int, prefix: str, depth: int) -> Iterator[Entry]:
    for name in _names(folder):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:  # gone meanwhile
            continue
        path = prefix + name
        deep = stat.S_ISDIR(status.st_mode) and depth >= MAX_DEPTH
        yield Entry(path, name, folder, status, deep)
        if not stat.S_ISDIR(status.st_mode) or deep:
            continue
        try:
            handle = os.open(name, _FOLDER, dir_fd=folder)
        except OSError:  # no folder any more, or not ours to read
            continue
        try:
            yield from _inside(handle, f"{path}/", depth + 1)
        finally:
            os.close(handle)


def _names(folder: int) -> Iterator[str]:
    """The names one by one: a folder may hold a million."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


def measure(top: Path, max_bytes: int, max_entries: int) -> Size:
    """How much `top` holds; stops counting where a maximum is passed, so that its time is bounded."""
    size, entries = 0, 0
    with contextlib.suppress(FileNotFoundError):
        for entry in walk(top):
            entries += 1
            if not stat.S_ISDIR(entry.status.st_mode):
                size += max(entry.status.st_size, entry.status.st_blocks * 512)
            if size > max_bytes or entries > max_entries or entry.too_deep:
                return Size(size, max_entries + 1 if entry.too_deep else entries)
    return Size(size, entries)


def remove(top: Path) -> None:
    """Remove `top` with all below it, however deep: folders in folders are first moved up, so nothing recurses."""
    try:
        handle = os.open(top, _FOLDER)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        top.unlink(missing_ok=True)
        return
    try:
        while names := os.listdir(handle):
            for name in names:
                _clear(handle, name)
    finally:
        os.close(handle)
    with contextlib.suppress(FileNotFoundError):
        top.rmdir()


def _clear(top: int, name: str) -> None:
    """Remove the entry `name` of `top`; folders in it become entries of `top` under names that nobody can guess."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=top)
    except FileNotFoundError:
        return
    except OSError:  # no folder
        os.unlink(name, dir_fd=top)
        return
    try:
        for inner in os.listdir(folder):
            try:
                os.unlink(inner, dir_fd=folder)
            except OSError:  # a folder
                os.rename(inner, f".moved-{os.urandom(8).hex()}", src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
