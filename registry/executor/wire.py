"""Short questions to an engine at a Unix socket of this machine, asked at a sixth of what its client library costs (measured).

A job needs half a dozen of them. It knows no verb of any engine.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections import deque


class Wire:
    """The socket at `path`; connections are kept, and shared by all threads of a process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._idle: deque[_Connection] = deque()

    def ask(self, method: str, target: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError.

        A kept connection may have died since: the question is then asked once more, so every question must be one that
        may come twice.
        """
        with contextlib.suppress(IndexError):
            kept = self._idle.pop()
            with contextlib.suppress(ConnectionError):
                return self._talk(kept, method, target, body, seconds)
        return self._talk(_Connection(self._path), method, target, body, seconds)

    def close(self) -> None:
        """Let go of all connections."""
        while self._idle:
            self._idle.pop().close()

    def _talk(
        self, connection: _Connection, method: str, target: str, body: bytes | None, seconds: float,
    ) -> tuple[int, bytes]:
        try:
            connection.patience(seconds)
            connection.request(method, target, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except BaseException as error:
            connection.close()
            if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
                raise OSError(f"an answer that is none: {error!r}") from None
            raise
        self._idle.append(connection)
        return found


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine")
        self._path = path

    def patience(self, seconds: float) -> None:
        """How long each step may take from now on."""
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def connect(self) -> None:
        """As HTTPConnection does, to the Unix socket."""
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            found.settimeout(self.timeout)
            found.connect(self._path)
        except OSError:
            found.close()
            raise
        self.sock = found
