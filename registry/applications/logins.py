"""This site's logins at Docker repositories that ask for one, in a file that only its owner reads.

They are not in the database, so that no dump of it and no page shows them. Whether a repository accepts one is found
out when it is asked.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from registry.errors import Refusal
from registry.key_file import KeyFile
from registry.site import Site

_MOST = 8192  # characters


class LoginRefused(Refusal):
    """What was given cannot be sent as a login."""


@dataclass(frozen=True)
class Login:
    """A name and a password (or a token that stands for one)."""

    name: str
    password: str

    @property
    def basic(self) -> str:
        """The value of the Authorization header (RFC 7617)."""
        return f"Basic {base64.b64encode(f'{self.name}:{self.password}'.encode()).decode()}"


def get(site: Site, host: str) -> Login | None:
    """The login at the repository `host` (host:port); None where the site has none."""
    found = _file(site).load().get(host.lower())
    return Login(*found) if found else None


def of(site: Site) -> Callable[[str], tuple[str, str] | None]:
    """What an engine is told when it fetches images: host -> name and password, as they are when it asks."""
    def login(host: str) -> tuple[str, str] | None:
        found = get(site, host)
        return (found.name, found.password) if found else None
    return login


def keep(site: Site, host: str, name: str, password: str) -> None:
    """Log in as `name` at the repository `host` from now on. Raises LoginRefused."""
    password = password.strip("\r\n")
    if not name or ":" in name or len(name) + len(password) > _MOST or not (name + password).isprintable():
        raise LoginRefused("The name or the password is empty, too long, or has characters that no login carries.")
    with _file(site).changing() as stored:
        stored[host.lower()] = (name, password)


def forget(site: Site, host: str) -> bool:
    """Log in there no longer; whether there was a login."""
    with _file(site).changing() as stored:
        return stored.pop(host.lower(), None) is not None


def _file(site: Site) -> KeyFile[tuple[str, str]]:
    return KeyFile(site.settings.instance / "keys" / "repositories.json", "the site's logins at Docker repositories", _pair)


def _pair(value: Any) -> tuple[str, str]:
    name, password = value
    return str(name), str(password)
