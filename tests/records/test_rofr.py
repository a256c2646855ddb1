"""The Registry of Registries' rules: every one holds for what we publish, and every one can be broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from registry.fetch import FetchError, Reply
from registry.records import founding, judging, lifecycle, publish, rofr, rofr_reading, rofr_registry
from registry.records.incoming import Document
from registry.records.rofr import FAIL, PASS, WARN
from registry.records.rofr_registry import Report
from registry.site import Site
from tests.oai import shelves
from tests.oai.conftest import app_of
from tests.oai.serving import loopback, serving
from tests.records.conftest import record
from tests.vosi import drafts
from tests.vosi.judges import documents, ours
from vosi import resource

NAME = "ivo://north.example/stars"
# a record about which nothing is to be said
GOOD = resource.compose(replace(
    drafts.minimal("vs:CatalogService", ivoid=NAME, contact_email="a@b.example", short_name="Stars"),
    capabilities=(drafts.PROTOCOLS[0],)))
AUTHORITY = resource.compose(drafts.minimal(
    "vg:Authority", ivoid="ivo://north.example", contact_email="a@b.example",
    managing_org=("ivo://north.example/organisation", "North")))
REGISTRY = resource.compose(drafts.minimal(
    "vg:Registry", ivoid="ivo://north.example/registry", contact_email="a@b.example", short_name="R",
    managed_authorities=("north.example",), capabilities=(drafts.HARVEST,)))


def verdict(xml: bytes) -> judging.Verdict:
    [found] = judging.of_document(ours(), Document("x", xml))
    return found


def broken(xml: bytes) -> dict[str, str]:
    """The rules that the record breaks, and how badly."""
    return {one.rule: one.verdict for one in verdict(xml).findings if one.verdict != PASS}


@pytest.mark.parametrize("xml", [GOOD, AUTHORITY, REGISTRY])
def test_nothing_is_said_of_a_good_record(xml: bytes) -> None:
    assert broken(xml) == {} and verdict(xml).verdict == PASS


def swap(xml: bytes, old: bytes, new: bytes) -> bytes:
    assert old in xml
    return xml.replace(old, new)


BREACHES: list[tuple[str, str, bytes]] = [
    ("schema", FAIL, swap(GOOD, b"<title>X</title>", b"")),
    ("edition", WARN, swap(GOOD, b"</accessURL>", b"</accessURL><securityMethod/><securityMethod/>")),
    ("identifier", FAIL, swap(GOOD, b"/stars<", b"/stars?x<")),
    ("status", FAIL, swap(GOOD, b'status="active"', b'status="deleted"')),
    ("dates", FAIL, swap(GOOD, b'updated="2026-', b'updated="2999-')),
    ("dates", FAIL, swap(GOOD, b"<contact>", b"<date>2999-01-01</date><contact>")),
    ("dates", FAIL, swap(GOOD, b'updated="2026-', b'updated="soon')),
    ("created", WARN, swap(GOOD, b'created="2026-01-01', b'created="2026-01-02')),
    ("shortName", FAIL, swap(GOOD, b"<shortName>Stars<", b"<shortName>Stars of the whole sky<")),
    ("shortName of services", WARN, swap(GOOD, b"<shortName>Stars</shortName>", b"")),
    ("referenceURL", FAIL, swap(GOOD, b"<referenceURL>http", b"<referenceURL>ftp")),
    ("contact", WARN, swap(GOOD, b"<email>a@b.example</email>", b"")),
    ("contact", WARN, swap(GOOD, b"a@b.example", b"nobody")),
    ("standardID", WARN, swap(GOOD, b'"ivo://ivoa.net/std/TAP"', b'"ivo://ivoa.net/std/tap"')),
    ("accessURL", WARN, swap(GOOD, b"http://127.0.0.1:8101/tap", b"127.0.0.1/tap")),
    ("capability", WARN, resource.amend(GOOD, {"capabilities": ()})),
    ("xs:ID", WARN, swap(GOOD, b"<ri:Resource", b"<ri:Resource xml:id='a'")),
    ("authority", FAIL, swap(AUTHORITY, b' ivo-id="ivo://north.example/organisation"', b"")),
    ("authority", FAIL, swap(AUTHORITY, b"<identifier>ivo://north.example<", b"<identifier>ivo://north.example/a<")),
    ("registry", FAIL, swap(REGISTRY, b'role="std"', b"")),
    ("registry", FAIL, swap(REGISTRY, b"<managedAuthority>north.example</managedAuthority>", b"")),
]


@pytest.mark.parametrize(("rule", "severity", "xml"), BREACHES)
def test_each_rule_can_be_broken(rule: str, severity: str, xml: bytes) -> None:
    assert broken(xml).get(rule) == severity


def test_every_rule_is_broken_here_once() -> None:
    """`header` needs an OAI-PMH header, and `answers` a server that does not answer: both have tests below."""
    assert {case[0] for case in BREACHES} | {"header"} == {rule.name for rule in rofr.RULES}
    assert {case[0] for case in TWISTS} | {"answers"} == {rule.name for rule in rofr_registry.RULES}


def test_what_cannot_be_read_fails() -> None:
    assert verdict(b"<broken").verdict == FAIL and verdict(b"<a/>").verdict == FAIL
    assert verdict(GOOD.replace(b"ivo://", b"http://")).verdict == FAIL


@pytest.mark.shared
def test_no_record_of_the_corpus_stops_the_rules(shared: Any) -> None:
    judged = 0
    for folder in ("resource", "resource-list", "oai", "legacy-v0", "oai-nonvo"):
        for name, data in documents(folder):
            for found in judging.of_document(ours(), Document(name, data)):
                assert found.verdict in (PASS, WARN, FAIL)
                judged += bool(found.findings)
    assert judged > 150


# --- whole registries -------------------------------------------------------------------------------------------------

Twist = Callable[[dict[str, str], bytes], bytes]


class AppFetcher:
    """Asks a datacenter in this process, and twists what it answers."""

    def __init__(self, site: Site, twist: Twist = lambda _asked, body: body) -> None:
        self._client, self._twist = app_of(site).test_client(), twist

    def get(self, url: str) -> Reply:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        reply = self._client.get("/oai", query_string=urlsplit(url).query)
        return Reply(reply.status_code, reply.headers, self._twist(asked, reply.data), url)  # type: ignore[arg-type]


@pytest.fixture()
def published(site: Site) -> Site:
    """`site` as a registry that others may judge: founded, with a service and a tombstone, all of it a while ago."""
    with shelves.at():
        wish = founding.Founding("north.example", "North", site.settings.base_url, email="ops@north.example")
        founding.found(site, wish, "test")
        stamped = resource.amend(GOOD, {"created": "2024-01-01T00:00:00Z", "updated": "2024-01-01T00:00:00Z"})
        publish.publish(site, stamped, who="test")
        publish.publish(site, record("ivo://north.example/gone"), who="test")
        lifecycle.delete(site, "ivo://north.example/gone", who="test")
    return site


def judged(site: Site, twist: Twist = lambda _asked, body: body, url: str = "") -> Report:
    fetcher: Any = AppFetcher(site, twist)
    reading = rofr_reading.read_registry(fetcher, site.schemas, url or site.settings.url("oai"), pause=lambda _: None)
    return rofr_registry.report(reading, site.schemas)


def faults(report: Report) -> dict[str, tuple[str, ...]]:
    return {line.rule: line.cases for line in report.lines if line.verdict == FAIL}


def test_our_own_registry_keeps_every_rule(published: Site) -> None:
    report = judged(published)
    assert faults(report) == {}
    assert {line.verdict for line in report.lines} == {PASS}
    assert (report.records, report.pages, report.verdict) == (6, 1, PASS)


def test_a_list_of_several_pages_is_read_to_its_end(published: Site) -> None:
    small = replace(published, settings=published.settings.model_copy(update={"page_size": 2}))
    report = judged(small)
    assert (faults(report), report.records, report.pages) == ({}, 6, 3)
    open_ended = judged(small, lambda _asked, body: re.sub(rb"<resumptionToken[^>]*(/>|></[^>]*>)", b"", body))
    assert any("no empty resumptionToken" in case for line in open_ended.lines for case in line.cases)


def on(verb: str, old: bytes, new: bytes) -> Twist:
    """Puts `new` for `old` in the answers to `verb`, and makes sure that it is there."""

    def twist(asked: dict[str, str], body: bytes) -> bytes:
        if asked.get("verb") != verb or b"<error" in body:
            return body
        assert old in body, body[:3000]
        return body.replace(old, new)

    return twist


DESCRIBED = re.compile(rb"<description><ri:Res.*?</ri:Resource></description>", re.S)
TWISTS: list[tuple[str, Twist]] = [
    ("baseURL", on("Identify", b"<baseURL>http://", b"<baseURL>https://")),
    ("name", on("Identify", b"<repositoryName>North</", b"<repositoryName></")),
    ("granularity", on("Identify", b"<granularity>YYYY-MM-DDThh:mm:ssZ<", b"<granularity>YYYY-MM-DD<")),
    ("deletedRecord", on("Identify", b"<deletedRecord>persistent<", b"<deletedRecord>no<")),
    ("earliestDatestamp", on("Identify", b"<earliestDatestamp>2024", b"<earliestDatestamp>2025")),
    ("earliestDatestamp", on("Identify", b"<earliestDatestamp>2024", b"<earliestDatestamp>")),
    ("formats", on("ListMetadataFormats", b">ivo_vor<", b">ivo_var<")),
    ("ivo_managed", on("ListSets", b"<setSpec>ivo_managed<", b"<setSpec>managed<")),
    ("description", lambda asked, body: DESCRIBED.sub(b"", body) if asked["verb"] == "Identify" else body),
    ("description", on("Identify", b"vg:Registry", b"vr:Service")),
    ("description", on("Identify", b"<full>false</full>", b"<full>perhaps</full>")),
    ("identical", on("Identify", b"North: registry</title>", b"South: registry</title>")),
    ("identical", on("ListRecords", b'xsi:type="vg:Registry"', b'xsi:type="vr:Service"')),
    ("harvest address", on("ListRecords", b"/oai</accessURL>", b"/pmh</accessURL>")),
    ("authority records", on("ListRecords", b"vg:Authority", b"vr:Organisation")),
    ("organisations", on("ListRecords", b"<identifier>ivo://north.example/organisation</identifier><datestamp",
                         b"<identifier>ivo://north.example/else</identifier><datestamp")),
    ("authorities", on("ListRecords", b"<managedAuthority>north", b"<managedAuthority>south")),
    ("datestamps", on("ListRecords", b"<datestamp>2024", b"<datestamp>2999")),
    ("datestamps", on("ListRecords", b":09Z</datestamp>", b":09.0Z</datestamp>")),
    ("sets of headers", on("ListRecords", b"<setSpec>ivo_managed</setSpec>", b"")),
    ("once", on("ListRecords", b"<header><identifier>ivo://north.example/stars<",
                b"<header><identifier>ivo://NORTH.example/runner<")),
    ("metadata", on("ListRecords", b'<header status="deleted">', b"<header>")),
    ("list", on("ListRecords", b"</ListRecords>", b'<resumptionToken completeListSize="9"/></ListRecords>')),
    ("xs:ID of pages", on("ListRecords", b"<ri:Resource ", b"<ri:Resource xml:id='one' ")),
    ("errors", lambda asked, body: body.replace(b"badVerb", b"badArgument")),
    ("errors", lambda asked, body: body.replace(b"idDoesNotExist", b"noRecordsMatch")),
    ("GetRecord", lambda asked, body: body.replace(b"<record>", b"<x>").replace(b"</record>", b"</x>")
     if asked["verb"] == "GetRecord" and asked["metadataPrefix"] == "oai_dc" else body),
    ("from = until", lambda asked, body: body.replace(b"<header", b"<x").replace(b"</header", b"</x")
     if asked["verb"] == "ListIdentifiers" else body),
]


@pytest.mark.parametrize(("rule", "twist"), TWISTS, ids=[name for name, _ in TWISTS])
def test_each_rule_of_registries_can_be_broken(published: Site, rule: str, twist: Twist) -> None:
    [line] = [line for line in judged(published, twist).lines if line.rule == rule]
    assert line.verdict == next(one.breach for one in rofr_registry.RULES if one.name == rule)
    assert line.count and line.cases and all(case.endswith(".") for case in line.cases)


def test_records_are_counted_rule_by_rule(published: Site) -> None:
    report = judged(published, on("ListRecords", b"<email>ops@north.example</email>", b""))
    [line] = [line for line in report.lines if line.rule == "records: contact"]
    assert (line.verdict, line.count, len(line.cases)) == (WARN, 4, 4)
    report = judged(published, on("ListRecords", b"<header><identifier>ivo://north", b"<header><identifier>ivo://NORTH"))
    [line] = [line for line in report.lines if line.rule == "records: header"]
    assert (line.verdict, line.count, len(line.cases)) == (FAIL, 5, rofr_reading.EXAMPLES)


@pytest.mark.parametrize("answer", [b"<html/>", b"", b"<broken", b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"/>'])
def test_what_is_no_registry_fails_in_a_sentence(published: Site, answer: bytes) -> None:
    report = judged(published, lambda _asked, _body: answer)
    assert [(line.rule, line.verdict) for line in report.lines] == [("answers", FAIL)]
    assert report.lines[0].cases[0].endswith(".")


def test_a_list_that_stops_or_never_ends_is_told(published: Site) -> None:
    torn = judged(published, lambda asked, body: body[:-40] if asked["verb"] == "ListRecords" else body)
    assert "not well-formed" in faults(torn)["answers"][0]
    token = b"<resumptionToken>again</resumptionToken></ListRecords>"

    def endless(asked: dict[str, str], body: bytes) -> bytes:
        if asked["verb"] != "ListRecords" or asked.get("metadataPrefix") == "nonsense":
            return body
        return endless_page.replace(b"</ListRecords>", token)

    endless_page = app_of(published).test_client().get(
        "/oai?verb=ListRecords&metadataPrefix=ivo_vor&set=ivo_managed").data
    assert "same resumption token twice" in faults(judged(published, endless))["answers"][0]


def test_a_busy_server_is_asked_again_and_an_absent_one_is_not(published: Site) -> None:
    pauses: list[float] = []

    class Busy(AppFetcher):
        """Answers every second question with 503."""

        asked = 0

        def get(self, url: str) -> Reply:
            self.asked += 1
            if self.asked % 2:
                return Reply(503, {"retry-after": "2"}, b"", url)
            return super().get(url)

    class Absent:
        """Nobody there."""

        def get(self, url: str) -> Reply:
            raise FetchError(f"{url} cannot be read: nobody listens there.")

    busy: Any = Busy(published)
    url = published.settings.url("oai")
    assert rofr_reading.read_registry(busy, published.schemas, url, pause=pauses.append).faults == []
    assert pauses and set(pauses) == {2}
    absent: Any = Absent()
    found = rofr_registry.report(rofr_reading.read_registry(absent, published.schemas, url), published.schemas)
    assert "nobody listens there" in found.lines[0].cases[0]


def test_the_command_judges_a_served_registry(
    published: Site, command: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As typed, over real HTTP; `command` runs in the datacenter that `published` is."""
    monkeypatch.setenv("INNERSPACE_ALLOWED_NETWORKS", '["127.0.0.0/8"]')
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/oai"
    with serving(app_of(published), bound):
        said = command("validate", url)
        told = json.loads(command("validate", url, "--json").out)
        strict = command("validate", url, "--strict")
    assert said.code == 0 and "identical" in said.out and "authority records" in said.out
    [report] = told
    assert (report["name"], report["verdict"], report["records"]) == (url, WARN, 6), "asked elsewhere than it says"
    assert {line["verdict"] for line in report["rules"]} == {PASS, WARN}
    assert strict.code == 1 and "--strict" in strict.err
    assert command("validate", "http://127.0.0.1:1/oai").code == 1


def test_a_verdict_of_an_element_never_raises() -> None:
    element = etree.fromstring("<a><curation><contact/></curation><capability/><managingOrg/></a>")
    subject = rofr.Subject(element, resource.summarise(element), "", (), "2026-01-01T00:00:00Z")
    assert rofr.worst(one.verdict for one in rofr.findings(subject)) == FAIL
