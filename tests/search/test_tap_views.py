"""The address /tap: answers, errors and documents as TAP 1.1 and DALI have them, each valid by the official schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from vo_models.vosi.capabilities.models import VOSICapabilities

from registry.errors import Busy
from registry.records import founding, lifecycle, store
from registry.schema import upgrade
from registry.search import described, registering, running, views
from registry.search.running import Queries
from registry.search.tap import documents
from registry.search.tap.examples import EXAMPLES
from registry.search.turns import Turns
from registry.services import local
from registry.site import Site, open_site
from tests.conftest import SHARED
from tests.vosi.judges import official_faults, problems
from vosi import resource

ADQL = {"LANG": "ADQL"}
FIRST = "SELECT ivoid, res_title FROM rr.resource ORDER BY ivoid"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A founded datacenter that no test changes."""
    opened = open_site(tmp_path_factory.mktemp("tap") / "instance", authority="north.example", title="North",
                       base_url="http://127.0.0.1:8101/", instance_name="north")
    upgrade(opened.database)
    founding.found(opened, founding.Founding("north.example", "North", "http://127.0.0.1:8101/"), "test")
    registering.register(opened, "test")
    local.follow(opened)
    yield opened
    opened.close()


def client_of(site: Site) -> FlaskClient:
    app = Flask("registry")
    app.extensions["site"] = site
    views.register(app)
    return app.test_client()


@pytest.fixture()
def client(whole: Site) -> FlaskClient:
    """The room's addresses alone."""
    return client_of(whole)


def ask(client: FlaskClient, query: str, **more: Any) -> Any:
    return client.get("/tap/sync", query_string={**ADQL, "QUERY": query, **more})


def status(answer: Any) -> list[tuple[str, str]]:
    """The values and texts of QUERY_STATUS in a VOTable that is valid."""
    root = etree.fromstring(answer.data)
    schema = etree.XMLSchema(etree.parse(str(SHARED / "xsd" / "VOTable-v1.4.xsd")))
    assert schema.validate(root), schema.error_log
    return [(one.get("value"), one.text or "") for one in root.iterfind(".//{*}INFO[@name='QUERY_STATUS']")]


def cells(answer: Any) -> list[list[str | None]]:
    return [[cell.text for cell in row] for row in etree.fromstring(answer.data).iterfind(".//{*}TR")]


# --- queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_a_query_is_answered_with_a_votable(client: FlaskClient) -> None:
    answer = ask(client, FIRST)
    assert (answer.status_code, answer.content_type) == (200, "application/x-votable+xml")
    assert status(answer) == [("OK", "")]
    assert cells(answer)[0] == ["ivo://north.example", "North: naming authority"] and len(cells(answer)) == 5
    assert answer.content_length == len(answer.data)


def test_get_and_post_and_names_in_any_case_say_the_same(client: FlaskClient) -> None:
    said = {"lang": "adql-2.1", "Query": FIRST, "request": "doQuery"}
    answers = [client.get("/tap/sync", query_string=said), client.post("/tap/sync", data=said),
               client.post("/tap/sync", data=said, content_type="multipart/form-data"),
               client.post("/tap/sync?LANG=ADQL", data={"QUERY": FIRST})]
    assert [answer.status_code for answer in answers] == [200] * 4 and len({answer.data for answer in answers}) == 1


@pytest.mark.shared
@pytest.mark.parametrize(("maxrec", "rows", "more"), [("0", 0, True), ("2", 2, True), ("5", 5, False), ("6", 5, False)])
def test_maxrec_bounds_the_rows_and_says_when_it_does(client: FlaskClient, maxrec: str, rows: int, more: bool) -> None:
    answer = ask(client, FIRST, MAXREC=maxrec)
    assert len(cells(answer)) == rows and status(answer) == [("OK", "")] + [("OVERFLOW", "")] * more
    assert len(etree.fromstring(answer.data).findall(".//{*}FIELD")) == 2


def test_top_is_no_overflow(client: FlaskClient) -> None:
    assert status(ask(client, FIRST.replace("SELECT", "SELECT TOP 2"), MAXREC="2")) == [("OK", "")]


