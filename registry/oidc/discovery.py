"""What the provider says of itself (OpenID Connect Discovery 1.0) and the keys it signs with, asked by the guarded way out.

Both are kept for a while, so that a log-in asks for neither, and a provider that is away is not asked by every request.
It checks no token.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from registry import clock
from registry.errors import Refusal
from registry.fetch import Fetcher, Reply
from registry.oidc.errors import ProviderFault
from registry.oidc.settings import Provider, safe
from registry.site import Site

WELL_KNOWN = "/.well-known/openid-configuration"
LIMIT = 2**20  # bytes of any answer
_KEPT = 3600  # seconds for which what it says counts
_AWAY = 10  # seconds for which it is not asked again after it failed
_PATIENCE = {"fetch_timeout": 5, "fetch_deadline": 10}  # seconds; a person waits, and a thread with them
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


@dataclass(frozen=True)
class Metadata:
    """The part of a provider's own words that a log-in needs; '' for what it does not have."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    auth_methods: tuple[str, ...]  # at the token endpoint
    says_issuer: bool  # whether its answers name it (RFC 9207)
    date: str  # the Date of the answer, for the doctor


class Words:
    """What one provider says, kept by one process; used by all its threads."""

    def __init__(self, site: Site, provider: Provider) -> None:
        self.provider = provider
        self.fetcher = Fetcher(site.settings.model_copy(update={
            name: min(most, getattr(site.settings, name)) for name, most in _PATIENCE.items()}))
        self._lock = threading.Lock()  # one asks, the others wait for what it hears
        self._kept: dict[str, tuple[float, Any]] = {}

    def metadata(self) -> Metadata:
        """What it says of itself. Raises ProviderFault."""
        found: Metadata = self._once("metadata", self._ask)
        return found

    def keys(self, *, anew: bool = False) -> list[dict[str, Any]]:
        """The keys it signs with, as JSON Web Keys; `anew` where those that are kept did not do. Raises ProviderFault."""
        found: list[dict[str, Any]] = self._once("keys", self._ask_keys, anew)
        return found

    def _once(self, what: str, ask: Callable[[], Any], anew: bool = False) -> Any:
        with self._lock:
            at, found = self._kept.get(what, (0.0, None))
            age = time.monotonic() - at
            failed = isinstance(found, ProviderFault)
            if found is None or age > (_AWAY if failed else _KEPT) or (anew and not failed):
                try:
                    found = ask()
                except ProviderFault as error:
                    found = error
                self._kept[what] = (time.monotonic(), found)
        if isinstance(found, ProviderFault):
            raise ProviderFault(str(found))
        return found

    def _ask(self) -> Metadata:
        reply = self._get(self.provider.issuer.rstrip("/") + WELL_KNOWN)
        said = self.document(reply)
        issuer = _text(said, "issuer")
        if issuer != self.provider.issuer:  # Discovery 4.3: they must be the same, letter by letter
            raise ProviderFault(f"{reply.url} speaks for the issuer {issuer[:200]!r}, and this site's setting is "
                                f"{self.provider.issuer!r}: one of both must be corrected.")
        for name in _ENDPOINTS:
            if not safe(_text(said, name)):
                raise ProviderFault(f"{reply.url} gives no {name} that begins with https://.")
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        there = {name: _text(said, name) for name in (*_ENDPOINTS, *_OPTIONAL) if safe(_text(said, name))}
        return Metadata(
            issuer, there["authorization_endpoint"], there["token_endpoint"], there["jwks_uri"],
            there.get("userinfo_endpoint", ""), there.get("end_session_endpoint", ""),
            auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (),
            says_issuer=said.get("authorization_response_iss_parameter_supported") is True,
            date=reply.headers.get("Date", ""))

    def _ask_keys(self) -> list[dict[str, Any]]:
        reply = self._get(self._kept_metadata().jwks_uri)
        keys = self.document(reply).get("keys")
        if not isinstance(keys, list):
            raise ProviderFault(f"{reply.url} does not answer with a list of keys.")
        return [key for key in keys[:100] if isinstance(key, dict)]

    def _kept_metadata(self) -> Metadata:
        found = self._kept.get("metadata", (0.0, None))[1]
        return found if isinstance(found, Metadata) else self._ask()

    def _get(self, url: str) -> Reply:
        try:
            return self.fetcher.get(url, headers={"Accept": "application/json"}, limit=LIMIT)
        except Refusal as error:
            raise ProviderFault(f"{self.provider.name} cannot be asked: {error}") from None

    def document(self, reply: Reply) -> dict[str, Any]:
        """The JSON object that a reply of status 200 holds. Raises ProviderFault."""
        if reply.status != 200:
            raise ProviderFault(f"{self.provider.name} answers with status {reply.status} at {reply.url}.")
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderFault(f"{self.provider.name} does not answer with a JSON object at {reply.url}.")
        return found


def ahead(metadata: Metadata) -> float | None:
    """Seconds by which the provider's clock is before ours, by the Date of its answer; None where it gave none.

    Right only just after it was asked.
    """
    try:
        return (parsedate_to_datetime(metadata.date) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return None


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    return value if isinstance(value, str) else ""
