"""Names and addresses of the bridges that the engine makes for our internal networks. Pure; it makes none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from registry.executor.runtime import EngineRefuses, Network

NAME_OPTION = "com.docker.network.bridge.name"
# its containers do not see each other, and the host's interface to it has the name that we know
_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}


def options(network: str) -> dict[str, str]:
    """What the engine's bridge driver is told when the network is made."""
    return {**_OPTIONS, NAME_OPTION: bridge_name(network)}


def bridge_name(network: str) -> str:
    """The host's interface to a network of ours: an interface's name has 15 characters at most."""
    return f"isp{hashlib.sha256(network.encode()).hexdigest()[:10]}"


def found(answer: Mapping[str, Any], interface: str) -> Network:
    """The network as the engine describes it, `interface` where it does not tell that. Raises EngineRefuses."""
    pools = [pool for pool in answer.get("IPAM", {}).get("Config") or [] if ":" not in str(pool.get("Subnet", ""))]
    gateway = str(pools[0].get("Gateway", "")) if pools else ""
    if not gateway or not answer.get("Internal"):
        raise EngineRefuses(
            f"The Docker network {answer.get('Name')} is not an internal one with a gateway: remove it "
            f"(`docker network rm {answer.get('Name')}`), and a right one is made.")
    return Network(gateway, str((answer.get("Options") or {}).get(NAME_OPTION) or interface))