@pytest.mark.parametrize(("asked", "sent"), [
    ({"RESPONSEFORMAT": "csv"}, "text/csv"), ({"FORMAT": "text/csv"}, "text/csv"),
    ({"RESPONSEFORMAT": "json"}, "application/json"),
    ({"RESPONSEFORMAT": "application/x-votable+xml;serialization=BINARY2"}, "application/x-votable+xml"),
    ({"FORMAT": "csv", "RESPONSEFORMAT": "json"}, "application/json")])
def test_other_formats_may_be_asked_for(client: FlaskClient, asked: dict[str, str], sent: str) -> None:
    answer = ask(client, FIRST, **asked)
    assert answer.status_code == 200 and answer.mimetype == sent and b"ivoid" in answer.data


@pytest.mark.parametrize("name", ["resource", "capability", "table_column", "stc_spatial"])
def test_columns_are_declared_alike_in_answers_in_tap_schema_and_in_tables(client: FlaskClient, name: str) -> None:
    answer = ask(client, f"SELECT * FROM rr.{name}", MAXREC="1")
    sent = {one.get("name"): (one.get("datatype"), one.get("arraysize"), one.get("unit"), one.get("xtype"))
            for one in etree.fromstring(answer.data).iterfind(".//{*}FIELD")}
    told = {row[0]: tuple(row[1:]) for row in cells(ask(client, (
        f"SELECT column_name, datatype, arraysize, unit, xtype FROM tap_schema.columns WHERE table_name = 'rr.{name}'")))}
    listed = {one.findtext("name"): (one.findtext("dataType"), one.find("dataType").get("arraysize"), one.findtext("unit"),
                                     one.find("dataType").get("extendedType"))
              for one in etree.fromstring(client.get(f"/tap/tables/rr.{name}").data).iterfind("column")}
    assert sent == told == listed and sent


@pytest.mark.shared
@pytest.mark.parametrize(("said", "says"), [
    ({"QUERY": FIRST}, "LANG is missing"),
    ({**ADQL}, "QUERY is missing"),
    ({**ADQL, "QUERY": "SELECT <nothing> FROM rr.resource"}, ""),
    ({**ADQL, "QUERY": "SELECT res_titel FROM rr.resource"}, "res_titel"),
    ({**ADQL, "QUERY": "SELECT ivoid FROM rr.resources"}, "rr.resource"),
    ({**ADQL, "QUERY": "DROP TABLE rr.resource"}, ""),
    ({**ADQL, "QUERY": FIRST, "MAXREC": "lots"}, "MAXREC"),
    ({**ADQL, "QUERY": FIRST, "RESPONSEFORMAT": "fits"}, "RESPONSEFORMAT"),
    ({**ADQL, "QUERY": "SELECT ivoid FROM rr.resource WHERE ivoid = '\x00\x01'"}, ""),
])
def test_what_cannot_be_answered_is_told_in_a_votable(client: FlaskClient, said: dict[str, str], says: str) -> None:
    answer = client.post("/tap/sync", data=said)
    if "\x00" in said.get("QUERY", ""):  # a text that is nowhere, or none that a database can hold
        assert answer.status_code in (200, 400) and status(answer)
        return
    assert (answer.status_code, answer.content_type) == (400, "application/x-votable+xml")
    ((value, sentence),) = status(answer)
    assert value == "ERROR" and says in sentence and sentence.endswith(".")


def test_whoever_asks_for_json_gets_errors_as_json(client: FlaskClient) -> None:
    answer = ask(client, "SELECT", RESPONSEFORMAT="json")
    assert answer.status_code == 400 and set(answer.json) == {"error", "status"}


