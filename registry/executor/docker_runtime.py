"""The Docker engine behind the contract of `runtime.py`, and podman by its Docker-compatible socket.

The only module that imports docker. It connects at the first call and again after a failure, so that a worker may start
before its engine. Every wall of the sandbox is made in `sandbox.py`.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from docker import APIClient
from docker.errors import APIError, DockerException
from docker.types import CancellableStream
from docker.utils import kwargs_from_env, parse_host

from registry.executor import bridges, cgroups, faults, frames, podman, runtime, sandbox, states
from registry.executor.runtime import (
    STREAMS,
    Engine,
    EngineAbsent,
    EngineFault,
    EngineRefuses,
    Event,
    ImageAbsent,
    LogChunk,
    Meter,
    Network,
    Spec,
    State,
)
from registry.executor.stats import StatsMeter
from registry.executor.wire import Wire

LOOK = 10  # seconds a list may take: it waits for no container, so an engine that takes longer hangs
TIMEOUT = 60  # seconds one call may take; a busy engine needs several to start a container
_CONNECTIONS = 64
_COMMAND_FAULT = re.compile(r"exec|no such file or directory|permission denied", re.I)
_IN_USE, _GONE, _TAKEN = 403, 404, 409  # HTTP statuses of the Engine API, as it uses them


class _Answer(EngineRefuses):
    """The engine's own refusal, with its HTTP status."""

    def __init__(self, status: int, words: str) -> None:
        self.words = words.strip().rstrip(".")
        self.status = _TAKEN if podman.is_conflict(self.words) else status
        super().__init__(f"The Docker engine refuses: {self.words}.")


