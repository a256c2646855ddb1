"""What each verb answers: documents, headers, deleted records, the bytes of the records themselves."""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager

import pytest
from lxml import etree
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from registry.db import Database
from registry.records import store
from registry.site import Site
from registry.tables import set_members, sets
from tests.oai import shelves
from tests.oai.conftest import OAI, Asker, app_of
from vosi import namespaces as ns, xmlio

DC = f"{{{ns.DC}}}"
Asking = Callable[[Site], Asker]


def test_identify_says_what_the_standard_asks(ask: Asker) -> None:
    page = ask(verb="Identify")
    assert page.texts("repositoryName") == ["North"]
    assert page.texts("protocolVersion") == ["2.0"]
    assert page.texts("adminEmail") == ["ops@north.example"]
    assert page.texts("deletedRecord") == ["persistent"]
    assert page.texts("granularity") == ["YYYY-MM-DDThh:mm:ssZ"]
    assert page.texts("compression") == ["gzip"]


def test_identify_carries_our_registry_record_as_it_is_harvested(ask: Asker, small: Site) -> None:
    stored = shelves.get(small, "ivo://north.example/registry")
    assert stored is not None
    got = ask(verb="GetRecord", identifier="ivo://north.example/registry", metadataPrefix="ivo_vor")
    assert b"<description>" + stored.xml + b"</description>" in ask(verb="Identify").data
    assert b"<metadata>" + stored.xml + b"</metadata>" in got.data
    assert "ivo_managed" in got.texts("setSpec")


def test_identify_works_on_an_empty_shelf(north: Callable[..., Site], asking: Asking) -> None:
    page = asking(north(admin_email=""))(verb="Identify")
    assert page.texts("earliestDatestamp")[0] <= page.date
    assert page.root.find(f".//{OAI}description") is None


@pytest.mark.parametrize(("email", "authority"), [
    ("", "north.example"), ("", "north"), ("root@localhost", "north"), ("two words@x.example", "n.example"), ("", ""),
])
def test_admin_email_is_one_whatever_is_configured(
    north: Callable[..., Site], asking: Asking, email: str, authority: str,
) -> None:
    assert "@" in asking(north(admin_email=email, authority=authority))(verb="Identify").texts("adminEmail")[0]


def test_earliest_datestamp_counts_tombstones(north: Callable[..., Site], asking: Asking) -> None:
    site = north()
    with shelves.at("2020-02-02T00:00:00Z"):
        shelves.put(site, shelves.record("ivo://north.example/a"))
        shelves.delete(site, "ivo://north.example/a")
    shelves.put(site, shelves.record("ivo://north.example/b"))
    assert asking(site)(verb="Identify").texts("earliestDatestamp") == ["2020-02-02T00:00:00Z"]


def test_both_formats_are_offered_for_all_and_for_each(ask: Asker) -> None:
    for page in (ask(verb="ListMetadataFormats"),
                 ask(verb="ListMetadataFormats", identifier="ivo://north.example/ORG1"),
                 ask(verb="ListMetadataFormats", identifier="ivo://north.example/org5")):
        assert page.texts("metadataPrefix") == ["oai_dc", "ivo_vor"]
        assert page.texts("metadataNamespace") == [ns.OAI_DC, ns.RI]


def test_sets_with_descriptions(small: Site, ask: Asker) -> None:
    with small.database.write() as connection:
        connection.execute(insert(sets).values(spec="best", name="Best & all", description="Chosen <by hand>"))
        connection.execute(insert(set_members).values(spec="best", key="ivo://north.example/org2"))
    page = ask(verb="ListSets")
    assert page.texts("setSpec") == ["ivo_managed", "best"]
    assert page.texts("setName")[1] == "Best & all"
    assert [found.text for found in page.root.iter(f"{DC}description")] == ["Chosen <by hand>"]
    assert page.token is None
    chosen = ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", set="best")
    assert list(chosen.headers_of) == ["ivo://North.Example/Org2"]
    assert chosen.texts("setSpec") == ["ivo_managed", "best"]


def test_a_record_comes_with_its_stored_bytes_in_whatever_case_it_is_asked(ask: Asker, small: Site) -> None:
    page = ask(verb="GetRecord", identifier="IVO://NORTH.example/ORG1", metadataPrefix="ivo_vor")
    stored = shelves.get(small, "ivo://north.example/org1")
    assert stored is not None
    assert b"<metadata>" + stored.xml + b"</metadata>" in page.data
    assert stored.xml.startswith(b'<ri:Resource xmlns="" xmlns:ri=')
    assert list(page.headers_of) == ["ivo://North.Example/Org1"], "the publisher's case is kept"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", page.texts("datestamp")[0])


