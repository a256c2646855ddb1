"""Web servers of their own process: ours, and the same waitress with the same settings handing out ready bytes (the limit).

`python -m benchmarks.serving ours|memory INSTANCE PORT` is what runs in the process; `Server` starts it and looks at it.
In the memory one, /<n> is the n-th page that a harvester of the datacenter gets, as it came from ours, /record one GetRecord.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import registry
from benchmarks.client import Client
from registry import serve
from registry.site import Site, open_site

OURS, MEMORY = "ours", "memory"
FIRST = "/oai?verb=ListRecords&metadataPrefix=ivo_vor&set=ivo_managed"
_TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """One server process; as a context manager it is ended at the end. It answers at `port`."""

    def __init__(self, kind: str, instance: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "benchmarks.serving", kind, str(instance), str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[1])
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise SystemExit(f"The server {kind} did not start.")

    def client(self) -> Client:
        """A connection to it."""
        return Client(self.port)

    def cpu(self) -> float:
        """CPU seconds it has used, user's and system's."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def peak(self) -> float:
        """The most resident memory since `forget_peak`, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found.group(1)) * 1024 / 1e6 if found else 0.0

    def forget_peak(self) -> None:
        """Let the peak be measured anew from here."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pages(client: Client) -> Iterable[bytes]:
    """Every page of the datacenter's records, as a harvester gets them."""
    path = FIRST
    while path:
        page = client.get(path)
        yield page
        path = following(page)


def record(ivoid: str) -> str:
    """The path of one record."""
    return f"/oai?verb=GetRecord&metadataPrefix=ivo_vor&identifier={quote(ivoid, safe='')}"


def following(page: bytes) -> str:
    """The path of the page behind `page`; '' where it is the last."""
    token = re.search(rb"<resumptionToken[^>]*>([^<]+)<", page[-2000:])
    return f"/oai?verb=ListRecords&resumptionToken={token.group(1).decode()}" if token else ""


def _memory(instance: Path) -> Callable[[Site], Any]:
    """A stand-in for create_app: an application that holds all pages and does nothing but hand them out."""
    with Server(OURS, instance) as ours:
        held = {f"/{number}": page for number, page in enumerate(pages(ours.client()))}
        held["/record"] = ours.client().get(record(re.findall(rb"<identifier>(ivo:[^<]+)<", held["/0"])[-1].decode()))

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        page = held[environ["PATH_INFO"]]
        start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(page)))])
        return [page]

    return lambda site: application


def _main(kind: str, instance: Path, port: int) -> None:
    if kind == MEMORY:
        registry.create_app = _memory(instance)  # serve.web_server takes it from there, with all of its settings
    server = serve.web_server(open_site(instance, port=port))
    print("ready", flush=True)
    server.run()


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
