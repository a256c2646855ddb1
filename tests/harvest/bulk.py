"""The synthetic registry of ../shared/corpus/make_bulk.py, in a process of its own, with the faults that are asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from registry.records import listing, store
from registry.site import Site
from tests.conftest import SHARED


@contextmanager
def bulk(*options: str, count: int = 60, page: int = 10, seed: int = 1) -> Iterator[str]:
    """Serve `count` small records in pages; gives the address of OAI-PMH."""
    maker = SHARED / "corpus" / "make_bulk.py"
    command = [sys.executable, str(maker), "--serve", "0", "--small", "--count", str(count), "--page-size", str(page),
               "--seed", str(seed), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().split(" at ")[1].strip()
        finally:
            process.kill()


def shelf(site: Site) -> dict[str, tuple[str, str, int]]:
    """What is on the shelf: digest, status and version of each record, by key."""
    with site.database.read() as connection:
        return {one.key: (one.digest, one.status, one.version)
                for one in listing.every(connection, origin=store.HARVESTED)}
