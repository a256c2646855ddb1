"""The site's own credentials for the APIs that ask for one, by service, in a file that only its owner reads.

A job never holds them: the gateway puts them in on the way. They are not in the database, so that no dump of it and no
page shows them.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.errors import Refusal, Unavailable
from registry.records.store import key_of
from registry.site import Site

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
MAX_LENGTH = 8192


class CredentialRefused(Refusal):
    """What was given cannot be sent as a bearer token."""


def get(site: Site, ivoid: str) -> dict[str, str]:
    """The header to send to the service `ivoid`; empty where the site has no credential for it."""
    bearer = _load(_file(site)).get(key_of(ivoid))
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


def set_bearer(site: Site, ivoid: str, secret: str) -> None:
    """Keep the bearer token `secret` for the service `ivoid`. Raises CredentialRefused."""
    token = checked(secret)
    with _changing(site) as stored:
        stored[key_of(ivoid)] = token


def remove(site: Site, ivoid: str) -> None:
    """Forget the credential of the service `ivoid`; nothing happens where there is none."""
    with _changing(site) as stored:
        stored.pop(key_of(ivoid), None)


def checked(secret: str) -> str:
    """`secret` without white space around it. Raises CredentialRefused when it is no bearer token."""
    token = secret.strip()
    if len(token) > MAX_LENGTH or not _TOKEN.fullmatch(token):
        raise CredentialRefused(
            "The bearer token is empty, too long, or has characters that a header cannot carry: give a file that holds "
            "the token and nothing else.")
    return token


def _file(site: Site) -> Path:
    return site.settings.instance / "keys" / "credentials.json"


def _load(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable(f"{path} cannot be read as the site's credentials: {error}.") from None


@contextmanager
def _changing(site: Site) -> Iterator[dict[str, str]]:
    """The stored credentials, written back at the end. Writers wait for each other; a reader sees one whole file."""
    path = _file(site)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path.with_name("credentials.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = _load(path)
        yield stored
        draft = path.with_name(f"credentials.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(stored, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
