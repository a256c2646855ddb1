"""The files of a job: uploads, logs, results, all below <instance>/results/<job id>. It knows no rows and no callers.

    stdout  stderr  files/<path>     what the worker publishes
    inputs/<name>                    what the client uploaded, or results of other jobs, linked
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from registry.site import Site

STREAMS = ("stdout", "stderr")
CHUNK = 64 * 1024  # bytes of a log given at once


@dataclass(frozen=True)
class Upload:
    """One file for an input of that name: the bytes that came with a request, or a file that is here.

    `origin` is job:ID/results/ID where it is the result of another job.
    """

    name: str
    content: IO[bytes] | Path
    origin: str = ""


def folder(site: Site, job_id: str) -> Path:
    """The job's own folder; it need not exist."""
    return site.settings.instance / "results" / job_id


def inputs(site: Site, job_id: str) -> Path:
    """The folder of the job's uploads; it need not exist."""
    return folder(site, job_id) / "inputs"


def save(site: Site, job_id: str, uploads: Iterable[tuple[str, Upload]]) -> None:
    """Write each upload under the file name beside it."""
    for name, upload in uploads:
        place = inputs(site, job_id)
        place.mkdir(parents=True, exist_ok=True)
        if isinstance(upload.content, Path):
            link(upload.content, place / name)
            continue
        with (place / name).open("wb") as file:
            shutil.copyfileobj(upload.content, file)


def link(source: Path, target: Path) -> None:
    """Have the file `source` at `target` too, without reading it where both are on one file system. Raises OSError.

    Neither may be written after that: files of jobs are replaced, never changed.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        shutil.copyfile(source, target, follow_symlinks=False)


def remove(site: Site, job_id: str) -> None:
    """Remove the job's folder with all in it; one that is not there is no error."""
    shutil.rmtree(folder(site, job_id), ignore_errors=True)


def inside(site: Site, job_id: str, path: str) -> Path | None:
    """The regular file `path` in the job's folder; None where there is none or it lies elsewhere."""
    place = folder(site, job_id).resolve()
    found = place / path
    if found.is_symlink() or not found.is_file() or not found.resolve().is_relative_to(place):
        return None
    return found


def log(site: Site, job_id: str, stream: str, since: int) -> tuple[bytes, int]:
    """What `stream` holds from the byte `since` on, at most CHUNK bytes, and the offset to go on from."""
    path = inside(site, job_id, stream)
    if path is None:
        return b"", since
    with path.open("rb") as file:
        file.seek(since)
        found = file.read(CHUNK)
    return found, since + len(found)
