"""The error conditions of OAI-PMH 2.0 §3.6, one class per code. They are answered with HTTP 200 by one handler."""

from __future__ import annotations

from typing import ClassVar


class OaiError(Exception):
    """A request that cannot be answered; the message is for the harvester's operator."""

    code: ClassVar[str]
    moment: str = ""  # what the response is to be dated with; '' for the moment it is sent

    @property
    def all(self) -> tuple[OaiError, ...]:
        """The conditions to report."""
        return (self,)


class BadVerb(OaiError):
    """The verb is missing, repeated or unknown."""

    code = "badVerb"


class BadArgument(OaiError):
    """An argument is missing, repeated, unknown, or has an illegal value."""

    code = "badArgument"


class BadResumptionToken(OaiError):
    """The token was not issued here, was changed, or has expired."""

    code = "badResumptionToken"


class CannotDisseminateFormat(OaiError):
    """The metadata format is not offered for the item, or not at all."""

    code = "cannotDisseminateFormat"


class IdDoesNotExist(OaiError):
    """There is no such item here."""

    code = "idDoesNotExist"


class NoRecordsMatch(OaiError):
    """The list would be empty; `moment` is when it was opened, from where the next incremental goes on."""

    code = "noRecordsMatch"

    def __init__(self, message: str, moment: str) -> None:
        super().__init__(message)
        self.moment = moment


class Several(OaiError):
    """Several conditions hold at once, and all are reported."""

    code = ""

    def __init__(self, *errors: OaiError) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self._errors = errors

    @property
    def all(self) -> tuple[OaiError, ...]:
        """The conditions to report."""
        return self._errors
