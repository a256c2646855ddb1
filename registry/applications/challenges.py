"""What a Docker repository asks for before it answers: its WWW-Authenticate header, and the answer of a token service.

RFC 9110 §11.6.1, and the distribution project's token protocol. It sends nothing and knows no secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from registry.applications import references
from registry.errors import Unavailable

_MOST_HEADER, _MOST_TOKEN = 8192, 16384  # characters
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)'
_CHALLENGE = re.compile(rf"([A-Za-z][A-Za-z0-9-]*)\s+((?:[a-z_]+\s*=\s*{_VALUE}\s*,?\s*)+)", re.I)
_PARAMETER = re.compile(rf"([a-z_]+)\s*=\s*({_VALUE})", re.I)
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
SHORTEST = 60  # seconds for which a token is good when nobody says (distribution, token specification)


class TokenRefused(Unavailable):
    """No token can be had for this repository; the message says why."""


@dataclass(frozen=True)
class Challenge:
    """One way to show who one is: `scheme` basic or bearer; realm and service of a bearer's token service."""

    scheme: str
    realm: str = ""
    service: str = ""

    def url(self, scope: str, account: str) -> str:
        """The address that gives a token for `scope`."""
        asked = {"service": self.service, "scope": scope, "account": account}
        joint = "&" if "?" in self.realm else "?"
        return self.realm + joint + urlencode({name: value for name, value in asked.items() if value})


def read(header: str) -> Challenge | None:
    """The challenge to answer: a bearer's before a basic one, None where the header has neither."""
    found = {}
    for scheme, words in _CHALLENGE.findall(header[:_MOST_HEADER]):
        given = {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(words)}
        found[scheme.lower()] = Challenge(scheme.lower(), given.get("realm", ""), given.get("service", ""))
    return found.get("bearer") or found.get("basic")


def check_realm(challenge: Challenge, host: str) -> None:
    """Raises TokenRefused where the login would be sent in clear, or not over the web at all."""
    parts = urlsplit(challenge.realm)
    if parts.scheme == "https" and parts.netloc:
        return
    if parts.scheme == "http" and references.loopback(parts.netloc) and references.loopback(host):
        return
    raise TokenRefused(
        f"The Docker repository {host} sends its clients for a token to {challenge.realm[:200]!r}, which is no https address.")


def token(body: bytes, realm: str) -> tuple[str, int]:
    """The token in a token service's answer, and the seconds for which it is good. Raises TokenRefused."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    found = document if isinstance(document, dict) else {}
    text = found.get("token") or found.get("access_token")
    if not isinstance(text, str) or len(text) > _MOST_TOKEN or not _TOKEN.fullmatch(text):
        raise TokenRefused(f"The token service {realm[:200]} gives no token: its answer holds none.")
    seconds = found.get("expires_in")
    good = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    return text, min(seconds, 86400) if good else SHORTEST  # type: ignore[type-var, return-value]


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
