"""How fast a harvester gets everything, what that costs the server, and what it holds in memory meanwhile.

Ours and the limit (the same waitress handing out the same bytes from memory) take turns, round by round.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import datacenters, serving
from benchmarks.client import Client
from benchmarks.figures import Figure, timed
from benchmarks.scale import RECORDS, ROUNDS
from benchmarks.serving import MEMORY, OURS, Server

HARVESTERS = 4


@dataclass
class Harvest:
    """A whole list, read once: bytes, seconds, CPU seconds of the server."""

    bytes: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """MB a second."""
        return self.bytes / 1e6 / self.seconds


def figures() -> Iterator[Figure]:
    """ListRecords to its end by one harvester and by four."""
    instance = datacenters.filled(RECORDS)
    with Server(MEMORY, instance) as memory, Server(OURS, instance) as ours:
        records, count = _size(ours)
        rounds = [(_walk(ours, _follow), _walk(memory, lambda client: _all(client, count))) for _ in range(ROUNDS)]
        mine = [one for one, _ in rounds]
        limit = [one for _, one in rounds]
        yield Figure("ListRecords", _median(mine, "rate"), _median(limit, "rate"), "MB/s", "the same bytes from memory", ">= 0.4")
        yield Figure("ListRecords, server's CPU", records / _median(mine, "cpu"), records / _median(limit, "cpu"),
                     "records per CPU second", "the same bytes from memory", target=">= 15000")
        # a fresh process, so that what one harvester made it hold does not count
    with Server(OURS, instance) as ours:
        resting = ours.peak()
        _together(ours)
        yield Figure(f"memory with {HARVESTERS} harvesters at once", ours.peak(), resting, "MB", "at rest", target="<= 150")


def _size(server: Server) -> tuple[int, int]:
    """How many records and pages the list has; warms the server up as well."""
    client = server.client()
    records = count = 0
    for page in serving.pages(client):
        records += page.count(b"<record>")
        count += 1
    client.close()
    return records, count


def _walk(server: Server, read) -> Harvest:  # type: ignore[no-untyped-def]
    done = Harvest()
    client = server.client()
    before = server.cpu()

    def all_of_it() -> None:
        done.bytes = read(client)

    done.seconds = timed(all_of_it)
    done.cpu = server.cpu() - before
    client.close()
    return done


def _follow(client: Client) -> int:
    """Read the list token by token; its size in bytes."""
    path, total = serving.FIRST, 0
    while path:
        size, end = client.take(path)
        total += size
        path = serving.following(end)
    return total


def _all(client: Client, count: int) -> int:
    return sum(client.take(f"/{number}")[0] for number in range(count))


def _together(server: Server) -> None:
    """Four harvesters at once, each to the list's end."""
    threads = [threading.Thread(target=_follow, args=(server.client(),)) for _ in range(HARVESTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _median(walks: list[Harvest], name: str) -> float:
    return statistics.median(getattr(walk, name) for walk in walks)
