"""A gateway for trying an application: what the real one is to jobs, for one container and APIs given by hand.

It asks for the token and forwards to the APIs, and nothing else; a job of a datacenter has the real one.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from registry.config import Settings
from registry.errors import Refusal
from registry.fetch import Fetcher
from registry.services.find import Endpoint
from registry.services.inner import HOST, Route
from vosi.capabilities import Capability, Interface

_HEADERS = ("Content-Type", "Content-Length", "Content-Encoding", "Last-Modified", "ETag")


@contextmanager
def open_to(address: str, apis: Mapping[str, str], token: str, folder: Path) -> Iterator[list[Route]]:
    """The gateway at `address` while it is open, and a route for each of `apis` (standardID -> access URL)."""
    origins = {hashlib.sha256(url.encode()).hexdigest()[:16]: url for url in apis.values()}
    fetcher = Fetcher(Settings(instance=folder, allowed_networks=["0.0.0.0/0", "::/0"]))
    server = ThreadingHTTPServer((address, 0), _handler(fetcher, origins, token))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="trial gateway", daemon=True)
    thread.start()
    names = {url: name for name, url in origins.items()}
    try:
        yield [_route(standard, url, names[url], server.server_port) for standard, url in apis.items()]
    finally:
        server.shutdown()
        server.server_close()


def _route(standard: str, url: str, name: str, port: int) -> Route:
    parts = urlsplit(url)
    use = "base" if url.endswith(("?", "&")) or not parts.path.endswith("/") else "dir"
    interface = Interface(access_url=url, url_use=use, role="std")
    endpoint = Endpoint(f"ivo://trial.example/{name}", standard, standard, interface.type, url, use, "std", "", (),
                        Capability(standard, interfaces=(interface,)), interface)
    query = f"?{parts.query}" if "?" in url else ""
    return Route(name, endpoint, f"http://{HOST}:{port}/{name}{parts.path}{query}")


def _handler(fetcher: Fetcher, origins: Mapping[str, str], token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            name, _, rest = self.path.lstrip("/").partition("/")
            target = urlsplit(origins.get(name, ""))
            if self.headers.get("Authorization") != f"Bearer {token}":
                self.send_error(401, "The job's token is missing (docs/application-contract.md)")
            elif not target.netloc or not f"/{rest}".startswith(target.path.rstrip("/")):
                self.send_error(404, "No API that the application may use is here")
            else:
                self._answer(f"{target.scheme}://{target.netloc}/{rest}")

        def _answer(self, url: str) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            kind = {"Content-Type": self.headers["Content-Type"]} if self.headers.get("Content-Type") else {}
            try:
                with fetcher.stream(self.command, url, headers=kind, body=self.rfile.read(length) or None) as answer:
                    self.send_response(answer.status)
                    for header in _HEADERS:
                        if header in answer.headers:
                            self.send_header(header, answer.headers[header])
                    self.end_headers()
                    for chunk in answer.chunks:
                        self.wfile.write(chunk)
            except Refusal as error:
                self.send_error(502, "The API does not answer", str(error))

        do_GET = do_HEAD = do_POST = _forward

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
