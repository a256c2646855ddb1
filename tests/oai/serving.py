"""A Flask app on a real waitress server, on a free port of loopback, for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import waitress
from flask import Flask
from waitress import wasyncore


def loopback() -> socket.socket:
    """A bound socket on a free port: an app's base URL can be told before the app exists."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def serving(app: Flask, bound: socket.socket, *, threads: int = 4) -> Iterator[str]:
    """Serve `app` on `bound`; gives its address with a slash at the end."""
    sockets: dict[int, object] = {}
    server = waitress.create_server(app, sockets=[bound], threads=threads, map=sockets, channel_timeout=5)
    thread = threading.Thread(target=server.run, name="waitress", daemon=True)
    thread.start()
    port = bound.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        # closed from within its own loop: another thread would close sockets that it is just waiting for; and not before it has
        # been woken, for a loop that is awake already would close what wakes it
        woken = threading.Event()
        server.trigger.pull_trigger(lambda: _close(sockets, woken))
        woken.set()
        thread.join(10)
        server.task_dispatcher.shutdown(timeout=2)
        assert not thread.is_alive(), "the server did not end"


def _close(sockets: dict[int, object], woken: threading.Event) -> None:
    woken.wait(10)
    wasyncore.close_all(sockets)
