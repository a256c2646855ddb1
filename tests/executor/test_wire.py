"""Questions over a Unix socket: kept connections, dead ones, and engines that answer nothing or nonsense."""

from __future__ import annotations

import socketserver
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from registry.executor.wire import Wire


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers every question with what was asked, and counts connections."""

    daemon_threads = True
    connections = 0
    drop = False
    nonsense = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.client_address = ("here", 0)

    def answer(self) -> None:
        if self.server.nonsense:
            self.wfile.write(b"what?\r\n\r\n")
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = f"{self.command} {self.path} {body.decode()}".encode()
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        self.close_connection = self.server.drop

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture()
def engine() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="isw-") as folder:
        server = Engine(str(Path(folder) / "s"), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture()
def wire(engine) -> Iterator[Wire]:
    made = Wire(engine.server_address)
    yield made
    made.close()


def test_a_connection_is_kept(engine, wire):
    assert wire.ask("GET", "/one", None, 5) == (200, b"GET /one ")
    assert wire.ask("POST", "/two", b"{}", 5) == (200, b"POST /two {}")
    assert wire.ask("GET", "/absent", None, 5)[0] == 404
    assert engine.connections == 1


def test_a_question_over_one_that_has_died_is_asked_again(engine, wire):
    engine.drop = True
    for number in range(3):
        assert wire.ask("DELETE", f"/{number}", None, 5) == (200, f"DELETE /{number} ".encode())
    assert engine.connections == 3


def test_threads_have_one_each(engine, wire):
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.extend(wire.ask("GET", f"/{n}", None, 5) for _ in range(50)))
               for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted((200, f"GET /{n} ".encode()) for n in range(4) for _ in range(50))
    assert engine.connections <= 4


def test_nonsense_is_an_error_of_the_system(engine, wire):
    engine.nonsense = True
    with pytest.raises(OSError, match="none"):
        wire.ask("GET", "/", None, 5)


def test_nobody_there_is_one_too(tmp_path):
    with pytest.raises(FileNotFoundError):
        Wire(str(tmp_path / "nobody")).ask("GET", "/", None, 5)
