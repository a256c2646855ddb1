"""How fast the inner space answers with 5,000 services: queries, unchanged and blocked answers, and while all are looked at.

The limit is the same waitress answering a constant, in the same run and by turns. `python -m benchmarks.inner KIND INSTANCE PORT`
is what runs in a process of its own: the web server, that constant, the services that are looked at, or the one who looks.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import registry
from benchmarks import datacenters
from benchmarks.figures import Figure, percentile
from benchmarks.scale import FOLDER, ROUNDS
from registry import clock, serve
from registry.bell import ANSWERS
from registry.records import publish
from registry.services.find import read_ahead
from registry.services.health import polling, store
from registry.services.health.rules import Look
from registry.site import Site, open_site
from vosi import availability, namespaces as ns
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface
from vosi.resource import Draft, compose

SERVICES = int(os.environ.get("BENCH_SERVICES") or 5_000)
KINDS = 500  # standards, so that each is spoken by ten services
HOSTS = 50
ASKED = 400  # different queries in a round
BLOCKED = 200
CONSTANT, OURS, TARGETS, LOOKER = "constant", "ours", "targets", "looker"
_SOURCE = Path(__file__).resolve().parents[1]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: *([^\r]+)", re.IGNORECASE)


def figures() -> Iterator[Figure]:
    """Queries, then the rest."""
    instance = _filled()
    with _Process(CONSTANT, instance) as constant, _Process(OURS, instance) as ours:
        yield from _queries(ours, constant)
        yield from _unchanged(ours)
        yield from _blocked(instance, ours)
        yield from _crowd(ours)
    with _Process(TARGETS, instance, _port(instance)), _Process(OURS, instance) as ours:
        yield from _looked_at(instance, ours)


# --- what is measured -------------------------------------------------------------------------------------------------


def _queries(ours: _Process, constant: _Process) -> Iterator[Figure]:
    mine, theirs = ours.client(), constant.client()
    mine.get("/find.json?ivoid=x")  # the first request of all loads what Flask loads late
    first = [mine.get(path) * 1000 for path in _paths()]
    limit = [theirs.get("/constant") * 1000 for _ in range(ASKED)]
    for share, target in ((50, "<= 3"), (99, "<= 10")):
        yield Figure(f"query that nobody asked before, p{share}", percentile(first, share), percentile(limit, share), "ms",
                     "a constant", target=target)
    again: list[float] = []
    limit = []
    spent = [0.0, 0.0]
    for _ in range(ROUNDS):
        for number, (process, client, paths, times) in enumerate((
                (ours, mine, _paths(), again), (constant, theirs, ["/constant"] * ASKED, limit))):
            before = process.cpu()
            times += [client.get(path) * 1000 for path in paths]
            spent[number] += process.cpu() - before
    yield Figure("query, p50", percentile(again, 50), percentile(limit, 50), "ms", "a constant", target="<= 3")
    yield Figure("query, p99", percentile(again, 99), percentile(limit, 99), "ms", "a constant", target="<= 10")
    yield Figure("queries", len(again) / sum(again) * 1000, len(limit) / sum(limit) * 1000, "a second", "a constant", ">= 0.4")
    count = ROUNDS * ASKED
    yield Figure("CPU of a query", spent[0] / count * 1000, spent[1] / count * 1000, "ms", "a constant", target="<= 2")
    yield from _changing(ours, mine)


def _changing(ours: _Process, client: _Client) -> Iterator[Figure]:
    """Every query made anew, as while records change: each asked in a spelling that nobody used before."""
    before = ours.cpu()
    times = [client.get(f"{path}&zone={'%20' * (number % 7 + 1)}") * 1000 for number, path in enumerate(_paths())]
    spent = (ours.cpu() - before) / len(times) * 1000
    yield Figure("query made anew, p50", percentile(times, 50), 3, "ms", "what is wanted", "<= 1")
    yield Figure("CPU of a query made anew", spent, 2, "ms", "what is wanted", "<= 1")


def _unchanged(ours: _Process) -> Iterator[Figure]:
    client = ours.client()
    tags = {path: client.etag(path) for path in _paths()[:50]}
    spent, count = 0.0, 0
    for _ in range(ROUNDS * 8):
        before = ours.cpu()
        for path, tag in tags.items():
            client.get(path, tag)
            assert client.status == 304, client.status
        spent += ours.cpu() - before
        count += len(tags)
    yield Figure("CPU of an unchanged answer", spent / count * 1000, 0.3, "ms", "what is wanted", "<= 1")


def _blocked(instance: Path, ours: _Process) -> Iterator[Figure]:
    """From the ring that says that a state has changed to the end of the blocked answer."""
    site = open_site(instance)
    path = _paths()[0]
    key = f"ivo://{datacenters.AUTHORITY}/service/0"
    with polling.Poller(site, lambda _: Look(True, 1)) as poller:
        poller.until_idle()
    times = []
    for number in range(20):
        client = ours.client()
        tag = client.etag(path)
        answered: list[float] = []

        def wait(client: _Client = client, tag: str = tag, answered: list[float] = answered) -> None:
            client.get(f"{path}&wait=30", tag)
            answered.append(time.perf_counter())

        thread = threading.Thread(target=wait)
        thread.start()
        _until_waiting(site, 1)
        began = _turned(site, key, "down" if number % 2 == 0 else "up")
        thread.join()
        times.append((answered[0] - began) * 1000)
    site.close()
    yield Figure("blocked query after the change, p50", percentile(times, 50), 50, "ms", "what is wanted", "<= 1")
    yield Figure("blocked query after the change, p99", percentile(times, 99), 50, "ms", "what is wanted", "<= 1")


def _crowd(ours: _Process) -> Iterator[Figure]:
    """Ordinary queries while 200 clients want to wait: few may, the others are answered at once and ask again."""
    idle_client, path = ours.client(), _paths()[1]
    tag = idle_client.etag(path)
    _settled(idle_client)
    idle = [idle_client.get(one) * 1000 for _ in range(ROUNDS) for one in _paths()]
    clients = [ours.client() for _ in range(BLOCKED)]
    for client in clients:
        client.send(f"{path}&wait=20", tag)
    busy = [idle_client.get(one) * 1000 for _ in range(ROUNDS) for one in _paths()]
    turned_away = sum(client.has_answer() for client in clients)
    for client in clients:
        client.close()
    yield Figure(f"query while {BLOCKED} clients want to wait, p99", percentile(busy, 99), percentile(idle, 99), "ms", "idle",
                 target="<= 10")
    yield Figure("of them answered at once", turned_away, BLOCKED - 6, "clients", "all but those that may wait", ">= 0.99")


def _looked_at(instance: Path, ours: _Process) -> Iterator[Figure]:
    """All services looked at once by one worker, while somebody asks; the looks before that have settled every state."""
    _look_at_all(instance)
    client = ours.client()
    _settled(client)
    idle = [client.get(path) * 1000 for _ in range(ROUNDS) for path in _paths()]
    busy: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            busy.extend(client.get(path) * 1000 for path in _paths())

    thread = threading.Thread(target=ask)
    thread.start()
    seconds = _look_at_all(instance)
    done.set()
    thread.join()
    yield Figure(f"{SERVICES:,} services looked at", seconds, 60, "s", "what is wanted", "<= 1")
    yield Figure("query meanwhile, p50", percentile(busy, 50), percentile(idle, 50), "ms", "idle")
    yield Figure("query meanwhile, p99", percentile(busy, 99), percentile(idle, 99), "ms", "idle", "<= 2")


def _settled(client: _Client) -> None:
    """Have every query asked once more than a second after the last change, so that its answer is kept."""
    time.sleep(1.1)  # no event tells that a second is over
    for path in _paths():
        client.get(path)


# --- parts ------------------------------------------------------------------------------------------------------------


def _paths() -> list[str]:
    """Different queries in the three forms."""
    found = []
    for number in range(ASKED):
        kind = number * 7 % KINDS
        standard = f"ivo%3A%2F%2F{datacenters.AUTHORITY}%2Fstd%2Fkind{kind}%23query-1.0"
        found.append((f"/find.json?standardID={standard}", f"/find?standardID={standard}",
                      f"/find.txt?standardID={standard}&status=any")[number % 3])
    return found


def _look_at_all(instance: Path) -> float:
    """Seconds until a process of its own has looked at every service once."""
    site = open_site(instance)
    with site.database.write() as connection:
        connection.exec_driver_sql("UPDATE health SET due = ''")
    site.close()
    began = time.perf_counter()
    with _Process(LOOKER, instance) as looker:
        looker.wait()
    seconds = time.perf_counter() - began
    site = open_site(instance)
    with site.database.read() as connection:
        left = connection.exec_driver_sql(
            "SELECT count(*) FROM health WHERE due = '' OR state != 'up' AND key LIKE '%/service/%'").scalar()
    site.close()
    if left:
        raise SystemExit(f"{left} services were not looked at, or are not up.")
    return seconds


def _turned(site: Site, key: str, state: str) -> float:
    """Write that the service has come into that state, and ring; when that was."""
    with site.database.write() as connection:
        rows = store.rows(connection, key)
        store.save(connection, [(row, _with(row, state)) for row in rows], tell=False)
    began = time.perf_counter()
    site.bells.ring(ANSWERS)
    return began


def _with(row: Any, state: str) -> Any:
    return replace(row, state=state, since=clock.stamp())


def _until_waiting(site: Site, count: int) -> None:
    folder = site.settings.instance / "run" / ANSWERS
    while not folder.is_dir() or len(list(folder.iterdir())) < count:
        time.sleep(0.002)  # a listener tells nobody when it begins
    time.sleep(0.05)


def _filled() -> Path:
    """The instance folder of a datacenter with the services; kept as long as this file and the record's shape are the same."""
    texts = [(_SOURCE / name).read_bytes() for name in (
        "benchmarks/inner.py", "registry/tables/shelf.py", "registry/records/store.py")]
    place = FOLDER / f"inner-{SERVICES}-{hashlib.sha256(b''.join(texts)).hexdigest()[:12]}"
    if (place / "filled").is_file():
        return place
    for old in FOLDER.glob(f"inner-{SERVICES}-*"):
        shutil.rmtree(old)
    print(f"(registering {SERVICES:,} services)", file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    site = datacenters.found(place)
    port = _free_port()
    (place / "port").write_text(str(port))
    for start in range(0, SERVICES, 250):
        with site.database.write() as connection:
            for number in range(start, min(start + 250, SERVICES)):
                publish.publish_in(connection, site, _record(number, port), who="bench")
    site.close()
    (place / "filled").touch()
    return place


def _record(number: int, port: int) -> bytes:
    base = f"http://127.0.1.{number % HOSTS + 1}:{port}/s{number}"
    return compose(Draft(
        type="vr:Service", ivoid=f"ivo://{datacenters.AUTHORITY}/service/{number}", title=f"Service {number}",
        created="2026-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z", publisher="Bench", contact_name="Operators",
        contact_email="ops@bench.example", subjects=("tests",), description=f"The service with the number {number}.",
        reference_url=base, capabilities=(
            Capability(f"ivo://{datacenters.AUTHORITY}/std/kind{number % KINDS}#query-1.0", interfaces=(
                Interface(access_url=f"{base}/query", url_use="base", role="std"),)),
            Capability(ns.STD_VOSI_CAPABILITIES, interfaces=(Interface(access_url=f"{base}/capabilities", role="std"),)),
            Capability(ns.STD_VOSI_AVAILABILITY, interfaces=(Interface(access_url=f"{base}/availability", role="std"),)),
        )))


def _port(instance: Path) -> int:
    return int((instance / "port").read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Client:
    """A kept connection that costs next to nothing; `get` gives seconds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.status, self._head = 0, b""
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str, etag: str = "") -> float:
        if b"\r\nConnection: close" in self._head:  # waitress says so of each 304
            self.close()
            self._connect()
        began = time.perf_counter()
        self.send(path, etag)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        self._head, self.status = data[:end], int(data[9:12])
        length = _LENGTH.search(self._head)
        wanted = end + 4 + (int(length.group(1)) if length and self.status != 304 else 0)
        have = len(data)
        while have < wanted:
            have += len(self._more())
        if self.status not in (200, 304):
            raise SystemExit(f"{path} was answered {self.status}.")
        return time.perf_counter() - began

    def etag(self, path: str) -> str:
        self.get(path)
        found = _ETAG.search(self._head)
        assert found is not None
        return found.group(1).decode()

    def send(self, path: str, etag: str = "") -> None:
        tag = f"If-None-Match: {etag}\r\n" if etag else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{tag}\r\n".encode())

    def has_answer(self) -> bool:
        self._socket.setblocking(False)
        try:
            return bool(self._socket.recv(16, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def close(self) -> None:
        self._socket.close()

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise SystemExit("The server closed the connection.")
        return data


class _Process:
    """One of our processes; ended at the end of the block."""

    def __init__(self, kind: str, instance: Path, port: int = 0) -> None:
        self.port = port or _free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.inner", kind, str(instance), str(self.port)], stdout=subprocess.PIPE, cwd=_SOURCE)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise SystemExit(f"The process {kind} did not start.")

    def client(self) -> _Client:
        return _Client(self.port)

    def cpu(self) -> float:
        """CPU seconds it has used; read to a nanosecond where the kernel tells, since a request takes far less than a tick."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def wait(self) -> None:
        if self._process.wait() != 0:
            raise SystemExit("A process of the benchmark failed.")

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def _serve(kind: str, instance: Path, port: int) -> None:
    if kind == CONSTANT:
        def application(_: dict[str, Any], start_response: Callable[..., object]) -> Sequence[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
            return [b"constant\n"]

        registry.create_app = lambda site: application  # type: ignore[assignment, return-value]
    site = open_site(instance, port=port)
    server = serve.web_server(site)
    if kind == OURS:
        read_ahead(site.database, threading.Event())  # `registry serve` does so beside the first requests
    print("ready", flush=True)
    server.run()


def _targets(port: int) -> None:
    """Every service: says that it is well, whatever is asked."""
    body = availability.write(Availability(True))
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    class Target(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self._transport, self._data = transport, b""

        def data_received(self, data: bytes) -> None:
            self._data += data
            while b"\r\n\r\n" in self._data:
                _, _, self._data = self._data.partition(b"\r\n\r\n")
                self._transport.write(answer)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Target, "0.0.0.0", port)
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(run())


def _look(instance: Path) -> None:
    site = open_site(instance, allowed_networks=["127.0.0.0/8"])
    print("ready", flush=True)
    with polling.Poller(site) as poller:
        poller.until_idle()
    site.close()


if __name__ == "__main__":
    _kind, _instance, _at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if _kind == TARGETS:
        _targets(_at)
    elif _kind == LOOKER:
        _look(_instance)
    else:
        _serve(_kind, _instance, _at)
