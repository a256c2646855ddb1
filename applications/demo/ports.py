"""The ports of the demo and the names of its datacenters on the engine: chosen once, since they are in its records."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from applications.demo.datacenter import DemoFailed

NAMES = ("north", "south", "mountain")
_KINDS = {"web": 8101, "catalogue": 8201, "gateway": 8765}
_WISHES = {"repository": 5001, **{
    f"{name} {kind}": first + number for number, name in enumerate(NAMES) for kind, first in _KINDS.items()}}


def chosen(folder: Path) -> dict[str, Any]:
    """The ports of this demo, chosen once: they are in its records and must stay. Raises DemoFailed where one is taken."""
    file = folder / "ports.json"
    ports: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    missing = {name: wish for name, wish in _WISHES.items() if name not in ports}
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        tag = f"{time.time_ns() % 16**6:06x}"  # container names must not meet those of another demo
        with ExitStack() as held:
            chosen = {name: _free(held, wish) for name, wish in missing.items()}
        names = {f"{name} name": f"{name}{tag}" for name in NAMES}
        ports = {**names, **chosen, **ports}
        file.write_text(json.dumps(ports, indent=1))
    for name, port in ports.items():
        if isinstance(port, int) and name != "repository" and _taken(port):
            raise DemoFailed(f"Port {port} ({name}) is in use by another program: stop that one, or `make clean` and start "
                             "the demo anew.")
    return ports


def _free(held: ExitStack, wish: int) -> int:
    """The wished port, or a free one; held until all are chosen."""
    for port in (wish, 0):
        probe = held.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended do not count
        try:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
        except OSError:
            continue
    raise DemoFailed("This machine has no free port.")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
