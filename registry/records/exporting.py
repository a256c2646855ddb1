"""Writes records to files, one each, or all into one document that `import` reads back. It changes no record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from registry.errors import Refusal
from registry.records.store import Record
from vosi import namespaces as ns

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
LONGEST_NAME = 200  # of a part of a path; file systems take 255


def to_folder(records: Iterable[Record], folder: Path, progress: Callable[[int, str], None]) -> int:
    """Write each record to `folder`/<authority>/<key>.xml, whatever was there; says how many. Raises Refusal."""
    done = 0
    for done, record in enumerate(records, 1):
        path = folder / file_of(record.ivoid)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(DECLARATION + record.xml + b"\n")
        except OSError as error:
            raise Refusal(f"{path} cannot be written: {error.strerror}; choose another folder.") from None
        progress(done, record.ivoid)
    return done


def to_stream(records: Iterable[Record], out: BinaryIO) -> int:
    """Write the records into one ri:VOResources document; their own bytes are spliced in. Says how many."""
    out.write(DECLARATION + f'<VOResources xmlns="{ns.RI}">\n'.encode())  # a prefix would be lent to records
    done = 0
    for record in records:
        out.write(record.xml + b"\n")
        done += 1
    out.write(b"</VOResources>\n")
    return done


def file_of(ivoid: str) -> Path:
    """The relative path of a record's file: no part of it is empty, `.` or `..`, whatever the record is called."""
    *folders, name = ivoid.strip()[len("ivo://"):].split("/")
    return Path(*map(_safe, folders), _safe(name) + ".xml")


def _safe(part: str) -> str:
    name = quote(part, safe="-_~!*'()+=")
    if len(name) > LONGEST_NAME:  # two long names that begin alike stay two files
        name = f"{name[:LONGEST_NAME]}%{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name if name.strip(".") else name.replace(".", "%2E") or "%"
