"""Builds an image and pushes it to a Docker repository: for those who make applications. No job comes near it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from registry.executor.docker_runtime import DockerRuntime
from registry.executor.runtime import EngineRefuses

_LAST = 6  # lines of a failed build that are told


class Builder(DockerRuntime):
    """An engine that images are built with, besides what every runtime does."""

    def build(self, context: IO[bytes], tag: str, labels: Mapping[str, str], arguments: Mapping[str, str]) -> str:
        """Build the Dockerfile in `context` (a tar file), with build `arguments`; the image's ID.

        Raises EngineRefuses with the last that the build said, EngineAbsent.
        """
        said: list[str] = []
        with self._engine() as client:
            for event in client.build(
                    fileobj=context, custom_context=True, tag=tag, labels=dict(labels), buildargs=dict(arguments),
                    rm=True, forcerm=True, decode=True):
                if "error" in event:
                    words = " ".join([*said[-_LAST:], str(event["error"]).strip()])
                    raise EngineRefuses(f"The image cannot be built: {words}", fatal=True)
                said += [line.strip() for line in str(event.get("stream", "")).splitlines() if line.strip()]
            return str(client.inspect_image(tag)["Id"])

    def push(self, tag: str) -> str:
        """Push host:port/name:tag; its digest. Raises EngineRefuses, EngineAbsent."""
        digest = ""
        with self._engine() as client:
            for event in client.push(tag, stream=True, decode=True, auth_config=self._auth(tag)):
                if "error" in event:
                    raise EngineRefuses(f"{tag} cannot be pushed: {str(event['error']).strip().rstrip('.')}.")
                digest = (event.get("aux") or {}).get("Digest", digest)
        if not digest:
            raise EngineRefuses(f"{tag} was pushed and no digest came back: is {tag.partition('/')[0]} a Docker repository?")
        return str(digest)

    def forget(self, tag: str) -> None:
        """Take the name `tag` off its image, and the image with it where it has no other."""
        with self._engine() as client:
            client.remove_image(tag, force=True)
