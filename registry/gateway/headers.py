"""Which headers pass the gateway, each way; pure functions over lists of (name, value)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What a job says that an API needs. A list of what passes, since some servers believe X-Remote-User and the like.
_FROM_JOB = (
    "Accept", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Language", "If-Match",
    "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Pragma", "Range", "User-Agent",
)
# Of the connection to the API (RFC 9110 §7.6.1), or between the site and the API: not for the job.
_NOT_FOR_JOB = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "set-cookie", "set-cookie2", "www-authenticate", "alt-svc", "refresh",
    "strict-transport-security", "content-location", "location",
})


def to_api(environ: Mapping[str, Any], credential: Mapping[str, str], *, packed: bool) -> dict[str, str]:
    """The headers to send to an API, the site's `credential` among them; the job's own Authorization and cookies never.

    `packed` is false where the body will be read here, and so must come as it is.
    """
    found = {name: environ[key] for name in _FROM_JOB if (key := f"HTTP_{name.upper().replace('-', '_')}") in environ}
    if environ.get("CONTENT_TYPE"):
        found["Content-Type"] = environ["CONTENT_TYPE"]
    # said in any case: else the HTTP library would ask for what the job may not be able to unpack
    found["Accept-Encoding"] = environ.get("HTTP_ACCEPT_ENCODING", "identity") if packed else "identity"
    found.setdefault("Accept", "*/*")
    return {**found, **credential}


def to_job(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of an API's answer that a job gets; Location is not among them, since it must be rewritten."""
    listed = list(headers)
    named = {
        name.strip().lower() for header, value in listed if header.lower() == "connection" for name in value.split(",")
    }
    return [
        (name, value) for name, value in listed
        if name.lower() not in _NOT_FOR_JOB and name.lower() not in named and _one_line(value)
    ]


def _one_line(value: str) -> bool:
    return "\r" not in value and "\n" not in value
