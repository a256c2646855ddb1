"""One datacenter of the demo: its folder, its star catalogue, its service, and the commands an operator types for it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from applications.demo.engine import stop_process
from registry import config
from registry.errors import Refusal

START_LIMIT = 60.0  # seconds for a process to answer
STOP_LIMIT = 25.0
FINAL = ("COMPLETED", "ERROR", "ABORTED", "ARCHIVED")


class DemoFailed(Refusal):
    """A step of the demo did not work; the message says which and what was said."""


@dataclass(frozen=True)
class Wiring:
    """How one datacenter differs from the other: where things are, and how its catalogue wants to be asked."""

    name: str  # also the first part of its authority
    title: str
    path: str  # of the service, below its host and port
    catalogue: tuple[str, ...]  # options of the catalogue's process
    catalogue_path: str
    needs_token: bool = False

    @property
    def authority(self) -> str:
        """The IVOA authority identifier."""
        return f"{self.name}.example"


@dataclass
class Datacenter:
    """A datacenter in `folder`; ports as {web, catalogue, gateway}."""

    wiring: Wiring
    folder: Path
    ports: dict[str, int]
    processes: list[int] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """The public address of its service."""
        return f"http://127.0.0.1:{self.ports['web']}{self.wiring.path}"

    @property
    def catalogue_url(self) -> str:
        """Where its star catalogue's VOSI documents are."""
        return f"http://127.0.0.1:{self.ports['catalogue']}{self.wiring.catalogue_path}"

    def registry(self, *arguments: str) -> str:
        """Type `registry ARGUMENTS` for this datacenter; gives back what it printed. Raises DemoFailed."""
        command = [sys.executable, "-m", "registry.cli", "--instance", str(self.folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            words = [str(done.returncode), *(done.stderr.strip() or done.stdout.strip()).splitlines()]
            raise DemoFailed(f"`registry {' '.join(arguments)}` failed at {self.wiring.name}: {words[-1]}")
        return done.stdout

    def found(self, settings: dict[str, str]) -> None:
        """Found it, or leave it as it was founded before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        password = _secret_file(self.folder / "admin-password")
        wanted = {
            "host": "127.0.0.1", "port": str(self.ports["web"]), "gateway_port": str(self.ports["gateway"]),
            "allowed_networks": "127.0.0.0/8", **settings,
        }
        pairs = [part for key, value in wanted.items() for part in ("--set", f"{key}={value}")]
        self.registry(
            "init", "--authority", self.wiring.authority, "--title", self.wiring.title, "--base-url", self.base_url,
            "--admin", "admin", "--password-file", str(password), "--email", f"ops@{self.wiring.authority}",
            "--organisation", f"{self.wiring.title} Observatory", "--yes", *pairs)

    def start_catalogue(self) -> None:
        """Start its star catalogue, a service of the datacenter that the registry knows nothing of yet."""
        options = list(self.wiring.catalogue)
        if self.wiring.needs_token:
            options += ["--token-file", str(_secret_file(self.folder / "catalogue-token"))]
        self._start("catalogue", [
            sys.executable, "-m", "applications.demo.catalogue", "--port", str(self.ports["catalogue"]),
            "--path", self.wiring.catalogue_path, *options])
        self._await("catalogue", f"{self.catalogue_url}/availability", token=self._token())

    def start(self) -> None:
        """Start web, worker and gateway."""
        self._start("serve", [sys.executable, "-m", "registry.cli", "--instance", str(self.folder), "serve"])
        self._await("serve", f"{self.base_url}readyz")

    def kill(self) -> None:
        """End web, worker and gateway at once, as a power cut does; its jobs' containers and its catalogue run on."""
        pid = self.processes.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # it leads a session of its own, with its children
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)

    def describe_catalogue(self) -> None:
        """Register the catalogue by reading its own VOSI documents."""
        bearer = ["--bearer-file", str(self.folder / "catalogue-token")] if self.wiring.needs_token else []
        self.registry("api", "import", f"{self.catalogue_url}/capabilities", "--key", "hipparcos",
                      "--title", f"Hipparcos stars at {self.wiring.title}", *bearer)

    def _token(self) -> str:
        return (self.folder / "catalogue-token").read_text().strip() if self.wiring.needs_token else ""

    def _start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process.pid)

    def _await(self, name: str, url: str, token: str = "") -> None:
        """Wait until `url` answers 200. Raises DemoFailed with the last line of its log when the process ends instead."""
        deadline = time.monotonic() + START_LIMIT
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        while time.monotonic() < deadline and _alive(self.processes[-1]):
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)  # it tells nobody when it listens
        lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        raise DemoFailed(f"The {name} of {self.wiring.name} did not start: {lines[-1] if lines else 'it wrote nothing'}")

    def submit(self, application: str) -> str:
        """Send a job as any UWS client would; gives back its address."""
        body = urllib.parse.urlencode({"APP": application, "PHASE": "RUN", "RUNID": "demo"}).encode()
        try:
            with urllib.request.urlopen(f"{self.base_url}jobs", data=body, timeout=60) as answer:
                return str(answer.geturl())  # the redirect that UWS answers with leads to the job
        except urllib.error.HTTPError as error:
            raise DemoFailed(f"{self.wiring.name} refuses the job: {error.read().decode(errors='replace').strip()}") from None

    def look(self, job: str, wait: int = 0) -> dict[str, Any]:
        """The job as it is, after at most `wait` seconds for it to change."""
        url = f"{job}?WAIT={wait}" if wait else job
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=wait + 30) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def stop(self) -> None:
        """Stop what was started here."""
        for pid in reversed(self.processes):
            stop_process(pid, STOP_LIMIT)
        self.processes.clear()
        self._remove_network()

    def _remove_network(self) -> None:
        """Take the network of its jobs off the engine: the engine has room for some thirty, and a demo is no site."""
        name = f"innerspace-{config.load(self.folder).engine_name}-dc"
        with contextlib.suppress(DockerException, OSError, Refusal):
            for network in docker.from_env().networks.list(names=[name]):
                network.remove()


def fetch(url: str) -> bytes:
    """The bytes at `url`."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def _alive(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def _secret_file(path: Path) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18) + "\n")
    return path
