"""The pages over a founded datacenter, and browsers of people with each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from registry import access, create_app
from registry.records import founding
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import open_site
from tests.oai.serving import loopback, serving

PASSWORD = "correct horse battery"
ROLES = ("", "reader", "runner", "publisher", "administrator")  # '' is somebody without an account


@pytest.fixture()
def founded(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The datacenter with its four records and an account of each role, named as the role; quick hashes."""
    monkeypatch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    founding.found(site, Founding("north.example", "North", site.settings.base_url, email="ops@north.example"), "test")
    with site.database.write() as connection:
        for role in access.ROLES:
            access.create_account(connection, role, PASSWORD, role)
    return site


@pytest.fixture()
def app(founded: Any) -> Flask:
    """The whole web application."""
    return create_app(founded)


class Browser:
    """Somebody with a browser: logged in as `role`, sending the CSRF token as the pages' forms do."""

    def __init__(self, app: Flask, role: str) -> None:
        self.client: FlaskClient = app.test_client()
        self._site = app.extensions["site"]
        self.secret = ""
        if role:
            with self._site.database.write() as connection:
                self.secret = access.open_session(connection, role)
            self.client.set_cookie("innerspace-north-example", self.secret)

    @property
    def token(self) -> str:
        return access.csrf_token(self._site, self.secret) if self.secret else ""

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, headers={"Accept": "text/html"}, **more)

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data={"csrf_token": self.token, **fields}, headers={"Accept": "text/html"})


@pytest.fixture()
def browser(app: Flask) -> Callable[[str], Browser]:
    """Make the browser of somebody with a role."""
    return lambda role="": Browser(app, role)


@pytest.fixture()
def bearer(founded: Any) -> Callable[[str], dict[str, str]]:
    """The Authorization header of a role's API token; none for ''."""

    def header(role: str) -> dict[str, str]:
        if not role:
            return {}
        with founded.database.write() as connection:
            return {"Authorization": f"Bearer {access.create_token(connection, role)[1]}"}

    return header


@pytest.fixture()
def neighbour(tmp_path: Path) -> Iterator[str]:
    """Another datacenter, `south.example`, with its four records, at an address of this machine."""
    held = loopback()
    base = f"http://127.0.0.1:{held.getsockname()[1]}/"
    opened = open_site(
        tmp_path / "south", authority="south.example", title="South", base_url=base, instance_name="south"
    )
    upgrade(opened.database)
    founding.found(opened, Founding("south.example", "South", base, email="ops@south.example"), "test")
    with serving(create_app(opened), held):
        yield base
    opened.close()
