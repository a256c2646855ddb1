"""A Docker repository as its clients see it: an image's digest and labels over the OCI distribution API.

Nothing is pulled, and what comes is held to its digest. Whether an image may be used here is decided in `catalogue`.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.applications import references
from registry.applications.distribution import LISTS, MAX_DOCUMENT, Distribution, NotThere, RepositoryUnreachable
from registry.applications.references import Reference
from registry.errors import NotFound, Refusal
from registry.fetch import Reply
from registry.site import Site

__all__ = ["Image", "ImageAbsent", "ImageUnusable", "RepositoryUnreachable", "read", "resolve"]
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ImageAbsent(NotFound):
    """The repository has no such image."""


class ImageUnusable(Refusal):
    """The image is there and cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Image:
    """An image by digest; `reference` is host/name@sha256:..., `size` in bytes to be pulled, `tag` as asked for.

    `platform` is that of the part whose labels these are, `platforms` all that it runs on, each as os/architecture;
    `created` is when it was built, by its own word.
    """

    reference: str
    manifest_url: str
    tag: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    platform: str = ""
    media_type: str = ""
    platforms: tuple[str, ...] = ()
    created: str = ""


def resolve(site: Site, reference: str) -> Image:
    """The image that `reference` (host/name:tag or host/name@digest) names now, with its labels.

    Raises BadReference, RepositoryUnreachable, ImageAbsent and ImageUnusable.
    """
    parsed = references.parse(reference)
    return read(Distribution(site, parsed.host), parsed)


def read(repository: Distribution, reference: Reference) -> Image:
    """As `resolve`, in a repository that is looked at for more than one image."""
    return _Reading(repository, reference).image()


class _Reading:
    """One look at one image."""

    def __init__(self, repository: Distribution, reference: Reference) -> None:
        self._reference = reference
        self._host = reference.host
        self._repository = repository

    def image(self) -> Image:
        reply = self._manifest(self._reference.digest or self._reference.tag)
        digest = _digest(reply.body)
        if self._reference.digest not in ("", digest):
            raise ImageUnusable(f"{self._host} answers other bytes for {self._reference} than its digest says.")
        manifest, media_type = self._document(reply)
        platforms: tuple[str, ...] = ()
        if media_type in LISTS:
            platforms = _platforms(manifest)
            manifest = self._part(self._chosen(manifest))
        config = manifest.get("config")
        if not isinstance(config, Mapping) or not references.DIGEST.fullmatch(str(config.get("digest"))):
            raise ImageUnusable(f"{self._reference} is an image of the outdated schema 1, or none: push it again.")
        document = self._config(config)
        runs_on = f"{document.get('os', '?')}/{document.get('architecture', '?')}"
        pinned = Reference(self._reference.host, self._reference.name, "", digest)
        return Image(
            str(pinned), pinned.manifest_url, self._reference.tag, _labels(document), _size(manifest, config), runs_on,
            media_type, platforms or (runs_on,), str(document.get("created") or "")[:30])

    def _manifest(self, name: str) -> Reply:
        try:
            return self._repository.manifest(self._reference.name, name)
        except NotThere:
            wanted = str(self._reference).partition("/")[2]
            raise ImageAbsent(f"The Docker repository {self._host} has no image {wanted}{self._tags()}.") from None

    def _part(self, digest: str) -> dict[str, Any]:
        """The manifest of one image of a list, held to the digest that the list says."""
        reply = self._manifest(digest)
        if _digest(reply.body) != digest:
            raise ImageUnusable(f"{self._host} answers other bytes for a part of {self._reference} than its digest says.")
        return self._document(reply)[0]

    def _chosen(self, index: Mapping[str, Any]) -> str:
        """The digest of the image for this machine in a list of images for several."""
        wanted = ("linux", _ARCHITECTURES.get(platform.machine(), platform.machine()))
        for one in _mappings(index.get("manifests")):
            place = next(_mappings([one.get("platform")]), {})
            if (place.get("os"), place.get("architecture")) == wanted and references.DIGEST.fullmatch(str(one.get("digest"))):
                return str(one["digest"])
        listed = ", ".join(_platforms(index)) or "none"
        raise ImageUnusable(f"{self._reference} has no image for {'/'.join(wanted)}; it has {listed}.")

    def _config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The image's configuration, of which no more is read than is allowed, whatever its manifest says."""
        size = config.get("size")
        if isinstance(size, int) and size > MAX_DOCUMENT:
            raise ImageUnusable(
                f"The configuration of {self._reference} holds {size} bytes; {MAX_DOCUMENT} are allowed.")
        digest = str(config["digest"])
        try:
            reply = self._repository.blob(self._reference.name, digest)
        except NotThere as missing:
            raise ImageAbsent(
                f"{self._host} has only a part of {self._reference}, {missing} is missing: push it again.") from None
        if _digest(reply.body) != digest:
            raise ImageUnusable(f"{self._host} answers other bytes for the configuration of {self._reference} than its "
                                "digest says.")
        return self._repository.document(reply)

    def _tags(self) -> str:
        """What else there is, for the sentence of a person who has mistyped a tag."""
        try:
            tags = sorted(self._repository.tags(self._reference.name))
        except Refusal:
            return ""
        return f"; its tags are {', '.join(tags[-10:])}" if tags else ""

    def _document(self, reply: Reply) -> tuple[dict[str, Any], str]:
        document = self._repository.document(reply)
        header = reply.headers.get("content-type", "").partition(";")[0].strip()
        return document, str(document.get("mediaType") or header)


def _labels(document: Mapping[str, Any]) -> dict[str, str]:
    inner = document.get("config")
    labels = inner.get("Labels") if isinstance(inner, Mapping) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, Mapping) else {}


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