def test_the_envelope_is_unprefixed_and_the_record_keeps_its_own_namespaces(ask: Asker) -> None:
    page = ask(verb="ListRecords", metadataPrefix="ivo_vor")
    assert page.data.startswith(f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{ns.OAI}"'.encode())
    assert page.root.get(f"{{{ns.XSI}}}schemaLocation") == f"{ns.OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
    assert {found.tag for found in page.root.iter("{*}title")} == {"title"}, "inner elements have no namespace"
    assert all(found.get(f"{{{ns.XSI}}}type") for found in page.root.iter(f"{{{ns.RI}}}Resource"))


def test_a_deleted_record_is_a_header_in_its_sets(ask: Asker, small: Site) -> None:
    for prefix in ("ivo_vor", "oai_dc"):
        page = ask(verb="GetRecord", identifier="ivo://north.example/org5", metadataPrefix=prefix)
        assert page.headers_of["ivo://North.Example/Org5"].get("status") == "deleted"
        assert page.texts("setSpec") == ["ivo_managed"]
        assert page.root.find(f".//{OAI}metadata") is None
    for verb in ("ListRecords", "ListIdentifiers"):
        headers = {key: found for page in ask.all(verb, metadataPrefix="ivo_vor", set="ivo_managed")
                   for key, found in page.headers_of.items()}
        assert [key for key, found in headers.items() if found.get("status")] == ["ivo://North.Example/Org5"]
    shelves.put(small, shelves.record("ivo://north.example/org5", "Back"))
    back = ask(verb="GetRecord", identifier="ivo://north.example/org5", metadataPrefix="ivo_vor")
    assert back.headers_of["ivo://north.example/org5"].get("status") is None, "a republished record loses its tombstone"
    assert b"Back" in back.data


def test_an_inactive_record_is_harvested_as_any(ask: Asker) -> None:
    page = ask(verb="GetRecord", identifier="ivo://north.example/org6", metadataPrefix="ivo_vor")
    assert page.headers_of["ivo://north.example/org6"].get("status") is None
    assert b'status="inactive"' in page.data


def test_a_draft_is_offered_to_nobody(north: Callable[..., Site], asking: Asking) -> None:
    site = north()
    shelves.put(site, shelves.record("ivo://north.example/a"), draft=True)
    ask = asking(site)
    assert ask(verb="ListRecords", metadataPrefix="ivo_vor").errors == ["noRecordsMatch"]
    page = ask(verb="GetRecord", identifier="ivo://north.example/a", metadataPrefix="ivo_vor")
    assert page.errors == ["idDoesNotExist"]


def test_identifiers_are_bare_headers(ask: Asker) -> None:
    page = ask(verb="ListIdentifiers", metadataPrefix="ivo_vor")
    listed = page.root.find(f"{OAI}ListIdentifiers")
    assert listed is not None
    assert {child.tag for child in listed} == {f"{OAI}header", f"{OAI}resumptionToken"}


def test_others_records_are_offered_outside_ivo_managed(small: Site, ask: Asker) -> None:
    shelves.put(small, shelves.record("ivo://south.example/x", "Theirs"), origin=store.FOREIGN_FILE)
    ours, every = (
        {key for page in ask.all("ListIdentifiers", metadataPrefix="ivo_vor", **which) for key in page.headers_of}
        for which in ({"set": "ivo_managed"}, {}))
    assert every - ours == {"ivo://south.example/x"}


def test_dublin_core_is_complete_for_the_same_items(ask: Asker) -> None:
    whole, plain = ask.all("ListRecords", metadataPrefix="ivo_vor"), ask.all("ListRecords", metadataPrefix="oai_dc")
    assert [list(page.headers_of) for page in plain] == [list(page.headers_of) for page in whole]
    alive = [key for page in plain for key, found in page.headers_of.items() if not found.get("status")]
    named = [found.findtext(f"{DC}identifier") for page in plain for found in page.root.iter(f"{{{ns.OAI_DC}}}dc")]
    assert named == alive
    page = ask(verb="GetRecord", identifier="ivo://north.example/org1", metadataPrefix="oai_dc")
    dc = {name: [found.text for found in page.root.iter(DC + name)] for name in
          ("title", "creator", "subject", "description", "publisher", "date", "relation")}
    assert dc == {
        "title": ["Org 1", "short"], "creator": ["Ann A."], "subject": ["stars", "catalogs"],
        "description": ["What Org 1 is & does."], "publisher": ["Publisher of Org 1"], "date": ["2020-01-01"],
        "relation": ["http://North.Example/about"]}


def test_dublin_core_of_a_record_that_says_nothing(north: Callable[..., Site], asking: Asking) -> None:
    site = north()
    bare = b'<Resource><identifier>ivo://odd.example/x</identifier></Resource>'
    shelves.put(site, bare, origin=store.FOREIGN_FILE)
    page = asking(site)(verb="ListRecords", metadataPrefix="oai_dc")
    dc = next(page.root.iter(f"{{{ns.OAI_DC}}}dc"))
    assert [(etree.QName(found).localname, found.text) for found in dc] == [("identifier", "ivo://odd.example/x")]


def test_pages_are_packed_for_those_who_can_unpack(ask: Asker) -> None:
    url = "/oai?verb=ListRecords&metadataPrefix=ivo_vor&until=2999-01-01"
    plain = ask.client.get(url, headers={"Accept-Encoding": "identity"})
    for offer in ("gzip", "br, gzip;q=0.5", "*"):
        packed = ask.client.get(url, headers={"Accept-Encoding": offer})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert xmlio.digest(_listed(gzip.decompress(packed.data))) == xmlio.digest(_listed(plain.data))
    for offer in ("gzip;q=0", "br", ""):
        assert "Content-Encoding" not in ask.client.get(url, headers={"Accept-Encoding": offer}).headers
    assert plain.headers["Vary"] == "Accept-Encoding"


def _listed(data: bytes) -> etree._Element:
    """A list without its token, which differs each time."""
    page = etree.fromstring(data)
    for date in page.findall(f"{OAI}responseDate"):
        date.text = ""
    for token in list(page.iter(f"{OAI}resumptionToken")):
        token.getparent().remove(token)  # type: ignore[union-attr]
    return page


def test_a_busy_database_asks_harvesters_to_come_back(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app_of(small).test_client()

    @contextmanager
    def locked(_self: Database):  # type: ignore[no-untyped-def]
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))
        yield

    monkeypatch.setattr(Database, "read", locked)
    reply = client.get("/oai?verb=Identify")
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) > 0
