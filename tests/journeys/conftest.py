"""Real parts for the journeys: a Docker engine, a Docker repository, images, and one running datacenter with its catalogue."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from applications.demo import base_image, engine, image, repository
from applications.demo.datacenter import Datacenter, Wiring
from tests.conftest import ROOT

WIRING = Wiring("journey", "Journey", "/inner/", ("--dec-from", "60"), "/stars")
HR_DIAGRAM = "ivo://journey.example/app/hr-diagram"
# a program for the shell of the base image, by what it is there to show
PROGRAMS = {
    "exits-three": "echo 'the third thing went wrong' >&2; exit 3",
    "writes-much": "dd if=/dev/zero of=/results/big bs=1048576 count=1024; sleep 30",
    "sleeps": "echo asleep; sleep 60; echo awake",
    "vanishes": "true",
    "tells": "for n in $(seq 50); do echo \"line $n\"; sleep 0.1; done; printf 'a,b\\n1,2\\n' > /results/table.csv",
}


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    """The engine of this machine, started for the session where none runs."""
    running = engine.ensure(tmp_path_factory.mktemp("engine"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def docker_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[repository.Repository]:
    """A Docker repository on a free port."""
    with repository.start(tmp_path_factory.mktemp("repository")) as running:
        yield running


@pytest.fixture(scope="session")
def base(docker_engine: engine.Engine) -> str:
    """The Python base image."""
    return base_image.build(client=docker_engine.client)


def free_ports(*names: str) -> dict[str, int]:
    """A free port for each name, all different."""
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: held.getsockname()[1] for name, held in sockets.items()}
    for held in sockets.values():
        held.close()
    return ports


@pytest.fixture(scope="session")
def datacenter(
    tmp_path_factory: pytest.TempPathFactory, docker_engine: engine.Engine, docker_repository: repository.Repository, base: str,
) -> Iterator[Datacenter]:
    """A founded, running datacenter with its catalogue and hr-diagram registered; few stars, so that runs are short."""
    center = Datacenter(WIRING, tmp_path_factory.mktemp("journey"), free_ports("web", "catalogue", "gateway"))
    reference = image.build_and_push(
        ROOT / "applications" / "hr-diagram", docker_repository.address, "hr-diagram", "1.0", base, client=docker_engine.client)
    center.found({"repository": docker_repository.address, "instance_name": f"j{time.time_ns() % 16**8:08x}"})
    try:
        center.start_catalogue()
        center.start()
        center.describe_catalogue()
        center.registry("app", "register", reference)
        yield center
    finally:
        center.stop()


@pytest.fixture(scope="session")
def packaged(
    tmp_path_factory: pytest.TempPathFactory, datacenter: Datacenter, docker_engine: engine.Engine,
    docker_repository: repository.Repository, base: str,
) -> Callable[[str], str]:
    """Package one of PROGRAMS as an application, register it, and give its identifier."""
    made: dict[str, str] = {}

    def package(name: str) -> str:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            write_application(folder, name, PROGRAMS[name])
            reference = image.build_and_push(folder, docker_repository.address, name, "1.0", base, client=docker_engine.client)
            datacenter.registry("app", "register", reference)
            made[name] = f"ivo://{WIRING.authority}/app/{name}"
        return made[name]

    return package


def write_application(folder: Path, name: str, script: str) -> None:
    """An application that runs `script` by the base image's shell."""
    import json

    (folder / "application.json").write_text(json.dumps({
        "contract": "1.0", "title": f"Test {name}", "description": f"A test: {name}.", "parameters": [
            {"name": "count", "type": "integer", "default": 1, "min": 1, "max": 10, "description": "A number."}],
        "outputs": [], "requires": [], "resources": {}, "network": "none",
    }))
    (folder / "run.sh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "Dockerfile").write_text(
        'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY run.sh /app/run.sh\nENTRYPOINT ["/bin/sh", "/app/run.sh"]\n')
