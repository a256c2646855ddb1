"""Names of images: `host[:port]/name[:tag][@digest]`, and the addresses of their manifests. It fetches nothing."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from registry.errors import Refusal

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](?::[0-9]{1,5})?"
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(rf"(?P<host>{_HOST})/(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_MANIFEST = re.compile(rf"/v2/(?P<name>{_NAME})/manifests/(?P<digest>{_DIGEST})")
NAME = re.compile(_NAME)
VERSION = re.compile(_TAG)
DIGEST = re.compile(_DIGEST)


class BadReference(Refusal):
    """A text names no image; the message says how one is named."""


@dataclass(frozen=True)
class Reference:
    """An image's name: repository `host` as host[:port], and tag, digest, or both ('' for none)."""

    host: str
    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def base_url(self) -> str:
        """Where the repository answers: http on loopback, as the Docker engine has it, else https."""
        return f"{'http' if _is_loopback(self.host) else 'https'}://{self.host}"

    @property
    def manifest_url(self) -> str:
        """The manifest's address in the repository (OCI distribution 1.0, end-3)."""
        return f"{self.base_url}/v2/{self.name}/manifests/{self.digest or self.tag}"


def parse(text: str) -> Reference:
    """The image named by `text`; a missing tag is `latest`. Raises BadReference."""
    text = text.strip().removeprefix("docker://")
    found = _REFERENCE.fullmatch(text)
    if found is None:
        shown = text if len(text) <= 100 else text[:97] + "..."
        raise BadReference(f"{shown!r} names no image: give host:port/name:tag or host:port/name@sha256:....")
    tag, digest = found["tag"] or "", found["digest"] or ""
    return Reference(found["host"].lower(), found["name"], tag or ("" if digest else "latest"), digest)


def of_manifest(url: str) -> tuple[Reference, str]:
    """The image whose manifest is at `url`, and the version that stands behind its #. Raises BadReference."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower()
    except ValueError:
        parts, host = urlsplit(""), ""
    found = _MANIFEST.fullmatch(parts.path)
    if found is None or not re.fullmatch(_HOST, host) or parts.scheme not in ("http", "https"):
        raise BadReference(f"{url[:200]!r} is not the address of an image's manifest by digest.")
    version = parts.fragment if VERSION.fullmatch(parts.fragment) else ""
    return Reference(host, found["name"], "", found["digest"]), version


def loopback(host: str) -> str:
    """The loopback address in host[:port], '' where it is none."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    name = "127.0.0.1" if name == "localhost" else name.strip("[]")
    try:
        return name if ipaddress.ip_address(name).is_loopback else ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    return bool(loopback(host))
