"""What a job may reach inside the datacenter: its declared standards as routes through the gateway (D14).

The worker writes the documents for the container from these routes, the gateway follows them; both derive them from
the shelf alone, so that they agree without telling each other anything. It sends nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection

from registry.config import Settings
from registry.records.store import key_of
from registry.services.find import Endpoint, find
from registry.services.health import rules, store as health
from registry.services.health.rules import Row
from vosi import capabilities
from vosi.capabilities import Capability, Interface

HOST = "dc.internal"  # the gateway's name inside a container
_FOR_PEOPLE = frozenset({"vr:webbrowser"})
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True)
class Route:
    """One endpoint as a job sees it; `id` is the first part of the path of `gateway_url`."""

    id: str
    endpoint: Endpoint
    gateway_url: str


def routes(
    connection: Connection, settings: Settings, requires: Iterable[str], gateway_address: str = "",
) -> list[Route]:
    """The routes of a job that declared the standardIDs `requires`: best first for each, none twice.

    What does not work now comes behind what may, for each standard; it is there all the same, since it may come back.

    `gateway_address` is `host:port` as the job sees the gateway; by default dc.internal and the site's gateway_port.
    """
    origin = f"http://{gateway_address or f'{HOST}:{settings.gateway_port}'}"
    found: dict[str, Route] = {}
    for standard_id in requires:
        usable = [endpoint for endpoint in find(connection, standard_id) if _forwardable(endpoint)]
        states = health.states(connection, {endpoint.key for endpoint in usable}) if len(usable) > 1 else {}
        for endpoint in sorted(usable, key=lambda one: _is_down(one, states)):
            route = _route(endpoint, origin)
            found.setdefault(route.id, route)
    return list(found.values())


def lacking(connection: Connection, requires: Iterable[str]) -> str:
    """Why a job that declared the standardIDs `requires` cannot do its work now, in a sentence; '' where it can."""
    for standard_id in requires:
        usable = [endpoint for endpoint in find(connection, standard_id) if _forwardable(endpoint)]
        if not usable:
            return f"It needs {standard_id}, which no service of this datacenter offers: ask for RUN again when one does."
        states = health.states(connection, {endpoint.key for endpoint in usable})
        if all(_is_down(endpoint, states) for endpoint in usable):
            return f"It needs {standard_id}, and every service here that offers it is down: ask for RUN again when one is up."
    return ""


def required(contract: Mapping[str, Any]) -> list[str]:
    """The standardIDs in a stored contract's `requires`; an entry may be one, or an object with `standardID`."""
    entries = contract.get("requires") or []
    names = [entry.get("standardID", "") if isinstance(entry, Mapping) else str(entry) for entry in entries]
    return [name for name in names if name]


def documents(routes: Iterable[Route]) -> tuple[bytes, bytes]:
    """What a container is told: the VOSI capabilities document, and the same for programs (`apis.json`)."""
    listed = list(routes)
    addresses = {route.endpoint.access_url: route.gateway_url for route in listed}
    told: dict[tuple[str, bytes | None, str], Capability] = {}
    for route in listed:
        capability = route.endpoint.capability
        told.setdefault((route.endpoint.ivoid, capability.xml, capability.standard_id), capability)
    xml = capabilities.write([
        capabilities.readdressed(capability, lambda url: addresses.get(url, url)) for capability in told.values()])
    apis = {"contract": 1, "apis": [_description(route) for route in listed]}
    return xml, json.dumps(apis, indent=1, ensure_ascii=False).encode("utf-8")


def parameters(interface: Interface) -> list[dict[str, str]]:
    """What an interface says of its inputs, for programs; what it does not say is left out."""
    names = ("name", "description", "ucd", "unit", "datatype", "use")
    return [{name: getattr(param, name) for name in names if getattr(param, name)} for param in interface.params]


def canonical_path(path: str) -> str:
    """A URL's path with its percent-escapes in the one form they are compared in (RFC 3986 §6.2.2)."""
    quoted = quote(path, safe="/%:@!$&'()*+,;=~-._")

    def plain(match: re.Match[str]) -> str:
        character = chr(int(match.group(1), 16))
        return character if character in _UNRESERVED else match.group().upper()

    return _ESCAPE.sub(plain, quoted)


def _is_down(endpoint: Endpoint, states: Mapping[str, list[Row]]) -> bool:
    row = health.state_of(states.get(endpoint.key, ()), endpoint.access_url)
    return row is not None and row.state in (rules.DOWN, rules.MAINTENANCE)


def _route(endpoint: Endpoint, origin: str) -> Route:
    parts = urlsplit(endpoint.access_url)
    name = hashlib.sha256(f"{key_of(endpoint.ivoid)}\n{endpoint.access_url}".encode()).hexdigest()[:16]
    query = f"?{parts.query}" if "?" in endpoint.access_url else ""
    return Route(name, endpoint, f"{origin}/{name}{canonical_path(parts.path)}{query}")


def _forwardable(endpoint: Endpoint) -> bool:
    is_web = endpoint.access_url.lower().startswith(("http://", "https://"))
    return is_web and endpoint.interface_type.lower() not in _FOR_PEOPLE


def _description(route: Route) -> dict[str, Any]:
    endpoint = route.endpoint
    return {
        "standardID": endpoint.standard_id, "url": route.gateway_url, "use": endpoint.url_use,
        "type": endpoint.interface_type, "role": endpoint.role, "version": endpoint.version,
        "ivoid": endpoint.ivoid, "title": endpoint.title,
        "parameters": parameters(endpoint.interface),
    }


