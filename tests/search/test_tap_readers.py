"""Readers that are slow, or read nothing at all, keep neither threads nor places from others."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from flask import Flask

from registry import serve
from registry.records import founding
from registry.search import views

# some 30 MB: more than a server buffers unless it is told to
LARGE = ("SELECT a.description, b.description AS other, c.utype FROM tap_schema.columns AS a, tap_schema.columns AS b, "
         "tap_schema.columns AS c WHERE c.column_index < 5")


@pytest.mark.soak
def test_readers_that_stall_hold_up_nobody(site: Any) -> None:
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    object.__setattr__(site, "settings", site.settings.model_copy(update={"port": port, "host": "127.0.0.1"}))
    app = Flask("registry")
    app.extensions["site"] = site
    views.register(app)
    server = serve.bound(site, app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    stalled = []
    try:
        for _ in range(site.settings.threads):
            one = socket.create_connection(("127.0.0.1", port))
            said = urlencode({"LANG": "ADQL", "QUERY": LARGE, "MAXREC": "200000"})
            one.sendall(f"GET /tap/sync?{said} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            stalled.append(one)
        assert all(one.recv(16).startswith(b"HTTP/1.1 ") for one in stalled)  # and no more is read
        small = urlencode({"LANG": "ADQL", "QUERY": "SELECT ivoid FROM rr.resource", "RESPONSEFORMAT": "csv"})
        deadline = time.monotonic() + 60
        for _ in range(20):
            assert answered(f"http://127.0.0.1:{port}/tap/sync?{small}", deadline).startswith("ivoid")
    finally:
        for one in stalled:
            one.close()
        server.close()
        thread.join(10)


def answered(url: str, deadline: float) -> str:
    """The answer, asked for again while the house is full."""
    while True:
        try:
            with urlopen(url, timeout=30) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < deadline, "those who do not read keep everybody else from answers"
            time.sleep(0.2)
