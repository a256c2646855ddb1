"""The client's secret at the OpenID Connect provider, in a file that only its owner reads.

It is neither in config.toml nor in the database, so that no page, dump or back-up of these shows it.
"""

from __future__ import annotations

from registry.errors import Refusal
from registry.key_file import KeyFile
from registry.site import Site

_NAME = "client_secret"
_MOST = 4096  # characters


class SecretRefused(Refusal):
    """What was given cannot be a client's secret."""


def get(site: Site) -> str:
    """The secret; '' where the site has none (a public client: PKCE alone binds the code to it). Raises Unavailable."""
    return _file(site).load().get(_NAME, "")


def keep(site: Site, secret: str) -> None:
    """Use this one from now on. Raises SecretRefused."""
    secret = secret.strip("\r\n")
    if not secret or len(secret) > _MOST or not secret.isascii() or not secret.isprintable():
        raise SecretRefused("The client secret is empty, too long, or has characters that no request carries.")
    with _file(site).changing() as stored:
        stored[_NAME] = secret


def forget(site: Site) -> bool:
    """Be a client without a secret; whether there was one."""
    with _file(site).changing() as stored:
        return stored.pop(_NAME, None) is not None


def _file(site: Site) -> KeyFile[str]:
    return KeyFile(site.settings.instance / "keys" / "oidc.json", "the secret of the OpenID Connect client", str)
