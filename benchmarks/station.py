"""A whole datacenter with its engine and Docker repository, for benchmarks of jobs: `registry serve` as users have it.

Its applications are small programs of busybox, registered as any other. It measures nothing.
"""

from __future__ import annotations

import http.client
import io
import json
import shutil
import tarfile
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from applications.demo import engine, repository
from applications.demo.datacenter import Datacenter, Wiring
from benchmarks.cpu import of_family
from benchmarks.serving import free_port
from registry import config

AT_ONCE = 4  # containers
CONTRACT = {"contract": "1.0", "parameters": [], "outputs": [], "network": "none",
            "resources": {"cores": 1, "memory": 64 * 2**20, "time": 60, "disk": 2**20}}


@dataclass(frozen=True)
class Application:
    """A registered program: how a job asks for it, and how the engine does."""

    ivoid: str
    image: str


class Caller:
    """A UWS client with one kept connection; it asks for JSON."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def post(self, path: str, **values: str) -> str:
        """POST the values; the path that the answer leads to."""
        answer = self._ask("POST", path, urllib.parse.urlencode(values))
        return urllib.parse.urlsplit(answer).path

    def get(self, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """The document at `path`."""
        found: dict[str, Any] = json.loads(self._ask("GET", path, headers=headers))
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> str:
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        self._connection.request(method, path, body, {"Accept": "application/json", **kind, **(headers or {})})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} was answered {answer.status}: {text[:300]}")
        return answer.headers.get("Location", "") if answer.status == 303 else text


class Station:
    """The running datacenter."""

    def __init__(self, client: docker.DockerClient, store: repository.Repository, center: Datacenter) -> None:
        self.engine, self._store, self._center = client, store, center

    @property
    def instance(self) -> str:
        """Its name on the engine."""
        return config.load(self._center.folder).engine_name

    @property
    def folder(self) -> Path:
        """Its instance folder."""
        return self._center.folder

    @property
    def port(self) -> int:
        """Where its service answers."""
        return self._center.ports["web"]

    def caller(self) -> Caller:
        """A client of its own."""
        return Caller(self.port)

    def cpu(self) -> float:
        """CPU seconds that web, worker and gateway have used."""
        return of_family(self._center.processes[-1])

    def application(self, name: str, program: str) -> Application:
        """Make, push and register the application whose entry point runs `program` in a shell."""
        tag = f"{self._store.address}/{name}"
        label = json.dumps(json.dumps(CONTRACT, separators=(",", ":")))
        changes = [f"ENTRYPOINT {json.dumps(['/bin/sh', '-c', program])}", f"LABEL innerspace.application={label}",
                   "LABEL org.opencontainers.image.version=1.0", f'LABEL org.opencontainers.image.title="{name}"']
        api = self.engine.api
        api.import_image_from_data(_busybox(), repository=tag, tag="1.0", changes=changes)
        digest = ""
        for step in api.push(tag, tag="1.0", stream=True, decode=True):
            if "error" in step:
                raise SystemExit(f"{tag} cannot be pushed: {step['error']}")
            digest = (step.get("aux") or {}).get("Digest", digest)
        self._center.registry("app", "register", f"{tag}@{digest}")
        return Application(f"ivo://{self._center.wiring.authority}/app/{name}", f"{tag}@{digest}")


@contextmanager
def station(**settings: str) -> Iterator[Station]:
    """A new datacenter in a temporary folder; everything of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="innerspace-bench-jobs-"))
    running = engine.ensure(folder / "engine")
    try:
        with repository.start(folder / "repository") as store:
            ports = {kind: free_port() for kind in ("web", "catalogue", "gateway")}
            center = Datacenter(Wiring("bench", "Bench", "/", (), "/"), folder / "instance", ports)
            center.found({"repository": store.address, "running_jobs": str(AT_ONCE), "queued_jobs": "20000", **settings})
            try:
                center.start()
                made = Station(running.client, store, center)
                yield made
            finally:
                center.stop()
            for image in running.client.images.list():
                for tag in image.tags:
                    if tag.startswith(f"{store.address}/"):
                        running.client.images.remove(tag, force=True)
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _busybox() -> bytes:
    path = shutil.which("busybox")
    if path is None:
        raise SystemExit("There is no busybox on this machine: as root, `apt-get install busybox-static`.")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(path, "bin/busybox", recursive=False)
        for name in ("sh", "sleep", "true", "seq"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name in ("tmp", "proc", "dev", "sys", "etc"):
            place = tarfile.TarInfo(name)
            place.type, place.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(place)
    return data.getvalue()
