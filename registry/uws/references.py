"""Results of jobs as inputs of the next: what names one, and the file that it is. Nothing is fetched, no file is read.

A result is named `job:ID/results/RESULT`, or by its own address here. It is linked into the new job's folder when that
is made (see `files`): what becomes of the first job after that does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from registry.access import Caller
from registry.applications.contract import Contract
from registry.errors import NotFound
from registry.site import Site
from registry.uws import files, looking, values
from registry.uws.errors import BadValue, NotYours
from registry.uws.files import Upload
from registry.uws.store import NoJob

_SHORT = re.compile(r"@?job:([A-Za-z0-9]+)/results/(.+)", re.DOTALL)


@dataclass(frozen=True)
class Referred:
    """A result of a job, for the input `name`."""

    name: str
    job_id: str
    result_id: str

    @property
    def origin(self) -> str:
        """How the run record names it."""
        return f"job:{self.job_id}/results/{self.result_id}"


def read(name: str, text: str, jobs_url: str) -> Referred | None:
    """What `text` refers to, for the input `name`; None where it names no result of a job here."""
    text = text.strip()
    if match := _SHORT.fullmatch(text):
        return Referred(name, match[1], match[2])
    if text.startswith(f"{jobs_url}/"):
        job_id, _, result_id = text.removeprefix(f"{jobs_url}/").partition("/results/")
        if job_id.isalnum() and result_id:
            return Referred(name, job_id, unquote(result_id))
    return None


def apart(
    contract: Contract, pairs: Iterable[tuple[str, str]], jobs_url: str,
) -> tuple[list[tuple[str, str]], list[Referred]]:
    """`pairs` without those that are named as an input of the application, and what these refer to. Raises BadValue."""
    inputs = {one.name.lower() for one in contract.inputs}
    own, referred = [], []
    for name, value in pairs:
        if name.lower() not in inputs:
            own.append((name, value))
        elif value.strip():
            found = read(name, value, jobs_url)
            if found is None:
                raise BadValue(f"{name} is a file, and {values.shown(value)} is none: send it as a part of that name, or "
                               "name a result of a job as job:ID/results/RESULT.")
            referred.append(found)
    return own, referred


def found(site: Site, caller: Caller, every: Iterable[Upload | Referred]) -> list[Upload]:
    """The files that are referred to, in their place. Raises BadValue for what `caller` may not see or is not there."""
    return [_file(site, caller, one) if isinstance(one, Referred) else one for one in every]


def save(site: Site, job_id: str, uploads: Iterable[tuple[str, Upload]]) -> None:
    """`files.save`; what went away since `found` is refused like what was never there."""
    for name, upload in uploads:
        try:
            files.save(site, job_id, [(name, upload)])
        except FileNotFoundError:
            if not isinstance(upload.content, Path):
                raise
            raise BadValue(f"{upload.origin or upload.name} was deleted this very moment: it cannot be an input any "
                           "more.") from None


def _file(site: Site, caller: Caller, one: Referred) -> Upload:
    try:
        with site.database.read() as connection:
            job = looking.visible_in(connection, caller, one.job_id)
    except (NoJob, NotYours):  # that there is such a job of somebody else's is nobody's business
        raise BadValue(f"{one.name} cannot be {values.shown(one.origin)}: there is no job {values.shown(one.job_id)} of "
                       "yours, or it has been deleted.") from None
    if not job.final:
        raise BadValue(f"{one.name} cannot be {values.shown(one.origin)} yet: job {job.id} is {job.phase}, and its results "
                       "are there when it has ended.")
    try:
        path, result = looking.file_of(site, job, one.result_id)
    except NotFound as error:
        raise BadValue(f"{one.name} cannot be {values.shown(one.origin)}: {error}") from None
    return Upload(one.name, path, f"job:{job.id}/results/{result.id}")
