"""The results of a job elsewhere, copied into the folder of ours: within a quota, under names that stay inside it."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath

from registry.dispatch import remote
from registry.dispatch.remote import Far, FarJob, FarResult, Refused, Silent
from registry.site import Site
from registry.uws import files
from registry.uws.store import Result

_OWN = frozenset({"stdout", "stderr", "exitcode"})
_MOST = 10_000  # results of one job


def results(site: Site, far: Far, job_id: str, url: str, told: FarJob, most: int) -> list[Result]:
    """Copy every result of the far job at `url`, at most `most` bytes in all; the same again gives the same.

    Raises Refused for more than that and for what is no result of this job, Silent where the runner breaks off.
    """
    promised = sum(one.size or 0 for one in told.results)
    if promised > most or len(told.results) > _MOST:
        raise Refused(f"Its {len(told.results)} results have {promised} bytes, and {most} are the most that this site "
                      f"takes over: they are at {url}/results until they are deleted there.")
    place = files.folder(site, job_id)
    draft = place / f"draft-{os.urandom(6).hex()}"
    draft.mkdir(parents=True)
    try:
        found = []
        for number, one in enumerate(told.results):
            path = _path(one.id)
            found.append(_copy(site, far, one, url, draft / path, path, number, most))
            most -= found[-1].size
        for copied in found:
            (place / copied.path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft / copied.path, place / copied.path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return found


def _path(result_id: str) -> str:
    """Where a result lies in the job's folder. Raises Refused for a name that would lie elsewhere."""
    if result_id in _OWN:
        return result_id
    name = PurePosixPath(result_id.removeprefix("files/"))
    if not result_id.isprintable() or not name.parts or name.is_absolute() or ".." in name.parts or len(str(name)) > 400:
        raise Refused(f"A result is called {result_id[:60]!r}, which is no name of a file.")
    return f"files/{name}"


def _copy(
    site: Site, far: Far, one: FarResult, url: str, target: Path, path: str, number: int, most: int,
) -> Result:
    if not one.url.startswith(f"{url}/"):
        raise Refused(f"The result {one.id[:60]!r} is said to be at {one.url[:200]!r}, which is no part of the job.")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for chunk in remote.content(site, far, one):
            size += len(chunk)
            if size > most or (one.size is not None and size > one.size):
                raise Refused(f"The result {one.id[:60]!r} is larger than agreed: more than "
                              f"{most if one.size is None else min(most, one.size)} bytes come.")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if one.size is not None and size < one.size:
        raise Silent(f"{far.title} broke off result {one.id[:60]!r}: {size} of {one.size} bytes came.")
    return Result(one.id, number, path, size, one.media_type, digest.hexdigest())
