"""`registry serve`: the web server in this process, worker and gateway as its children, until told to stop (D5).

Where nothing is founded yet, the web server answers with the set-up alone, and goes on with the rest when that is done.
A child that dies is started again, the first time at once. A child whose parent is gone ends too: it holds the reading end of a
pipe that only the parent keeps open. It knows nothing of what the three do.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from registry.config import Settings
from registry.errors import Refusal
from registry.fetch import Fetcher, FetchError
from registry.places import LONGEST_ANSWER
from registry.services.find import read_ahead
from registry.site import Site

CHILDREN = ("worker", "gateway")
GRACE = 15  # seconds a child may take to end
CALM = 10  # a child that lived so many seconds is started again at once
BACKOFF = 1.0
_M_ARENA_MAX = -8  # of malloc.h
_log = logging.getLogger("registry.serve")


class PortInUse(Refusal):
    """Somebody else listens where the web server should."""


def set_up_log() -> None:
    """One line an event on stderr, UTC."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, datefmt="%Y-%m-%dT%H:%M:%SZ",
                        format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each of its plugins
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue for a moment is no news


def stop_on_signals(stop: threading.Event, then: Callable[[], None] = lambda: None) -> None:
    """SIGTERM and SIGINT set `stop`, and call `then`."""

    def handle(_signal: int, _frame: object) -> None:
        stop.set()
        then()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def stop_with_parent(stop: threading.Event) -> None:
    """Set `stop` when the process that started us is gone: then our standard input ends."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        stop.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def serve(site: Site, *, ready: Callable[[], None] = lambda: None) -> None:
    """Run all three processes until SIGTERM or SIGINT; where nothing is founded yet, the set-up first. Raises PortInUse."""
    house = _House(site)
    stop_on_signals(house.stop, _leave_the_loop())
    if site.settings.authority:
        house.begin(site)
    else:
        house.set_up(site)
    ready()
    try:
        house.server.run()
    except SystemExit:  # the signal came before the loop had begun
        pass
    finally:
        house.close()


class _House:
    """The web server, what it answers with, and the children; nothing but the set-up where nothing is founded yet."""

    def __init__(self, site: Site) -> None:
        self.stop = threading.Event()
        self._front = _Front()
        self._keeper: threading.Thread | None = None
        self._founded: Site | None = None
        self._once = threading.Lock()
        self.server = bound(site, self._front)

    def set_up(self, site: Site) -> None:
        """Answer with the set-up until it calls `begin`."""
        from registry.admin.setup.app import create_setup_app

        def founded(new: Site) -> None:
            with self._once:  # a page and `registry init` may both found it
                if self._founded is not None:
                    return
                self._founded = new  # ours to close
                self.begin(new)

        self._front.application = create_setup_app(site, founded)

    def begin(self, site: Site) -> None:
        """Answer with the whole service, and start the children."""
        from registry import create_app

        application = create_app(site)
        # a set-up may have chosen a path; the server reads it with each request
        self.server.adj.url_prefix = prefix(site)
        self._front.application = application
        children = [_Child(name, site.settings.instance) for name in CHILDREN]
        self._keeper = threading.Thread(target=_keep, args=(children, self.stop), name="keeper")
        self._keeper.start()
        for work, name in ((_check_base_url, "base url"), (_read_ahead, "read ahead"), (_build_forms, "forms")):
            threading.Thread(target=work, args=(site, self.stop), name=name, daemon=True).start()

    def close(self) -> None:
        """End the children, then the server."""
        self.stop.set()
        if self._keeper:
            self._keeper.join()
        self.server.close()
        if self._founded:
            self._founded.close()


class _Front:
    """What the server calls: the application that is set at that moment."""

    def __init__(self) -> None:
        self.application: Callable[[Any, Any], Any] | None = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        assert self.application is not None  # set before the server's loop begins
        return self.application(environ, start_response)


def _build_forms(site: Site, _stop: threading.Event) -> None:
    """Build what the forms of records are made from, so that no request waits for it (decision D10)."""
    from registry.records.forming import shape  # xmlschema is a heavy import, and only this process needs it

    shape.shapes(site.schemas)


def _read_ahead(site: Site, stop: threading.Event) -> None:
    read_ahead(site.database, stop)


def web_server(site: Site) -> Any:
    """The web server, bound and not yet running, with its application below the base URL's path. Raises PortInUse."""
    from registry import create_app

    return bound(site, create_app(site))


