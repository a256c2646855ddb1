"""A Docker repository as its clients see it: an image's digest and labels over the OCI distribution API.

Nothing is pulled, and what comes is held to its digest. Whether an image may be used here is decided in `catalogue`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry import fetch
from registry.applications import references
from registry.applications.references import Reference
from registry.errors import NotFound, Refusal, Unavailable
from registry.fetch import Fetcher, FetchError, Reply
from registry.site import Site

_MANIFESTS = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")
_LISTS = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
MAX_DOCUMENT = 4 * 2**20  # bytes of a manifest or of an image's configuration (OCI distribution 1.0 §4.4)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class RepositoryUnreachable(Unavailable):
    """The Docker repository does not answer, or not as one."""


class ImageAbsent(NotFound):
    """The repository has no such image."""


class ImageUnusable(Refusal):
    """The image is there and cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Image:
    """An image by digest; `reference` is host/name@sha256:..., `size` in bytes to be pulled, `tag` as asked for.

    `platform` is that of the part whose labels these are, `platforms` all that it runs on, each as os/architecture.
    """

    reference: str
    manifest_url: str
    tag: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    platform: str = ""
    media_type: str = ""
    platforms: tuple[str, ...] = ()


def resolve(site: Site, reference: str) -> Image:
    """The image that `reference` (host/name:tag or host/name@digest) names now, with its labels.

    Raises BadReference, RepositoryUnreachable, ImageAbsent and ImageUnusable.
    """
    return _Client(site, references.parse(reference)).image()


class _Client:
    """One look at one image."""

    def __init__(self, site: Site, reference: Reference) -> None:
        self._reference = reference
        self._host = reference.host
        self._fetcher = _fetcher(site, reference.host)

    def image(self) -> Image:
        reply = self._manifest(self._reference.digest or self._reference.tag)
        digest = _digest(reply.body)
        if self._reference.digest not in ("", digest):
            raise ImageUnusable(f"{self._host} answers other bytes for {self._reference} than its digest says.")
        manifest, media_type = self._document(reply)
        platforms: tuple[str, ...] = ()
        if media_type in _LISTS:
            platforms = _platforms(manifest)
            manifest, _ = self._document(self._manifest(self._chosen(manifest)))
        config = manifest.get("config")
        if not isinstance(config, Mapping) or not references.DIGEST.fullmatch(str(config.get("digest"))):
            raise ImageUnusable(f"{self._reference} is an image of the outdated schema 1, or none: push it again.")
        labels, runs_on = self._config(config)
        pinned = Reference(self._reference.host, self._reference.name, "", digest)
        return Image(
            str(pinned), pinned.manifest_url, self._reference.tag, labels, _size(manifest, config), runs_on, media_type,
            platforms or (runs_on,))

    def _manifest(self, name: str) -> Reply:
        path = f"/v2/{self._reference.name}/manifests/{name}"
        reply = self._get(path, {"Accept": ", ".join((*_MANIFESTS, *_LISTS))})
        if reply.status == 404:
            wanted = str(self._reference).partition("/")[2]
            raise ImageAbsent(f"The Docker repository {self._host} has no image {wanted}{self._tags()}.")
        return self._good(reply, path)

    def _chosen(self, index: Mapping[str, Any]) -> str:
        """The digest of the image for this machine in a list of images for several."""
        wanted = ("linux", _ARCHITECTURES.get(platform.machine(), platform.machine()))
        for one in _mappings(index.get("manifests")):
            place = next(_mappings([one.get("platform")]), {})
            if (place.get("os"), place.get("architecture")) == wanted and references.DIGEST.fullmatch(str(one.get("digest"))):
                return str(one["digest"])
        listed = ", ".join(_platforms(index)) or "none"
        raise ImageUnusable(f"{self._reference} has no image for {'/'.join(wanted)}; it has {listed}.")

    def _config(self, config: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        size = config.get("size")
        if isinstance(size, int) and size > MAX_DOCUMENT:
            raise ImageUnusable(
                f"The configuration of {self._reference} holds {size} bytes; {MAX_DOCUMENT} are allowed.")
        path = f"/v2/{self._reference.name}/blobs/{config['digest']}"
        reply = self._good(self._get(path, {}), path)
        if _digest(reply.body) != config["digest"]:
            raise ImageUnusable(f"{self._host} answers other bytes for {path} than its digest says.")
        document, _ = self._document(reply)
        inner = document.get("config")
        labels = inner.get("Labels") if isinstance(inner, Mapping) else None
        named = {str(name): str(value) for name, value in labels.items()} if isinstance(labels, Mapping) else {}
        return named, f"{document.get('os', '?')}/{document.get('architecture', '?')}"

    def _tags(self) -> str:
        """What else there is, for the sentence of a person who has mistyped a tag."""
        try:
            reply = self._get(f"/v2/{self._reference.name}/tags/list", {})
            tags = json.loads(reply.body).get("tags") if reply.status == 200 else None
        except (Refusal, ValueError, AttributeError):
            return ""
        return f"; its tags are {', '.join(sorted(map(str, tags))[-10:])}" if isinstance(tags, list) and tags else ""

    def _get(self, path: str, headers: Mapping[str, str]) -> Reply:
        try:
            return self._fetcher.get(self._reference.base_url + path, headers=headers, limit=MAX_DOCUMENT)
        except fetch.AddressRefused:
            raise
        except FetchError as error:
            raise RepositoryUnreachable(f"The Docker repository {self._host} cannot be read: {error}") from None

    def _good(self, reply: Reply, path: str) -> Reply:
        if reply.status in (401, 403):
            raise RepositoryUnreachable(
                f"The Docker repository {self._host} asks for a login, and this site has none for it.")
        if reply.status == 404:
            raise ImageAbsent(f"{self._host} has only a part of {self._reference}, {path} is missing: push it again.")
        if reply.status != 200:
            raise RepositoryUnreachable(f"The Docker repository {self._host} answers {reply.status} for {path}.")
        return reply

    def _document(self, reply: Reply) -> tuple[dict[str, Any], str]:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise RepositoryUnreachable(f"{self._host} does not answer as a Docker repository: {reply.url} is no JSON.")
        header = reply.headers.get("content-type", "").partition(";")[0].strip()
        return document, str(document.get("mediaType") or header)


def _fetcher(site: Site, host: str) -> Fetcher:
    """The way out to `host`: a repository on loopback that the settings name needs no allowed_networks."""
    address = references.loopback(host)
    if not address or host not in site.settings.repositories:
        return site.fetcher
    allowed = [*site.settings.allowed_networks, address, "::1"]  # localhost may have both
    return Fetcher(site.settings.model_copy(update={"allowed_networks": allowed}))


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _size(manifest: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    parts = [config, *_mappings(manifest.get("layers"))]
    return sum(size for one in parts if isinstance(size := one.get("size"), int))


def _platforms(index: Mapping[str, Any]) -> tuple[str, ...]:
    """What the images of a list run on; entries of an unknown platform are attestations, not images."""
    every = (next(_mappings([one.get("platform")]), {}) for one in _mappings(index.get("manifests")))
    found = dict.fromkeys(f"{one.get('os', '?')}/{one.get('architecture', '?')}" for one in every if one)
    return tuple(name for name in found if "unknown" not in name)


def _mappings(found: Any) -> Iterator[Mapping[str, Any]]:
    """What is an object in a list that a stranger sent."""
    return (one for one in (found if isinstance(found, list) else []) if isinstance(one, Mapping))
