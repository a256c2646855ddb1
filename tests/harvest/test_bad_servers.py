"""Servers that mean harm, or might as well: slow, endless, lying, leading elsewhere. The worker is free again in time."""

from __future__ import annotations

import gzip
import itertools
import resource
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update
from werkzeug import Request, Response

from registry.harvest import client, harvester, sources, store
from registry.harvest.client import HarvestError
from registry.harvest.sources import Source
from registry.site import Site, open_site
from registry.tables import sources as sources_table
from tests.harvest.conftest import counts, harvest, last_run, turn
from tests.harvest.test_hostile import F, Far, held, item, listed, page

LONGEST = 15.0  # seconds; four times the patience below, and the machine may be busy


@pytest.fixture()
def hasty(site: Site) -> Iterator[Site]:
    """A datacenter that waits a second for an answer, no more, and takes 200 kB at a time."""
    made = open_site(site.settings.instance, authority="north.example", allowed_networks=["127.0.0.1/32"],
                     fetch_timeout=1, fetch_deadline=1, fetch_limit=200_000)
    yield made
    made.close()


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture()
def source(hasty: Site, far: Far) -> Source:
    return sources.add(hasty, far.url)


@pytest.fixture()
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serves by hand: `raw(answer)` calls `answer` with each connection, and gives the address."""
    listener, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()
    threads: list[threading.Thread] = []

    def serve(answer: Callable[[socket.socket], None]) -> str:
        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(65536)
                    answer(connection)
                except OSError:  # the other side has had enough
                    pass

        def loop() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                threads[-1].start()

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/oai"

    yield serve
    stop.set()
    listener.close()


def at(site: Site, source: Source, url: str) -> None:
    """The source is at `url` from here on."""
    with site.database.write() as connection:
        connection.execute(update(sources_table).where(sources_table.c.id == source.id).values(url=url))


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """Sends `head`, and then a byte now and then for ever."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(10_000):
            connection.sendall(b"x")
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize("head", [
    b"", b"HTTP/1.1 200 OK\r\nContent-Type: ", b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<OAI-PMH>",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<OAI-PMH>",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 100000\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nX: ",
])
def test_one_byte_at_a_time(hasty: Site, source: Source, raw: Any, head: bytes) -> None:
    at(hasty, source, raw(drip(head)))
    began = time.monotonic()
    assert turn(hasty) == 1
    assert time.monotonic() - began < LONGEST
    assert last_run(hasty, source).state == store.FAILED


def test_a_server_that_says_nothing(hasty: Site, source: Source, raw: Any) -> None:
    at(hasty, source, raw(lambda connection: connection.recv(1) and None))
    began = time.monotonic()
    assert harvest(hasty, source).state == store.FAILED
    assert time.monotonic() - began < LONGEST


