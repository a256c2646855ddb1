"""The answer of a capability query in its forms: VOSI XML, JSON, `id = url` lines. Pure functions over endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry.services.find import Endpoint
from registry.services.inner import parameters
from vosi import capabilities


def as_vosi(found: Iterable[Endpoint]) -> bytes:
    """The capabilities that the endpoints are of, each once, as a VOSI document."""
    listed = {(one.ivoid, one.capability.xml, one.standard_id): one.capability for one in found}
    return capabilities.write(listed.values())


def as_lines(found: Iterable[Endpoint]) -> str:
    """One line an endpoint: the service's identifier, ` = `, its access URL."""
    return "".join(f"{one.ivoid} = {one.access_url}\n" for one in found)


def as_dictionaries(found: Iterable[Endpoint]) -> list[dict[str, Any]]:
    """Each endpoint with everything that is known of it; names as in `apis.json`."""
    return [
        {
            "ivoid": one.ivoid, "title": one.title, "standardID": one.standard_id, "type": one.interface_type,
            "url": one.access_url, "use": one.url_use, "role": one.role, "version": one.version,
            "securityMethods": [method for method in one.security_methods if method],
            "anonymous": one.anonymous, "parameters": parameters(one.interface),
            **({"status": one.state, "since": one.since, "zone": one.zone} if one.state else {}),
            **({"message": one.message} if one.message else {}),
        }
        for one in found
    ]
