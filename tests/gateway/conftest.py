"""A datacenter with one API behind its gateway, a running job with a token, and the gateway itself in a thread."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from sqlalchemy import delete, insert, update

from registry import clock
from registry.gateway import main
from registry.records import authorities, publish
from registry.services import inner
from registry.site import Site
from registry.tables import jobs
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface
from vosi.compose import compose
from vosi.draft import Draft

CONE = ns.STD_CONE


def publish_service(site: Site, key: str, *capabilities: Capability, title: str = "Stars") -> str:
    """Publish a service of north.example with these capabilities; its ivoid."""
    with site.database.write() as connection:
        authorities.claim(connection, "north.example", "ivo://north.example/registry", own=True)
    ivoid = f"ivo://north.example/{key}"
    publish.publish(site, compose(Draft(
        type="vs:CatalogService", ivoid=ivoid, title=title, created="2026-01-01T00:00:00Z",
        updated="2026-01-01T00:00:00Z",
        description="Positions of stars.", reference_url="http://north.example/stars", publisher="North",
        contact_name="Operators", contact_email="ops@north.example", subjects=("stars",), capabilities=capabilities,
    )), who="test")
    return ivoid


def capability(url: str, *, standard_id: str = CONE, use: str = "base", **more: Any) -> Capability:
    return Capability(standard_id=standard_id, interfaces=(Interface(access_url=url, url_use=use, role="std", **more),))


def add_job(site: Site, token: str, requires: list[str], *, phase: str = "EXECUTING", name: str = "job1") -> None:
    with site.database.write() as connection:
        connection.execute(delete(jobs).where(jobs.c.id == name))
        connection.execute(insert(jobs).values(
            id=name, phase=phase, application="ivo://north.example/app/x", image="127.0.0.1:5000/x@sha256:0",
            created=clock.fine_stamp(), execution_duration=60, destruction=clock.stamp(),
            contract={"contract": 1, "requires": requires}, token_hash=hashlib.sha256(token.encode()).hexdigest()))


def set_phase(site: Site, phase: str, name: str = "job1") -> None:
    with site.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == name).values(phase=phase))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Gateway:
    """A running gateway as a job sees it."""

    site: Site
    port: int
    token: str = "s3cret-token"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def routes(self, *requires: str) -> list[inner.Route]:
        with self.site.database.read() as connection:
            return inner.routes(connection, self.site.settings, requires or [CONE], self.address)

    def ask(self, url: str, method: str = "GET", *, token: str | None = None, **more: Any) -> requests.Response:
        """Send exactly this target (no client may tidy it up) with the job's token."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        request = requests.Request(method, f"http://{self.address}/", headers=headers, **more).prepare()
        request.url = url if url.startswith("http") else f"http://{self.address}{url}"
        with requests.Session() as session:
            return session.send(request, allow_redirects=False, timeout=10)

    def raw(self, target: str) -> tuple[int, bytes]:
        """GET a target byte for byte over a bare socket: status and everything that came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(
                f"GET {target} HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {self.token}\r\n"
                "Connection: close\r\n\r\n".encode("latin-1"))
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return int(answer.split(b" ", 2)[1]), answer


@pytest.fixture()
def gateway(site: Site) -> Iterator[Gateway]:
    stop = threading.Event()
    port = free_port()
    thread = threading.Thread(target=main.run, args=(site, stop), kwargs={"host": "127.0.0.1", "port": port})
    thread.start()
    _await(port)
    add_job(site, Gateway.token, [CONE])
    yield Gateway(site, port)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def _await(port: int) -> None:
    """Wait until somebody listens there, as long as the start takes and no longer."""
    for _ in range(2000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
            threading.Event().wait(0.005)
    raise AssertionError("the gateway did not begin to listen")


@pytest.fixture()
def api(httpserver: HTTPServer, site: Site) -> HTTPServer:
    """A cone search at /cat/scs, registered."""
    publish_service(site, "stars", capability(httpserver.url_for("/cat/scs")))
    return httpserver
