"""Whether an address is inside the datacenter: decided from its text and the settings, without asking anybody."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from registry import addresses
from registry.config import Settings

INTERNAL, EXTERNAL = "internal", "external"
ZONES = (INTERNAL, EXTERNAL)
# names that no public name server answers for (RFC 6761, 6762, 8375, and ICANN's .internal)
_INSIDE = (".internal", ".local", ".localhost", ".home.arpa", ".lan", ".intranet")


def zone(settings: Settings, url: str) -> str:
    """internal or external.

    Internal are addresses that are not public, or in allowed_networks; names in internal_hosts, names without a dot
    and those that only a local network knows; and our own host.
    """
    return _zone(url, settings.base_url, tuple(settings.internal_hosts), tuple(settings.allowed_networks))


@lru_cache(50_000)
def _zone(url: str, base_url: str, internal: tuple[str, ...], networks: tuple[str, ...]) -> str:
    host, own = _host(url), _host(base_url)
    if host == own or any(_fits(host, name.lower()) for name in (*internal, *_INSIDE)):
        return INTERNAL
    try:
        address = addresses.unwrap(ip_address(host.partition("%")[0]))
    except ValueError:
        return INTERNAL if host and "." not in host else EXTERNAL
    listed = (ip_network(network, strict=False) for network in networks)
    named = any(address.version == network.version and address in network for network in listed)
    return INTERNAL if named or not address.is_global else EXTERNAL


def _fits(host: str, name: str) -> bool:
    return host == name.lstrip(".") or name.startswith(".") and host.endswith(name)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
