"""One file that holds a datacenter: a compressed tar archive that says first what it is and last the digest of each file.

Written beside its place and put there when all of it is on the disk; readable by its owner alone, for there are keys in
it. Read, nothing is taken on trust: neither names nor sizes nor kinds of members. It knows nothing of databases.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from registry.errors import Conflict, NotFound, Refusal

FORMAT = 1
_FIRST, _LAST = "backup.json", "digests.json"
_PIECE = 2**20  # bytes
_LONGEST = 2**28  # bytes of the first and the last member
# what a datacenter is made of; a step of a path neither hides nor leads upwards
_PLACES = re.compile(r"(database\.(sqlite|dump)|config\.toml|(keys|results)/.+)", re.DOTALL)
Progress = Callable[[int, str], None]


class ArchiveRefused(Refusal):
    """A file that is no backup of ours, or is not whole; the message says what is wrong with it."""


class Writer:
    """Puts files into an archive that is being made; see `made`."""

    def __init__(self, tar: tarfile.TarFile, progress: Progress) -> None:
        self._tar, self._progress = tar, progress
        self._digests: dict[str, list[Any]] = {}
        self.bytes = 0

    def document(self, name: str, content: dict[str, Any]) -> None:
        """A JSON document."""
        data = json.dumps(content, ensure_ascii=False, indent=1).encode()
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o600
        self._tar.addfile(entry, io.BytesIO(data))

    def file(self, name: str, path: Path) -> bool:
        """The regular file at `path`, as long as it is now; False where there is none any more, or it is something else."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(handle, "rb") as source:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                return False
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = about.st_size, about.st_mode & 0o755, int(about.st_mtime)
            counted = _Counted(source, about.st_size, lambda more: self._count(more, name))
            self._tar.addfile(entry, counted)
        self._digests[name] = [about.st_size, counted.digest.hexdigest()]
        return True

    def _count(self, more: int, name: str) -> None:
        self.bytes += more
        self._progress(self.bytes, name.partition("/")[0])

    def end(self) -> None:
        """Write the digests."""
        self.document(_LAST, {"sha256": self._digests})


class _Counted:
    """A file as tarfile reads it: digested on the way, and padded where it has become shorter meanwhile."""

    def __init__(self, source: IO[bytes], size: int, count: Callable[[int], None]) -> None:
        self._source, self._left, self._count = source, size, count
        self.digest = hashlib.sha256()

    def read(self, most: int = _PIECE) -> bytes:
        wanted = min(most, self._left)
        data = self._source.read(wanted)
        data += bytes(wanted - len(data))
        self._left -= len(data)
        self.digest.update(data)
        self._count(len(data))
        return data


@contextmanager
def made(path: Path, about: dict[str, Any], progress: Progress) -> Iterator[Writer]:
    """An archive that is at `path` once all of it is written, and never before. Raises Conflict where there is something."""
    if path.exists():
        raise Conflict(f"{path} is there already: name another file, or a folder to put it in.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed, \
                    tarfile.open(mode="w|", fileobj=packed, format=tarfile.PAX_FORMAT) as tar:
                writer = Writer(tar, progress)
                writer.document(_FIRST, {"format": FORMAT, **about})
                yield writer
                writer.end()
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def about(path: Path) -> dict[str, Any]:
    """What the archive says of itself. Raises NotFound, ArchiveRefused."""
    with _opened(path) as tar:
        return _first(path, tar)


def checked(path: Path, progress: Progress) -> dict[str, Any]:
    """Read the archive to its end; what it says of itself. Raises NotFound, and ArchiveRefused where it is not whole."""
    return _read(path, lambda name, source, mode: _digest(source), progress)


def unpacked(path: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Put the files of the archive below `folder`, which is new and empty; what it says of itself.

    Raises NotFound, ArchiveRefused: then what was written there is to be thrown away.
    """
    return _read(path, lambda name, source, mode: _write(source, folder / name, mode), progress)


def _read(path: Path, take: Callable[[str, IO[bytes], int], str], progress: Progress) -> dict[str, Any]:
    """`take` gets each file's name, bytes and mode, and gives back its digest."""
    found: dict[str, list[Any]] = {}
    digests: dict[str, list[Any]] | None = None
    done = 0
    with _opened(path) as tar:
        says = _first(path, tar)
        while (entry := tar.next()) is not None:
            if digests is not None:
                raise ArchiveRefused(f"{path} goes on behind its end: it is not as it was made.")
            if entry.name == _LAST:
                digests = _json(path, tar, entry)["sha256"]
                continue
            if entry.name in found:
                raise ArchiveRefused(f"{path} holds {entry.name[:200]!r} twice: it is not to be trusted.")
            source = _taken(path, tar, entry)
            private = not entry.name.startswith("results/")
            found[entry.name] = [entry.size, take(entry.name, source, 0o600 if private else entry.mode & 0o755)]
            done += entry.size
            progress(done, entry.name.partition("/")[0])
    if digests is None:
        raise ArchiveRefused(f"{path} is not whole: it ends before its digests. Use another backup.")
    wrong = sorted(name for name in found.keys() | digests.keys() if found.get(name) != digests.get(name))
    if wrong:
        raise ArchiveRefused(f"{path} is damaged: {wrong[0]} is not as it was when the backup was made. Use another backup.")
    return says


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    if not path.is_file():
        raise NotFound(f"There is no file {path}: name an archive that `registry backup` has made.")
    try:
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            yield tar
            while packed.read(_PIECE):  # at the end stands a checksum of it all
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise Refusal(f"{error.filename or path}: {error.strerror}; nothing was restored.") from None
        raise ArchiveRefused(f"{path} is no whole backup ({error or 'it ends too early'}). Use another one.") from None


def _first(path: Path, tar: tarfile.TarFile) -> dict[str, Any]:
    entry = tar.next()
    if entry is None or entry.name != _FIRST:
        raise ArchiveRefused(f"{path} is no backup that `registry backup` has made.")
    says = _json(path, tar, entry)
    if not isinstance(says.get("format"), int) or says["format"] > FORMAT:
        raise ArchiveRefused(f"{path} was made by a newer version of this program ({says.get('program')}): restore it with that.")
    return says


def _json(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> dict[str, Any]:
    if not entry.isreg() or entry.size > _LONGEST:
        raise ArchiveRefused(f"{path} is no backup that `registry backup` has made.")
    content = json.loads(tar.extractfile(entry).read())  # type: ignore[union-attr]
    if not isinstance(content, dict):
        raise ArchiveRefused(f"{path} is no backup that `registry backup` has made.")
    return content


def _taken(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    steps = entry.name.split("/")
    if not entry.isreg() or not _PLACES.fullmatch(entry.name) or "\0" in entry.name or {"", ".", ".."} & set(steps):
        raise ArchiveRefused(f"{path} holds {entry.name[:200]!r}, which no backup of ours does: it is not to be trusted.")
    source = tar.extractfile(entry)
    assert source is not None  # of a regular file it is not
    return source


def _write(source: IO[bytes], target: Path, mode: int) -> str:
    """Write a new file; its SHA-256."""
    target.parent.mkdir(mode=0o700 if mode == 0o600 else 0o755, parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        digest = _digest(source, file.write)
        os.fchmod(file.fileno(), mode)
    return digest


def _digest(source: IO[bytes], also: Callable[[bytes], object] = lambda piece: None) -> str:
    """The SHA-256 of all that `source` holds; `also` gets each piece."""
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
        also(piece)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
