"""Whether people can log in by the site's provider, found out without a person: for the doctor and `registry oidc show`."""

from __future__ import annotations

from dataclasses import dataclass

from registry.errors import Refusal
from registry.oidc import login, secret
from registry.oidc.discovery import Words, ahead
from registry.site import Site


@dataclass(frozen=True)
class Found:
    """`fault` is why nobody can log in by it, '' where they can; `warnings` are what may fail for some."""

    fault: str
    warnings: tuple[str, ...] = ()


def look(site: Site) -> Found:
    """Ask the provider what a log-in asks before a person is there. Never raises for what others do.

    Raises NoProvider where there is none.
    """
    words = login.needed(login.words_of(site))
    try:
        kept = secret.get(site)
        tokens = login.tokens_module()
        difference = ahead(words.metadata())
        usable = tokens.usable(words)
    except Refusal as error:
        return Found(str(error))
    if not usable:
        return Found(f"{words.provider.name} gives no key that an ID token could be held to")
    return Found("", tuple(filter(None, (_clock(words, difference), _secret(site, words, kept)))))


def _clock(words: Words, difference: float | None) -> str:
    if difference is None or abs(difference) <= words.provider.skew + 1:  # its Date has no parts of a second
        return ""
    return (f"the clock of {words.provider.name} and this host's differ by {abs(difference):.0f} s, and skew is "
            f"{words.provider.skew}: its ID tokens may be refused")


def _secret(site: Site, words: Words, kept: str) -> str:
    file = site.settings.instance / "keys" / "oidc.json"
    if kept and file.stat().st_mode & 0o077:
        return f"{file} can be read by others: chmod 600"
    if not kept and "none" not in words.metadata().auth_methods:
        return (f"{words.provider.name} wants a client secret as it seems, and none is kept: "
                "`registry oidc secret` keeps one")
    return ""
