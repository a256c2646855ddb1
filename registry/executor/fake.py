"""A container engine in memory, for tests: held to the same contract as the real ones. It isolates nothing.

What a container does is said beforehand, by image, as a `Program`; it then runs until the test ends it, or at once.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from registry.executor import runtime
from registry.executor.runtime import (
    STREAMS,
    Engine,
    EngineAbsent,
    EngineFault,
    EngineRefuses,
    Event,
    ImageAbsent,
    LogChunk,
    Network,
    Spec,
    State,
    Usage,
)

_PART = 16 * 1024  # bytes of a line that come at once, as Docker gives them


@dataclass(frozen=True)
class Program:
    """What the containers of an image do: files below the writable mount, output, and their end."""

    stdout: bytes = b""
    stderr: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    exit_code: int = 0
    out_of_memory: bool = False
    until_stopped: bool = False
    stopped_code: int = 143
    starts: bool = True
    used: Usage = Usage()


@dataclass
class _Container:
    spec: Spec
    program: Program
    state: State
    starts: int = 0
    log: list[LogChunk] = field(default_factory=list)


class _Meter:
    """Tells what a program is said to use, while it runs."""

    def __init__(self, used: Callable[[], Usage | None]) -> None:
        self.read = used

    def fileno(self) -> int:
        """Nothing tells its end."""
        return -1

    def close(self) -> None:
        """There is nothing to let go of."""


class FakeRuntime:
    """An engine whose images are `programs`; `faults` (image -> error) makes fetching an image fail."""

    def __init__(self, programs: Mapping[str, Program] | None = None) -> None:
        self.programs = dict(programs or {})
        self.remote: dict[str, Program] = {}  # images of the repository, not fetched yet
        self.faults: dict[str, EngineFault] = {}
        self.folder = ""  # where it would keep its images
        self.volumes: set[str] = set()
        self.absent = False  # set by a test: the engine does not answer
        self.started: list[str] = []  # names, once for every start that ran a program
        self.reaped: list[str] = []
        self.specs: dict[str, Spec] = {}
        self._containers: dict[str, _Container] = {}
        self._networks: dict[str, Network] = {}
        self._listeners: list[tuple[str, queue.SimpleQueue[Event | None]]] = []
        self._changed = threading.Condition()
        self._clock = 0

    # --- what tests do ------------------------------------------------------------------------------------------------

    def finish(self, name: str, exit_code: int | None = None) -> None:
        """End a running container as its program ends, or with another code."""
        with self._changed:
            self._end(name, exit_code)

    def forget(self, name: str) -> None:
        """Lose a container, as an engine whose storage was wiped does."""
        with self._changed:
            self._containers.pop(name, None)

    def pause(self, name: str, paused: bool = True) -> None:
        """Halt a running container as `docker pause` does, or let it go on."""
        with self._changed:
            container = self._containers[name]
            container.state = replace(container.state, status=runtime.PAUSED if paused else runtime.RUNNING)
            self._ring("pause" if paused else "unpause", container)

    def lose_sight(self, name: str) -> None:
        """Be an engine that was restarted since it made the container."""
        with self._changed:
            container = self._containers[name]
            container.state = replace(container.state, seen=False)

    # --- the contract -------------------------------------------------------------------------------------------------

    def describe(self) -> Engine:
        """A small engine."""
        self._answer()
        return Engine("fake", "Fake 1", 2, 2**30, "none", self.folder)

    def has_image(self, image: str) -> bool:
        """Whether there is a program for it."""
        self._answer()
        return image in self.programs

    def ensure_image(self, image: str) -> None:
        """Move the image from `remote`, or fail as `faults` says."""
        if self.has_image(image):
            return
        if image in self.faults:
            raise self.faults[image]
        if image not in self.remote:
            raise ImageAbsent(f"The repository has no image {image}.")
        self.programs[image] = self.remote[image]

    def create(self, spec: Spec) -> None:
        """Make a container in memory."""
        self._answer()
        with self._changed:
            if spec.image not in self.programs:
                raise ImageAbsent(f"The engine has no image {spec.image}.")
            if not all(mount.volume in self.volumes if mount.volume else mount.source.exists() for mount in spec.mounts):
                raise EngineRefuses("The engine does not make the container: something to be mounted is missing.")
            if spec.name not in self._containers:
                self.specs[spec.name] = spec
                state = State(runtime.CREATED, spec.name, dict(spec.labels))
                self._containers[spec.name] = _Container(spec, self.programs[spec.image], state)

    def start(self, name: str) -> None:
        """Run the program; one that does not wait to be stopped has ended when this returns."""
        self._answer()
        with self._changed:
            container = self._containers.get(name)
            if container is None or not container.program.starts:
                raise EngineRefuses(f"The engine does not start {name}.", fatal=container is not None)
            if container.state.status == runtime.RUNNING:
                return
            self.started.append(name)
            container.state = replace(container.state, status=runtime.RUNNING, started_at=datetime.now(UTC))
            self._ring("start", container)
            self._write(container)
            if not container.program.until_stopped:
                self._end(name)

    def inspect(self, name: str) -> State:
        """The state in memory."""
        self._answer()
        with self._changed:
            container = self._containers.get(name)
            return container.state if container else State(runtime.ABSENT, name)

    def meter(self, state: State) -> _Meter:
        """Tells what the program is said to use."""
        return _Meter(lambda: self._used(state.name))

    def reap(self, state: State) -> None:
        """Nothing runs here unseen: it is noted."""
        self.reaped.append(state.name)

    def stop(self, name: str, grace: int) -> None:
        """End it politely."""
        self._answer()
        with self._changed:
            if name in self._containers:
                self._end(name, self._containers[name].program.stopped_code, stopped=True)

    def kill(self, name: str) -> None:
        """End it with 137."""
        self._answer()
        with self._changed:
            self._end(name, 137, stopped=True)

    def remove(self, name: str) -> None:
        """End it and forget it."""
        self._answer()
        with self._changed:
            self._end(name, 137)
            container = self._containers.pop(name, None)
            if container is not None:
                self._ring("destroy", container)

    def follow(self, name: str, since: str = "", *, wait: bool = True, stop: threading.Event | None = None,
               streams: Collection[str] = STREAMS, tail: int = 0) -> Iterator[LogChunk]:
        """The program's output."""
        self._answer()
        with self._changed:
            place = max(0, len(self._containers[name].log) - tail) if tail and name in self._containers else 0
        while True:
            with self._changed:
                container = self._containers.get(name)
                chunks = container.log[place:] if container else []
                ended = container is None or container.state.status not in (runtime.RUNNING, runtime.PAUSED)
            place += len(chunks)
            yield from (chunk for chunk in chunks if chunk.stamp >= since and chunk.stream in streams)
            if ended or not wait or (stop is not None and stop.is_set()):
                return
            with self._changed:
                self._changed.wait(0.05)

    def list(self, instance: str) -> list[State]:
        """All containers of the instance."""
        self._answer()
        with self._changed:
            states = [one.state for one in self._containers.values()]
        return [state for state in states if state.labels.get(runtime.INSTANCE) == instance]

    def events(self, instance: str, stop: threading.Event) -> Iterator[Event]:
        """What happens from now on."""
        self._answer()
        mine: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        entry = (instance, mine)
        self._listeners.append(entry)
        try:
            yield Event("listening")
            while not stop.is_set():
                try:
                    event = mine.get(timeout=0.05)
                except queue.Empty:
                    self._answer()
                    continue
                if event is not None:
                    yield event
        finally:
            self._listeners.remove(entry)

    def ensure_network(self, name: str) -> Network:
        """A network in memory: on loopback, no interface."""
        self._answer()
        return self._networks.setdefault(name, Network("127.0.0.1"))

    def remove_network(self, name: str) -> None:
        """Forget it."""
        self._networks.pop(name, None)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _used(self, name: str) -> Usage | None:
        with self._changed:
            container = self._containers.get(name)
            runs = container is not None and container.state.status == runtime.RUNNING
            return container.program.used if container and runs else None

    def _answer(self) -> None:
        if self.absent:
            raise EngineAbsent("The fake engine does not answer: the test wants it so.")

    def _write(self, container: _Container) -> None:
        place = next((mount.source for mount in container.spec.mounts if mount.writable), None)
        for path, data in container.program.files.items() if place else ():
            file = Path(place or "", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        for stream, data in ((runtime.STDOUT, container.program.stdout), (runtime.STDERR, container.program.stderr)):
            for line in data.splitlines(keepends=True):
                self._clock += 1
                stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.{self._clock:09d}Z"
                container.log += [LogChunk(stream, stamp, line[at:at + _PART]) for at in range(0, len(line), _PART)]
        self._changed.notify_all()

    def _end(self, name: str, exit_code: int | None = None, *, stopped: bool = False) -> None:
        container = self._containers.get(name)
        if container is None or container.state.status not in (runtime.RUNNING, runtime.PAUSED):
            return
        program = container.program
        container.state = replace(
            container.state, status=runtime.EXITED, finished_at=datetime.now(UTC), out_of_memory=program.out_of_memory,
            stopped=stopped, exit_code=program.exit_code if exit_code is None else exit_code)
        self._ring("die", container)
        self._changed.notify_all()

    def _ring(self, action: str, container: _Container) -> None:
        event = Event(action, container.spec.name, dict(container.spec.labels))
        for instance, listener in self._listeners:
            if container.spec.labels.get(runtime.INSTANCE) == instance:
                listener.put(event)
