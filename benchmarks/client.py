"""A client that costs next to nothing: one kept connection, answers read into one buffer. It unpacks and judges nothing."""

from __future__ import annotations

import re
import socket

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNK = 1 << 20


class Client:
    """A connection to a server on this host; not for several threads at once."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_CHUNK)
        self.status = 0

    def get(self, path: str) -> bytes:
        """The body of the answer to GET `path`; raises SystemExit where it is not 200, for then no figure tells anything."""
        body_start, end = self._read(path)
        return bytes(memoryview(self._buffer)[body_start:end])

    def take(self, path: str) -> tuple[int, bytes]:
        """As `get`, but gives the length of the body and its last 2,000 bytes only."""
        body_start, end = self._read(path)
        return end - body_start, bytes(memoryview(self._buffer)[max(body_start, end - 2000):end])

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def _read(self, path: str) -> tuple[int, int]:
        """Where the body begins and ends in the buffer."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        have, whole, body_start = 0, 0, 0
        while not whole or have < whole:
            if have == len(self._buffer):
                self._buffer.extend(bytes(len(self._buffer)))
            count = self._socket.recv_into(memoryview(self._buffer)[have:])
            if not count:
                raise SystemExit(f"The server closed the connection on {path}.")
            have += count
            if not whole:
                whole, body_start = self._head(path, have)
        return body_start, whole

    def _head(self, path: str, have: int) -> tuple[int, int]:
        """The length of the answer and where its body begins; 0, 0 while the head is not whole."""
        end = self._buffer.find(b"\r\n\r\n", 0, have)
        if end < 0:
            return 0, 0
        head = bytes(self._buffer[:end])
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise SystemExit(f"{path} was answered {head.splitlines()[0]!r}.")
        return end + 4 + int(length.group(1)), end + 4
