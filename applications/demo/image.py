"""Builds an application's image from its folder and pushes it to a Docker repository.

The folder holds a Dockerfile and application.json (the contract, docs/application-contract.md), which becomes the label
`innerspace.application`. The build also sees `vosi/datacenter.py`, by which applications find the local APIs.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, BuildError

from registry.errors import Refusal

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "application.json"
_CARRIED = ("vosi/__init__.py", "vosi/datacenter.py")


class ImageRefused(Refusal):
    """The image cannot be built or pushed; the message says which step failed and why."""


def build_and_push(
    folder: Path, repository: str, name: str, version: str, base: str, client: docker.DockerClient | None = None,
) -> str:
    """Build `folder` on the image `base`, push it as `repository`/`name`:`version`; `repository` is host:port.

    Gives back host:port/name@sha256:..., which stays the same while the sources do. Raises ImageRefused.
    """
    client = client or docker.from_env()
    tag = f"{repository}/{name}:{version}"
    labels = {"org.opencontainers.image.version": version, "innerspace.application": _contract(folder)}
    try:
        client.images.build(
            fileobj=_context(folder), custom_context=True, tag=tag, labels=labels, buildargs={"BASE_IMAGE": base},
            rm=True, forcerm=True,
        )
    except BuildError as error:
        raise ImageRefused(f"The image of {folder} cannot be built: {str(error.msg).strip()}") from None
    except APIError as error:
        raise ImageRefused(f"The image of {folder} cannot be built: {error.explanation}") from None
    return f"{repository}/{name}@{_push(client, tag)}"


def _contract(folder: Path) -> str:
    file = folder / CONTRACT
    try:
        return json.dumps(json.loads(file.read_text()), separators=(",", ":"), ensure_ascii=False)
    except FileNotFoundError:
        raise ImageRefused(f"{folder} has no {CONTRACT}: see docs/application-contract.md.") from None
    except ValueError as error:
        raise ImageRefused(f"{file} is not JSON: {error}.") from None


def _context(folder: Path) -> io.BytesIO:
    """What the build sees: the folder's files, and ours that every application may copy; sorted, owned by root."""
    sources = {name: ROOT / name for name in _CARRIED}
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            sources[path.relative_to(folder).as_posix()] = path
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, path in sorted(sources.items()):
            entry = tarfile.TarInfo(name)
            content = path.read_bytes()
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    return context


def _push(client: docker.DockerClient, tag: str) -> str:
    digest = ""
    try:
        for event in client.api.push(tag, stream=True, decode=True):
            if "error" in event:
                raise ImageRefused(f"{tag} cannot be pushed: {event['error']}.")
            aux: dict[str, Any] = event.get("aux") or {}
            digest = aux.get("Digest", digest)
    except APIError as error:
        raise ImageRefused(f"{tag} cannot be pushed: {error.explanation}.") from None
    if not digest:
        host = tag.partition("/")[0]
        raise ImageRefused(f"{tag} was pushed, but no digest came back: is {host} a Docker repository?")
    return digest