def prefix(site: Site) -> str:
    """The path below which the service is, without a slash at its end."""
    return urlsplit(site.settings.base_url).path.rstrip("/")


def bound(site: Site, application: Any) -> Any:
    """A server of `application`, bound to the settings' host and port and not yet running. Raises PortInUse, Refusal."""
    from waitress import create_server

    from registry.keeping import keep_open

    settings = site.settings
    _share_heaps()
    try:
        server = create_server(
            application, host=settings.host, port=settings.port, threads=settings.threads, connection_limit=1000,
            channel_timeout=30, ident=None,
            # what is above body_limit the application refuses in its own words; what is far above it, this server
            max_request_body_size=2 * settings.body_limit,
            outbuf_high_watermark=2 * LONGEST_ANSWER,
            url_prefix=prefix(site), clear_untrusted_proxy_headers=True, **_behind(settings),
        )
        keep_open(server)
        return server
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise Refusal(
                f"The web server cannot listen on {settings.host}: {error.strerror}; correct host in config.toml.") from None
        raise PortInUse(
            f"Port {settings.port} on {settings.host} is in use by another program: stop that one, or choose another "
            "with --port (and base_url in config.toml).") from None


def _share_heaps() -> None:
    """Let all threads share two heaps: with one each they keep, all together, what their longest answers have needed."""
    with suppress(OSError, AttributeError):  # what is no glibc has no such call, and needs none
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _behind(settings: Settings) -> dict[str, Any]:
    """How the client's address is learnt from a proxy in front: from the header that it alone may set."""
    if not settings.trusted_proxy:
        return {}
    return {"trusted_proxy": settings.trusted_proxy, "trusted_proxy_headers": {"x-forwarded-for"},
            "trusted_proxy_count": settings.trusted_proxy_count}


def _leave_the_loop() -> Callable[[], None]:
    """What a signal's handler calls, once: waitress ends its loop in good order on SystemExit."""
    calls = iter([True])

    def leave() -> None:
        if next(calls, False):
            raise SystemExit

    return leave


class _Child:
    """One process of ours, started again when it ends."""

    def __init__(self, name: str, instance: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "registry.cli", "--instance", str(instance), name, "--with-parent"]
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._next = 0.0

    def look(self) -> None:
        """Start it where it does not run and its time has come."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            calm = now - self._started > CALM
            _log.warning("the %s ended (%s) and is started again", self.name, self._process.returncode)
            self._next = now + (0 if calm else BACKOFF)
            self._process = None
        if self._process is None and now >= self._next:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
            self._started = now

    def ask_to_stop(self) -> None:
        """Tell it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> None:
        """Wait for its end, and force it where it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            _log.warning("the %s did not end within %s s and is killed", self.name, GRACE)
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


def _keep(children: list[_Child], stop: threading.Event) -> None:
    while not stop.is_set():
        for child in children:
            child.look()
        stop.wait(0.2)
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait()


def _check_base_url(site: Site, stop: threading.Event) -> None:
    """Say once, soon after the start, where the public address does not lead here: harvesters would not get through."""
    if stop.wait(2):
        return
    fault = base_url_fault(site)
    if fault:
        _log.warning("%s", fault)


def base_url_fault(site: Site) -> str:
    """Why base_url does not lead to this service; '' where it does."""
    url = site.settings.url("healthz")
    # our own address may be inside any network: the operator has named it
    fetcher = Fetcher(site.settings.model_copy(update={"allowed_networks": ["0.0.0.0/0", "::/0"]}))
    try:
        status = fetcher.get(url).status
    except FetchError as error:
        return f"The base URL does not lead here: {error} Correct base_url in config.toml, or the proxy in front."
    if status != 200:
        return (f"The base URL does not lead here: {url} answers {status}; correct base_url in config.toml, or the proxy "
                "in front.")
    return ""
