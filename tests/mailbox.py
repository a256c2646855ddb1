"""A mail server of the tests' own on a loopback port: keeps what it is sent, and refuses what it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 mailbox")
        for line in self.rfile:
            word = line.split(maxsplit=1)[0].decode().upper() if line.strip() else ""
            self.server.lines.append(line.decode().strip())
            if word == "DATA":
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append(message_from_bytes(text, policy=policy.default))  # type: ignore[arg-type]
            refused = any(name in line.decode() for name in self.server.refused)
            self._say("550 nobody here" if refused else "221 bye" if word == "QUIT" else "250 good")
            if word == "QUIT":
                return

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class Mailbox(socketserver.ThreadingTCPServer):
    """`mails` that came, the `lines` around them, and the names in `refused` that nothing is taken for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.mails: list[EmailMessage] = []
        self.lines: list[str] = []
        self.refused: set[str] = set()

    def subjects(self) -> list[str]:
        return [str(one["Subject"]) for one in self.mails]


@contextmanager
def open_mailbox(port: int = 0) -> Iterator[Mailbox]:
    """A mailbox that listens until the end of the block."""
    with Mailbox(port) as box:
        thread = threading.Thread(target=box.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield box
        finally:
            box.shutdown()
            thread.join()
