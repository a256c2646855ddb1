"""Bells between the processes of one datacenter: whoever waits for a change hears of it at once.

A bell carries no message, only "look again": the database is the truth, and every waiter looks there after a
time-out as well, so a lost ring costs a little delay and nothing else. These bells are heard within one host;
`server_bell` has those of a datacenter whose database server joins several.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path

WORK = "work"        # rung when the worker has something to do
PHASES = "phases"    # rung when a job's phase has changed
ANSWERS = "answers"  # rung when records, or the state of a service, have changed


class Bells:
    """The bells of one instance, as datagram sockets below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ring(self, topic: str) -> None:
        """Wake everybody who listens to `topic`; never blocks and never fails."""
        folder = self._folder / topic
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return
        for name in names:
            _send(folder, name)

    def listen(self, topic: str) -> Listener:
        """Listen to `topic` from now on; close what is returned when done."""
        folder = self._folder / topic
        folder.mkdir(parents=True, exist_ok=True)
        return Listener(folder)

    def close(self) -> None:
        """Let go of what ringing needs: here nothing."""


class Listener:
    """One listener to one bell; a ring between two waits is not lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with _short_path(folder, self._name) as path:
            self._socket.bind(path)

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most `seconds`; True when there was one."""
        ready, _, _ = select.select([self._socket], [], [], max(0.0, seconds))
        if not ready:
            return False
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                pass
        return True

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            (self._folder / self._name).unlink()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _short_path(folder: Path, name: str):  # type: ignore[no-untyped-def]
    """A path of the socket that fits the 108 bytes a socket's address may have, however deep the folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)


def _send(folder: Path, name: str) -> None:
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
        contextlib.suppress(OSError),
        _short_path(folder, name) as path,
    ):
        try:
            sender.sendto(b"1", path)
        except ConnectionRefusedError:  # its process was killed: nobody will listen there again
            (folder / name).unlink(missing_ok=True)
