"""An engine's streams taken apart: log frames and JSON documents, from chunks cut anywhere. It reads no socket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from registry.executor.runtime import STDERR, STDOUT

_HEADER = 8  # stream number, three zeros, length in four bytes (Engine API, ContainerAttach)
_STREAMS = {1: STDOUT, 2: STDERR}


def split(chunks: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """(`stdout` or `stderr`, data) for each whole frame; a frame torn off at the end is left out."""
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
