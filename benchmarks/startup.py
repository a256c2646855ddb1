"""How long `registry serve` takes from its start to its first answer, beside a bare Flask application under waitress."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import datacenters
from benchmarks.client import Client
from benchmarks.figures import Figure
from benchmarks.scale import RECORDS, ROUNDS
from benchmarks.serving import free_port

_BARE = """
import flask, sys, waitress
app = flask.Flask("bare")
app.route("/oai")(lambda: "here")
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]))
"""
_PATIENCE = 60


def figures() -> Iterator[Figure]:
    """Seconds from the start of the process to the whole answer to Identify, with the shelf filled."""
    instance = datacenters.filled(RECORDS)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare.append(_first_answer(["-c", _BARE], "{port}"))
        ours.append(_first_answer(["-m", "registry.cli", "--instance", str(instance), "serve", "--port"], "{port}"))
    yield Figure(f"start-up to the first answer, {RECORDS:,} records", statistics.median(ours), statistics.median(bare), "s",
                 "a bare Flask application", target="<= 2")


def _first_answer(command: list[str], port_argument: str) -> float:
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command, port_argument.format(port=port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=Path(__file__).resolve().parents[1])
    try:
        return _answered(process, port, began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _answered(process: subprocess.Popen[bytes], port: int, began: float) -> float:
    while time.perf_counter() - began < _PATIENCE:
        if process.poll() is not None:
            raise SystemExit(f"The server ended with {process.returncode} before it answered.")
        try:
            client = Client(port)
        except ConnectionRefusedError:
            os.sched_yield()
            time.sleep(0.005)  # nothing tells when a port opens
            continue
        client.get("/oai?verb=Identify")
        client.close()
        return time.perf_counter() - began
    raise SystemExit(f"The server did not answer within {_PATIENCE} s.")
