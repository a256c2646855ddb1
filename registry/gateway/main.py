"""The gateway process: listens on the dc network's own address, and nowhere else (D14).

The worker makes that network and writes its address into the database; until then this process waits, and when the
address changes it moves. Killed, it is back on the same port as soon as it is started again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from waitress.server import create_server

from registry import beats
from registry.gateway.forward import Forwarder
from registry.site import Site
from registry.tables import facts

FACT = "dc gateway"  # name of the fact that holds the address
LOOK_AGAIN = 1.0  # seconds between two looks at the fact
BIND_AGAIN = 0.25  # seconds between two tries to bind
_THREADS_PER_JOB = 4
_log = logging.getLogger("registry.gateway")


def run(site: Site, stop: threading.Event, *, host: str = "", port: int = 0) -> None:
    """Serve until `stop` is set. `host` (default: the fact) and `port` (default: the setting) are for tests."""
    port = port or site.settings.gateway_port
    beats.keep(site, beats.GATEWAY, stop)
    while not stop.is_set():
        address = host or _await_address(site, stop)
        server = _bind(site, stop, address, port, fixed=bool(host)) if address else None
        if server is None:
            continue
        _log.info("jobs reach the datacenter's APIs at %s:%s", address, port)
        listening = _Listening(server)
        while not stop.wait(LOOK_AGAIN):
            if not host and _address(site) not in ("", address):
                _log.info("the dc network has a new address")
                break
        listening.end()


def _await_address(site: Site, stop: threading.Event) -> str:
    """The fact, once there is one; '' when stopped."""
    told = False
    while not stop.is_set():
        address = _address(site)
        if address:
            return address
        if not told:
            _log.info("waiting for the worker to make the dc network")
            told = True
        stop.wait(BIND_AGAIN)
    return ""


def _address(site: Site) -> str:
    try:
        with site.database.read() as connection:
            return connection.execute(select(facts.c.value).where(facts.c.name == FACT)).scalar() or ""
    except SQLAlchemyError as error:  # what listens goes on listening; the next look may succeed
        _log.warning("the database does not answer: %s", error)
        return ""


def _bind(site: Site, stop: threading.Event, address: str, port: int, *, fixed: bool) -> Any:
    """A server that listens there, once it can; None when stopped, or when the address has changed meanwhile."""
    told = ""
    while not stop.is_set() and (fixed or _address(site) in ("", address)):
        try:
            return create_server(
                Forwarder(site), host=address, port=port, ident=None, expose_tracebacks=False,
                threads=max(8, _THREADS_PER_JOB * site.settings.running_jobs),
                max_request_body_size=site.settings.body_limit, connection_limit=1000, asyncore_use_poll=True,
            )
        except OSError as error:
            if str(error) != told:
                _log.warning("cannot listen at %s:%s yet: %s", address, port, error.strerror or error)
                told = str(error)
            stop.wait(BIND_AGAIN)
    return None


class _Listening:
    """A server with its loop in a thread of its own."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.run, name="gateway loop", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Close the socket and the connections, in the loop's own thread, and wait for it."""
        with contextlib.suppress(OSError):  # the loop may be awake already, and have closed it before we rang
            self._server.trigger.pull_trigger(self._close)
        self._thread.join(5)
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)

    def _close(self) -> None:
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        self._server.close()
