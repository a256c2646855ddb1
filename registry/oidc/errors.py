"""Why a log-in by the provider did not come about, each in one sentence for the person who tries it."""

from __future__ import annotations

from registry.errors import Conflict, Denied, Refusal, Unavailable


class NoProvider(Refusal):
    """This site has no OpenID Connect provider."""

    status = 404


class ProviderFault(Unavailable):
    """The provider does not answer, or not as OpenID Connect says."""


class AnswerRefused(Denied):
    """What came back is not the answer to what this browser asked, or does not prove who it is."""


class NotAdmitted(Denied):
    """The provider says who they are, and this site does not let them in."""


class Linked(Conflict):
    """That identity, or that account, is spoken for."""
