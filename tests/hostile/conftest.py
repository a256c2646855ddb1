"""A datacenter that runs a hostile program, and what that program is after: listeners, addresses, another job."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from applications.demo import image
from applications.demo.datacenter import FINAL, Datacenter, Wiring
from applications.demo.engine import Engine
from applications.demo.repository import Repository
from registry.executor.bridges import bridge_name
from tests.journeys.conftest import base, docker_engine, docker_repository, free_ports  # noqa: F401

WIRING = Wiring("hostile", "Hostile", "/inner/", ("--dec-from", "80"), "/stars")
METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")  # where clouds give out credentials
INTERFACE = "insphostile"
NEIGHBOUR_PORT = 7007
MIB = 2**20
LIMITS = {"job_memory": 64 * MIB, "job_disk": 8 * MIB, "job_processes": 48, "job_log": 65536}
CONTRACT = {
    "contract": "1.0", "title": "Hostile", "description": "A test: tries to get out and to take too much.",
    "parameters": [{"name": "attempt", "type": "string", "description": "What to try."},
                   {"name": "targets", "type": "string", "default": "{}", "description": "Where things are, as JSON."}],
    "outputs": [], "resources": {"cores": 1, "memory": 64 * MIB, "time": 60, "disk": 8 * MIB},
}
NETWORKS = {"none": [], "dc": ["ivo://ivoa.net/std/ConeSearch"]}


class Prey:
    """A running datacenter; `targets` is what the hostile program is told to go for."""

    def __init__(
        self, center: Datacenter, instance_name: str, client: docker.DockerClient, listener: int,
        images: dict[str, str],
    ) -> None:
        self.center, self.instance_name, self.client, self.images = center, instance_name, client, images
        network = client.api.inspect_network(f"innerspace-{instance_name}-dc")
        bridge = client.api.inspect_network("bridge")["IPAM"]["Config"][0]
        self.targets: dict[str, Any] = {
            "mark": center.folder.name, "instance": str(center.folder), "listener": listener, "host": host_addresses(),
            "loopback": [center.ports["web"], center.ports["catalogue"]], "gateway_port": center.ports["gateway"],
            "gateway": network["IPAM"]["Config"][0]["Gateway"], "docker0": bridge.get("Gateway", "172.17.0.1"),
            "neighbour": [], "neighbour_port": NEIGHBOUR_PORT, "tokens": [], "route": "/0123456789abcdef/stars/scan",
            "other_results": str(center.folder / "results"), "world": "198.51.100.1",
        }

    def submit(self, network: str, attempt: str, **control: Any) -> str:
        """Start a hostile job; its address."""
        form = {"APP": f"ivo://{WIRING.authority}/app/hostile-{network}", "PHASE": "RUN", "attempt": attempt,
                "targets": json.dumps(self.targets), **control}
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.center.base_url}jobs", data=body, timeout=60) as answer:
            return str(answer.geturl())

    def ended(self, job: str, seconds: float = 90) -> dict[str, Any]:
        """The job in its last phase."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.center.look(job, wait=10)
            if state["phase"] in FINAL:
                return state
        raise AssertionError(f"{job} does not end: {state}")

    def folder(self, job: str) -> Path:
        """Where its results are."""
        return self.center.folder / "results" / job.rpartition("/")[2]

    def container(self, job: str) -> str:
        return f"innerspace-{self.instance_name}-{job.rpartition('/')[2]}-1"

    def token(self, job: str) -> str:
        """The token of a running job: nobody but the test gets at it."""
        return (self.center.folder / "staging" / f"{job.rpartition('/')[2]}-1" / "job" / "token").read_text()

    def listening(self, network: str) -> str:
        """A job that listens at NEIGHBOUR_PORT, once it does."""
        job = self.submit(network, "listen", EXECUTIONDURATION=300)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                if (self.folder(job) / "stdout").read_text() == "listening\n":
                    return job
            time.sleep(0.1)  # its log is a file: nothing tells when it grows
        raise AssertionError(self.center.look(job))

    def abort(self, job: str) -> None:
        urllib.request.urlopen(f"{job}/phase", data=b"PHASE=ABORT", timeout=60).close()