def test_a_gzip_bomb(hasty: Site, far: Far, source: Source) -> None:
    bomb = gzip.compress(b"<" + b" " * 300_000_000, compresslevel=9)
    assert len(bomb) < 1_000_000
    far.answers[""] = Response(bomb, headers={"Content-Encoding": "gzip"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = harvest(hasty, source)
    assert run.state == store.FAILED and "fetch_limit" in run.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kB"


class Endless:
    """Records that nobody has seen, and a token behind them, for ever."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def __contains__(self, _token: object) -> bool:
        return True

    def __getitem__(self, _token: object) -> str:
        number = next(self._numbers)
        return listed(item(f"{F}r{number}"), token=f"t{number}")


def test_records_without_end(hasty: Site, far: Far, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_PAGES", 25)
    far.answers = Endless()  # type: ignore[assignment]
    run = harvest(hasty, source)
    assert (run.state, run.pages) == (store.FAILED, 25) and "had not ended its list after 25 pages" in run.message


def test_a_list_that_takes_too_long_makes_room_and_goes_on_later(
    hasty: Site, far: Far, source: Source, monkeypatch: pytest.MonkeyPatch,
) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"), token="u"),
                   "u": listed(item(F + "c"))}
    hours = itertools.chain((0, 4), itertools.repeat(8))  # when the list is begun, and behind each page
    clocked = SimpleNamespace(monotonic=lambda: next(hours) * 3600, sleep=time.sleep)
    with monkeypatch.context() as patched:
        patched.setattr(harvester, "time", clocked)
        run = harvest(hasty, source)
    assert (run.state, run.pages, run.token) == (store.FAILED, 2, "u") and "goes on later" in run.message
    with hasty.database.read() as connection:
        assert sources.get(connection, source.id).health == "", "that is no fault of the source"
    done = harvest(hasty, source)
    assert (done.state, far.lists) == (store.COMPLETE, ["", "t", "u"])


def test_a_list_that_shrinks_while_it_is_read(hasty: Site, far: Far, source: Source) -> None:
    def sized(page: str, size: int) -> str:
        return page.replace("<resumptionToken>", f'<resumptionToken completeListSize="{size}">')

    far.answers = {"": sized(listed(item(F + "a"), item(F + "b"), token="t"), 900), "t": sized(listed(token="u"), 2),
                   "u": sized(listed(item(F + "c"), token=""), 1)}
    run = harvest(hasty, source)
    assert (run.state, counts(run), run.records, run.list_size) == (store.COMPLETE, {"new": 3}, 3, 1)


@pytest.mark.parametrize("size", ["-5", "many", "9" * 40, ""])
def test_sizes_that_are_none(hasty: Site, far: Far, source: Source, size: str) -> None:
    far.answers = {"": listed(item(F + "a"), token="t").replace(
        "<resumptionToken>", f'<resumptionToken completeListSize="{size}" cursor="x">'), "t": listed(item(F + "b"))}
    run = harvest(hasty, source)
    assert (run.state, counts(run)) == (store.COMPLETE, {"new": 2})


@pytest.mark.parametrize("granularity", ["YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ", "YYYY", ""])
def test_a_granularity_that_changes(hasty: Site, far: Far, source: Source, granularity: str) -> None:
    harvest(hasty, source)
    far.identify = str(far.identify).replace("YYYY-MM-DDThh:mm:ssZ", granularity)
    for _ in range(2):
        run = harvest(hasty, source)
        assert run.state == store.COMPLETE
        asked = far.asked[-1]["from"]
        assert asked == ("2023-12-31" if granularity == "YYYY-MM-DD" else "2023-12-31T23:00:00Z")
        assert asked <= "2024-01-01T00:00:00Z", "with an overlap"


REFUSED = page('<error code="badArgument">from is no date</error>')


def test_a_server_that_refuses_dates_of_its_own_granularity_is_asked_by_days(hasty: Site, far: Far, source: Source) -> None:
    harvest(hasty, source)
    far.answers[""] = [REFUSED, listed(item(F + "b"), token="t")]
    far.answers["t"] = listed(item(F + "c"))
    run = harvest(hasty, source)
    assert (run.state, counts(run)) == (store.COMPLETE, {"new": 2})
    dates = [one.get("from") for one in far.asked if one["verb"] == "ListRecords"][-3:]
    assert dates == ["2023-12-31T23:00:00Z", "2023-12-31", None]
    with hasty.database.read() as connection:
        [told] = store.problems(connection, run.id)
    assert told.kind == store.FLAGGED and "from is no date" in told.reason and "by whole days" in told.reason


def test_a_server_that_refuses_days_too_ends_the_harvest(hasty: Site, far: Far, source: Source) -> None:
    harvest(hasty, source)
    far.answers[""] = REFUSED
    run = harvest(hasty, source)
    assert run.state == store.FAILED and "badArgument: from is no date" in run.message
    assert len(far.lists) == 3, "once by seconds and once by days"


@pytest.mark.parametrize(("target", "says"), [
    ("http://127.0.0.2:8000/oai", "internal address 127.0.0.2"), ("http://[::1]:8000/", "internal address ::1"),
    ("http://169.254.169.254/latest/", "169.254.169.254"), ("http://10.1.2.3/oai", "10.1.2.3"),
    ("http://[::ffff:169.254.169.254]/", "169.254"), ("http://[64:ff9b::a00:1]/", "internal address"),
    ("http://0/oai", "internal address"), ("http://0x7f000002:8000/", "internal address"),
    ("file:///etc/passwd", "is not a web address"), ("http://127.0.0.1:22/", "allowed_ports"),
    ("gopher://127.0.0.1/", "is not a web address"),
])
def test_redirects_lead_nowhere_they_must_not(
    hasty: Site, far: Far, source: Source, target: str, says: str,
) -> None:
    far.answers[""] = Response("", 302, {"Location": target})
    run = harvest(hasty, source)
    assert run.state == store.FAILED and says in run.message
    assert far.lists == [""], "it is not tried again"
    far.identify = Response("", 307, {"Location": target})
    with pytest.raises(HarvestError, match="address|allowed"):
        sources.look(hasty, far.url)


def test_redirects_in_a_circle(hasty: Site, far: Far, source: Source) -> None:
    far.answers[""] = Response("", 302, {"Location": far.url + "?verb=ListRecords"})
    run = harvest(hasty, source)
    assert run.state == store.FAILED and "more than 3 redirects" in run.message


def test_a_name_that_changes_its_address(
    hasty: Site, far: Far, source: Source, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It leads to us while it is asked who it is, and to an internal address as soon as it is asked for records."""
    resolve, port = socket.getaddrinfo, far.url.split(":")[2].split("/")[0]

    def changing(host: str, *args: Any, **more: Any) -> Any:
        if host != "far.test":
            return resolve(host, *args, **more)
        verbs = [one["verb"] for one in far.asked]
        return resolve("10.0.0.7" if "Identify" in verbs else "127.0.0.1", *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    far.asked.clear()
    at(hasty, source, f"http://far.test:{port}/oai")
    run = harvest(hasty, source)
    assert run.state == store.FAILED and "internal address 10.0.0.7" in run.message
    assert held(hasty) == [] and far.lists == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody vouches for, with its key."""
    path = tmp_path_factory.mktemp("tls") / "self.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=far.example", "-keyout",
         path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def test_a_certificate_that_is_wrong(hasty: Site, source: Source, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.url)
        return Response("<OAI-PMH/>")

    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/oai").respond_with_handler(answer)
        url = server.url_for("/oai")
        at(hasty, source, url)
        run = harvest(hasty, source)
    assert (run.state, asked) == (store.FAILED, [])
    assert url in run.message and "ertificate" in run.message
