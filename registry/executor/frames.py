"""An engine's streams taken apart: log frames and JSON documents, from chunks cut anywhere; and its moments.

It reads no socket.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from registry.executor.runtime import STDERR, STDOUT

_HEADER = 8  # stream number, three zeros, length in four bytes (Engine API, ContainerAttach)
FAULT = "fault"  # the engine's own words, where it can read no further
_STREAMS = {1: STDOUT, 2: STDERR, 3: FAULT}


def split(chunks: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """(`stdout`, `stderr` or FAULT, data) for each whole frame; a frame torn off at the end is left out."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        place = 0
        while len(buffer) - place >= _HEADER:
            end = place + _HEADER + int.from_bytes(buffer[place + 4:place + _HEADER], "big")
            if len(buffer) < end:
                break
            yield _STREAMS.get(buffer[place], STDOUT), bytes(buffer[place + _HEADER:end])
            place = end
        del buffer[:place]


def documents(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Each JSON object of a stream that has one on a line; what is no JSON object is left out."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict):
                yield document


def moment(text: str) -> datetime | None:
    """A moment as the engine writes it (nanoseconds); None for the year 1, its way to say never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def seconds(stamp: str) -> str:
    """`2026-11-24T20:22:25.123456789Z` as seconds since 1970 with all nine digits: a float has too few."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return f"{seconds}.{fraction or '0'}"


def message(body: bytes) -> str:
    """What an engine says in an answer that refuses: its `message`, else the text itself."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return str(found.get("message", found)) if isinstance(found, dict) else str(found)
