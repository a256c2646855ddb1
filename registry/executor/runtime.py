"""What the worker may ask of a container engine, and in which words it answers: the contract of every engine.

It holds no engine; `docker_runtime.py` and `fake.py` fulfil it, and one test suite holds both to it. Verbs are
idempotent: what is already done is no error.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

ABSENT, CREATED, RUNNING, PAUSED, EXITED = "absent", "created", "running", "paused", "exited"
STDOUT, STDERR = STREAMS = ("stdout", "stderr")
INSTANCE, JOB, ATTEMPT, HOME = "innerspace.instance", "innerspace.job", "innerspace.attempt", "innerspace.home"


class EngineFault(Exception):
    """The engine did not do it; the message is one sentence: what, why, what to do next."""


class EngineAbsent(EngineFault):
    """The engine does not answer: nothing is known of its containers, trying again later may help."""


class RepositoryAbsent(EngineFault):
    """The Docker repository of an image does not answer: trying again later may help."""


class ImageAbsent(EngineFault):
    """The Docker repository answers, and has no such image."""


class EngineRefuses(EngineFault):
    """The engine answers, and will not do this; `fatal` where the image itself is the cause."""

    def __init__(self, message: str, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


@dataclass(frozen=True)
class Limits:
    """What one container may use: cores, and bytes of memory, results and of each log stream."""

    cores: float
    memory: int
    processes: int
    disk: int
    log: int


@dataclass(frozen=True)
class Mount:
    """A folder of the host, or a `volume` of the engine, as the container sees it.

    `shared`: it is not ours alone, and what is mounted below it on the host is left out: an engine may show that
    writable.
    """

    source: Path
    target: str
    writable: bool = False
    volume: str = ""
    shared: bool = False


@dataclass(frozen=True)
class Spec:
    """A container to be made. `network` is `none` or a Docker network's name, `image` names a digest or an image ID."""

    name: str
    image: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    limits: Limits
    network: str = "none"
    hosts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A container as the engine sees it now; `exit_code` and what is below it count only where it has exited.

    `stopped`: somebody told the engine to end it, or the engine did when it was started anew: whatever the exit code,
    the program may not have come to its end. `seen`: whether the engine ran at its end, else some of its output may be
    lost; of one that is created, whether the engine has run ever since: one that was killed in the middle of a start may
    not know that the program runs.
    """

    status: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    stopped: bool = False
    seen: bool = True
    error: str = ""
    id: str = ""  # the engine's own
    pid: int = 0  # of its first process, on the engine's machine; 0 where it does not run


@dataclass(frozen=True)
class Usage:
    """What a running container has used so far; `refused` is how often it was refused a further process.

    `peak_memory` and `written`, to block devices, are in bytes. Zeros are what nobody can tell.
    """

    cpu_seconds: float = 0.0
    peak_memory: int = 0
    refused: int = 0
    written: int = 0


class Meter(Protocol):
    """Tells what one running container uses."""

    def read(self) -> Usage | None:
        """What it has used so far; None where that cannot be told now, or no longer."""

    def fileno(self) -> int:
        """A handle that becomes readable at the container's end, for a last look; -1 where there is none."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True)
class Engine:
    """The engine itself; memory in bytes. `folder` is where it keeps images and containers, on its own machine."""

    name: str
    version: str
    cores: int
    memory: int
    architecture: str
    folder: str = ""


@dataclass(frozen=True)
class Network:
    """An internal network: the host's address on it, and the host's interface to it ('' where there is none)."""

    gateway: str
    interface: str = ""


@dataclass(frozen=True)
class Event:
    """Something happened to a container: `start`, `die`, `destroy` ...; `listening` opens every stream of events."""

    action: str
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class LogChunk(NamedTuple):  # there may be millions: it is made in a third of a dataclass's time
    """Bytes that a container wrote at once to `stdout` or `stderr`; `stamp` sorts by time, `follow` takes it.

    The chunks of one long line may have the same stamp; in their order they are always the same.
    """

    stream: str
    stamp: str
    data: bytes


class Runtime(Protocol):
    """A container engine. Every verb raises EngineAbsent where the engine does not answer."""

    def describe(self) -> Engine:
        """The engine's name, version and size."""

    def has_image(self, image: str) -> bool:
        """Whether a container can be made of `image` without fetching it."""

    def ensure_image(self, image: str) -> None:
        """Fetch `image` where it is not here. Raises ImageAbsent, RepositoryAbsent, EngineRefuses."""

    def create(self, spec: Spec) -> None:
        """Make the container; one of that name is left as it is. Raises ImageAbsent, EngineRefuses."""

    def start(self, name: str) -> None:
        """Start a created container. Raises EngineRefuses, also where there is none of that name."""

    def inspect(self, name: str) -> State:
        """The container's state; `absent` where there is none."""

    def meter(self, state: State) -> Meter:
        """What tells how much the container uses while it runs; its first process must be in `state`."""

    def reap(self, state: State) -> None:
        """End what is left of a created container that was not `seen` all the time, where that is possible."""

    def stop(self, name: str, grace: int) -> None:
        """Ask the container to end, and end it after `grace` seconds; returns when it has ended."""

    def kill(self, name: str) -> None:
        """End the container at once; returns before it has ended."""

    def remove(self, name: str) -> None:
        """End and remove the container."""

    def follow(self, name: str, since: str = "", *, wait: bool = True, stop: threading.Event | None = None,
               streams: Collection[str] = STREAMS, tail: int = 0) -> Iterator[LogChunk]:
        """What the container wrote from `since` on until it ends or `stop` is set; without `wait`: until now.

        `since` is a chunk's stamp, and all chunks with it come again. With `tail` only the last so many chunks, of which
        those of `streams` are given. Nothing where there is no such container.
        """

    def list(self, instance: str) -> list[State]:
        """Status, name and labels of all containers of the instance; the other fields are not filled."""

    def events(self, instance: str, stop: threading.Event) -> Iterator[Event]:
        """What happens to containers of the instance, from the event `listening` on, until `stop` is set."""

    def ensure_network(self, name: str) -> Network:
        """The internal network of that name, made where there is none: no way out, and none between its containers."""

    def remove_network(self, name: str) -> None:
        """Remove the network unless containers are on it."""
