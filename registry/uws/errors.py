"""What a job's protocol refuses, one class per case; which status each has is fixed here and nowhere else."""

from __future__ import annotations

from registry.errors import Busy, Denied, NotFound, Refusal


class BadValue(Refusal):
    """A control parameter or a filter has no meaning as it was given."""


class NotYours(Denied):
    """The job belongs to somebody else."""


class WrongPhase(Denied):
    """What was asked is not possible in the phase the job is in (UWS 1.1 §2.2.3)."""


class TooManyJobs(Busy):
    """The owner has as many jobs waiting as this site allows."""


class NoSuchThing(NotFound):
    """The job has no result, parameter, log or resource of that name."""


class WrongMethod(Refusal):
    """The resource is there, and cannot be used so."""

    status = 405

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class JobFailed(Refusal):
    """The job behind a synchronous request did not end well (DALI 1.1 §4.2); the message is the job's own."""


class UnknownBody(Refusal):
    """The body of a request is of a type that is not understood."""

    status = 415
