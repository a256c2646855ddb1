"""A Docker repository on loopback, images in it made without an engine, and a datacenter that takes from it."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from applications.demo import repository
from registry.records import founding
from registry.schema import upgrade
from registry.site import Site, open_site

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
HTPASSWD = "robot:$2b$04$aL.j1/11eYt8yPuspDXZhepTiWWkCmsvDFgW9u4TIg0RH90pwXtY.\n"  # of the password x
CONTRACT: dict[str, Any] = {
    "contract": "1.0",
    "parameters": [
        {"name": "max_magnitude", "type": "real", "unit": "mag", "ucd": "phot.mag",
         "description": "Faintest <star> & more"},
        {"name": "band", "choices": ["B", "V"], "multiplicity": "1"},
        {"name": "star", "type": "integer", "multiplicity": "0..*"},
        {"name": "exact", "type": "boolean"},
    ],
    "requires": ["ivo://ivoa.net/std/ConeSearch", "ivo://ivoa.net/std/SIA#query-2.0"],
    "network": "dc",
}


@dataclass(frozen=True)
class Pusher:
    """Puts images into a repository as a client of its HTTP API does; they hold no files."""

    address: str
    authorization: str = ""

    def push(self, name: str, tag: str, labels: dict[str, str] | None = None, **config: Any) -> str:
        """Push an image with these labels; its digest."""
        rootfs = {"type": "layers", "diff_ids": []}
        document = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "rootfs": rootfs}
        body = json.dumps({**document, **config}).encode()
        self.blob(name, body)
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(body),
                       "digest": digest(body)},
        }
        return self.manifest(name, tag, manifest)

    def application(self, name: str, tag: str, contract: dict[str, Any] | None = None, **labels: str) -> str:
        """Push an image that is an application; labels are OCI annotations by their last word."""
        annotations = {f"org.opencontainers.image.{key}": value for key, value in labels.items()}
        return self.push(name, tag, {"innerspace.application": json.dumps(contract or CONTRACT), **annotations})

    def blob(self, name: str, body: bytes) -> None:
        with self._send("POST", f"/v2/{name}/blobs/uploads/") as answer:
            location = answer.headers["Location"]
        joint = "&" if "?" in location else "?"
        with self._send("PUT", f"{location}{joint}digest={digest(body)}", body, "application/octet-stream"):
            pass

    def manifest(self, name: str, tag: str, manifest: dict[str, Any]) -> str:
        body = json.dumps(manifest).encode()
        with self._send("PUT", f"/v2/{name}/manifests/{tag}", body, manifest["mediaType"]):
            return digest(body)

    def _send(self, method: str, target: str, body: bytes = b"", media_type: str = "") -> Any:
        url = target if target.startswith("http") else f"http://{self.address}{target}"
        headers = {"Content-Type": media_type or "text/plain"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        return urllib.request.urlopen(request, timeout=30)


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture(scope="session")
def docker_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[repository.Repository]:
    """Debian's docker-registry on a free port."""
    with repository.start(tmp_path_factory.mktemp("repository")) as running:
        yield running


@pytest.fixture(scope="session")
def pusher(docker_repository: repository.Repository) -> Pusher:
    return Pusher(docker_repository.address)


Opener = Callable[..., Site]


@pytest.fixture()
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens founded datacenters: `opened("north", repository=...)`."""
    sites: list[Site] = []

    def open_one(name: str, **settings: Any) -> Site:
        site = open_site(
            tmp_path / name, authority=f"{name}.example", title=name.title(), base_url=f"http://{name}.example/",
            admin_email=f"ops@{name}.example", **settings)
        sites.append(site)
        upgrade(site.database)
        founding.found(site, founding.Founding(f"{name}.example", name.title(), site.settings.base_url), "test")
        return site

    yield open_one
    for site in sites:
        site.close()


@pytest.fixture()
def north(opened: Opener, docker_repository: repository.Repository) -> Site:
    """North, which takes images from the repository on loopback."""
    return opened("north", repository=docker_repository.address)
