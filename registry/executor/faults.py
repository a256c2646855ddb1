"""What an engine's failures mean, told by its own words: it has no codes for most. Pure."""

from __future__ import annotations

import re

from registry.executor.runtime import EngineAbsent, EngineRefuses, ImageAbsent, RepositoryAbsent

_UNKNOWN_IMAGE = re.compile(r"manifest unknown|not found|does not exist|name unknown|no such image|not known", re.I)
_LOCKED = re.compile(r"denied|unauthorized|authentication required|no basic auth", re.I)


def not_fetched(image: str, words: str) -> EngineAbsent | ImageAbsent | RepositoryAbsent | EngineRefuses:
    """What a failed pull means."""
    host = image.partition("/")[0]
    words = words.strip().rstrip(".")
    if _UNKNOWN_IMAGE.search(words):
        return ImageAbsent(f"The Docker repository {host} has no image {image}: register the application anew.")
    if _LOCKED.search(words):
        return EngineRefuses(f"The Docker repository {host} does not give out {image}: {words}. Where it asks for a login, "
                             f"`registry app login {host}` keeps one.")
    if "no space left" in words:
        return EngineRefuses(f"The Docker engine has no room for {image}: {words}.")
    return RepositoryAbsent(f"The Docker repository {host} does not answer, so {image} cannot be fetched: {words}.")


def absent(address: str, error: Exception) -> EngineAbsent:
    """Why the engine at `address` ('': this machine's) cannot be used, and what helps."""
    where = f" at {address}" if address else ""
    words = str(error)
    if "ermission denied" in words:
        why = "this account may not use its socket: add the account to the group docker"
    elif "Connection refused" in words or "No such file" in words or "FileNotFound" in words:
        why = "it does not run: an administrator starts it (`service docker start`)"
    else:
        why = "it does not answer; an administrator looks at its log"
    return EngineAbsent(f"The Docker engine{where} cannot be used: {why}.")
