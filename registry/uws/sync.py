"""The synchronous face of a job: one request that blocks until there is a result. The job is one as any under /jobs."""

from __future__ import annotations

from collections.abc import Iterable

from registry.access import Caller
from registry.errors import Unavailable
from registry.site import Site
from registry.uws import jobs, waiting
from registry.uws.errors import JobFailed
from registry.uws.files import Upload
from registry.uws.phases import COMPLETED, HELD
from registry.uws.store import Job, Result
from registry.uws.uploads import Pairs


def submit(site: Site, caller: Caller, pairs: Pairs, parts: Iterable[Upload] = ()) -> Job:
    """Make the job and put it into the queue, whatever `pairs` say of PHASE. Raises as `jobs.create`."""
    others = [(name, value) for name, value in pairs if name.upper() != "PHASE"]
    return jobs.create(site, caller, [*others, ("PHASE", "RUN")], parts)


def main_result(site: Site, caller: Caller, job_id: str) -> Result | None:
    """The job's first result once it is COMPLETED; none when it is still under way after the longest wait.

    Raises JobFailed, Unavailable for a failure that may pass, Busy where all places for waiters are taken.
    """
    job = waiting.until_final(site, lambda: jobs.visible(site, caller, job_id), site.settings.wait_limit)
    if job.phase is COMPLETED:
        return jobs.file_of(site, job, jobs.MAIN)[1]
    if not job.final and job.phase is not HELD:
        return None
    sentence = f"Job {job.id} is {job.phase}: {job.error or job.message or 'it was stopped.'}"
    if job.error_type == "transient":
        raise Unavailable(sentence)
    raise JobFailed(sentence)