class DockerRuntime:
    """One Docker engine, by its address ('': DOCKER_HOST or this machine's socket); for all threads of a process.

    `login` is asked for the name and password at a Docker repository (host:port); None where there is none.
    """

    def __init__(self, address: str = "", login: Callable[[str], tuple[str, str] | None] | None = None) -> None:
        self._address = address
        self._login = login or (lambda host: None)
        self._client: APIClient | None = None
        self._wire: Wire | None = None  # to an engine at a socket of this machine
        self._lock = threading.Lock()
        self._podman = False  # known once it has answered
        self._volumes: dict[str, tuple[str, ...]] = {}  # by image: an image named by its digest never changes

    # --- the engine ---------------------------------------------------------------------------------------------------

    def describe(self) -> Engine:
        """The engine's name, version and size."""
        with self._engine() as client:
            found = client.info()
        version = f"{'Podman' if self._podman else 'Docker'} {found.get('ServerVersion', '')}"
        return Engine(str(found.get("Name", "")), version, int(found.get("NCPU", 1)), int(found.get("MemTotal", 0)),
                      str(found.get("Architecture", "")), str(found.get("DockerRootDir", "")))

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            client, wire, self._client, self._wire = self._client, self._wire, None, None
        if client is not None:
            client.close()
        if wire is not None:
            wire.close()

    @contextlib.contextmanager
    def _engine(self) -> Iterator[APIClient]:
        """The client; its errors become the engine's _Answer or EngineAbsent."""
        try:
            yield self._connected()
        except APIError as error:
            raise _Answer(int(error.status_code or 0), str(error.explanation or error)) from None
        except (DockerException, OSError) as error:  # what the HTTP library raises is an OSError too
            raise faults.absent(self._address, error) from None

    def _connected(self) -> APIClient:
        with self._lock:
            if self._client is None:
                options = {"base_url": self._address} if self._address else kwargs_from_env()
                client = APIClient(**options, version="auto", timeout=TIMEOUT, max_pool_size=_CONNECTIONS)
                self._podman = podman.is_podman(client.version())
                # of a str it makes a str, whatever its stubs say
                kind, _, path = cast(str, parse_host(options.get("base_url"))).partition("://")
                self._wire = Wire(path) if kind == "http+unix" else None
                self._client = client
            return self._client

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None,
             seconds: float = TIMEOUT) -> bytes:
        """The answer to a question that may come twice. Raises _Answer, EngineAbsent."""
        with self._engine() as client:
            target = f"/v{client.api_version}{path}{'?' + urlencode(query) if query else ''}"
            data = None if body is None else json.dumps(body).encode()
            wire = self._wire
            if wire is not None:
                status, found = wire.ask(method, target, data, seconds)
            else:
                answer = client.request(method, f"{client.base_url}{target}", data=data, timeout=seconds,
                                        headers={"Content-Type": "application/json"} if data else None)
                status, found = answer.status_code, answer.content
        if status >= 400:
            raise _Answer(status, frames.message(found))
        return found

    # --- images -------------------------------------------------------------------------------------------------------

    def has_image(self, image: str) -> bool:
        """Whether a container can be made of `image` without fetching it."""
        if image in self._volumes:
            return True
        try:
            self._look_at(image)
        except _Answer as answer:
            if answer.status == _GONE:
                return False
            raise
        return True

    def ensure_image(self, image: str) -> None:
        """Fetch `image` where it is not here. Raises ImageAbsent, RepositoryAbsent, EngineRefuses."""
        if self.has_image(image):
            return
        repository, at, digest = image.partition("@")
        if not at:
            raise ImageAbsent(f"The Docker engine has no image {image}, and it names no repository to fetch it from.")
        try:
            with self._engine() as client:
                for step in client.pull(repository, tag=digest, stream=True, decode=True, auth_config=self._auth(image)):
                    if "error" in step:
                        raise faults.not_fetched(image, str(step["error"]))
        except _Answer as answer:
            raise faults.not_fetched(image, answer.words) from None
        self._look_at(image)

    def _auth(self, image: str) -> dict[str, str] | None:
        """What the engine is to log in with where the image is."""
        found = self._login(image.partition("/")[0])
        return {"username": found[0], "password": found[1]} if found else None

    def _look_at(self, image: str) -> None:
        with self._engine() as client:
            config = client.inspect_image(image).get("Config") or {}
        self._volumes[image] = tuple(config.get("Volumes") or ())

    # --- one container ------------------------------------------------------------------------------------------------

    def create(self, spec: Spec) -> None:
        """Make the container; one of that name is left as it is. Raises ImageAbsent, EngineRefuses."""
        try:
            if not self.has_image(spec.image):
                raise ImageAbsent(f"The Docker engine has no image {spec.image}.")
            self._find_volumes(spec)
            body = sandbox.request(spec, self._volumes[spec.image])
            request = podman.request(body, spec) if self._podman else body
            self._ask("POST", "/containers/create", {"name": spec.name}, request)
        except _Answer as answer:
            if answer.status == _GONE:
                self._volumes.pop(spec.image, None)  # somebody removed the image meanwhile
                raise ImageAbsent(f"The Docker engine no longer has {spec.image}: {answer.words}.") from None
            if answer.status != _TAKEN:
                raise EngineRefuses(f"The Docker engine does not make the container: {answer.words}.") from None

    def _find_volumes(self, spec: Spec) -> None:
        """Raises EngineRefuses where one is missing: the engine would make it, empty."""
        for mount in spec.mounts:
            if mount.volume:
                try:
                    self._ask("GET", f"/volumes/{mount.volume}")
                except _Answer as answer:
                    raise EngineRefuses(f"The Docker engine has no volume for {mount.target}: {answer.words}.") from None

    def start(self, name: str) -> None:
        """Start a created container. Raises EngineRefuses, also where there is none of that name."""
        try:
            self._ask("POST", f"/containers/{name}/start")
        except _Answer as answer:
            fatal = answer.status == 400 and _COMMAND_FAULT.search(answer.words) is not None
            raise EngineRefuses(f"The Docker engine does not start the container: {answer.words}.", fatal) from None

    def inspect(self, name: str) -> State:
        """The container's state; `absent` where there is none."""
        try:
            found = json.loads(self._ask("GET", f"/containers/{name}/json"))
        except _Answer as answer:
            if answer.status == _GONE:
                return State(runtime.ABSENT, name)
            raise
        ended = states.status(found) in (runtime.EXITED, runtime.CREATED)
        told = self._told(str(found["Id"])) if ended else frozenset()
        return states.inspected(found, told, killed_for_memory=podman.KILLED if self._podman else None)

    def _told(self, container: str) -> frozenset[str]:
        """What the engine remembers to have happened to the container; it keeps 256 events of all of them."""
        filters = json.dumps({"type": ["container"], "container": [container]})
        end = {"stream": "false"} if self._podman else {"until": f"{time.time():.9f}"}  # neither knows the other's
        query = {"since": "1", "filters": filters, **end}
        found = self._ask("GET", "/events", query)
        return frozenset(str(document.get("Action", "")) for document in frames.documents([found, b"\n"]))

    def meter(self, state: State) -> Meter:
        """What tells how much the container uses while it runs: the kernel's accounts, else the engine's."""
        return cgroups.meter(state.pid, state.id) or StatsMeter(lambda: self._stats(state.name))

    def _stats(self, name: str) -> dict[str, Any] | None:
        try:
            with self._engine() as client:
                found: dict[str, Any] = client.stats(name, stream=False, one_shot=True)
        except EngineFault:  # it will be asked again, or nobody needs to know
            return None
        return found

    def reap(self, state: State) -> None:
        """End what is left of a created container that was not `seen` all the time, where that is possible."""
        cgroups.end(state.id)

    def stop(self, name: str, grace: int) -> None:
        """Ask the container to end, and end it after `grace` seconds; returns when it has ended."""
        with _unless(_GONE), self._engine() as client:
            client.stop(name, timeout=grace)

    def kill(self, name: str) -> None:
        """End the container at once; returns before it has ended."""
        with _unless(_GONE, _TAKEN), self._engine() as client:  # there is none, or it does not run
            client.kill(name)

    def remove(self, name: str) -> None:
        """End and remove the container."""
        with _unless(_GONE, _TAKEN):  # it is gone, or going
            self._ask("DELETE", f"/containers/{name}", {"v": "1", "force": "1"})

    def follow(self, name: str, since: str = "", *, wait: bool = True, stop: threading.Event | None = None,
               streams: Collection[str] = STREAMS, tail: int = 0) -> Iterator[LogChunk]:
        """What the container wrote from `since` on until it ends or `stop` is set; without `wait`: until now.

        `since` is a chunk's stamp, and all chunks with it come again. With `tail` only the last so many chunks, of which
        those of `streams` are given. Nothing where there is no such container.
        """
        with self._engine():
            podmans = self._podman
        if podmans:
            found = self._look_again(name, since, wait, stop)
            chosen = deque(found, tail) if tail else found
            yield from (chunk for chunk in chosen if chunk.stream in streams)
            return
        query = {stream: int(stream in streams) for stream in STREAMS}
        yield from self._read(name, since, wait, stop, **query, **({"tail": tail} if tail else {}))

    def _read(
        self, name: str, since: str, wait: bool, stop: threading.Event | None, stdout: int = 1, stderr: int = 1,
        **further: int,
    ) -> Iterator[LogChunk]:
        query: dict[str, int | str] = {"stdout": stdout, "stderr": stderr, "timestamps": 1, "follow": int(wait), **further}
        if since:
            query |= {"since": frames.seconds(since)}
        with self._engine() as client:
            response = client.get(f"{client.base_url}/v{client.api_version}/containers/{name}/logs", params=query,
                                  stream=True, timeout=(TIMEOUT, None if wait else TIMEOUT))
        if response.status_code != 200:
            response.close()
            return
        with _ended_by(response, stop) as chunks:
            for stream, data in frames.split(chunks):
                if stream == frames.FAULT:  # a log that began anew under its reader, mostly
                    return
                stamp, _, text = data.partition(b" ")
                yield LogChunk(stream, stamp.decode("ascii", "replace"), text)

    def _look_again(self, name: str, since: str, wait: bool, stop: threading.Event | None) -> Iterator[LogChunk]:
        """Podman's log from `since` on, read anew every half second: what it calls following loses lines."""
        stop, last = stop or threading.Event(), ""
        while True:
            ended = not wait or self.inspect(name).status not in (runtime.RUNNING, runtime.PAUSED)
            for chunk in podman.numbered(self._read(name, podman.second_of(last or since), False, stop)):
                if chunk.stamp > last and chunk.stamp >= since:
                    last = chunk.stamp
                    yield chunk
            if ended or stop.wait(podman.POLL):
                return

    # --- all of them --------------------------------------------------------------------------------------------------

    def list(self, instance: str) -> list[State]:
        """Status, name and labels of all containers of the instance; the other fields are not filled."""
        query = {"all": 1, "filters": json.dumps({"label": [f"{runtime.INSTANCE}={instance}"]})}
        found = json.loads(self._ask("GET", "/containers/json", query, seconds=LOOK))
        return [State(states.NAMES.get(entry["State"], runtime.EXITED), entry["Names"][0].lstrip("/"), dict(entry["Labels"]))
                for entry in found if entry.get("Names")]

    def events(self, instance: str, stop: threading.Event) -> Iterator[Event]:
        """What happens to containers of the instance, from the event `listening` on, until `stop` is set."""
        filters = json.dumps({"type": ["container"], "label": [f"{runtime.INSTANCE}={instance}"]})
        with self._engine() as client:
            response = client.get(f"{client.base_url}/v{client.api_version}/events", params={"filters": filters},
                                  stream=True, timeout=(TIMEOUT, None))
        yield Event("listening")
        with _ended_by(response, stop) as chunks:
            for document in frames.documents(chunks):
                actor = document.get("Actor", {}).get("Attributes", {})
                yield Event(str(document.get("Action", "")).partition(":")[0], str(actor.get("name", "")), dict(actor))
        if not stop.is_set():
            raise EngineAbsent("The Docker engine has closed its stream of events.")

    # --- networks -----------------------------------------------------------------------------------------------------

    def ensure_network(self, name: str) -> Network:
        """The internal network of that name, made where there is none: no way out, and none between its containers."""
        with _unless(_GONE), self._engine() as client:
            return self._network(client.inspect_network(name))
        try:
            with self._engine() as client:
                client.create_network(
                    name, "bridge", bridges.options(name), internal=True, check_duplicate=True, attachable=False)
        except _Answer as answer:
            if answer.status != _TAKEN:  # another worker of this instance was faster
                raise EngineRefuses(f"The Docker engine does not make the network {name}: {answer.words}.") from None
        with self._engine() as client:
            return self._network(client.inspect_network(name))

    def _network(self, found: Mapping[str, Any]) -> Network:
        name = bridges.bridge_name(str(found.get("Name"))) if self._podman else f"br-{str(found.get('Id'))[:12]}"
        return bridges.found(found, name)  # podman names its interface as it was told to, and does not tell

    def remove_network(self, name: str) -> None:
        """Remove the network unless containers are on it."""
        with _unless(_GONE, _IN_USE), self._engine() as client:
            client.remove_network(name)


