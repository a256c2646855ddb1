"""Debian's podman as a second engine for tests: its Docker-compatible socket, with storage and networks of its own.

Nothing of it is shared with an engine of this machine; what it made goes when it is stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

from applications.demo.engine import stop_process

START_LIMIT = 30.0  # seconds
_CONFIGURATION = {
    # runc and cgroupfs: crun wants one kind of cgroups only, and there may be no systemd; the limits are those that an
    # account without CAP_SYS_RESOURCE may set
    "containers.conf": (
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        'init_path = "{init}"\n'
        '[containers]\ndefault_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]\n'),
    "registries.conf": "unqualified-search-registries = []\n",
    "storage.conf": '[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n',
    "policy.json": '{{"default": [{{"type": "insecureAcceptAnything"}}]}}\n',
}


@dataclass(frozen=True)
class Podman:
    """A podman service that answers at `address`."""

    address: str
    client: docker.DockerClient
    log: Path


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Podman]:
    """A podman service with all its files in `folder`, ended with all its containers. Raises RuntimeError."""
    program = shutil.which("podman")
    if program is None:
        raise RuntimeError("There is no podman on this machine: as root, `apt-get install podman`.")
    environment = _configured(folder)
    places = {"root": "root", "runroot": "run", "tmpdir": "tmp", "network-config-dir": "networks"}
    command = [program, *(f"--{option}={folder / name}" for option, name in places.items())]
    address, log = f"unix://{folder / 'podman.sock'}", folder / "podman.log"
    with log.open("ab") as output:
        service = subprocess.Popen(  # its containers' watchers write into the folder that it was started in
            [*command, "system", "service", "--time=0", address], env=environment, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True)
    try:
        client = _answering(address, service, log)
        yield Podman(address, client, log)
        client.close()
    finally:
        remove = [*command, "rm", "--all", "--force", "--time=0"]
        subprocess.run(remove, env=environment, capture_output=True, check=False)
        stop_process(service.pid, START_LIMIT)
        _unmount(folder)


def _configured(folder: Path) -> Mapping[str, str]:
    """The configuration files, and the environment that makes podman read these and no others."""
    init = shutil.which("catatonit") or shutil.which("docker-init") or ""  # Debian's docker.io brings the second
    (folder / "networks").mkdir(parents=True, exist_ok=True)
    for name, text in _CONFIGURATION.items():
        (folder / name).write_text(text.format(folder=folder, init=init))
    return {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "TMPDIR": str(folder)}


def _answering(address: str, service: subprocess.Popen[bytes], log: Path) -> docker.DockerClient:
    """A client of the service, once it answers: podman tells nobody when it listens."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and service.poll() is None:
        client = None
        try:
            client = docker.DockerClient(base_url=address, version="auto", timeout=120)
            client.ping()
            return client
        except (DockerException, OSError):
            if client is not None:
                client.close()
            time.sleep(0.05)
    raise RuntimeError(f"podman does not answer at {address}: {log.read_text(errors='replace').strip()[-500:]}")


def _unmount(folder: Path) -> None:
    """Take off what podman leaves mounted in its storage, so that the folder can be removed."""
    mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
