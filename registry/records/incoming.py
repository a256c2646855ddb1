"""Which documents an import reads: files, folders with all that is below them, standard input. It judges none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vosi.xmlio import MAX_PAGE

STDIN = "-"


@dataclass(frozen=True)
class Document:
    """One document: `data`, or `fault`, one sentence on why there is none; `skipped` where nobody asked for it."""

    name: str
    data: bytes = b""
    fault: str = ""
    skipped: bool = False


def documents(paths: Iterable[str | Path], stdin: BinaryIO | None = None) -> Iterator[Document]:
    """Every document that `paths` lead to, in the order given, folders in the order of their names.

    Never raises for what it finds: a path that leads nowhere is a document with a fault. In a folder, files that do
    not end in .xml are skipped, and say so; linked folders are not entered.
    """
    for path in paths:
        if str(path) == STDIN:
            yield _standard_input(stdin)
        elif Path(path).is_dir():
            yield from _folder(Path(path))
        else:
            yield _file(Path(path))


def count(paths: Sequence[str | Path]) -> int:
    """How many documents `documents` will give, as far as it can be told before."""
    folders = (str(path) != STDIN and Path(path).is_dir() for path in paths)
    return sum(sum(1 for _ in _names(Path(path))) if is_folder else 1
               for path, is_folder in zip(paths, folders, strict=True))


def _names(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=None):
        folders.sort()
        for name in sorted(files):
            yield Path(place, name)


def _folder(folder: Path) -> Iterator[Document]:
    for path in _names(folder):
        if path.suffix.lower() != ".xml":
            fault = "Its name does not end in .xml: give it by name if it is a record."
            yield Document(str(path), fault=fault, skipped=True)
        elif not _regular(path):
            yield Document(str(path), fault="It is no ordinary file.")
        else:
            yield _file(path)


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True  # opening it says what is wrong


def _file(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            return _read(str(path), file)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Document(str(path), fault=f"It cannot be read: {reason}.")


def _standard_input(stdin: BinaryIO | None) -> Document:
    if stdin is None:
        return Document("standard input", fault="There is no standard input here.")
    return _read("standard input", stdin)


def _read(name: str, file: BinaryIO) -> Document:
    data = file.read(MAX_PAGE + 1)
    if not data.strip():
        return Document(name, fault="It is empty.")
    return Document(name, data)
