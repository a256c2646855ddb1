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
    from registry.schema import upgrade  # here, so that tests that need no datacenter load none of it
    from registry.site import open_site

    opened = open_site(
        tmp_path / "instance", authority="north.example", title="North", base_url="http://127.0.0.1:8101/",
        allowed_networks=["127.0.0.0/8"], admin_email="ops@north.example", instance_name="north",
    )
    upgrade(opened.database)
    yield opened
    opened.close()
