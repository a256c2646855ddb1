"""Which paths a job may ask for at the gateway: pure rules over the text of a request's target (D14).

Nothing is repaired: a target that could mean another place to some server behind the gateway (dots, encoded slashes,
doubly encoded or overlong characters, path parameters) is refused. It knows no job and sends nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from registry.errors import Denied
from registry.services.inner import Route, canonical_path

_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(r"(?:\?[!$-~]*)?")  # printable ASCII but space, quotation mark and #
_TARGET = re.compile(r"/([0-9a-f]{16})((?:/[^?]*)?)(\?.*)?", re.DOTALL)
_ROUNDS = 4  # nobody decodes more often than this


class PathRefused(Denied):
    """The target of a request is not one that a job may ask for."""


@dataclass(frozen=True)
class Target:
    """A request's target: the route's name, the path behind it in canonical form, `query` with its ? or ''."""

    route_id: str
    path: str
    query: str


def target(text: str) -> Target:
    """The parts of a request's target as it was sent. Raises PathRefused."""
    match = _TARGET.fullmatch(text)
    if match is None:
        raise PathRefused("This is no address of the gateway: apis.json in the datacenter's folder has them.")
    route_id, path, query = match.group(1), match.group(2), match.group(3) or ""
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise PathRefused("The address has a character that must be percent-encoded.")
    return Target(route_id, canonical_path(path), query)


def backend_url(route: Route, wanted: Target) -> str:
    """Where a request for `wanted` goes. Raises PathRefused when `route` does not cover it."""
    if not covers(route.endpoint.access_url, route.endpoint.url_use, wanted.path):
        raise PathRefused(
            f"The path {wanted.path or '/'} is outside {route.endpoint.standard_id} of {route.endpoint.ivoid}: "
            f"{_rule(route)}")
    parts = urlsplit(route.endpoint.access_url)
    return f"{parts.scheme}://{parts.netloc}{wanted.path}{wanted.query}"


def covers(access_url: str, use: str, path: str) -> bool:
    """Whether `path` (canonical) is that of `access_url`, or, where its use is base or dir, lies below it."""
    own = canonical_path(urlsplit(access_url).path)
    if path == own:
        return True
    if use not in ("base", "dir") or not path.startswith(own):
        return False
    rest = path[len(own):]
    if own.endswith("/") or rest.startswith("/"):
        return not any(_steps_aside(segment) for segment in rest.split("/"))
    return False


def _rule(route: Route) -> str:
    if route.endpoint.url_use in ("base", "dir"):
        return "a job may use its declared address and what is below it."
    return "a job may use exactly its declared address, with any query."


def _steps_aside(segment: str) -> bool:
    """Whether some server could read `segment` as more than a name: a step up, a separator, a control character."""
    text = segment
    for _ in range(_ROUNDS):
        try:
            decoded = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:  # overlong forms among them
            return True
        folded = unicodedata.normalize("NFKC", decoded)
        name = folded.partition(";")[0].strip()
        if any(character < " " or character in "/\\\x7f" for character in decoded + folded):
            return True
        if name and not name.strip("."):
            return True
        if decoded == text:
            return False
        text = decoded
    return True
