"""What a job's page says besides what the job is: how much of its limits it used, and how it is cited. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from registry import clock
from registry.config import Settings
from registry.records import store
from registry.uws.job import Job


@dataclass(frozen=True)
class Use:
    """Of one thing: how much was used of how much, in the same unit: `s`, `bytes` or `core s`."""

    name: str
    used: float
    limit: float
    unit: str

    @property
    def share(self) -> float:
        """Of the limit."""
        return self.used / self.limit if self.limit else 0.0


def uses(job: Job) -> list[Use]:
    """What is known of it: nothing of a container that had ended before it could be looked at, but time and results."""
    usage, limits = job.usage, job.limits
    ran = (clock.parse(job.ended) - clock.parse(job.started)).total_seconds() if job.started and job.ended else None
    written = usage.get("written_bytes", usage.get("result_bytes"))
    found = (
        ("time", ran, job.execution_duration, "s"),
        ("processor", usage.get("cpu_seconds"), (limits.get("cores") or 0) * (ran or 0), "core s"),
        ("memory", usage.get("peak_memory"), limits.get("memory"), "bytes"),
        ("results", written, limits.get("disk"), "bytes"),
    )
    return [Use(name, float(used), float(limit), unit) for name, used, limit, unit in found if used is not None and limit]


def cite(connection: Connection, settings: Settings, job: Job) -> str:
    """One sentence that names what ran: application and version of its record, image by digest, where, when, the job."""
    record = store.get(connection, job.application)
    version = next((one.version for one in store.versions(connection, job.application) if one.at[:19] <= job.created[:19]), None)
    name = f"{job.application}#{job.application_version}" if job.application_version else job.application
    title = " ".join(filter(None, (record.title if record else "", job.application_version)))
    place = job.node if job.node.startswith("ivo://") else f"ivo://{settings.authority}/runner"
    parts = [
        f"{title} ({name}{f', version {version} of its record' if version else ''})" if title else name,
        f"image {job.image}" if job.image else "",
        f"run at {settings.title + ', ' if place.lower() == f'ivo://{settings.authority}/runner'.lower() else ''}{place}, "
        f"{(job.started or job.created)[:10]}",
        f"job {settings.url('jobs/' + job.id)}",
    ]
    return "; ".join(filter(None, parts)) + "."
