"""Fixtures of this folder: engines, and jobs put into the queue without the web."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.schema import upgrade
from registry.site import Site, open_site
from tests.executor.engines import docker_client, docker_repository, images, instance  # noqa: F401
from tests.worker.nursery import Nursery
from tests.worker.station import idle, station  # noqa: F401


@pytest.fixture()
def site(tmp_path: Path, instance: str) -> Iterator[Site]:  # noqa: F811
    """A datacenter whose containers no other one on this machine touches."""
    opened = site_in(tmp_path / "instance", instance)
    upgrade(opened.database)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where worker processes come from."""
    made = Nursery()
    yield made
    made.close()


def site_in(folder: Path, name: str, **overrides: Any) -> Site:
    """The datacenter in `folder`, called `name` on the engine."""
    settings: dict[str, Any] = {
        "authority": "north.example", "title": "North", "base_url": "http://127.0.0.1:8101/", "instance_name": name,
        "allowed_networks": ["127.0.0.0/8"], "admin_email": "ops@north.example", "job_memory": 64 * 2**20,
        "job_disk": 2**20, **overrides,
    }
    return open_site(folder, **settings)
