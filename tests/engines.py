"""A Docker engine of a test's own: data, sockets and networks apart from any other, to be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import docker

from applications.demo.engine import stop_process

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 30.0


class OwnEngine:
    """A dockerd beside a containerd, as Debian runs them; `address` is where it listens while it runs."""

    def __init__(self, folder: Path, options: Sequence[str] = (), inside: Sequence[str] = ()) -> None:
        """`inside` is a command that the engine is run by; `folder` must have a short name, as sockets are in it."""
        self.folder, self.options, self.inside = folder, tuple(options), tuple(inside)
        self.address = f"unix://{folder / 'd.sock'}"
        self.log = folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> docker.DockerClient:
        """A new client; whoever asks for it closes it."""
        return docker.DockerClient(base_url=self.address, version="auto", timeout=60)

    def start(self) -> None:
        """Start it, and wait until it says that it is ready. Raises RuntimeError."""
        if self._containerd is None:
            self._start_containerd()
        if not Path("/sys/class/net", self.folder.name).exists():
            # not --bridge=none, which takes docker0 away from the engine that all others share; nor its chains of iptables
            subprocess.run([program("ip"), "link", "add", self.folder.name, "type", "bridge"], check=True)
        (self.folder / "d.pid").unlink(missing_ok=True)  # one that was killed leaves its own
        command = [
            *self.inside, program("dockerd"), "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "d.pid"), "--host", self.address,
            "--containerd", str(self.folder / "c.sock"), "--bridge", self.folder.name, "--iptables=false", *self.options]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            name = f"innerspace-own-{os.getpid()}-{time.monotonic_ns()}"
            notify.bind(f"\0{name}")
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    command, env={**os.environ, "NOTIFY_SOCKET": f"@{name}"}, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=output, start_new_session=True)
            self._await_ready(self._process, notify)

    def _start_containerd(self) -> None:
        """A child of its own: as dockerd's it would be killed with it."""
        configuration = self.folder / "containerd.toml"
        configuration.write_text(
            f'version = 2\nroot = "{self.folder}/croot"\nstate = "{self.folder}/cstate"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{self.folder}/c.sock"\n')
        with (self.folder / "containerd.log").open("ab") as output:
            self._containerd = subprocess.Popen(
                [*self.inside, program("containerd"), "--config", str(configuration)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True)

    def _await_ready(self, process: subprocess.Popen[bytes], notify: socket.socket) -> None:
        death = os.pidfd_open(process.pid)
        deadline = time.monotonic() + START_LIMIT
        try:
            while True:
                ready, _, _ = select.select([notify, death], [], [], max(0.0, deadline - time.monotonic()))
                if notify in ready and b"READY=1" in notify.recv(4096).split(b"\n"):
                    return
                if death in ready or not ready:
                    break
        finally:
            os.close(death)
        raise RuntimeError(f"The engine does not start: {self.log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """End dockerd with -9; its containerd and what it runs go on, as after a crash."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def works_on(self, name: str) -> bool:
        """Whether the container's first process runs, also while the engine does not."""
        return Path("/proc", str(self.pid_of(name))).exists()

    def pid_of(self, name: str) -> int:
        """The number of a container's first process, by the engine's file of it."""
        return int(self._file_of(name)[1]["State"]["Pid"])

    def _file_of(self, name: str) -> tuple[Path, dict[str, Any]]:
        files = (self.folder / "data/containers").glob("*/config.v2.json")
        found = ((path, json.loads(path.read_text())) for path in files)
        return next(one for one in found if one[1]["Name"] == f"/{name}")

    def forget_start(self, name: str) -> None:
        """Set a running container's file back to `created`, as a kill in the middle of its start leaves it."""
        assert not self.runs
        path, found = self._file_of(name)
        never = "0001-01-01T00:00:00Z"
        found["State"] |= {"Running": False, "Pid": 0, "StartedAt": never, "FinishedAt": never}
        path.write_text(json.dumps({**found, "HasBeenStartedBefore": False}))

    def cut_off(self) -> None:
        """End all of it at once with -9, containers too: what a machine's power switch does."""
        with contextlib.closing(self.client) as client:
            inside = [client.api.inspect_container(one.id)["State"]["Pid"] for one in client.containers.list()]
        self.kill()
        assert self._containerd is not None
        self._containerd.send_signal(signal.SIGKILL)
        self._containerd.wait()
        self._containerd = None
        self._end_shims()
        for pid in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _end_shims(self) -> None:
        for pid in self._shims():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _shims(self) -> list[int]:
        """containerd's helpers, one for each container, by their command lines."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and f"{self.folder}/c.sock".encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End everything of it: containers first, then the engine, containerd and what they left mounted."""
        if self._process is not None:
            self._empty()
        if self._containerd is not None:
            stop_process(self._containerd.pid, STOP_LIMIT)
        self._end_shims()  # a start that was cut in two leaves one that nobody knows
        unmount(self.folder)
        subprocess.run([program("ip"), "link", "delete", self.folder.name], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _empty(self) -> None:
        if not self.runs:
            self.start()
        with contextlib.closing(self.client) as client:
            for container in client.containers.list(all=True):
                container.remove(force=True, v=True)
            for network in client.networks.list():
                if network.name not in ("bridge", "host", "none"):
                    network.remove()
        stop_process(self._process.pid, STOP_LIMIT)


def program(name: str) -> str:
    """The path of a program that may be in root's PATH only. Raises RuntimeError."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"There is no {name} on this machine: as root, `apt-get install docker.io iproute2`.")
    return found


def unmount(folder: Path) -> None:
    """Take off what is mounted below the folder."""
    mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)


@contextlib.contextmanager
def own_engine(*options: str, inside: Sequence[str] = ()) -> Iterator[OwnEngine]:
    """An engine that runs, with these options of dockerd beside."""
    engine = OwnEngine(Path(tempfile.mkdtemp(prefix="ispe-")), options, inside)  # also the name of a bridge: 15 letters at most
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
