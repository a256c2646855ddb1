"""A harvester of its own process: pulls the whole list again and again until it is ended (`-m benchmarks.harvester PORT`)."""

from __future__ import annotations

import sys

from benchmarks import serving
from benchmarks.client import Client


def main(port: int) -> None:
    """Says "pulling" after the first page."""
    client, path = Client(port), serving.FIRST
    path = serving.following(client.take(path)[1])
    print("pulling", flush=True)
    while True:
        path = serving.following(client.take(path or serving.FIRST)[1])


if __name__ == "__main__":
    main(int(sys.argv[1]))
