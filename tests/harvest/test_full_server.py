"""The disk of the database server runs full in mid harvest: one sentence, nothing half, and on when there is room again.

Its disk is a tablespace in memory of a few megabytes, which only root may mount: so this is soak.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select, update

from registry import config_file
from registry.config import CONFIG_FILE
from registry.harvest import store
from registry.harvest.store import Run
from registry.site import Site
from registry.tables import records, sources as sources_table
from tests.harvest.conftest import turn
from tests.harvest.test_cuts import Template, open_of, pages, whole
from tests.harvest.test_hostile import Far

MB = 1024 * 1024
NAME = "in_small"  # the database that is kept there


@pytest.fixture()
def far() -> Iterator[Far]:
    with HTTPServer(threaded=True) as server:
        yield Far(server)


@pytest.fixture()
def small(tmp_path: Path, postgres: Any) -> Iterator[Callable[[int], None]]:
    """The tablespace `small` of the server; call it to say how many megabytes it has, none for all that it holds and no more."""
    place = postgres.folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "innerspace-test", place], check=True)
    try:
        owner = pwd.getpwnam(place.parent.owner())
        os.chown(place, owner.pw_uid, owner.pw_gid)
        postgres.tell(f"CREATE TABLESPACE small LOCATION '{place}'")

        def resize(free: int) -> None:
            found = os.statvfs(place)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            subprocess.run(["mount", "-o", f"remount,size={used + free}", place], check=True)

        try:
            yield resize
        finally:
            resize(512 * MB)
            postgres.drop(NAME)
            postgres.tell("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.soak
def test_the_servers_disk_is_full(tmp_path: Path, far: Far, postgres: Any, small: Callable[[int], None]) -> None:
    pages(far, 120, 12)
    template = Template(tmp_path, far, postgres)
    instance = template.copy()
    postgres.tell(f'CREATE DATABASE {NAME} TEMPLATE "{template._template}" TABLESPACE small')
    (instance / CONFIG_FILE).unlink()
    config_file.write(instance, {"database_url": postgres.url(NAME)})
    ended: list[Run] = []
    for room in (MB, MB, MB, 512 * MB):
        small(room)
        far.asked.clear()
        site = open_of(instance)
        turn(site)
        with site.database.read() as connection:
            ended.append(store.runs(connection)[0])
            assert_whole_pages(site, connection)
        if room < 512 * MB:
            small(MB // 4)  # for a person who says that it is to be tried again
            with site.database.write() as connection:
                connection.execute(update(sources_table).values(next_run="2020-01-01T00:00:00Z"))
        site.close()
    assert [run.state for run in ended[:-1]] == [store.FAILED] * 3, ended
    for run in ended[:-1]:
        assert run.message.startswith("What came cannot be stored here (") and "No space left on device" in run.message
        assert run.message.endswith("): it goes on later.") and "\n" not in run.message
    assert ended[-1].state == store.COMPLETE and ended[-1].skipped > 0, "it went on where it was"
    whole(template, instance)


def assert_whole_pages(site: Site, connection: Any) -> None:
    """What the runs say that they stored is what is there."""
    told = sum(run.new for run in store.runs(connection, limit=100))
    assert connection.execute(select(func.count()).select_from(records)).scalar_one() == told
