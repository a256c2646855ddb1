"""Two and more datacenters in one process, each served by a real server and harvesting the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from registry.harvest import harvester, lease, schedule, sources, store
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.oai import shelves
from tests.oai.conftest import app_of
from tests.oai.serving import loopback, serving


@pytest.fixture()
def datacenter(tmp_path: Any) -> Iterator[Callable[..., Site]]:
    """Makes datacenters: `datacenter("north.example", page_size=5)` is founded and served until the test ends."""
    with ExitStack() as stack:

        def make(authority: str, **overrides: Any) -> Site:
            bound = loopback()
            url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
            site = open_site(tmp_path / authority, **{
                "authority": authority, "title": authority, "base_url": url, "allowed_networks": ["127.0.0.0/8"],
                "page_size": 5, "fetch_timeout": 5, **overrides})
            stack.callback(site.close)
            upgrade(site.database)
            with shelves.at():
                shelves.found(site)
            stack.enter_context(serving(app_of(site), bound))
            return site

        yield make


def add(site: Site, other: Site, **more: Any) -> Source:
    """Make `other` a source of `site`."""
    return sources.add(site, other.settings.url("oai"), **more)


def harvest(site: Site, source: Source, *, full: bool = False, pause: Callable[[float], None] = lambda _: None) -> Run:
    """Harvest the source now, in this process."""
    with lease.held(site, "test") as ours:
        assert ours
        with site.database.write() as connection:
            run = harvester.ask(connection, source.id, full=full)
        done = harvester.run(site, run.id, "test", pause=pause)
    assert done is not None
    return done


def counts(run: Run) -> dict[str, int]:
    """What became of the records of a run; nothing that is nought."""
    return {name: number for name in store.COUNTS if (number := getattr(run, name))}


def reasons(site: Site, run: Run) -> dict[str, str]:
    """Why records were not taken, by identifier."""
    with site.database.read() as connection:
        return {problem.ivoid: problem.reason for problem in store.problems(connection, run.id)}


def last_run(site: Site, source: Source) -> Run:
    """The newest run of the source."""
    with site.database.read() as connection:
        return store.runs(connection, source.id, limit=1)[0]


def turn(site: Site, name: str = "worker") -> int:
    """One turn of a worker that does not wait between tries."""
    return schedule.turn(site, name, pause=lambda _: None)
