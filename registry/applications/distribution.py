"""One Docker repository over the OCI distribution API: requests with whatever login it asks for, and its lists.

Lists end: a repository that repeats its pages, or has more names than anybody has, is told so. What an image says is
read in `repository`; nothing is pulled.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from registry import fetch
from registry.applications import challenges, logins, references
from registry.applications.challenges import Challenge, TokenRefused
from registry.applications.references import Reference
from registry.errors import Unavailable
from registry.fetch import Fetcher, FetchError, Reply
from registry.site import Site

MANIFESTS = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")
LISTS = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
MAX_DOCUMENT = 4 * 2**20  # bytes of a manifest, a page of a list, an image's configuration (OCI distribution 1.0 §4.4)
MOST_NAMES, MOST_TAGS = 50_000, 10_000  # of a repository, of one name
_PAGE = 1000  # names or tags asked for at once
_PATIENCE = 60  # seconds for one answer: none is large
_NEXT = re.compile(r"<([^<>]{1,4000})>\s*;[^,]*\brel=\"?next\b", re.I)
_CATALOG = "registry:catalog:*"


class RepositoryUnreachable(Unavailable):
    """The Docker repository does not answer, or not as one."""


class RepositoryBusy(RepositoryUnreachable):
    """It asks to be left alone for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ListEndless(RepositoryUnreachable):
    """A list has no end, or more entries than are read."""


class DocumentTooLarge(RepositoryUnreachable):
    """What it answers holds more than MAX_DOCUMENT bytes."""


class NotThere(Exception):
    """The repository has no such thing (404); whoever asks knows the words."""


