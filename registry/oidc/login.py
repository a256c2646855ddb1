"""A log-in by the provider from its beginning to its end, and the same dance to link an account that is here.

It knows no page and no cookie's name: it is given the browser's secret and what came back with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from registry import access
from registry.errors import Refusal
from registry.oidc import admitting, identities, secret, visits
from registry.oidc.discovery import Words
from registry.oidc.errors import AnswerRefused, NoProvider, NotAdmitted, ProviderFault
from registry.oidc.visits import Visit
from registry.site import Site

_LONGEST = 2048  # characters of a code


@dataclass(frozen=True)
class Arrival:
    """Who has come back: the account's name, where they wanted to go, and whether it was to be linked, not logged in."""

    name: str
    goal: str
    linked: bool


def words_of(site: Site) -> Words | None:
    """What is known of the site's provider in this process; None where it has none."""
    return Words(site, site.settings.oidc) if site.settings.oidc else None


def redirect_uri(site: Site) -> str:
    """Where the provider sends a browser back to: what is registered there for this client."""
    return site.settings.url("admin/oidc/back")


def begin(site: Site, words: Words | None, browser: str, address: str, goal: str = "", account: str = "") -> str:
    """The provider's address to which this browser goes now; `account` is to be linked, '' for a log-in.

    Raises NoProvider, ProviderFault, Busy.
    """
    known, tokens = needed(words), tokens_module()
    known.metadata()  # before anything is written
    with site.database.write() as connection:
        visit = visits.begin(connection, browser, address, goal, account)
    url: str = tokens.address(known, _dance(tokens, visit), redirect_uri(site))
    return url


def finish(site: Site, words: Words | None, browser: str, answer: Mapping[str, str]) -> Arrival:
    """What comes of the answer (state, code, iss, error) that this browser brings back.

    Raises NoProvider, ProviderFault, AnswerRefused, NotAdmitted, Linked.
    """
    known = needed(words)
    if answer.get("error") and not answer.get("state"):  # some say no without saying to what (RFC 6749 4.1.2.1 wants it)
        raise AnswerRefused(f"{known.provider.name} did not log you in ({_code(answer['error'])}).")
    with site.database.write() as connection:
        visit = visits.end(connection, browser, answer.get("state", ""))
    subject = ""
    try:
        claims = _claims(site, known, visit, answer)
        subject = claims["sub"]
        if visit.account:
            return _link(site, known, visit, subject)
        return _admit(site, known, visit, claims)
    except Refusal as error:
        told = f"{error} Its subject: {subject}" if subject else str(error)  # by which an administrator can link them
        with site.database.write() as connection:
            access.audit(connection, visit.account or "anonymous", "refuse login", known.provider.issuer, told)
        raise


def needed(words: Words | None) -> Words:
    """Raises NoProvider."""
    if words is None:
        raise NoProvider("This site has no OpenID Connect provider: the setting oidc names one.")
    return words


def _claims(site: Site, words: Words, visit: Visit, answer: Mapping[str, str]) -> dict[str, Any]:
    """What the provider vouches for; the code is sent nowhere before the answer is known to be that provider's."""
    name, issuer = words.provider.name, answer.get("iss", "")
    # RFC 9207: a code of another provider must not be given to this one
    if issuer != words.provider.issuer and (issuer or words.metadata().says_issuer):
        raise AnswerRefused(f"The answer does not come from {name}, where this log-in began: begin it again.")
    if answer.get("error"):
        raise AnswerRefused(f"{name} did not log you in ({_code(answer['error'])}).")
    code = answer.get("code", "")
    if not 0 < len(code) <= _LONGEST:
        raise AnswerRefused(f"The answer of {name} holds no code: begin the log-in again.")
    tokens = tokens_module()
    claims: dict[str, Any] = tokens.claims(words, _dance(tokens, visit), code, redirect_uri(site), secret.get(site))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise AnswerRefused(f"{name} does not say who you are in a way that can be kept.")
    return claims


def _link(site: Site, words: Words, visit: Visit, subject: str) -> Arrival:
    with site.database.write() as connection:
        identities.link(connection, visit.account, words.provider.issuer, subject)
        access.audit(connection, visit.account, "link identity", visit.account, f"{subject} of {words.provider.issuer}")
    return Arrival(visit.account, visit.goal, True)


def _admit(site: Site, words: Words, visit: Visit, claims: dict[str, Any]) -> Arrival:
    with site.database.write() as connection:
        found = admitting.admit(connection, words.provider, claims)
    if isinstance(found, str):
        raise NotAdmitted(found)
    return Arrival(found.name, visit.goal, False)


def _code(text: str) -> str:
    """An error code of OAuth 2, where it is one: nobody's sentence is shown as ours."""
    return text if len(text) <= 60 and text.isascii() and text.replace("_", "").isalpha() else "it gave no reason"


def _dance(tokens: ModuleType, visit: Visit) -> Any:
    return tokens.Dance(visit.state, visit.nonce, visit.verifier)


def tokens_module() -> ModuleType:
    """What needs the extra, loaded now. Raises ProviderFault where it is not installed."""
    try:
        from registry.oidc import tokens  # the extra, which a site without a provider need not have
    except ModuleNotFoundError:
        raise ProviderFault("Log-in by the provider needs what is not installed here: pip install 'innerspace[oidc]'. "
                            "Names and passwords work as before.") from None
    return tokens