def test_a_full_house_says_when_to_come_back(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full(*_: Any, **__: Any) -> Iterator[Any]:
        raise Busy("Too many queries run just now: ask again.", retry_after=7)
        yield

    monkeypatch.setattr(Queries, "answer", full)
    answer = ask(client, FIRST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7") and status(answer)[0][0] == "ERROR"


@pytest.mark.shared
def test_what_is_too_large_to_be_sent_at_once_ends_in_an_error(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LONGEST_ANSWER", 100_000)
    monkeypatch.setattr(views, "_WHOLE", 50_000)
    query = "SELECT a.description || b.description AS words FROM tap_schema.columns AS a, tap_schema.columns AS b"
    answer = ask(client, query)
    assert answer.status_code == 200 and 100_000 < len(answer.data) < 2_000_000
    (_, first), (last, sentence) = status(answer)
    assert (first, last) == ("", "ERROR") and "/tap/async" in sentence
    with pytest.raises(views.TooLarge):  # the server breaks off what has no place for an error
        ask(client, query, RESPONSEFORMAT="csv").get_data()
    assert status(ask(client, FIRST)) == [("OK", "")]


def test_queries_leave_threads_to_others(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_PATIENCE", 0.01)
    places = client.application.extensions["tap places"]
    held = 0
    while places.acquire(0):
        held += 1
    assert 0 < held <= client.application.extensions["site"].settings.threads - 3
    answer = ask(client, FIRST)
    assert (answer.status_code, bool(answer.headers["Retry-After"])) == (429, True)
    assert client.get("/tap", query_string={"QUERY": FIRST}).status_code == 429
    assert client.get("/tap/capabilities").status_code == 200
    for _ in range(held):
        places.release()
    assert ask(client, FIRST).status_code == 200


def test_the_last_place_is_free_again_whatever_became_of_the_query(client: FlaskClient, monkeypatch: Any) -> None:
    """Answers large and small, broken off and refused: none keeps its place."""
    monkeypatch.setattr(running, "_PATIENCE", 0.01)
    monkeypatch.setattr(views, "_WHOLE", 2)
    client.application.extensions["tap queries"]._turns = Turns(1)
    client.application.extensions["tap places"] = Turns(1)
    for _ in range(3):
        assert len(cells(ask(client, FIRST))) == 5  # longer than what is made before it is sent: it comes in pieces
        broken = client.get("/tap/sync", query_string={**ADQL, "QUERY": FIRST}, buffered=False)
        next(broken.iter_encoded())
        broken.close()
        assert ask(client, "SELECT nothing").status_code == 400
    assert ask(client, FIRST, MAXREC="1").status_code == 200


# --- documents --------------------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("path", ["capabilities", "availability", "tables", "tables?detail=min", "tables/rr.resource",
                                  "tables/TAP_SCHEMA.Columns"])
def test_documents_are_valid(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/tap/{path}")
    assert (answer.status_code, answer.content_type) == (200, "text/xml; charset=utf-8")
    assert (problems(answer.data), official_faults(answer.data)) == ([], [])


def test_capabilities_tell_what_pyvo_asks_for(client: FlaskClient) -> None:
    told = VOSICapabilities.from_xml(client.get("/tap/capabilities").data)
    assert {str(one.standard_id).lower() for one in told.capability} == {
        "ivo://ivoa.net/std/tap", "ivo://ivoa.net/std/vosi#capabilities", "ivo://ivoa.net/std/vosi#availability",
        "ivo://ivoa.net/std/vosi#tables-1.1", "ivo://ivoa.net/std/dali#examples"}
    access = etree.fromstring(client.get("/tap/capabilities").data)[0]
    assert access.find("dataModel").get("ivo-id") == "ivo://ivoa.net/std/RegTAP#1.2"
    features = {(kind.get("type").rpartition("#")[2], form.text.split("(")[0])
                for kind in access.iterfind("language/languageFeatures") for form in kind.iterfind("feature/form")}
    assert features >= {("features-adql-sets", "UNION"), ("features-adql-string", "ILIKE"), ("features-udf", "ivo_hasword"),
                        ("features-adql-conditional", "COALESCE"), ("features-adql-common-table", "WITH"),
                        ("features-udf", "ivo_specconv"), ("extra-adql-keywords", "MOC")}
    assert [one.text for one in access.iterfind("outputLimit/*")] == ["20000", "1000000"]


FEATURES = {
    "ivo_nocasematch": "ivo_nocasematch(res_title, 'NORTH%') = 1", "ivo_hasword": "1 = ivo_hasword(res_title, 'north')",
    "ivo_hashlist_has": "1 = ivo_hashlist_has(content_type, 'registry')", "ILIKE": "res_title ILIKE 'NORTH%'",
    "ivo_interval_overlaps": "1 = ivo_interval_overlaps(1, 3, 2, 4)", "LOWER": "LOWER(res_title) LIKE 'north%'",
    "UPPER": "UPPER(res_title) LIKE 'NORTH%'", "COALESCE": "COALESCE(region_of_regard, 1) = 1",
    "ivo_specconv": "ivo_specconv(1, 'm', 'm') = 1",
    **{name: f"ivoid NOT IN (SELECT ivoid FROM rr.stc_spatial WHERE {test})" for name, test in {
        "POINT": "1 = CONTAINS(POINT(1, 2), coverage)", "CIRCLE": "1 = INTERSECTS(CIRCLE(1, 2, 3), coverage)",
        "POLYGON": "1 = CONTAINS(POLYGON(1, 2, 3, 4, 1, 5), coverage)", "CONTAINS": "1 = CONTAINS(coverage, CIRCLE(1, 2, 3))",
        "INTERSECTS": "1 = INTERSECTS(coverage, CIRCLE(1, 2, 3))", "MOC": "1 = CONTAINS(MOC('1/2-3'), coverage)"}.items()},
}
WHOLE = {
    "ivo_string_agg": "SELECT ivo_string_agg(res_title, ', ') AS t FROM rr.resource GROUP BY ivoid",
    "UNION": f"{FIRST.partition(' ORDER')[0]} UNION SELECT ivoid, cap_type FROM rr.capability",
    "EXCEPT": f"{FIRST.partition(' ORDER')[0]} EXCEPT SELECT ivoid, cap_type FROM rr.capability",
    "INTERSECT": "SELECT ivoid FROM rr.resource INTERSECT SELECT ivoid FROM rr.capability",
    "WITH": "WITH some AS (SELECT ivoid FROM rr.resource) SELECT ivoid FROM some", "OFFSET": f"{FIRST} OFFSET 1",
}


def test_every_feature_that_is_declared_can_be_used(client: FlaskClient) -> None:
    access = etree.fromstring(client.get("/tap/capabilities").data)[0]
    declared = {form.text.split("(")[0] for form in access.iterfind("language/languageFeatures/feature/form")}
    assert declared == {*FEATURES, *WHOLE}
    queries = {**{name: f"SELECT ivoid FROM rr.resource WHERE {words}" for name, words in FEATURES.items()}, **WHOLE}
    assert {name: status(answer) for name, query in queries.items() if not cells(answer := ask(client, query))} == {}


def test_tap_schema_and_tables_list_the_same(client: FlaskClient) -> None:
    listed = [one.findtext("name") for one in etree.fromstring(client.get("/tap/tables").data).iterfind("schema/table")]
    told = [row[0] for row in cells(ask(client, "SELECT table_name FROM tap_schema.tables ORDER BY table_index"))]
    assert listed == told == list(described.TABLES)
    keys = len(etree.fromstring(client.get("/tap/tables").data).findall("schema/table/foreignKey"))
    assert cells(ask(client, "SELECT COUNT(*) AS n FROM tap_schema.keys")) == [[str(keys)]]


def test_a_table_that_is_none_is_named_with_those_there_are(client: FlaskClient) -> None:
    answer = client.get("/tap/tables/rr.nothing")
    assert answer.status_code == 404 and "rr.resource" in status(answer)[0][1]
    assert client.get("/tap/tables?detail=all").status_code == 400


def test_availability_answers_while_the_database_is_down(site: Any) -> None:
    client = client_of(site)
    assert b"true<" in client.get("/tap/availability").data
    site.database.close()
    (site.settings.instance / "registry.sqlite").unlink()
    (site.settings.instance / "registry.sqlite").mkdir()
    assert ask(client, FIRST).status_code == 503
    answer = client.get("/tap/availability")
    assert answer.status_code == 200 and b"false" in answer.data and b"database does not answer" in answer.data


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.key)
def test_every_example_can_be_asked(client: FlaskClient, example: Any) -> None:
    root = etree.fromstring(client.get("/tap/examples").data)
    (shown,) = root.findall(f".//*[@id='{example.key}']")
    assert shown.get("typeof") == "example" and shown.findtext("*[@property='name']") == example.title
    assert shown.findtext("*[@property='query']") == example.query
    assert ask(client, example.query).status_code == 200


def test_the_example_of_services_inside_finds_those_of_this_datacenter(client: FlaskClient) -> None:
    (near,) = (one.query for one in EXAMPLES if one.key == "near")
    found = [row[0] for row in cells(ask(client, near))]
    assert "ivo://north.example/tap" in found and "site.service" in near


def test_the_page_tells_people_where_and_how(client: FlaskClient) -> None:
    page = client.get("/tap").text
    assert client.get("/tap/").status_code == 200
    assert "http://127.0.0.1:8101/tap" in page and "rr.table_column" in page and EXAMPLES[1].title in page
    assert re.search(r'<form action="/tap" method="get"', page) and 'formaction="/tap/sync"' in page


# --- registered -------------------------------------------------------------------------------------------------------


def test_the_service_is_registered_once_and_people_may_change_it(site: Any) -> None:
    assert registering.register(site, "test") == []  # nothing is founded yet
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    first = registering.register(site, "test")
    assert [one.ivoid for one in first] == ["ivo://north.example/tap", "ivo://north.example/registry"]
    assert registering.register(site, "test") == []
    for record in first:
        root = etree.fromstring(record.xml)
        (access,) = [one for one in root.iterfind("capability") if one.get("standardID") == "ivo://ivoa.net/std/TAP"]
        assert access.findtext("interface/accessURL") == "http://127.0.0.1:8101/tap"
        assert access.find("dataModel").get("ivo-id") == "ivo://ivoa.net/std/RegTAP#1.2"
        assert (record.profile, problems(record.xml)) == ("recommended", [])
    tables = etree.fromstring(first[0].xml).findall("tableset/schema/table")
    assert len(tables) == len(documents.tableset().findall("schema/table"))


def test_an_untouched_record_follows_the_service_and_a_touched_one_does_not(site: Any) -> None:
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    registering.register(site, "test")

    def after(**settings: Any) -> list[str]:
        object.__setattr__(site, "settings", site.settings.model_copy(update=settings))
        return [record.ivoid for record in registering.register(site, "test")]

    assert after() == [] and after(tap_maxrec=77) == ["ivo://north.example/tap"] and after() == []
    with site.database.read() as connection:
        record = store.get(connection, "ivo://north.example/tap")
    assert record and b"<default unit=\"row\">77</default>" in record.xml and record.version == 2
    changed = resource.amend(record.xml, {"title": "Ours"})
    lifecycle.save(site, changed, who="ada", why="a better title", expected=2)
    assert after(tap_maxrec=78) == []
    lifecycle.delete(site, record.ivoid, who="ada", why="not wanted")
    assert after(tap_maxrec=79) == []


def test_json_is_one_document(client: FlaskClient) -> None:
    found = json.loads(ask(client, FIRST, RESPONSEFORMAT="json").data)
    assert found["rows"][0] == ["ivo://north.example", "North: naming authority"] and found["overflow"] is False


def test_the_page_shows_the_first_rows_of_an_answer(client: FlaskClient) -> None:
    page = client.get("/tap", query_string={"QUERY": "SELECT ivoid, '<b>' AS odd FROM rr.resource ORDER BY ivoid"}).text
    assert "<td>ivo://north.example/registry</td><td>&lt;b&gt;</td>" in page and "5 rows." in page
    columns = client.get("/tap", query_string={"QUERY": "SELECT column_name FROM tap_schema.columns"}).text
    assert "100 rows, and there are more" in columns
    broken = client.get("/tap", query_string={"QUERY": "SELECT <nothing>"})
    assert broken.status_code == 400 and 'role="alert"' in broken.text and "SELECT &lt;nothing&gt;" in broken.text
