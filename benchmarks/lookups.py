"""How fast one record is answered: idle, while a harvester pulls everything, on larger shelves; and first pages beside last ones.

What is compared takes turns. The limit of a single answer is the same waitress handing out one ready record from memory.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import datacenters, serving
from benchmarks.client import Client
from benchmarks.figures import Figure, percentile, timed
from benchmarks.scale import FULL, FULL_RECORDS, RECORDS, ROUNDS, SMALL
from benchmarks.serving import MEMORY, OURS, Server

LOOKUPS = 400  # in a round


def figures() -> Iterator[Figure]:
    """GetRecord in milliseconds, and pages."""
    instance = datacenters.filled(RECORDS)
    paths = _paths(instance)
    with Server(MEMORY, instance) as memory, Server(OURS, instance) as ours:
        yield from _idle(ours, memory, paths)
        yield from _harvested(ours, paths)
    yield from _flat(datacenters.filled(SMALL), instance)
    if FULL:
        yield from _flat(datacenters.filled(SMALL, small=True), datacenters.filled(FULL_RECORDS, small=True))
        yield from _pages(datacenters.filled(FULL_RECORDS, small=True))
    yield from _pages(instance)


def _idle(ours: Server, memory: Server, paths: Sequence[str]) -> Iterator[Figure]:
    mine, limit = _in_turn(_lookups(ours.client(), paths), _lookups(memory.client(), ["/record"]))
    for share, most in ((50, 2), (99, 10)):
        yield Figure(f"GetRecord, idle, p{share}", percentile(mine, share), percentile(limit, share), "ms",
                     "a record from memory", target=f"<= {most}")


def _harvested(ours: Server, paths: Sequence[str]) -> Iterator[Figure]:
    """The same server while one harvester pulls, beside itself at rest."""
    busy: list[float] = []
    idle: list[float] = []
    look = _lookups(ours.client(), paths)
    for _ in range(ROUNDS):
        idle += look()
        with _harvester(ours):
            busy += look()
    yield Figure("GetRecord, one harvester pulling, p50", percentile(busy, 50), percentile(idle, 50), "ms", "idle", "<= 2")
    yield Figure("GetRecord, one harvester pulling, p99", percentile(busy, 99), percentile(idle, 99), "ms", "idle")


def _flat(small: Path, large: Path) -> Iterator[Figure]:
    with Server(OURS, small) as one, Server(OURS, large) as other:
        on_small, on_large = _in_turn(_lookups(one.client(), _paths(small)), _lookups(other.client(), _paths(large)))
        yield Figure(f"GetRecord on {_size(large):,} records, p50", percentile(on_large, 50), percentile(on_small, 50), "ms",
                     f"on {_size(small):,}", "<= 1.2")


def _pages(instance: Path) -> Iterator[Figure]:
    """The first page of a list beside its last whole one, for a size of page at which there are some."""
    with Server(OURS, instance) as server:
        client = server.client()
        before, path = "", serving.FIRST
        while following := serving.following(client.take(path)[1]):
            before, path = path, following
        # the last page holds what is left over: the one before it is the last that is as large as the first
        first, last = _in_turn(lambda: _each(client, [serving.FIRST] * 20), lambda: _each(client, [before] * 20))
        yield Figure(f"last whole page of {_size(instance):,} records, p50", percentile(last, 50), percentile(first, 50), "ms",
                     "the first page", "<= 1.1")


def _paths(instance: Path) -> list[str]:
    """GetRecord of some records spread over the whole shelf."""
    names = [row[0] for row in _ask(instance, "SELECT ivoid FROM records ORDER BY key")]
    chosen = random.Random(1).sample(names, min(LOOKUPS, len(names)))
    return [serving.record(str(name)) for name in chosen]


def _size(instance: Path) -> int:
    return int(_ask(instance, "SELECT count(*) FROM records")[0][0])


def _ask(instance: Path, query: str) -> list[tuple[str | int, ...]]:
    connection = sqlite3.connect(instance / "registry.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _lookups(client: Client, paths: Sequence[str]) -> Callable[[], list[float]]:
    """A round of lookups, each in milliseconds."""
    wanted = [paths[number % len(paths)] for number in range(LOOKUPS)]
    _each(client, wanted[:50])  # warm
    return lambda: _each(client, wanted)


def _each(client: Client, paths: Sequence[str]) -> list[float]:
    return [timed(lambda path=path: client.take(path)) * 1000 for path in paths]  # type: ignore[misc]


def _in_turn(one: Callable[[], list[float]], other: Callable[[], list[float]]) -> tuple[list[float], list[float]]:
    """The times of both, round by round."""
    rounds = [(one(), other()) for _ in range(ROUNDS)]
    return [value for first, _ in rounds for value in first], [value for _, second in rounds for value in second]


@contextmanager
def _harvester(server: Server) -> Iterator[None]:
    """Somebody who pulls the list, again and again, for as long as the block takes; in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.harvester", str(server.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[1])
    assert process.stdout is not None
    process.stdout.readline()  # its first page is there
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
