"""What searches may ask of services beside their records: datacenter, zone, when they answered last."""

from __future__ import annotations

from typing import Any

from pytest_httpserver import HTTPServer
from sqlalchemy import insert, select, update

from registry.records import publish, store
from registry.services import local
from registry.services.health import polling
from registry.site import Site
from registry.tables import health, records, site_service, sources
from tests.oai.shelves import put, record
from tests.services.conftest import capability, publish_service

CONE = ('<capability standardID="ivo://ivoa.net/std/ConeSearch"><interface '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xsi:type="vs:ParamHTTP">'
        '<accessURL use="base">{}</accessURL></interface></capability>')


def rows(site: Site, of: str = "") -> dict[str, tuple[Any, ...]]:
    with site.database.read() as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(select(site_service)) if of in row[0]}


def test_each_service_has_its_place(any_site: Any) -> None:
    with any_site.database.write() as connection:
        number = connection.execute(insert(sources).values(
            name="s", url="http://s.example/oai", registry="ivo://South.example/registry", interval=1, next_run="",
            created="")).inserted_primary_key[0]
    put(any_site, record("ivo://north.example/in", more=CONE.format("http://db.internal/scs")),
        record("ivo://north.example/both", more=CONE.format("http://a.example/") + CONE.format("http://10.0.0.1/")),
        record("ivo://north.example/none"))
    put(any_site, record("ivo://far.example/x", type_="vr:Service", more=CONE.format("http://far.example/")),
        origin=store.HARVESTED, source_id=number)
    put(any_site, record("ivo://file.example/x", type_="vr:Service", more=CONE.format("http://file.example/")),
        origin=store.FOREIGN_FILE)
    local.follow(any_site)
    whole = {
        "ivo://north.example/in": ("north.example", "internal", None),
        "ivo://north.example/both": ("north.example", "internal", None),
        "ivo://far.example/x": ("south.example", "external", None),
        "ivo://file.example/x": (None, "external", None)}
    assert rows(any_site) == whole
    with any_site.database.write() as connection:
        local.alive(connection, {"ivo://far.example/x": "2026-01-02T03:04:05Z"})
        connection.execute(update(records).where(records.c.key == "ivo://north.example/both").values(datestamp="2000"))
        store.delete(connection, "ivo://north.example/in", who="t", why="")
    local.follow(any_site)
    del whole["ivo://north.example/in"]
    assert rows(any_site) == whole | {"ivo://far.example/x": ("south.example", "external", "2026-01-02T03:04:05")}


def test_what_answers_is_noted_when_it_is_looked_at(founded: Site, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/scs").respond_with_data("fine")
    name = publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    polling.turn(founded)
    [(datacenter, zone, seen)] = rows(founded, "stars").values()
    assert (datacenter, zone) == ("north.example", "internal")
    with founded.database.read() as connection:
        looked = connection.execute(select(health.c.seen).where(health.c.key == name)).scalar_one()
    assert f"{seen}Z" == looked
    publish.retire(founded, name, who="t", why="")
    polling.turn(founded)
    assert rows(founded, "stars") == {}


def test_other_settings_place_everything_anew(any_site: Any) -> None:
    put(any_site, record("ivo://north.example/x", more=CONE.format("http://db.example/")))
    local.follow(any_site)
    assert rows(any_site)["ivo://north.example/x"][1] == "external"
    object.__setattr__(any_site, "settings", any_site.settings.model_copy(update={"internal_hosts": ["db.example"]}))
    local.follow(any_site)
    assert rows(any_site)["ivo://north.example/x"][1] == "internal"