def host_addresses() -> list[str]:
    """This machine's IPv4 addresses but the loopback's."""
    listed = json.loads(subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, check=True).stdout)
    found = [one["local"] for link in listed for one in link["addr_info"]]
    return [address for address in found if not address.startswith("127.")]


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """The port of a server on all of this machine's addresses, and on those of a cloud's metadata service."""
    subprocess.run(["ip", "link", "add", INTERFACE, "type", "bridge"], check=True)
    for address in METADATA:
        subprocess.run(["ip", "address", "add", address, "dev", INTERFACE], check=True)
    subprocess.run(["ip", "link", "set", INTERFACE, "up"], check=True)
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
    subprocess.run(["ip", "link", "delete", INTERFACE], check=True)


def greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"welcome\n")


@pytest.fixture(scope="module")
def prey(
    tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine, docker_repository: Repository, base: str,  # noqa: F811
    listener: int,
) -> Iterator[Prey]:
    """A datacenter with a star catalogue and the hostile program, for both network profiles."""
    center = Datacenter(WIRING, tmp_path_factory.mktemp("hostile"), free_ports("web", "catalogue", "gateway"))
    name = f"h{time.time_ns() % 16**8:08x}"
    limits = {key: str(value) for key, value in LIMITS.items()}
    center.found({"repository": docker_repository.address, "instance_name": name, "running_jobs": "6", **limits})
    try:
        center.start_catalogue()
        center.start()
        center.describe_catalogue()
        images = {}
        for network, requires in NETWORKS.items():
            folder = tmp_path_factory.mktemp(network)
            shutil.copytree(Path(__file__).parent / "image", folder, dirs_exist_ok=True)
            contract = {**CONTRACT, "network": network, "requires": requires}
            (folder / "application.json").write_text(json.dumps(contract))
            name_of_it, where = f"hostile-{network}", docker_repository.address
            reference = image.build_and_push(folder, where, name_of_it, "1.0", base, docker_engine.client)
            center.registry("app", "register", reference)
            images[network] = reference
        await_network(docker_engine.client, name)
        yield Prey(center, name, docker_engine.client, listener, images)
    finally:
        center.stop()
        clear(docker_engine.client, name)


@pytest.fixture(scope="module")
def company(prey: Prey) -> Iterator[None]:
    """Other jobs, as targets: one that listens on dc, one without an API of its own, and one that has ended."""
    former, neighbour, bystander = prey.listening("dc"), prey.listening("dc"), prey.listening("none")
    prey.targets["tokens"] = [prey.token(former), prey.token(bystander)]
    prey.abort(former)
    prey.ended(former)
    networks = prey.client.api.inspect_container(prey.container(neighbour))["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"]
    prey.targets["neighbour"] = [address, prey.container(neighbour)]
    yield
    for job in (neighbour, bystander):
        prey.abort(job)
    for job in (neighbour, bystander):
        prey.ended(job)


def await_network(client: docker.DockerClient, name: str) -> None:
    """The worker makes it soon after its start."""
    deadline = time.monotonic() + 30
    while not client.networks.list(names=[f"innerspace-{name}-dc"]):
        assert time.monotonic() < deadline, "the worker has made no dc network"
        time.sleep(0.1)


def clear(client: docker.DockerClient, name: str) -> None:
    for container in client.containers.list(all=True, filters={"label": f"innerspace.instance={name}"}):
        container.remove(force=True, v=True)
    for network in client.networks.list(names=[f"innerspace-{name}-dc"]):
        network.remove()


def interface(prey: Prey) -> str:
    """The host's interface to the dc network."""
    return bridge_name(f"innerspace-{prey.instance_name}-dc")
