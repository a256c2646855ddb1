"""A datacenter with records on its shelf, asked in process or over a real server; every page may be judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from registry.oai import views
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.conftest import SHARED
from tests.oai import shelves
from tests.oai.serving import loopback, serving
from vosi import namespaces as ns
from vosi.schemas import Schemas

XS = "http://www.w3.org/2001/XMLSchema"
OAI = f"{{{ns.OAI}}}"


@cache
def official() -> etree.XMLSchema:
    """The official schema set of ../shared/xsd, one edition of each namespace."""
    folder = SHARED / "xsd"
    root = etree.Element(f"{{{XS}}}schema")
    for name, file in sorted(json.loads((folder / "catalog.json").read_text())["namespaces"].items()):
        if name in Schemas().namespaces():
            etree.SubElement(root, f"{{{XS}}}import", namespace=name, schemaLocation=(folder / file).as_uri())
    return etree.XMLSchema(root)


@dataclass
class Page:
    """One response, taken apart."""

    status: int
    headers: dict[str, str]
    data: bytes
    root: etree._Element

    def texts(self, name: str) -> list[str]:
        return [found.text or "" for found in self.root.iter(OAI + name)]

    @property
    def errors(self) -> list[str]:
        return [found.get("code", "") for found in self.root.findall(f"{OAI}error")]

    @property
    def date(self) -> str:
        return self.texts("responseDate")[0]

    @property
    def request(self) -> etree._Element:
        found = self.root.find(f"{OAI}request")
        assert found is not None
        return found

    @property
    def token(self) -> etree._Element | None:
        return next(self.root.iter(f"{OAI}resumptionToken"), None)

    @property
    def headers_of(self) -> dict[str, etree._Element]:
        """Each header by its identifier."""
        return {found.findtext(f"{OAI}identifier", ""): found for found in self.root.iter(f"{OAI}header")}


class Asker:
    """Asks /oai; every answer must be one valid OAI-PMH document with status 200."""

    def __init__(self, client: FlaskClient, schemas: Schemas) -> None:
        self.client = client
        self._schemas = schemas

    def __call__(self, *pairs: tuple[str, str], method: str = "GET", **arguments: str) -> Page:
        named = [(name.rstrip("_").replace("from_", "from"), value) for name, value in arguments.items()]
        query = [*named, *pairs]
        how: Any = {"query_string": _multi(query)} if method == "GET" else {"data": _multi(query)}
        reply = self.client.open("/oai", method=method, **how)
        return self.judged(reply)

    def judged(self, reply: Any) -> Page:
        page = Page(reply.status_code, dict(reply.headers), reply.data, etree.fromstring(reply.data))
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert self._schemas.validate(page.root) == []
        return page

    def all(self, verb: str, **arguments: str) -> list[Page]:
        """Every page of a list, as a harvester reads it."""
        pages = [self(verb=verb, **arguments)]
        while (token := pages[-1].token) is not None and token.text:
            pages.append(self(verb=verb, resumptionToken=token.text))
        return pages


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    return named


def app_of(site: Site) -> Flask:
    """A web application of this room alone."""
    app = Flask("registry")
    app.extensions["site"] = site
    views.register(app)
    return app


@pytest.fixture()
def north(tmp_path: Any) -> Iterator[Callable[..., Site]]:
    """Makes registries: `north(page_size=3)`; each has its own folder and is closed at the end."""
    opened: list[Site] = []

    def make(**overrides: Any) -> Site:
        settings = {"authority": "north.example", "title": "North", "base_url": "http://127.0.0.1:8101/",
                    "allowed_networks": ["127.0.0.0/8"], "admin_email": "ops@north.example", **overrides}
        site = open_site(tmp_path / f"instance-{len(opened)}", **settings)
        upgrade(site.database)
        opened.append(site)
        return site

    yield make
    for site in opened:
        site.close()


@pytest.fixture()
def small(north: Callable[..., Site]) -> Site:
    """A registry with pages of three: its own record, six organisations, one of them deleted and one inactive."""
    site = north(page_size=3)
    with shelves.at():
        shelves.found(site)
        shelves.put(site, *(shelves.record(f"ivo://North.Example/Org{n}", f"Org {n}") for n in range(1, 6)),
                    shelves.record("ivo://north.example/org6", "Org 6", status="inactive"))
        shelves.delete(site, "ivo://north.example/org5")
    return site


@pytest.fixture()
def ask(small: Site) -> Asker:
    """Asks the registry `small` in process."""
    return Asker(app_of(small).test_client(), small.schemas)


@pytest.fixture()
def asking() -> Callable[[Site], Asker]:
    """Asks any registry in process."""
    return lambda site: Asker(app_of(site).test_client(), site.schemas)


@pytest.fixture()
def served(north: Callable[..., Site]) -> Iterator[tuple[Site, str]]:
    """A registry with pages of five and 23 records, on a real server; its address of /oai."""
    bound = loopback()
    site = north(page_size=5, base_url=f"http://127.0.0.1:{bound.getsockname()[1]}/")
    with shelves.at():
        shelves.found(site)
        shelves.put(site, *(shelves.record(f"ivo://north.example/r{n:02}", f"Record {n}") for n in range(22)))
        shelves.delete(site, "ivo://north.example/r07")
    with serving(app_of(site), bound) as url:
        yield site, f"{url}oai"
