"""Fixtures of this folder: the engines."""

from tests.executor.engines import docker_client, docker_repository, images, instance, kit  # noqa: F401
