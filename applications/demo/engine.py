"""A Docker engine to work with: the one that runs, else one started here (as root), which is stopped by its pid.

It also mends the one fault seen in practice, a docker0 that vanished under a running engine. It installs nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from registry.errors import Unavailable

START_LIMIT = 60.0  # seconds for a fresh engine to be ready
STOP_LIMIT = 30.0
_NETWORK_INTERFACES = Path("/sys/class/net")


class NoEngine(Unavailable):
    """No Docker engine can be had; the message says why and what an administrator does about it."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers; `pid` only where it was started here, `log` is then what it writes."""

    client: docker.DockerClient
    version: str
    pid: int | None = None
    log: Path | None = None

    def stop(self) -> None:
        """Stop the engine if it was started here, wait until it is gone; leave any other alone."""
        self.client.close()
        if self.pid is not None:
            stop_process(self.pid, STOP_LIMIT)


def ensure(folder: Path | None = None) -> Engine:
    """The Docker engine of this machine (of DOCKER_HOST where that is set), started when none runs.

    The pid file and log of one that is started go to `folder` (default: a new temporary folder). Raises NoEngine.
    """
    engine = _running()
    if engine is None:
        engine = _start(folder or Path(tempfile.mkdtemp(prefix="innerspace-engine-")))
    _mend_bridge(engine.client)
    return engine


def _running() -> Engine | None:
    try:
        client = docker.from_env(timeout=120)
        return Engine(client, str(client.version()["Version"]))
    except (DockerException, OSError) as error:
        if "ermission" in str(error):
            raise NoEngine(
                "A Docker engine runs, but this account may not use it: add the account to the group docker "
                "(`usermod -aG docker NAME`, then log in again), or run this as root."
            ) from None
        if os.environ.get("DOCKER_HOST"):
            raise NoEngine(
                f"No Docker engine answers at {os.environ['DOCKER_HOST']}, which DOCKER_HOST names: "
                "start it, or unset DOCKER_HOST to use this machine's own."
            ) from None
        return None


def _start(folder: Path) -> Engine:
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise NoEngine("There is no Docker engine on this machine: as root, `apt-get install docker.io`.")
    if os.geteuid() != 0:
        raise NoEngine("No Docker engine runs, and only root can start one: as root, `service docker start`.")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "dockerd.log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        name = f"innerspace-dockerd-{os.getpid()}-{time.monotonic_ns()}"
        notify.bind(f"\0{name}")  # an abstract address: no file to clear away
        with log.open("ab") as output:
            process = subprocess.Popen(
                [program, "--pidfile", str(folder / "dockerd.pid")], env={**os.environ, "NOTIFY_SOCKET": f"@{name}"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        _await_ready(process, notify, log)
    engine = _running()
    if engine is None:
        stop_process(process.pid, STOP_LIMIT)
        raise NoEngine(f"The Docker engine that was started does not answer; it wrote to {log}.")
    return Engine(engine.client, engine.version, process.pid, log)


def _await_ready(process: subprocess.Popen[bytes], notify: socket.socket, log: Path) -> None:
    """Wait for the engine's READY=1 (the sd_notify protocol), or its death."""
    death = os.pidfd_open(process.pid)
    deadline = time.monotonic() + START_LIMIT
    try:
        while True:
            sources: list[Any] = [notify, death]
            ready, _, _ = select.select(sources, [], [], max(0.0, deadline - time.monotonic()))
            if notify in ready and b"READY=1" in notify.recv(4096).split(b"\n"):
                return
            if death in ready or not ready:
                break
    finally:
        os.close(death)
    stop_process(process.pid, STOP_LIMIT)
    process.poll()
    lines = log.read_text(errors="replace").strip().splitlines()
    raise NoEngine(f"The Docker engine did not start; the last it wrote to {log}: {lines[-1] if lines else 'nothing'}")


def stop_process(pid: int, limit: float) -> None:
    """Ask process `pid` to end, wait up to `limit` seconds, then kill it; gone already is as good."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], limit)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], limit)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)  # where it is our child, so that no dead entry stays


def _mend_bridge(client: docker.DockerClient) -> None:
    """Put back the default network's bridge where it is missing; nothing to do for an engine elsewhere."""
    if not str(client.api.base_url).startswith("http+docker://"):
        return
    missing = missing_bridge(client.networks.list(names=["bridge"]))
    if missing is None:
        return
    name, address = missing
    commands = (
        ["link", "add", name, "type", "bridge"], ["addr", "add", address, "dev", name], ["link", "set", name, "up"])
    for command in commands:
        done = subprocess.run(["ip", *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = "; ".join(f"ip {' '.join(command)}" for command in commands)
            raise NoEngine(f"Docker's bridge {name} has vanished ({done.stderr.strip()}); as root: `{words}`.")


def missing_bridge(networks: list[Any]) -> tuple[str, str] | None:
    """(name, address/length) of the default network's bridge where this machine lacks it; None when all is well."""
    for network in networks:
        attributes: Mapping[str, Any] = network.attrs
        name = (attributes.get("Options") or {}).get("com.docker.network.bridge.name", "")
        if not name or (_NETWORK_INTERFACES / name).exists():
            continue
        pool = ((attributes.get("IPAM") or {}).get("Config") or [{}])[0]
        subnet = str(pool.get("Subnet", "172.17.0.0/16"))
        base, _, length = subnet.partition("/")
        gateway = pool.get("Gateway") or base.rsplit(".", 1)[0] + ".1"
        return name, f"{gateway}/{length}"
    return None
