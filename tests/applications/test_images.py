"""The demo's parts around Docker: a base image without a hub, images built and pushed, engine and repository."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from applications.demo import base_image, engine, image, repository
from applications.demo.base_image import NoBaseImage
from applications.demo.engine import NoEngine
from applications.demo.image import ImageRefused
from applications.demo.repository import NoRepository
from registry.applications import catalogue, logins
from registry.executor.building import Builder
from registry.executor.runtime import EngineRefuses
from registry.site import Site
from tests.applications.conftest import HTPASSWD, Opener, Pusher
from tests.conftest import ROOT

HR_DIAGRAM = ROOT / "applications" / "hr-diagram"
IMPORTS = "import bz2, csv, ctypes, decimal, hashlib, json, lzma, sqlite3, ssl, urllib.request, zoneinfo"


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    running = engine.ensure()
    yield running.client
    running.stop()


@pytest.mark.docker
def test_the_base_image_holds_a_whole_python(client: docker.DockerClient) -> None:
    tag = base_image.build(client=client)
    said = client.containers.run(
        tag, ["python3", "-c", f"{IMPORTS}\nprint(zoneinfo.ZoneInfo('Europe/Paris'), json.__cached__)"], remove=True,
        network_mode="none", read_only=True, user="65534:65534", cap_drop=["ALL"], mem_limit="64m").decode()

    assert said.startswith("Europe/Paris ") and said.strip().endswith(".pyc"), "byte code is there: start-up is fast"
    assert client.containers.run(tag, ["sh", "-c", "echo $(id -u -n)"], remove=True, user="65534") == b"nobody\n"
    assert client.images.get(tag).attrs["Size"] < 80e6


@pytest.mark.docker
def test_the_base_image_is_made_once(client: docker.DockerClient) -> None:
    first = client.images.get(base_image.build(client=client)).id

    assert client.images.get(base_image.build(client=client)).id == first


@pytest.mark.docker
def test_an_application_is_built_pushed_registered_and_runs(
    client: docker.DockerClient, docker_repository: repository.Repository, north: Site,
) -> None:
    base = base_image.build(client=client)
    reference = image.build_and_push(HR_DIAGRAM, docker_repository.address, "hr-diagram", "1.0", base, client=client)
    again = image.build_and_push(HR_DIAGRAM, docker_repository.address, "hr-diagram", "1.0", base, client=client)

    assert again == reference and reference.startswith(f"{docker_repository.address}/hr-diagram@sha256:")
    record = catalogue.register(north, reference, who="ann")
    with north.database.read() as connection:
        offer = catalogue.pick(connection, "hr-diagram")
    assert (record.title, offer.version, offer.image) == ("Hertzsprung-Russell diagram", "1.0", reference)
    assert [one.name for one in catalogue.contract_of(north, offer).parameters] == ["max_magnitude", "min_parallax_snr"]
    with pytest.raises(docker.errors.ContainerError) as caught:
        client.containers.run(reference, remove=True, network_mode="none", read_only=True, user="65534:65534")
    assert caught.value.stderr.decode().startswith("No diagram: ") and caught.value.exit_status == 1


@pytest.mark.docker
def test_the_engine_fetches_and_pushes_with_the_sites_login(
    client: docker.DockerClient, opened: Opener, tmp_path: Path,
) -> None:
    """What was approved in a locked repository can be run, and what is made here can be put there."""
    (tmp_path / "passwords").write_text(HTPASSWD)
    more = f"auth:\n  htpasswd:\n    realm: tests\n    path: {tmp_path / 'passwords'}\n"
    with repository.start(tmp_path / "locked", more=more) as running:
        site = opened("north", repository=running.address)
        tag = f"{running.address}/locked:1"
        runtime = Builder(login=logins.of(site))
        client.images.get(base_image.build(client=client)).tag(tag)
        with pytest.raises(EngineRefuses, match="cannot be pushed: .*(no basic auth|unauthorized|authentication)"):
            runtime.push(tag)
        logins.keep(site, running.address, "robot", "x")
        named = f"{running.address}/locked@{runtime.push(tag)}"
        client.images.remove(tag, force=True)
        logins.forget(site, running.address)
        with pytest.raises(EngineRefuses, match=f"does not give out {named}.*`registry app login {running.address}` keeps one"):
            runtime.ensure_image(named)
        logins.keep(site, running.address, "robot", "x")
        runtime.ensure_image(named)
        assert runtime.has_image(named)
        client.images.remove(named, force=True)
        runtime.close()


@pytest.mark.docker
@pytest.mark.parametrize(("files", "words"), [
    ({"application.json": None}, "has no application.json"),
    ({"application.json": "{"}, "is not JSON"),
    ({"Dockerfile": "FROM nowhere.invalid/x:1\n"}, "cannot be built"),
    ({"Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN false\n"}, "cannot be built: .*returned a non-zero code"),
])
def test_a_folder_that_cannot_be_built_is_told(
    client: docker.DockerClient, docker_repository: repository.Repository, tmp_path: Path, files: dict[str, Any],
    words: str,
) -> None:
    good = {"application.json": '{"contract": "1.0"}', "Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n"}
    for name, text in {**good, **files}.items():
        if text is not None:
            (tmp_path / name).write_text(text)

    with pytest.raises(ImageRefused, match=words):
        base = base_image.build(client=client)
        image.build_and_push(tmp_path, docker_repository.address, "x", "1", base, client=client)


@pytest.mark.docker
def test_a_repository_that_is_down_is_told(client: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "application.json").write_text('{"contract": "1.0"}')
    (tmp_path / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n")

    with pytest.raises(ImageRefused, match="127.0.0.1:1/x:1 cannot be pushed"):
        image.build_and_push(tmp_path, "127.0.0.1:1", "x", "1", base_image.build(client=client), client=client)


@pytest.mark.docker
def test_an_image_of_a_hub_that_is_not_there_is_told(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BASE_IMAGE", "127.0.0.1:1/python:3")

    with pytest.raises(NoBaseImage, match="127.0.0.1:1/python:3, which BASE_IMAGE names, cannot be pulled"):
        base_image.build(client=client)


def test_missing_packages_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_image, "_installed", lambda: {"python3": ("3", ["python3.11"]), "tzdata": ("1", [])})

    with pytest.raises(NoBaseImage, match="apt-get install python3.11-minimal libpython3.11-stdlib busybox-static"):
        base_image.build(client=object())  # type: ignore[arg-type]


class Network:
    """A Docker network as docker-py shows it."""

    def __init__(self, bridge: str, **pool: str) -> None:
        self.attrs = {"Options": {"com.docker.network.bridge.name": bridge}, "IPAM": {"Config": [pool]}}


def test_a_bridge_that_vanished_is_noticed() -> None:
    assert engine.missing_bridge([Network("lo")]) is None
    assert engine.missing_bridge([]) is None
    assert engine.missing_bridge([Network("no0", Subnet="10.9.0.0/16", Gateway="10.9.0.7")]) == ("no0", "10.9.0.7/16")
    assert engine.missing_bridge([Network("none0", Subnet="10.9.8.0/24")]) == ("none0", "10.9.8.1/24")


def test_an_engine_that_does_not_answer_where_it_is_named_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    with pytest.raises(NoEngine, match="No Docker engine answers at tcp://127.0.0.1:1"):
        engine.ensure()


@pytest.mark.parametrize(("root", "program", "words"), [
    (False, "#!/bin/sh\n", "only root can start one"),
    (True, "#!/bin/sh\necho starting; echo 'no space left' >&2; exit 1\n", "the last it wrote to .*: no space left"),
])
def test_an_engine_that_cannot_be_started_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: bool, program: str, words: str,
) -> None:
    (tmp_path / "dockerd").write_text(program)
    (tmp_path / "dockerd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(engine, "_running", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)

    with pytest.raises(NoEngine, match=words):
        engine.ensure(tmp_path / "engine")


def test_a_repository_left_over_is_stopped_and_its_content_stays(tmp_path: Path) -> None:
    left = repository.start(tmp_path)
    with repository.start(tmp_path) as running:
        assert running.pid != left.pid and not Path(f"/proc/{left.pid}").exists()
        Pusher(running.address).push("kept", "1", {})

    with repository.start(tmp_path) as running, urllib.request.urlopen(
            f"http://{running.address}/v2/kept/tags/list", timeout=30) as answer:
        assert json.load(answer)["tags"] == ["1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["registry.log", "registry.yml", "storage"]


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

        with pytest.raises(NoRepository, match=f"Port {port} of this machine is in use"):
            repository.start(tmp_path, port)


def test_a_repository_listens_on_loopback_alone(docker_repository: repository.Repository) -> None:
    port = int(docker_repository.address.rpartition(":")[2])
    listening = {
        fields[1] for name in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/{docker_repository.pid}/net/{name}").read_text().splitlines())
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"}

    assert listening == {f"0100007F:{port:04X}"}
