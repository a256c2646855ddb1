"""Which addresses this service may connect to: the policy of every outbound request, as pure functions.

Public addresses may be reached; internal ones (loopback, private, link-local, ...) only inside networks that the
site lists. It resolves no name and opens no connection: `registry.fetch` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
USUAL_PORTS = frozenset({80, 443})
FIRST_UNPRIVILEGED_PORT = 1024


def may_connect(address: str, allowed: Sequence[str]) -> bool:
    """Whether `address` (text, v4 or v6) is public, or inside one of the networks `allowed` (CIDR).

    An IPv4 address wrapped in IPv6 (mapped, NAT64, 6to4, Teredo) is judged by what it wraps.
    """
    try:
        plain = unwrap(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    networks = [ip_network(network, strict=False) for network in allowed]
    if any(plain.version == network.version and plain in network for network in networks):
        return True
    return plain.is_global and not plain.is_multicast


def may_use_port(port: int, allowed: Sequence[int]) -> bool:
    """Whether `port` is one that web services are found on: 80, 443, any above 1023, or one the site lists."""
    return port in USUAL_PORTS or port >= FIRST_UNPRIVILEGED_PORT or port in allowed


def unwrap(address: Address) -> Address:
    """The IPv4 address inside `address` where it wraps one, else itself."""
    if not isinstance(address, IPv6Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(isinstance(network, IPv6Network) and address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
