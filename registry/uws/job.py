"""A job and what belongs to it, as they were read: values that no one changes. It reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from registry.errors import NotFound
from registry.uws.kinds import RUNS
from registry.uws.phases import FINAL, Phase


@dataclass(frozen=True)
class Job:
    """One job as its row was read. Times are UTC with milliseconds, `execution_duration` is in seconds."""

    id: str
    owner: str | None
    run_id: str | None
    phase: Phase
    version: int
    application: str
    application_version: str
    image: str
    created: str
    queued: str | None
    started: str | None
    ended: str | None
    execution_duration: int
    destruction: str
    quote: str | None
    limits: dict[str, Any]
    contract: dict[str, Any]
    message: str
    error_type: str | None
    error: str | None
    exit_code: int | None
    usage: dict[str, Any]
    node: str
    desired: str
    attempt: int
    step: str
    lease: str
    beat: int
    token_hash: str | None
    rank: str = ""
    data: list[str] = field(default_factory=list)
    kind: str = RUNS

    @property
    def final(self) -> bool:
        """Whether it has come to its end."""
        return self.phase in FINAL


@dataclass(frozen=True)
class Parameter:
    """One value of one parameter; by reference it is the name of a file in the job's folder `inputs`.

    `origin` is job:ID/results/ID where that file is the result of another job.
    """

    name: str
    value: str
    by_reference: bool = False
    origin: str = ""


@dataclass(frozen=True)
class Result:
    """One file of a finished job; `path` is relative to the job's folder, `size` in bytes."""

    id: str
    position: int
    path: str
    size: int
    media_type: str
    sha256: str


@dataclass(frozen=True)
class PhaseChange:
    """When a job came into a phase."""

    phase: Phase
    at: str


@dataclass(frozen=True)
class Reference:
    """What a list says of a job."""

    id: str
    phase: Phase
    run_id: str | None
    owner: str | None
    created: str


class NoJob(NotFound):
    """There is no such job, or no longer."""

    def __init__(self, job_id: str) -> None:
        shown = "".join(sign for sign in job_id[:60] if sign.isprintable())
        super().__init__(f"There is no job {shown} here: it may have been deleted, or its destruction time has come.")
