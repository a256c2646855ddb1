"""Addresses on their way to a job: what an API says of itself becomes what the gateway calls it (D14).

Only two things are touched: Location headers, and the accessURLs of VOSI capabilities documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from registry.gateway.paths import covers
from registry.services.inner import Route, canonical_path
from vosi import capabilities
from vosi.namespaces import STD_VOSI_CAPABILITIES
from vosi.xmlio import XmlRefused

MAX_DOCUMENT = 5_000_000
_PORTS = {"http": 80, "https": 443}
_XML = frozenset({"text/xml", "application/xml", "application/x-vosi+xml"})


def to_gateway(url: str, routes: Iterable[Route]) -> str | None:
    """The gateway's address for the absolute `url`, None where none of `routes` covers it."""
    try:
        wanted = urlsplit(url)
        place = _place(wanted)
    except ValueError:
        return None
    path = canonical_path(wanted.path)
    for route in routes:
        endpoint = route.endpoint
        if _place(urlsplit(endpoint.access_url)) == place and covers(endpoint.access_url, endpoint.url_use, path):
            origin = route.gateway_url.partition(f"/{route.id}")[0]
            query = f"?{wanted.query}" if wanted.query else ""
            fragment = f"#{wanted.fragment}" if wanted.fragment else ""
            return f"{origin}/{route.id}{path}{query}{fragment}"
    return None


def may_be_capabilities(route: Route, path: str) -> bool:
    """Whether an answer from there could be a VOSI capabilities document, so that it is worth reading."""
    standard = route.endpoint.standard_id.lower()
    return standard == STD_VOSI_CAPABILITIES.lower() or path.rstrip("/").endswith("/capabilities")


def is_xml(content_type: str) -> bool:
    """Whether a Content-Type says XML."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _XML or kind.endswith("+xml")


def document(body: bytes, routes: Iterable[Route]) -> bytes:
    """A VOSI capabilities document with gateway addresses where `routes` cover its own; any other body as it is."""
    listed = list(routes)
    try:
        reading = capabilities.read(body)
    except XmlRefused:
        return body
    if not reading.capabilities:
        return body
    return capabilities.write([
        capabilities.readdressed(capability, lambda url: to_gateway(url.strip(), listed) or url)
        for capability in reading.capabilities])


def _place(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower())
