"""A Docker repository on loopback: Debian's docker-registry with a configuration of ours, stopped by its pid.

No login unless the caller wants one, deletion allowed, storage in a folder of the caller's. Debian's own unit, which
listens on all addresses, is not used.
"""

from __future__ import annotations

import http.client
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from applications.demo.engine import stop_process
from registry.errors import Unavailable

START_LIMIT = 20.0  # seconds
STOP_LIMIT = 10.0
_CONFIG = """\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
  secret: {secret}
"""


class NoRepository(Unavailable):
    """The Docker repository cannot be started; the message says why."""


@dataclass(frozen=True)
class Repository:
    """A running Docker repository; leaving its `with` block stops it."""

    address: str  # host:port, as in image references
    pid: int
    folder: Path

    def stop(self) -> None:
        """Stop it and wait until it is gone; what is stored stays."""
        stop_process(self.pid, STOP_LIMIT)
        (self.folder / "registry.pid").unlink(missing_ok=True)

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(folder: Path, port: int = 0, *, more: str = "") -> Repository:
    """Serve the repository stored in `folder` at 127.0.0.1:`port` (0: a free one), ready when this returns.

    `more` is added to its configuration, such as who may log in (YAML). One left over in the same folder by a killed run
    is stopped first. Raises NoRepository.
    """
    program = shutil.which("docker-registry")
    if program is None:
        raise NoRepository("There is no docker-registry on this machine: as root, `apt-get install docker-registry`.")
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "registry.yml"
    _stop_left_over(folder, config)
    port = _free_port(port)
    config.write_text(_CONFIG.format(storage=folder / "storage", port=port, secret=secrets.token_hex(16)) + more)
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "serve", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"},
        )
    (folder / "registry.pid").write_text(str(process.pid))
    _await_answer(process, port, folder / "registry.log")
    return Repository(f"127.0.0.1:{port}", process.pid, folder)


def _stop_left_over(folder: Path, config: Path) -> None:
    try:
        pid = int((folder / "registry.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    if str(config).encode() in command:  # else the number has gone to somebody else's process
        stop_process(pid, STOP_LIMIT)


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise NoRepository(
                f"Port {port} of this machine is in use, so the Docker repository cannot have it: "
                "stop what listens there, or choose another port."
            ) from None
        return int(probe.getsockname()[1])


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(port):
            return
        time.sleep(0.02)  # it tells nobody when it listens
    stop_process(process.pid, STOP_LIMIT)
    last = (log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
    raise NoRepository(f"docker-registry did not start; the last it wrote to {log}: {last}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
