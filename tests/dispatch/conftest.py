"""Two datacenters: north, which publishes an application and sends jobs, and south, which answers on a port of its own."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from registry import create_app
from registry.access import ANONYMOUS
from registry.applications import catalogue
from registry.bell import PHASES
from registry.dispatch import following, runners, sending, store as desk
from registry.records import founding, store as shelf
from registry.schema import upgrade
from registry.site import Site, open_site
from registry.uws import files, store
from registry.uws.phases import COMPLETED, EXECUTING, QUEUED, Phase
from registry.uws.store import Job, Result
from tests.applications.conftest import Pusher, docker_repository, pusher  # noqa: F401

APP = "ivo://north.example/app/count"
CONTRACT: dict[str, Any] = {
    "contract": "1.0",
    "parameters": [{"name": "limit", "type": "integer", "min": 0, "max": 9}],
    "inputs": [{"name": "targets"}],
    "resources": {"memory": 2**26, "time": 60},
}


class Datacenter:
    """A datacenter whose service can be stopped and started again on the same port."""

    def __init__(self, folder: Path, name: str, repository: str, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.site = open_site(
            folder / name, authority=f"{name}.example", title=name.title(), base_url=f"http://127.0.0.1:{self.port}/",
            admin_email=f"ops@{name}.example", allowed_networks=["127.0.0.0/8"], repository=repository, **settings)
        upgrade(self.site.database)
        founding.found(self.site, founding.Founding(f"{name}.example", name.title(), self.site.settings.base_url), "test")
        self._server: Any = None

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, create_app(self.site), threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def record(self, ivoid: str) -> bytes:
        with self.site.database.read() as connection:
            found = shelf.get(connection, ivoid)
        assert found is not None
        return found.xml

    def harvested(self, xml: bytes) -> None:
        """Put a record on the shelf as a harvest does."""
        with self.site.database.write() as connection:
            shelf.put(connection, self.site.schemas, xml, origin=shelf.HARVESTED, who="harvest")

    def job(self, job_id: str) -> Job:
        with self.site.database.read() as connection:
            return store.get(connection, job_id)

    def jobs(self) -> list[Job]:
        with self.site.database.read() as connection:
            return store.listing(connection, everybody=True)

    def move(self, job_id: str, *phases: Phase, **values: Any) -> None:
        """What a worker does to a job."""
        for phase in phases:
            with self.site.database.write() as connection:
                last = values if phase is phases[-1] else {}
                assert store.move(connection, store.get(connection, job_id), phase, **last)
        self.site.bells.ring(PHASES)

    def finish(self, job_id: str, body: bytes = b"42\n", size: int | None = None) -> None:
        """Run a job to its end with one result and a log."""
        found = []
        for number, (name, path) in enumerate((("count.txt", "files/count.txt"), ("stdout", "stdout"))):
            place = files.folder(self.site, job_id) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
            found.append(Result(name, number, path, len(body) if size is None else size, "text/plain",
                                hashlib.sha256(body).hexdigest()))
        with self.site.database.write() as connection:
            store.set_results(connection, job_id, found)
        self.move(job_id, *((EXECUTING,) if self.job(job_id).phase is QUEUED else ()), COMPLETED)


class Pair:
    """North and south, and what is done between them."""

    def __init__(self, north: Datacenter, south: Datacenter) -> None:
        self.north, self.south = north, south

    @property
    def site(self) -> Site:
        return self.north.site

    def send(self, *pairs: tuple[str, str], parts: Any = (), app: str = APP) -> Job:
        return sending.send(self.site, ANONYMOUS, [("APP", app), *pairs], "south.example", parts)

    def follower(self, job: Job, lease: str = "worker-1") -> following.Follower:
        return following.Follower(self.site, job.id, lease, threading.Event())

    def sent(self, *pairs: tuple[str, str], parts: Any = ()) -> tuple[Job, Job, following.Follower]:
        """A job that has been sent: ours, the far one, and who follows it."""
        job = self.send(*pairs, parts=parts)
        follower = self.follower(job)
        follower.step()
        (far,) = self.south.jobs()
        return self.north.job(job.id), far, follower

    def row(self, job: Job) -> desk.Dispatched | None:
        with self.site.database.read() as connection:
            return desk.get(connection, job.id)


@pytest.fixture()
def pair(tmp_path: Path, docker_repository: Any, pusher: Pusher) -> Iterator[Pair]:  # noqa: F811
    """North knows south's runner and what it offers; south accepts north's application, which needs no API."""
    pusher.application("count", "1.0", CONTRACT, version="1.0", title="Count")
    north = Datacenter(tmp_path, "north", docker_repository.address)
    south = Datacenter(tmp_path, "south", docker_repository.address, accepted_publishers=["north.example"])
    catalogue.register(north.site, f"{docker_repository.address}/count:1.0", who="test")
    south.harvested(north.record(APP))
    north.harvested(south.record("ivo://south.example/runner"))
    south.start()
    assert runners.read_offers(north.site) == 1
    yield Pair(north, south)
    south.stop()
    north.site.close()
    south.site.close()
