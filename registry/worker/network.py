"""The network of profile `dc` (decisions D14, D16): made, fenced in, and its address told to the gateway."""

from __future__ import annotations

import logging
import threading

from sqlalchemy import delete, insert, select

from registry.db import alone
from registry.executor import firewall
from registry.executor.runtime import RUNNING, Network, Runtime
from registry.site import Site
from registry.tables import facts
from registry.worker import stage

FACT = "dc gateway"  # what the gateway process waits for
_log = logging.getLogger("registry.worker")


class DcNetwork:
    """The one network of this instance."""

    def __init__(self, site: Site, runtime: Runtime) -> None:
        self._site, self._runtime = site, runtime
        self._lock = threading.Lock()
        self._network: Network | None = None
        self._told = ""

    def ensure(self, *, again: bool = False) -> Network:
        """The network, made where there is none; `again` looks anew. Raises EngineAbsent, EngineRefuses."""
        with self._lock:
            if self._network is None or again:
                network = self._runtime.ensure_network(stage.network(self._site))
                self._close(network)
                self._tell(network.gateway)
                self._network = network
            return self._network

    def leave(self) -> None:
        """Take the firewall rule away, unless jobs run on: these must stay behind it."""
        with self._lock:
            if self._network is None or not self._site.settings.firewall:
                return
            states = self._runtime.list(self._site.settings.engine_name)
            if not any(state.status == RUNNING for state in states):
                firewall.open_again(self._network.interface)

    def _close(self, network: Network) -> None:
        if not self._site.settings.firewall or not network.interface:
            return
        problem = firewall.close(network.interface, network.gateway, self._site.settings.gateway_port)
        if problem and problem != self._told:
            _log.warning("%s", problem)
            self._told = problem

    def _tell(self, gateway: str) -> None:
        with self._site.database.read() as connection:
            known = connection.execute(select(facts.c.value).where(facts.c.name == FACT)).scalar()
        if known != gateway:
            with self._site.database.write() as connection:
                alone(connection, FACT)
                connection.execute(delete(facts).where(facts.c.name == FACT))
                connection.execute(insert(facts).values(name=FACT, value=gateway))