@contextlib.contextmanager
def _unless(*statuses: int) -> Iterator[None]:
    """An answer with one of these statuses says that it is done already, or cannot be done yet: no error."""
    try:
        yield
    except _Answer as answer:
        if answer.status not in statuses:
            raise


@contextlib.contextmanager
def _ended_by(response: Any, stop: threading.Event | None) -> Iterator[Iterable[bytes]]:
    """What an answer holds, closed from another thread when `stop` is set: a blocked read sees no event."""
    stream = CancellableStream(response.iter_content(None), response)
    done = threading.Event()

    def watch() -> None:
        stop.wait()  # type: ignore[union-attr]
        if not done.is_set():
            with contextlib.suppress(OSError, AttributeError, DockerException):  # closed by its own end meanwhile
                stream.close()

    if stop is not None:
        threading.Thread(target=watch, name="end of stream", daemon=True).start()
    try:
        yield _whole(response, stop)
    finally:
        done.set()
        with contextlib.suppress(OSError, AttributeError, DockerException):
            stream.close()


def _whole(response: Any, stop: threading.Event | None) -> Iterator[bytes]:
    """The answer's bytes; EngineAbsent where it is torn off, which docker-py's own stream takes for its end."""
    try:
        yield from response.iter_content(None)
    except (OSError, AttributeError, ValueError):
        if stop is None or not stop.is_set():  # else it was closed, and the reader met that
            raise EngineAbsent("The Docker engine has broken off in the middle of an answer.") from None
