"""The contract of an engine, held by podman through its Docker-compatible socket: the same suite, the same runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator

import docker
import pytest

from registry.executor.docker_runtime import DockerRuntime
from tests import podman as podmen
from tests.executor.engines import PROGRAMS, Kit, _busybox as busybox
from tests.executor.test_contract import *  # noqa: F403

pytestmark = pytest.mark.docker


def imported(client: docker.DockerClient, program: str) -> str:
    """The ID of an image that runs `program`: podman gives it no name, whatever name the import asks for."""
    entry = f"ENTRYPOINT {json.dumps(['/bin/sh', '-c', program])}"
    answer = client.api.import_image_from_data(busybox(), repository="test", tag="1", changes=[entry])
    return str(json.loads(answer.splitlines()[-1])["id"])


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[podmen.Podman]:
    with podmen.running(tmp_path_factory.mktemp("podman")) as running:
        yield running


@pytest.fixture(scope="module")
def programs(podman: podmen.Podman) -> dict[str, str]:
    return {name: imported(podman.client, program) for name, (program, _) in PROGRAMS.items()}


@pytest.fixture()
def kit(podman: podmen.Podman, programs: dict[str, str], instance: str) -> Iterator[Kit]:
    """In place of the suite's own: podman, and nothing else."""
    runtime = DockerRuntime(podman.address)
    made = Kit(runtime, programs, instance)
    yield made
    made.clear()
    runtime.close()