class Distribution:
    """One repository, for as long as somebody looks at it; used by several threads."""

    def __init__(self, site: Site, host: str) -> None:
        self.host = host
        self._base = Reference(host, "x").base_url
        self._fetcher = _fetcher(site, host)
        self._login = logins.get(site, host)
        self._challenge: Challenge | None = None
        self._tokens: dict[str, tuple[str, float]] = {}  # by scope: token, and the moment after which it is asked for anew
        self._lock = threading.Lock()

    def manifest(self, name: str, tag: str) -> Reply:
        """The manifest or list of a tag or digest. Raises RepositoryUnreachable, NotThere."""
        accept = {"Accept": ", ".join((*MANIFESTS, *LISTS))}
        return self._get(f"/v2/{name}/manifests/{tag}", _pull(name), accept)

    def digest(self, name: str, tag: str) -> str:
        """The digest that the repository names for a tag, without reading its manifest; '' where it names none."""
        accept = {"Accept": ", ".join((*MANIFESTS, *LISTS))}
        path = f"/v2/{name}/manifests/{tag}"
        reply = self._good(self._send(path, _pull(name), accept, head=True), path)
        found = reply.headers.get("docker-content-digest", "")
        return found if references.DIGEST.fullmatch(found) else ""

    def blob(self, name: str, digest: str) -> Reply:
        """An image's configuration. Raises RepositoryUnreachable, NotThere."""
        return self._get(f"/v2/{name}/blobs/{digest}", _pull(name), {})

    def names(self) -> Iterator[str]:
        """The names of all images, as pages come. Raises RepositoryUnreachable; ListEndless after those that came."""
        try:
            yield from self._listed(f"/v2/_catalog?n={_PAGE}", "repositories", _CATALOG, MOST_NAMES, references.NAME)
        except NotThere:
            raise RepositoryUnreachable(
                f"The Docker repository {self.host} does not list its images: name those that are to be watched.") from None

    def tags(self, name: str) -> Iterator[str]:
        """The tags of one image; none where it has no such image any more. Raises as `names`."""
        try:
            yield from self._listed(f"/v2/{name}/tags/list?n={_PAGE}", "tags", _pull(name), MOST_TAGS, references.VERSION)
        except NotThere:
            return

    def document(self, reply: Reply) -> dict[str, Any]:
        """The JSON object in an answer. Raises RepositoryUnreachable."""
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise RepositoryUnreachable(f"{self.host} does not answer as a Docker repository: {reply.url} is no JSON.")
        return found

    def _listed(self, path: str, key: str, scope: str, most: int, form: re.Pattern[str]) -> Iterator[str]:
        seen: set[str] = set()
        while path:
            reply = self._get(path, scope, {})
            entries = self.document(reply).get(key)
            entries = entries if isinstance(entries, list) else []
            new = list(dict.fromkeys(one for one in entries if isinstance(one, str) and one not in seen))
            seen.update(new)
            yield from (one for one in new if form.fullmatch(one))
            path = self._next(reply)
            if path and (not new or len(seen) >= most):
                raise ListEndless(f"The Docker repository {self.host} never ends its list of {key}: after {len(seen)} "
                                  "it is still not done. What came first is used.")

    def _next(self, reply: Reply) -> str:
        """Path and query of the page after this one (RFC 8288), which must be the same repository's; '' at the end."""
        found = _NEXT.search(reply.headers.get("link", ""))
        parts = urlsplit(urljoin(reply.url, found[1])) if found else None
        if parts is None:
            return ""
        if parts.netloc.lower() != urlsplit(reply.url).netloc.lower():
            raise RepositoryUnreachable(f"The Docker repository {self.host} says that its list goes on at {parts.netloc}: "
                                        "it is read at one place only.")
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def _get(self, path: str, scope: str, headers: Mapping[str, str]) -> Reply:
        return self._good(self._send(path, scope, headers), path)

    def _send(self, path: str, scope: str, headers: Mapping[str, str], *, head: bool = False) -> Reply:
        login = self._authorization(scope)
        reply = self._fetched(path, {**headers, **login}, head)
        if reply.status == 401:
            self._heed(challenges.read(reply.headers.get("www-authenticate", "")), scope, path, refused=login)
            reply = self._fetched(path, {**headers, **self._authorization(scope)}, head)
        return reply

    def _fetched(self, path: str, headers: Mapping[str, str], head: bool) -> Reply:
        url = self._base + path
        try:
            if head:
                return self._fetcher.head(url, headers=headers)
            return self._fetcher.get(url, headers=headers, limit=MAX_DOCUMENT)
        except fetch.AddressRefused:
            raise
        except fetch.TooLarge:
            raise DocumentTooLarge(f"The Docker repository {self.host} answers more than {MAX_DOCUMENT} bytes for {path}, "
                                   "which is more than is read of any document.") from None
        except FetchError as error:
            raise RepositoryUnreachable(f"The Docker repository {self.host} cannot be read: {error}") from None

    def _heed(self, challenge: Challenge | None, scope: str, path: str, *, refused: Mapping[str, str]) -> None:
        """Be ready to answer the challenge at the next try. Raises RepositoryUnreachable where that cannot be."""
        if challenge is None or (challenge.scheme == "basic" and (self._login is None or refused)):
            raise RepositoryUnreachable(self._locked(path))
        if challenge.scheme == "bearer":
            challenges.check_realm(challenge, self.host)
        with self._lock:
            self._challenge = challenge
            if refused:
                self._tokens.pop(scope, None)

    def _authorization(self, scope: str) -> dict[str, str]:
        challenge = self._challenge
        if challenge is None:
            return {}
        if challenge.scheme == "basic":
            return {"Authorization": self._login.basic} if self._login else {}
        with self._lock:
            text, until = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() >= until:
            text = self._token(challenge, scope)
        return {"Authorization": f"Bearer {text}"}

    def _token(self, challenge: Challenge, scope: str) -> str:
        own = {"Authorization": self._login.basic} if self._login else {}
        try:
            url = challenge.url(scope, self._login.name if self._login else "")
            reply = self._fetcher.get(url, headers=own, limit=2**20)
        except FetchError as error:
            raise TokenRefused(f"The Docker repository {self.host} wants a token, and none can be had: {error}") from None
        if reply.status != 200:
            why = "does not accept this site's login" if self._login else "wants a login, and this site has none"
            why = why if reply.status in (401, 403) else f"answers {reply.status}"
            raise TokenRefused(f"The token service {challenge.realm[:200]} of the Docker repository {self.host} {why}: "
                               f"`registry app login {self.host}` keeps one.")
        text, seconds = challenges.token(reply.body, challenge.realm)
        with self._lock:
            self._tokens[scope] = (text, time.monotonic() + max(1, seconds - 10))
        return text

    def _good(self, reply: Reply, path: str) -> Reply:
        if reply.status == 404:
            raise NotThere(path)
        if reply.status in (401, 403):
            raise RepositoryUnreachable(self._locked(path, allowed=reply.status == 401))
        if reply.status == 429:
            wait = reply.headers.get("retry-after", "")
            seconds = min(3600, int(wait)) if wait.isascii() and wait.isdigit() and len(wait) < 10 else 60
            raise RepositoryBusy(
                f"The Docker repository {self.host} asks to be left alone for a while (429): it is asked again in "
                f"{seconds} s.", seconds)
        if reply.status != 200:
            raise RepositoryUnreachable(f"The Docker repository {self.host} answers {reply.status} for {path}.")
        return reply

    def _locked(self, path: str, *, allowed: bool = True) -> str:
        if self._login is None:
            return (f"The Docker repository {self.host} asks for a login, and this site has none for it: "
                    f"`registry app login {self.host}` keeps one.")
        verb = "accept" if allowed else f"let {path} be read by"
        return (f"The Docker repository {self.host} does not {verb} this site's login ({self._login.name}): "
                f"`registry app login {self.host}` keeps another.")


def _pull(name: str) -> str:
    return f"repository:{name}:pull"


def _fetcher(site: Site, host: str) -> Fetcher:
    """The way out to `host`: a repository on loopback that the settings name needs no allowed_networks."""
    settings = site.settings
    changed: dict[str, Any] = {"fetch_deadline": min(_PATIENCE, settings.fetch_deadline),
                               "fetch_timeout": min(_PATIENCE, settings.fetch_timeout)}
    address = references.loopback(host)
    if address and host in settings.repositories:
        changed["allowed_networks"] = [*settings.allowed_networks, address, "::1"]  # localhost may have both
    return Fetcher(settings.model_copy(update=changed))
