"""The fake engine in a process of its own, as a real one is: workers that are killed leave it as it was.

`serve` lends a FakeRuntime to other processes; `RemoteEngine` is the same contract there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from registry.executor.fake import FakeRuntime
from registry.executor.runtime import STREAMS, Engine, EngineFault, Event, LogChunk, Network, Spec, State, Usage

_LOOK = 0.02  # seconds between two looks whether a reader has gone


class Server:
    """Lends `engine` at the socket `address` until it is closed."""

    def __init__(self, engine: FakeRuntime, address: Path) -> None:
        self.engine, self.address = engine, str(address)
        self._listener = Listener(self.address, "AF_UNIX", backlog=64)
        self._stop = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            Client(self.address, "AF_UNIX").close()  # wakes `accept`
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError, EOFError):
                threading.Thread(target=self._talk, args=(self._listener.accept(),), daemon=True).start()

    def _talk(self, connection: Connection) -> None:
        with connection, contextlib.suppress(EOFError, OSError):  # a killed worker says no goodbye
            while True:
                verb, arguments, named = connection.recv()
                if verb in ("follow", "events"):
                    self._stream(connection, verb, arguments, named)
                    return
                try:
                    answer = getattr(self.engine, verb)(*arguments, **named)
                except EngineFault as fault:
                    answer = fault
                connection.send(answer)

    def _stream(self, connection: Connection, verb: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        stop = threading.Event()

        def watch() -> None:
            with contextlib.suppress(OSError, EOFError, TypeError):  # the last where it is closed meanwhile
                connection.recv()  # nothing comes but the end
            stop.set()

        threading.Thread(target=watch, daemon=True).start()
        items = self.engine.follow(*arguments, **named, stop=stop) if verb == "follow" else self.engine.events(*arguments, stop)
        try:
            for item in items:
                connection.send(item)
        except EngineFault as fault:
            connection.send(fault)
        connection.send(None)


class RemoteEngine:
    """The fake engine at the other end of a socket; for all threads of a process."""

    def __init__(self, address: str) -> None:
        self._address, self._local = address, threading.local()

    def _call(self, verb: str, *arguments: Any, **named: Any) -> Any:
        if not hasattr(self._local, "connection"):
            self._local.connection = Client(self._address, "AF_UNIX")
        self._local.connection.send((verb, arguments, named))
        answer = self._local.connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read(self, verb: str, stop: threading.Event | None, *arguments: Any, **named: Any) -> Iterator[Any]:
        with Client(self._address, "AF_UNIX") as connection:
            connection.send((verb, arguments, named))
            while stop is None or not stop.is_set():
                if not connection.poll(_LOOK):
                    continue
                item = connection.recv()
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item

    def describe(self) -> Engine:
        return self._call("describe")

    def has_image(self, image: str) -> bool:
        return self._call("has_image", image)

    def ensure_image(self, image: str) -> None:
        self._call("ensure_image", image)

    def create(self, spec: Spec) -> None:
        self._call("create", spec)

    def start(self, name: str) -> None:
        self._call("start", name)

    def inspect(self, name: str) -> State:
        return self._call("inspect", name)

    def meter(self, state: State) -> Any:
        return _Meter(self, state.name)

    def reap(self, state: State) -> None:
        self._call("reap", state)

    def stop(self, name: str, grace: int) -> None:
        self._call("stop", name, grace)

    def kill(self, name: str) -> None:
        self._call("kill", name)

    def remove(self, name: str) -> None:
        self._call("remove", name)

    def follow(self, name: str, since: str = "", *, wait: bool = True, stop: threading.Event | None = None,
               streams: Collection[str] = STREAMS, tail: int = 0) -> Iterator[LogChunk]:
        yield from self._read("follow", stop, name, since, wait=wait, streams=streams, tail=tail)

    def list(self, instance: str) -> list[State]:
        return self._call("list", instance)

    def events(self, instance: str, stop: threading.Event) -> Iterator[Event]:
        yield from self._read("events", stop, instance)

    def ensure_network(self, name: str) -> Network:
        return self._call("ensure_network", name)

    def remove_network(self, name: str) -> None:
        self._call("remove_network", name)


class _Meter:
    def __init__(self, engine: RemoteEngine, name: str) -> None:
        self._engine, self._name = engine, name

    def read(self) -> Usage | None:
        return self._engine._call("_used", self._name)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass
