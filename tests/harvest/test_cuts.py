"""Harvests cut off anywhere, by kill -9, a power cut or a full disk: the database ends as an uncut harvest leaves it.

And no page but the one that was under way is fetched a second time.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import event, select

from registry import config_file
from registry.config import CONFIG_FILE
from registry.harvest import harvester, lease, sources, store
from registry.schema import upgrade
from registry.site import Site, open_site
from registry.tables import harvest_seen, is_number, metadata
from tests.conftest import ROOT
from tests.harvest.conftest import turn
from tests.harvest.test_hostile import F, Far, item, listed
from tests.oai import shelves

SEED = 20240501
# what tells when something was done, by whom, or in which order rows were made
_MOVING = {"records": {"datestamp"}, "record_versions": {"at"}, "quarantine": {"id", "at", "run_id"}}
Order = Callable[..., str]


def pages(far: Far, number: int, size: int) -> None:
    """A list of so many pages: records that are good, invalid, deleted, another registry's."""
    for at in range(number):
        items = [item(f"{F}r{at:03}-{place}") for place in range(size)]
        if at % 3 == 1:
            items[0] = item(f"{F}bad{at}", shelves.record(f"{F}bad{at}").decode().replace("<title>One</title>", ""))
            items.append(item(f"ivo://else.example/{at}"))
        if at % 4 == 2:
            items.append(f'<record><header status="deleted"><identifier>{F}r{at - 1:03}-1</identifier>'
                         "<datestamp>2023-01-01T00:00:00Z</datestamp></header></record>")
        token = f"p{at + 1}" if at + 1 < number else ""
        far.answers["" if at == 0 else f"p{at}"] = listed(*items, token=token)


def contents(site: Site) -> dict[str, list[str]]:
    """What must be the same however often a harvest was cut off."""
    found = {}
    with site.database.read() as connection:
        for name, table in metadata.tables.items():
            if name in ("records", "record_versions", "quarantine", "authorities") or name.startswith("rr_"):
                moving = _MOVING.get(name, set())
                columns = [column for column in table.columns if column.name not in moving and not is_number(column)]
                found[name] = sorted(map(repr, connection.execute(select(*columns))))
        found["sources"] = sorted(map(repr, connection.execute(
            select(metadata.tables["sources"].c.since, metadata.tables["sources"].c.registry))))
        assert connection.execute(select(harvest_seen)).first() is None, "nothing is left over"
    return found


class Template:
    """An instance with the source in it, not harvested yet; copies of it; and what a copy holds after an uncut harvest."""

    def __init__(self, folder: Path, far: Far, server: Any = None) -> None:
        self.folder, self.far, self.server = folder, far, server
        self._copies = 0
        (folder / "template").mkdir()
        self._template = self._database(folder / "template", "innerspace")
        site = open_of(folder / "template")
        upgrade(site.database)
        sources.add(site, far.url)
        site.close()
        site = open_of(self.copy())
        self.statements, count = 0, self._count
        event.listen(site.database.engine, "before_cursor_execute", count)
        assert turn(site) == 1
        event.remove(site.database.engine, "before_cursor_execute", count)
        with site.database.read() as connection:
            assert store.runs(connection)[0].state == store.COMPLETE
        self.uncut = contents(site)
        site.close()
        assert self.statements > 20 and len(self.uncut["records"]) > 10

    def _count(self, *_: object) -> None:
        self.statements += 1

    def copy(self) -> Path:
        self._copies += 1
        path = self.folder / f"copy-{self._copies}"
        shutil.copytree(self.folder / "template", path)
        self._database(path, self._template)
        return path

    def drop(self, instance: Path) -> None:
        """Remove a copy, for there are hundreds of them."""
        if self.server is not None:
            site = open_of(instance)
            name = site.database.url.database
            site.close()
            self.server.drop(name)
        shutil.rmtree(instance)

    def _database(self, instance: Path, template: str) -> str:
        """Give the instance a database of its own on the server, where there is one; its name."""
        if self.server is None:
            return ""
        name: str = self.server.make(template=template)
        (instance / CONFIG_FILE).unlink(missing_ok=True)  # the template's
        config_file.write(instance, {"database_url": self.server.url(name)})
        return name


def open_of(instance: Path) -> Site:
    return open_site(instance, authority="north.example", allowed_networks=["127.0.0.0/8"])


@pytest.fixture()
def far() -> Iterator[Far]:
    with HTTPServer(threaded=True) as server:
        yield Far(server)


@pytest.fixture()
def order() -> Iterator[Order]:
    """Do one turn in an instance, in a process that dies where it is told to; says whether it was killed or is done."""
    command = [sys.executable, "-m", "tests.harvest.mortal"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def give(instance: Path, what: str, number: int = 0, how: str = "") -> str:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{instance} {what} {number} {how}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield give
        process.stdin.close()


def whole(template: Template, instance: Path) -> None:
    """The instance holds what an uncut harvest leaves, and that is complete."""
    site = open_of(instance)
    try:
        with site.database.read() as connection:
            assert store.runs(connection)[0].state == store.COMPLETE
        assert contents(site) == template.uncut
    finally:
        site.close()


def fetched(far: Far) -> Counter[str]:
    """How often each page was fetched since the last look."""
    found = Counter(far.lists)
    far.asked.clear()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Any:
    """Where databases are made: none for SQLite, whose database is a file in its instance."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


def test_killed_behind_every_page(tmp_path: Path, far: Far, order: Order, server: Any) -> None:
    pages(far, 12, 4)
    template = Template(tmp_path, far, server)
    far.asked.clear()
    instance, turns = template.copy(), 0
    while order(instance, "page", 1) == "killed":
        turns += 1
    # a turn for each page, and one whose only bell is its end
    assert turns == 13
    whole(template, instance)
    assert fetched(far) == dict.fromkeys(far.answers, 1), "each page once"


@pytest.mark.soak
def test_killed_behind_every_page_of_200(tmp_path: Path, far: Far, order: Order) -> None:
    pages(far, 200, 2)
    template = Template(tmp_path, far)
    far.asked.clear()
    instance, turns = template.copy(), 0
    while order(instance, "page", 1) == "killed":
        turns += 1
    assert turns == 201
    whole(template, instance)
    assert fetched(far) == dict.fromkeys(far.answers, 1), "each page once"


def cut_at_statements(template: Template, order: Order, offsets: list[int], how: str = "") -> None:
    far, spared = template.far, 0
    for offset in offsets:
        far.asked.clear()
        instance = template.copy()
        if order(instance, "statement", offset, how) == "killed":
            assert order(instance, "never", 0, how) == "done"
        else:  # the queue is looked at by the clock: where that was slower, a harvest took more statements
            spared += 1
            assert spared <= len(offsets) / 20, offset
        whole(template, instance)
        again = fetched(far)
        assert set(again) == set(far.answers)
        assert sum(again.values()) - len(again) <= 1, (offset, again)
        template.drop(instance)


def test_killed_at_random_statements(tmp_path: Path, far: Far, order: Order) -> None:
    pages(far, 6, 3)
    template = Template(tmp_path, far)
    chance = random.Random(SEED)
    last = template.statements - 2  # behind it nothing is written any more
    cut_at_statements(template, order, [1, last, *chance.sample(range(2, last), 12)])


@pytest.mark.soak
def test_killed_at_200_random_statements_of_200_pages(tmp_path: Path, far: Far, order: Order, server: Any) -> None:
    pages(far, 200, 2)
    template = Template(tmp_path, far, server)
    chance = random.Random(SEED)
    cut_at_statements(template, order, chance.sample(range(1, template.statements - 2), 200))


def test_power_cuts_with_torn_logs(tmp_path: Path, far: Far) -> None:
    """Copies of the database behind every page, the write-ahead log cut at any byte: each goes on to the same end."""
    pages(far, 6, 3)
    template = Template(tmp_path, far)
    chance, copies = random.Random(SEED), []
    instance = template.copy()
    site = open_of(instance)

    def cut(_run: Any) -> None:
        copy = tmp_path / f"torn-{len(copies)}"
        shutil.copytree(instance, copy, ignore=shutil.ignore_patterns("*-shm", "run"))
        log = copy / "registry.sqlite-wal"
        with log.open("r+b") as file:
            file.truncate(chance.randrange(log.stat().st_size + 1))
        copies.append(copy)

    with lease.held(site, "w"):
        with site.database.write() as connection:
            run = harvester.ask(connection, 1)
        harvester.run(site, run.id, "w", progress=cut)
    site.close()
    assert len(copies) == 6
    for copy in copies:
        again = open_of(copy)
        upgrade(again.database)
        turn(again)
        assert contents(again) == template.uncut
        again.close()


def test_a_full_disk(tmp_path: Path, far: Far, order: Order) -> None:
    """No file may grow beyond some length: nothing half is kept, and with room again everything comes."""
    pages(far, 12, 4)
    template = Template(tmp_path, far)
    instance = template.copy()
    begun = max(path.stat().st_size for path in instance.iterdir() if path.is_file())
    failed = 0
    for room in (0, 4096, 40_000, 80_000, 120_000, 10_000_000):
        assert order(instance, "bytes", begun + room) == "done"
        site = open_of(instance)
        with site.database.write() as connection:
            if store.runs(connection)[0].state == store.COMPLETE:
                break
            # it is asked again at once, not after a while
            connection.execute(metadata.tables["sources"].update().values(next_run="2020-01-01T00:00:00Z"))
        site.close()
        failed += 1
    assert failed >= 2
    site.close()
    whole(template, instance)
