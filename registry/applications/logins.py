"""This site's logins at Docker repositories that ask for one, in a file that only its owner reads.

They are not in the database, so that no dump of it and no page shows them. Whether a repository accepts one is found
out when it is asked.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.errors import Refusal, Unavailable
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
    found = _load(_file(site)).get(host.lower())
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
    with _changing(site) as stored:
        stored[host.lower()] = (name, password)


def forget(site: Site, host: str) -> bool:
    """Log in there no longer; whether there was a login."""
    with _changing(site) as stored:
        return stored.pop(host.lower(), None) is not None


def _file(site: Site) -> Path:
    return site.settings.instance / "keys" / "repositories.json"


def _load(path: Path) -> dict[str, tuple[str, str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {host: (str(name), str(password)) for host, (name, password) in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Unavailable(f"{path} cannot be read as the site's logins at Docker repositories: {error}.") from None


@contextmanager
def _changing(site: Site) -> Iterator[dict[str, tuple[str, str]]]:
    """The stored logins, written back at the end. Writers wait for each other; a reader sees one whole file."""
    path = _file(site)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path.with_name("repositories.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = _load(path)
        yield stored
        draft = path.with_name(f"repositories.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(stored, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
