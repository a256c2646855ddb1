"""A star catalogue of the demo as a process: Simple Cone Search with VOSI documents, on loopback.

    python -m applications.demo.catalogue --port 8201 --path /vo/cone --dec-from 0

It stands for a service that a datacenter already has, and so uses nothing of the registry.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import signal
import sys
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from applications.demo import catalogue_documents, cone
from applications.demo.catalogue_documents import Description
from applications.demo.stars import FLAVOURS, Stars


class Catalogue(ThreadingHTTPServer):
    """The server; `server_port` is the port it has, and what is below `description.base` is answered."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, stars: Stars, flavour: str, path: str, port: int = 0, token: str = "", pause: float = 0.0,
    ) -> None:
        """`pause`: seconds before a query is answered, as in an archive that fetches a tape."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.pause = pause
        self.stars = stars
        self.token = token
        self.path = "/" + path.strip("/") if path.strip("/") else ""
        self.description = Description(
            f"http://127.0.0.1:{self.server_port}{self.path}", flavour, stars.columns, len(stars), bool(token),
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Catalogue

    def do_GET(self) -> None:
        """Answer one of the four documents."""
        parts = urlsplit(self.path)
        base = self.server.path
        name = parts.path[len(base) + 1:] if parts.path.startswith(base + "/") else None
        description = self.server.description
        if name == "availability":
            self._send(200, "text/xml", [catalogue_documents.availability(description)])
        elif not self._allowed():
            words = b"This catalogue asks for a bearer token.\n"
            self._send(401, "text/plain", [words], {"WWW-Authenticate": "Bearer"})
        elif name == "capabilities":
            self._send(200, "text/xml", [catalogue_documents.capabilities(description)])
        elif name == "tables":
            self._send(200, "text/xml", [catalogue_documents.tables(description)])
        elif name == description.cone_path:
            self._cone(parts.query)
        else:
            self._send(404, "text/plain", [f"There is nothing at {parts.path}; see {base}/capabilities.\n".encode()])

    do_HEAD = do_GET

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        return not self.server.token or hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode())

    def _cone(self, query: str) -> None:
        try:
            asked = cone.parse(parse_qs(query, keep_blank_values=True, max_num_fields=50))
        except (cone.QueryError, ValueError) as error:
            self._send(200, cone.MEDIA_TYPE, [cone.refusal(str(error))])  # the protocol has no other status
            return
        time.sleep(self.server.pause)
        length, pieces = cone.answer(self.server.stars, asked)
        self._send(200, cone.MEDIA_TYPE, pieces, {"Content-Length": str(length)})

    def _send(
        self, status: int, media_type: str, pieces: Iterable[bytes], headers: dict[str, str] | None = None,
    ) -> None:
        headers = headers or {}
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if "Content-Length" not in headers:
            pieces = list(pieces)
            headers = {**headers, "Content-Length": str(sum(map(len, pieces)))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except ConnectionError:  # whoever asked has gone
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="catalogue", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 takes a free one")
    parser.add_argument("--path", default="/cone", help="path that the VOSI documents are below")
    parser.add_argument("--dec-from", type=float, help="only stars of this declination and above, in degrees")
    parser.add_argument("--dec-to", type=float, help="only stars below this declination, in degrees")
    parser.add_argument("--flavour", choices=sorted(FLAVOURS), default="north", help="how columns and paths are called")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token to ask for")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before a query is answered, as from a tape")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        token = options.token_file.read_text().strip() if options.token_file else ""
        stars = Stars(options.flavour, options.dec_from, options.dec_to)
        server = Catalogue(stars, options.flavour, options.path, options.port, token, options.pause)
    except (OSError, OverflowError) as error:
        print(f"The catalogue cannot start at port {options.port}: {error}", file=sys.stderr)
        return 1
    with server:
        print(f"{len(stars)} stars at {server.description.base}/capabilities", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=60)  # a signal ends it at once; nothing is polled for
    return 0


if __name__ == "__main__":
    sys.exit(main())
