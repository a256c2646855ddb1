"""What every room raises when it will not do what it was asked: one sentence for the person, and a status.

A room has its own subclasses beside its own code; the command line and the web application answer them all alike.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """It cannot be done; the message is one sentence: what, why, what to do next."""

    status: ClassVar[int] = 400  # of an HTTP answer


class NotFound(Refusal):
    """There is no such thing here."""

    status = 404


class Unauthenticated(Refusal):
    """Who asks has not shown who they are, or not rightly."""

    status = 401


class Denied(Refusal):
    """Who asks is known, and may not."""

    status = 403


class Conflict(Refusal):
    """It cannot be done in the present state; somebody else may have been faster."""

    status = 409


class Busy(Refusal):
    """Not now; the same may be asked again after `retry_after` seconds."""

    status = 429

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """Something this service leans on does not answer."""

    status = 503
