"""The site's own credentials for the APIs that ask for one, by service, in a file that only its owner reads.

A job never holds them: the gateway puts them in on the way. They are not in the database, so that no dump of it and no
page shows them.
"""

from __future__ import annotations

import re

from registry.errors import Refusal
from registry.key_file import KeyFile
from registry.records.store import key_of
from registry.site import Site

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
MAX_LENGTH = 8192


class CredentialRefused(Refusal):
    """What was given cannot be sent as a bearer token."""


def get(site: Site, ivoid: str) -> dict[str, str]:
    """The header to send to the service `ivoid`; empty where the site has no credential for it."""
    bearer = _file(site).load().get(key_of(ivoid))
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


def set_bearer(site: Site, ivoid: str, secret: str) -> None:
    """Keep the bearer token `secret` for the service `ivoid`. Raises CredentialRefused."""
    token = checked(secret)
    with _file(site).changing() as stored:
        stored[key_of(ivoid)] = token


def remove(site: Site, ivoid: str) -> None:
    """Forget the credential of the service `ivoid`; nothing happens where there is none."""
    with _file(site).changing() as stored:
        stored.pop(key_of(ivoid), None)


def checked(secret: str) -> str:
    """`secret` without white space around it. Raises CredentialRefused when it is no bearer token."""
    token = secret.strip()
    if len(token) > MAX_LENGTH or not _TOKEN.fullmatch(token):
        raise CredentialRefused(
            "The bearer token is empty, too long, or has characters that a header cannot carry: give a file that holds "
            "the token and nothing else.")
    return token


def _file(site: Site) -> KeyFile[str]:
    return KeyFile(site.settings.instance / "keys" / "credentials.json", "the site's credentials", str)
