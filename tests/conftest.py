"""What every test may use: a fresh datacenter in a temporary folder, and where the official documents are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("INNERSPACE_SHARED") or ROOT.parent / "shared")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the official schemas and documents the tests that read them are deselected, and their number told."""
    if (SHARED / "xsd" / "catalog.json").is_file():
        return
    without = [item for item in items if item.get_closest_marker("shared")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if not item.get_closest_marker("shared")]
        print(f"{len(without)} tests need the official documents (INNERSPACE_SHARED, now {SHARED}): deselected")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the official schemas and the corpus; read only."""
    return SHARED


@pytest.fixture()
def site(tmp_path: Path) -> Iterator[Any]:
    """A datacenter of its own: authority `north.example`, SQLite, loopback allowed for outbound requests."""
    yield from _opened(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the tests' own (`tests.postgres.Server`), with the present schema in `innerspace`."""
    from registry.db import Database
    from registry.schema import upgrade
    from tests import postgres as servers  # its driver is an extra, and most tests need neither

    with servers.running() as server:
        server.tell("CREATE DATABASE innerspace")
        database = Database(server.url("innerspace"))
        upgrade(database)
        database.close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database of each kind, one after the other; only the server's has its schema already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'instance' / 'registry.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = server.make(template="innerspace")
    yield server.url(name)
    server.drop(name)


@pytest.fixture()
def any_site(tmp_path: Path, database_url: str) -> Iterator[Any]:
    """`site`, once on SQLite and once on PostgreSQL."""
    yield from _opened(tmp_path, database_url=database_url)


def _opened(tmp_path: Path, **settings: Any) -> Iterator[Any]:
    from registry.schema import upgrade  # here, so that tests that need no datacenter load none of it
    from registry.site import open_site

    opened = open_site(
        tmp_path / "instance", authority="north.example", title="North", base_url="http://127.0.0.1:8101/",
        allowed_networks=["127.0.0.0/8"], admin_email="ops@north.example", instance_name="north", **settings)
    upgrade(opened.database)
    yield opened
    opened.close()
