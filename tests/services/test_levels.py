"""The validation level of our own services: earned by looks, not lost by a flicker, and nobody else's touched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer

from registry.records import publish, store
from registry.services import checking, importing, levels, watches
from registry.services.health.rules import DOWN, MAINTENANCE, UNKNOWN, UP, Row
from registry.services.watches import Watch
from registry.site import Site
from tests.services.test_importing import serve
from vosi import xmlio

STARS, REGISTRY = "ivo://north.example/stars", "ivo://north.example/registry"
NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
WELL = Watch("http://a/capabilities", "", "", [], "")
FAULTY = Watch("http://a/capabilities", "", "", ["Its root element is in no namespace."], "")


def row(state: str, since: str = "2026-06-02T11:00:00Z") -> Row:
    return Row(STARS, "http://a", STARS, "availability", state=state, since=since)


@pytest.mark.parametrize(("present", "watch", "rows", "expected"), [
    ("", WELL, [row(UP)], "2"), ("", FAULTY, [row(UP)], "1"), ("", WELL, [row(DOWN)], "1"), ("", WELL, [row(UNKNOWN)], ""),
    ("", WELL, [], ""), ("1", WELL, [row(UP)], "2"), ("2", FAULTY, [row(UP)], "1"), ("2", WELL, [row(DOWN)], "2"),
    ("2", WELL, [row(MAINTENANCE)], "2"), ("2", WELL, [row(DOWN, "2026-06-01T11:00:00Z")], "1"),
    ("2", WELL, [row(UNKNOWN)], "2"),
])
def test_what_is_earned(present: str, watch: Watch, rows: list[Row], expected: str):
    assert levels.earns(present, watch, rows, NOW) == expected


def record(site: Site) -> store.Record:
    with site.database.read() as connection:
        found = store.get(connection, STARS)
    assert found is not None
    return found


def test_a_service_that_works_and_is_well_described_gets_its_level(founded: Site, httpserver: HTTPServer):
    importing.register(founded, serve(httpserver), key="stars", who="test")
    assert levels.level(record(founded).xml, REGISTRY) == ""
    checking.check(founded, STARS)
    after = record(founded)
    assert levels.level(after.xml, REGISTRY) == "2" and after.profile == "recommended"
    assert (after.version, founded.schemas.validate(xmlio.parse(after.xml))) == (2, [])
    checking.check(founded, STARS)
    assert record(founded) == after  # and no version more
    httpserver.clear()
    checking.check(founded, STARS)
    assert record(founded) == after  # down for a moment


def test_the_levels_of_others_stay(founded: Site, httpserver: HTTPServer):
    importing.register(founded, serve(httpserver), key="stars", who="test")
    theirs = levels.marked(record(founded).xml, "ivo://other.example/registry", "3")
    publish.publish(founded, theirs, who="test")
    checking.check(founded, STARS)
    xml = record(founded).xml
    assert (levels.level(xml, REGISTRY), levels.level(xml, "ivo://other.example/registry")) == ("2", "3")
    assert xml.count(b"<validationLevel") == 2


def test_what_waits_is_not_overtaken_by_a_level(founded: Site, httpserver: HTTPServer):
    from registry.services import watching
    from tests.services.conftest import capability, document
    from vosi import namespaces as ns
    url = serve(httpserver)
    importing.register(founded, url, key="stars", who="test")
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(
        capability(f"{url}/capabilities", standard_id=ns.STD_VOSI_CAPABILITIES, use="full")), content_type="text/xml")
    checking.check(founded, STARS)
    with founded.database.read() as connection:
        assert watches.held(connection, STARS) is not None
    assert watching.accept(founded, STARS, who="a person").version == 2
