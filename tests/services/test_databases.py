"""The state of services on both databases: looked at, changed, told, found, watched and accepted alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pytest_httpserver import HTTPServer

from registry import clock
from registry.records import founding, store as shelf
from registry.services import checking, importing, query, telling, watches, watching, windows
from registry.services.health import polling, store
from registry.services.health.rules import DOWN, UP, Look
from registry.services.marks import Marks
from registry.services.standards import defining, reading, shipped
from registry.services.standards.defining import Definition
from tests.services.conftest import CONE, capability, document
from tests.services.test_importing import serve
from vosi import namespaces as ns

STARS = "ivo://north.example/stars"


def test_the_whole_life_of_a_service(any_site: Any, httpserver: HTTPServer) -> None:
    site = any_site
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    assert shipped.ship(site) > 0 and shipped.ship(site) == 0
    defining.define(site, Definition("peaks", keys=(("query-1.0", "The query."),)), who="test")
    url = serve(httpserver)
    importing.register(site, url, key="stars", who="test")
    with site.database.read() as connection:
        asked = query.Asked(CONE, status=UP, zone="internal", words="stars", interface_type="vs:ParamHTTP")
        found = query.answer(connection, site.settings, asked)
        assert found and windows.window(connection, site.settings, asked, "", 50).endpoints == found
        assert "ivo://north.example/std/peaks#query-1.0" in reading.known_ids(connection)
    marks = Marks(site)
    before = marks._look()
    with site.database.write() as connection:
        connection.exec_driver_sql("UPDATE health SET due = ''")
    with polling.Poller(site, lambda row: Look(False, None, "gone", definite=True)) as poller:
        poller.until_idle()
    assert marks._look() != before
    with site.database.read() as connection:
        assert telling.told(connection, site, STARS).state == DOWN
        assert [one.state for one in store.history(connection, STARS)] == [DOWN, UP]
        assert store.latest(connection) >= 2 and store.after(connection, 0)
    httpserver.clear()
    httpserver.expect_request("/cat/capabilities").respond_with_data(document(
        capability(f"{url}/capabilities", standard_id=ns.STD_VOSI_CAPABILITIES, use="full")), content_type="text/xml")
    checking.check(site, STARS)
    with site.database.read() as connection:
        assert [one.ivoid for one in watches.all_held(connection)] == [STARS]
    assert watching.accept(site, STARS, who="test").version == 2
    with site.database.write() as connection:
        store.forget_old(connection, clock.now() + timedelta(days=100))
    with site.database.read() as connection:
        assert store.history(connection, STARS) == []
        assert shelf.get(connection, STARS).version == 2
