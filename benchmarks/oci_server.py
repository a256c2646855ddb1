"""A Docker repository for measuring: many small applications, served from memory over plain sockets in a process of its own.

It does as little as a repository can, so that what is measured is its client. No login, no lists of platforms.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_PAGE = 1000


def _images(names: int, tags: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """path -> body of every document, and path -> digest of the manifests."""
    bodies: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    every = [f"team-{number % 7}/application-{number:05}" for number in range(names)]
    for number, name in enumerate(every):
        bodies[f"/v2/{name}/tags/list"] = json.dumps({"name": name, "tags": [f"1.{tag}" for tag in range(tags)]}).encode()
        for tag in range(tags):
            contract = {"contract": "1.0", "parameters": [
                {"name": "limit", "type": "real", "unit": "mag", "min": -2, "max": 30, "default": 12},
                {"name": "band", "choices": ["B", "V", "R"], "default": "V"}], "resources": {"memory": 2**28, "time": 600}}
            labels = {"innerspace.application": json.dumps(contract), "org.opencontainers.image.title": f"Application {number}",
                      "org.opencontainers.image.version": f"1.{tag}"}
            config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": labels},
                                 "created": f"2026-01-01T00:{tag % 60:02}:00Z"}).encode()
            blob = f"sha256:{hashlib.sha256(config).hexdigest()}"
            manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "layers": [], "config": {
                "digest": blob, "size": len(config)}}).encode()
            digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
            bodies[f"/v2/{name}/blobs/{blob}"] = config
            for place in (digest, f"1.{tag}"):
                bodies[f"/v2/{name}/manifests/{place}"] = manifest
                digests[f"/v2/{name}/manifests/{place}"] = digest
    bodies["/v2/"] = b"{}"
    for start in range(0, names, _PAGE):
        bodies[f"/v2/_catalog/{start}"] = json.dumps({"repositories": every[start:start + _PAGE]}).encode()
    return bodies, digests


def _serve(pipe: Connection, names: int, tags: int) -> None:
    asyncio.run(_serving(pipe, *_images(names, tags)))


async def _serving(pipe: Connection, bodies: dict[str, bytes], digests: dict[str, str]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                writer.write(_answer(method, target, bodies, digests))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    server.close()


def _answer(method: str, target: str, bodies: dict[str, bytes], digests: dict[str, str]) -> bytes:
    path, _, query = target.partition("?")
    more = ""
    if path == "/v2/_catalog":
        start = int(query.rpartition("last=")[2]) if "last=" in query else 0
        path = f"/v2/_catalog/{start}"
        if f"/v2/_catalog/{start + _PAGE}" in bodies:
            more = f"Link: </v2/_catalog?n={_PAGE}&last={start + _PAGE}>; rel=\"next\"\r\n"
    body = bodies.get(path)
    if body is None:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    if path in digests:
        more += f"Docker-Content-Digest: {digests[path]}\r\nContent-Type: {_MANIFEST}\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
    return head if method == "HEAD" else head + body


@contextmanager
def running(names: int, tags: int = 1) -> Iterator[str]:
    """host:port of a repository of so many images with so many tags each."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, names, tags), daemon=True)
    process.start()
    theirs.close()  # so that a process that dies is noticed
    try:
        yield f"127.0.0.1:{ours.recv()}"
    finally:
        ours.send(None)
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
