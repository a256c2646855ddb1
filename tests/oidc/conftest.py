"""A datacenter whose people may log in by a provider, the provider, and a browser that goes from one to the other."""

from __future__ import annotations

import html
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from flask import Flask

from registry import access, create_app
from registry.oidc import secret
from registry.oidc.settings import Provider as Settings
from registry.records import founding
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import open_site
from registry.tables import accounts, api_tokens, audit, identities, login_attempts, sessions, visits
from tests.oai.serving import loopback, serving
from tests.oidc.provider import CLIENT, SECRET, Provider

PASSWORD = "correct horse battery"
COOKIE = "innerspace-north-example"


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[str, Callable[[Provider], None]]]:
    """The address of a provider, and what puts another behind it."""
    app = Flask("provider")
    held = loopback()
    with serving(app, held) as base:
        plain = app.wsgi_app

        def behind(made: Provider) -> None:
            app.wsgi_app = made.app().wsgi_app  # type: ignore[method-assign]

        yield base.rstrip("/"), behind
        app.wsgi_app = plain  # type: ignore[method-assign]


@pytest.fixture()
def provider(listening: Any) -> Provider:
    made = Provider(listening[0])
    listening[1](made)
    return made


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A founded datacenter for a module: its people are taken out after each test."""
    site = open_site(
        tmp_path_factory.mktemp("oidc") / "instance", authority="north.example", title="North",
        base_url="http://127.0.0.1:8101/", allowed_networks=["127.0.0.0/8"], admin_email="ops@north.example",
        instance_name="north", fetch_deadline=5)
    upgrade(site.database)
    founding.found(site, Founding("north.example", "North", site.settings.base_url, email="ops@north.example"), "test")
    secret.keep(site, SECRET)
    yield site
    site.close()


@pytest.fixture(scope="module")
def app(opened: Any) -> Flask:
    return create_app(opened)


@pytest.fixture()
def people(opened: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The datacenter with an administrator `root` and a runner `ada`; quick hashes."""
    monkeypatch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with opened.database.write() as connection:
        access.create_account(connection, "root", PASSWORD, "administrator")
        access.create_account(connection, "ada", PASSWORD, "runner")
    yield opened
    with opened.database.write() as connection:
        for table in (visits, identities, sessions, api_tokens, login_attempts, audit, accounts):
            connection.execute(table.delete())


class Traveller:
    """A browser that goes where it is sent, between the datacenter and its provider."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.site = app.extensions["site"]
        self.client = app.test_client()

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie(COOKIE)
        return found.value if found else ""

    @property
    def name(self) -> str | None:
        return access.of_session(self.site, self.cookie).name

    def leave(self, goal: str = "") -> str:
        """Press the button; gives where the provider sends back to."""
        answer = self.client.get("/admin/oidc/login", query_string={"next": goal} if goal else {})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return redirected(answer.location)

    def come_back(self, address: str) -> Any:
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}/" == self.site.settings.base_url
        return self.client.get(f"{parts.path}?{parts.query}")

    def log_in(self, goal: str = "") -> Any:
        return self.come_back(self.leave(goal))

    def log_in_by_password(self, name: str) -> None:
        with self.site.database.write() as connection:
            self.client.set_cookie(COOKIE, access.open_session(connection, name))

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data={"csrf_token": access.csrf_token(self.site, self.cookie), **fields})


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        return None


def redirected(url: str, data: bytes | None = None) -> str:
    """Where the answer at `url` leads."""
    try:
        with urllib.request.build_opener(_Still).open(url, data, timeout=10) as answer:
            raise AssertionError(f"{url} leads nowhere: {answer.status} {answer.read(500)!r}")
    except urllib.error.HTTPError as error:
        assert error.code in (302, 303), error.read()
        return str(error.headers["Location"])


@pytest.fixture()
def traveller(app: Flask, people: Any, provider: Provider) -> Callable[..., Traveller]:
    """A browser at the datacenter with these settings of its provider."""

    def made(**settings: Any) -> Traveller:
        said = Settings(**{"issuer": provider.issuer, "client_id": CLIENT, "title": "the institute", **settings})
        app.extensions["site"] = replace(people, settings=people.settings.model_copy(update={"oidc": said}))
        app.extensions.pop("oidc", None)
        return Traveller(app)

    return made


def sentence(answer: Any) -> str:
    """What the login page says went wrong."""
    page = answer.get_data(as_text=True)
    assert "<h1>Log in</h1>" in page and 'name="password"' in page, page
    return html.unescape(page.partition('role="alert">')[2].partition("<")[0].strip())
