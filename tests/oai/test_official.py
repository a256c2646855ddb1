"""Every kind of page judged by the official schema set of the openarchives and the IVOA."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from sqlalchemy import insert

from registry.records import store
from registry.site import Site
from registry.tables import sets
from tests.conftest import SHARED
from tests.oai import shelves
from tests.oai.conftest import Asker, Page, app_of, official

pytestmark = pytest.mark.shared


def judge(page: Page) -> None:
    schema = official()
    assert schema.validate(page.root), list(schema.error_log)[:3]


def test_every_verb(ask: Asker, small: Site) -> None:
    with small.database.write() as connection:
        connection.execute(insert(sets).values(spec="a:b", name="A set", description="Described"))
    identifier = "ivo://north.example/org1"
    pages = [ask(verb="Identify"), ask(verb="ListSets"), ask(verb="ListMetadataFormats"),
             ask(verb="ListMetadataFormats", identifier=identifier)]
    for prefix in ("ivo_vor", "oai_dc"):
        pages += ask.all("ListRecords", metadataPrefix=prefix) + ask.all("ListIdentifiers", metadataPrefix=prefix)
        pages += [ask(verb="GetRecord", identifier=identifier, metadataPrefix=prefix),
                  ask(verb="GetRecord", identifier="ivo://north.example/org5", metadataPrefix=prefix)]
    for page in pages:
        assert page.errors == []
        judge(page)


def test_any_arguments_at_all(ask: Asker) -> None:
    """Whatever is asked, the answer is a valid page: arguments drawn at random from the legal and the odd."""
    chance = random.Random(7)
    values = {
        "verb": ["Identify", "ListRecords", "ListIdentifiers", "GetRecord", "ListSets", "ListMetadataFormats", "", "x"],
        "metadataPrefix": ["ivo_vor", "oai_dc", "none", "", "<&\"", "\x00"],
        "identifier": ["ivo://north.example/org1", "ivo://north.example/x?a=%20#b", "", "%", "\ud7ff\x1b]", "a" * 3000],
        "from": ["2020-01-01", "2020-01-01T00:00:00Z", "x", "0000-00-00", "9999-12-31T23:59:59Z"],
        "until": ["2999-01-01", "2020-01-01T00:00:00Z", "", "-1"],
        "set": ["ivo_managed", "x:y", "::", "", "'"],
        "resumptionToken": ["", "x", "W10.aa.bb", "é", "a" * 5000],
        "<odd>&": ["1"],
    }
    for _ in range(400):
        names = chance.choices(list(values), k=chance.randint(0, 5)) + ["verb"] * chance.randint(0, 1)
        pairs = [(name, chance.choice(values[name])) for name in names]
        judge(ask(*pairs, method=chance.choice(["GET", "POST"])))


def test_the_corpus_comes_out_as_it_went_in(north: Callable[..., Site]) -> None:
    """Every record of the corpus that can be stored is spliced into pages with its bytes; oai_dc has them all too."""
    site = north(page_size=7)
    kept: dict[str, bytes] = {}
    with shelves.at():
        for path in sorted((SHARED / "corpus" / "resource").rglob("*.xml")):
            with site.database.write() as connection:
                put = store.put(connection, site.schemas, path.read_bytes(), origin=store.FOREIGN_FILE, who="test")
            if put.record:
                kept[put.record.ivoid] = put.record.xml
    assert len(kept) >= 50
    client = app_of(site).test_client()
    token, data = "", b""
    while True:
        asked = f"resumptionToken={token}" if token else "metadataPrefix=ivo_vor"
        page = client.get(f"/oai?verb=ListRecords&{asked}", headers={"Accept-Encoding": "identity"}).data
        data += page
        token = page.partition(b"<resumptionToken")[2].partition(b">")[2].partition(b"<")[0].decode()
        if not token:
            break
    for ivoid, xml in kept.items():
        assert b"<metadata>" + xml + b"</metadata>" in data, ivoid
    ask = Asker(client, site.schemas)
    for ivoid in kept:
        judge(ask(verb="GetRecord", identifier=ivoid, metadataPrefix="oai_dc"))
