"""Images looked up in a real Docker repository, and in servers that are none."""

from __future__ import annotations

import hashlib
import json
import socket

import pytest
from pytest_httpserver import HTTPServer

from registry.applications import repository
from registry.applications.references import BadReference
from registry.applications.repository import ImageAbsent, ImageUnusable, RepositoryUnreachable
from registry.errors import Refusal
from registry.site import Site
from tests.applications.conftest import LIST, MANIFEST, Opener, Pusher


def test_a_tag_is_resolved_to_a_digest_with_labels(north: Site, pusher: Pusher) -> None:
    pushed = pusher.push("a/b", "1", {"x": "y"})

    image = repository.resolve(north, f"{pusher.address}/a/b:1")

    assert image.reference == f"{pusher.address}/a/b@{pushed}"
    assert (dict(image.labels), image.tag, image.platform) == ({"x": "y"}, "1", "linux/amd64")
    assert image.size > 0
    assert repository.resolve(north, image.reference).labels == image.labels


def test_of_a_list_the_image_for_this_machine_is_read(
    north: Site, pusher: Pusher, monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = pusher.push("list", "inner", {"for": "amd64"})
    index = {"schemaVersion": 2, "mediaType": LIST, "manifests": [
        {"mediaType": MANIFEST, "size": 1, "digest": inner, "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": MANIFEST, "size": 1, "digest": inner, "platform": {"os": "linux", "architecture": "arm64"}},
        {"mediaType": MANIFEST, "size": 1, "digest": inner, "platform": {"os": "unknown", "architecture": "unknown"}}]}
    outer = pusher.manifest("list", "all", index)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    image = repository.resolve(north, f"{pusher.address}/list:all")

    assert image.reference.endswith(outer) and image.labels == {"for": "amd64"}
    assert image.platforms == ("linux/amd64", "linux/arm64")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ImageUnusable, match="no image for linux/riscv64; it has linux/amd64, linux/arm64"):
        repository.resolve(north, f"{pusher.address}/list:all")


def test_what_is_absent_is_told_with_what_there_is(north: Site, pusher: Pusher) -> None:
    pusher.push("present", "1.0", {})

    with pytest.raises(ImageAbsent, match="no image present:2.0; its tags are 1.0"):
        repository.resolve(north, f"{pusher.address}/present:2.0")
    with pytest.raises(ImageAbsent, match="no image absent:latest"):
        repository.resolve(north, f"{pusher.address}/absent")
    with pytest.raises(ImageAbsent, match="sha256:0000"):
        repository.resolve(north, f"{pusher.address}/present@sha256:{'0' * 64}")


def test_a_repository_that_is_down_is_told(opened: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        host = f"127.0.0.1:{held.getsockname()[1]}"
    site = opened("down", repository=host)

    with pytest.raises(RepositoryUnreachable, match=f"{host} cannot be read: .*nobody listens there"):
        repository.resolve(site, f"{host}/x:1")


def test_a_loopback_address_that_no_setting_names_is_not_asked(opened: Opener, pusher: Pusher) -> None:
    site = opened("other", repository="127.0.0.1:1")

    with pytest.raises(Refusal, match="internal address"):
        repository.resolve(site, f"{pusher.address}/present:1.0")


@pytest.mark.parametrize("text", [
    "", "x", "x:1", "http://h/x:1", "host:5000/X:1", "host/x:", "host/x@sha256:12", "host/x@md5:aa", "-/x", "h/../x",
    "h/x\ny", "a" * 5000,
])
def test_what_names_no_image_is_told_so(north: Site, text: str) -> None:
    with pytest.raises(BadReference, match="names no image") as caught:
        repository.resolve(north, text)

    assert len(str(caught.value)) < 300


def answer(server: HTTPServer, path: str, body: bytes, status: int = 200, **headers: str) -> None:
    server.expect_request(path).respond_with_data(body, status=status, headers=headers)


@pytest.mark.parametrize(("status", "body", "error", "words"), [
    (401, b"", RepositoryUnreachable, "asks for a login"),
    (500, b"", RepositoryUnreachable, "answers 500"),
    (200, b"<html>", RepositoryUnreachable, "does not answer as a Docker repository"),
    (200, b"[]", RepositoryUnreachable, "does not answer as a Docker repository"),
    (200, b"{}", ImageUnusable, "schema 1"),
    (200, b'{"config": {"digest": "../../etc"}}', ImageUnusable, "schema 1"),
    (200, b'{"config": {"digest": "sha256:%s", "size": 10000000}}' % (b"1" * 64), ImageUnusable, "holds 10000000"),
    (200, b'{"mediaType": "%s", "manifests": [null, {"platform": 3}, {}]}' % LIST.encode(), ImageUnusable, "no image"),
    (200, b"x" * (5 * 2**20), RepositoryUnreachable, "answers more than"),
])
def test_a_server_that_is_no_repository_is_told(
    opened: Opener, httpserver: HTTPServer, status: int, body: bytes, error: type[Exception], words: str,
) -> None:
    host = f"127.0.0.1:{httpserver.port}"
    site = opened("odd", repository=host)
    answer(httpserver, "/v2/x/manifests/1", body, status)

    with pytest.raises(error, match=words):
        repository.resolve(site, f"{host}/x:1")


def test_other_bytes_than_the_digest_says_are_refused(opened: Opener, httpserver: HTTPServer) -> None:
    host = f"127.0.0.1:{httpserver.port}"
    site = opened("liar", repository=host)
    config = {"digest": f"sha256:{'1' * 64}", "size": 2}
    manifest = json.dumps({"mediaType": MANIFEST, "config": config}).encode()
    true = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    answer(httpserver, f"/v2/x/manifests/{true}", manifest)
    answer(httpserver, f"/v2/x/manifests/sha256:{'2' * 64}", manifest)
    answer(httpserver, f"/v2/x/blobs/{config['digest']}", b"{}")

    with pytest.raises(ImageUnusable, match="other bytes for .*sha256:222"):
        repository.resolve(site, f"{host}/x@sha256:{'2' * 64}")
    with pytest.raises(ImageUnusable, match="other bytes for the configuration"):
        repository.resolve(site, f"{host}/x@{true}")
