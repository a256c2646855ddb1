"""What a container left below /results, taken over as files of our own: copied, measured, hashed, put in order.

Called after its end, when nothing writes any more. Only regular files with one name are taken, within a quota of bytes
and number; a link, FIFO, device or socket is a problem in the report and nothing is read through it.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from registry.executor import tree

MAX_FILES = 10_000        # entries, folders included
MAX_MANIFEST = 2**20      # bytes of results.json
MANIFEST = "results.json"
_CHUNK = 2**20
_MAX_PROBLEMS = 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not hold us
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,63}/[\w!#$&^.+-]{1,127}(\s*;\s*[\w.+-]+=[\w.+\"-]+){0,4}", re.ASCII)
_TYPES = mimetypes.MimeTypes((), strict=True)  # the module's own table: a host's files would make results differ
for _type, _suffix in (
    ("application/fits", ".fits"), ("application/x-votable+xml", ".vot"), ("text/csv", ".csv"),
    ("text/tab-separated-values", ".tsv"), ("text/markdown", ".md"),
    ("application/x-ndjson", ".ndjson"), ("application/vnd.apache.parquet", ".parquet"),
):
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True)
class File:
    """One file taken over: its path below the folder, bytes, media type, sha256 in hex."""

    path: str
    size: int
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Collected:
    """What was taken, the primary one first; `over` says which quota was passed, '' where none was."""

    files: tuple[File, ...]
    bytes: int
    over: str = ""
    problems: tuple[str, ...] = ()


def collect(source: Path, target: Path, max_bytes: int, media_types: Mapping[str, str] | None = None,
            primary: str = "", confirm: Callable[[], None] = lambda: None) -> Collected:
    """Copy the results in `source` to the folder `target`, which is replaced as a whole.

    `media_types` (by path) and `primary` are what the contract declares; results.json overrides both. Where the quota
    is passed, the files that fit are kept. A missing `source` holds nothing. `confirm` is called before anything is
    replaced, and may raise: somebody else may have taken them over meanwhile.
    """
    for old in target.parent.glob(f"{target.name}.draft*"):
        tree.remove(old)
    draft = target.with_name(f"{target.name}.draft-{os.urandom(6).hex()}")
    draft.mkdir(parents=True)
    problems: list[str] = []
    taken, over = _take(source, draft, max_bytes, problems)
    files = _described(taken, draft, dict(media_types or {}), primary, problems)
    confirm()
    tree.remove(target)
    draft.rename(target)
    return Collected(tuple(files), sum(file.size for file in files), over, tuple(problems[:_MAX_PROBLEMS]))


def _take(source: Path, draft: Path, max_bytes: int, problems: list[str]) -> tuple[list[File], str]:
    files: list[File] = []
    room, entries = max_bytes, 0
    try:
        for entry in tree.walk(source):
            entries += 1
            if entries > MAX_FILES:
                return files, f"more than {MAX_FILES} files and folders"
            problem = _problem(entry)
            if problem:
                problems.append(f"{_shown(entry.path)} is left out: {problem}.")
                continue
            if stat.S_ISDIR(entry.status.st_mode):
                continue
            if entry.status.st_size > room:
                return files, f"more than {max_bytes} bytes"
            file = _copy(entry, draft, room)
            if file is None:
                problems.append(f"{_shown(entry.path)} is left out: it cannot be read.")
                continue
            files.append(file)
            room -= file.size
    except FileNotFoundError:
        problems.append("The folder of results is missing.")
    return files, ""


def _problem(entry: tree.Entry) -> str:
    if entry.too_deep:
        return f"folders are nested more than {tree.MAX_DEPTH} deep"
    try:
        text = entry.name.encode("utf-8").decode("utf-8")
    except UnicodeError:
        return "its name is not UTF-8"
    if not text.isprintable():
        return "its name holds control characters"
    if stat.S_ISDIR(entry.status.st_mode) or entry.plain:
        return ""
    return "it has a second name (a hard link)" if stat.S_ISREG(entry.status.st_mode) else "it is no regular file"


def _copy(entry: tree.Entry, draft: Path, room: int) -> File | None:
    """The file with our own owner and mode; None where it is no longer what the walk saw."""
    try:
        handle = os.open(entry.name, _OPEN, dir_fd=entry.folder)
    except OSError:
        return None
    with os.fdopen(handle, "rb", buffering=0) as reader:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > room:
            return None
        path = draft / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with path.open("xb") as writer:
            while size <= room and (chunk := reader.read(_CHUNK)):
                writer.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    return File(entry.path, size, media_type_of(entry.name), digest.hexdigest())


def media_type_of(name: str) -> str:
    """The media type that a file's name tells; `application/octet-stream` where it tells none."""
    kind, encoding = _TYPES.guess_type(name)
    if encoding:
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
            encoding, "application/octet-stream")
    return kind or "application/octet-stream"


def _described(
    files: list[File], draft: Path, media_types: dict[str, str], primary: str, problems: list[str],
) -> list[File]:
    """The files with their declared media types, the primary one first, then in results.json's order, then by name."""
    order: list[str] = []
    if any(file.path == MANIFEST for file in files):
        try:
            order, named, first = _manifest(draft / MANIFEST)
            media_types |= named
            primary = first or primary
        except ValueError as error:
            problems.append(f"{MANIFEST} is not followed: {error}.")
    known = {file.path for file in files}
    problems += [f"{MANIFEST} names {_shown(path)}, which is not there." for path in order if path not in known]
    rank = {path: index for index, path in enumerate(order)}
    described = [replace(file, media_type=media_types.get(file.path, file.media_type)) for file in files]
    return sorted(described, key=lambda file: (
        file.path != primary, rank.get(file.path, len(rank)), file.path == MANIFEST, file.path))


def _manifest(path: Path) -> tuple[list[str], dict[str, str], str]:
    """(order, media types, primary) of `{"primary": PATH, "results": [PATH or {"path", "media_type", "primary"}]}`.

    Raises ValueError with a clause that says what is wrong.
    """
    if path.stat().st_size > MAX_MANIFEST:
        raise ValueError(f"it has more than {MAX_MANIFEST} bytes")
    try:
        document: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    entries = document.get("results", []) if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ValueError("its `results` is no list")
    order: list[str] = []
    types: dict[str, str] = {}
    primary = str(document.get("primary") or "") if isinstance(document, dict) else ""
    for entry in entries:
        entry = {"path": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise ValueError("an entry of its `results` has no path")
        order.append(entry["path"])
        kind = entry.get("media_type")
        if isinstance(kind, str) and _MEDIA_TYPE.fullmatch(kind):
            types[entry["path"]] = kind
        if entry.get("primary") is True and not primary:
            primary = entry["path"]
    return order, types, primary


def _shown(path: str) -> str:
    return ascii(path[:200])
