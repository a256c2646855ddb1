"""Standards that come with the product, standards of our own, their pages, and who speaks them here."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from registry.errors import Conflict
from registry.records import listing, publish, store
from registry.services.find import find
from registry.services.standards import defining, reading, shipped
from registry.services.standards.defining import BadDefinition, Definition
from registry.services.standards.known import STANDARDS
from registry.site import Site
from tests.services.conftest import capability, publish_service
from vosi import xmlio

PEAKS = Definition("peaks", title="Peaks", description="Finds peaks.", version="1.1", keys=(
    ("query-1.0", "The query."), ("query-1.1", "The query, with a limit.")))


def record_of(site: Site, ivoid: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
    assert record is not None
    return record


def test_the_standards_of_inner_apis_come_with_the_product(founded: Site):
    assert shipped.ship(founded) == len(STANDARDS)
    names = {one.ivoid for one in STANDARDS}
    assert {f"ivo://ivoa.net/std/{name}" for name in (
        "TAP", "ConeSearch", "SIA", "SODA", "DataLink", "VOSpace", "UWS", "VOSI", "Registry")} < names
    for name in names:
        record = record_of(founded, name)
        assert (record.origin, record.managed, record.profile) == (store.SHIPPED, False, "recommended"), record.problems
    with founded.database.read() as connection:
        known = reading.known_ids(connection)
    assert {"ivo://innerspace/std/container#runner-1.0", "ivo://innerspace/std/container#application-1.0"} <= set(known)


def test_they_are_put_there_once_and_a_harvested_copy_stays(founded: Site):
    shipped.ship(founded)
    before = record_of(founded, "ivo://ivoa.net/std/TAP")
    assert shipped.ship(founded) == 0
    assert record_of(founded, "ivo://ivoa.net/std/TAP") == before
    theirs = before.xml.replace(b"Table Access Protocol", b"TAP as its registry has it")
    with founded.database.write() as connection:
        assert store.put(connection, founded.schemas, theirs, origin=store.HARVESTED, who="t").outcome == store.UPDATED
        connection.exec_driver_sql("DELETE FROM facts WHERE name = 'shipped standards'")
    assert shipped.ship(founded) == 0
    assert record_of(founded, "ivo://ivoa.net/std/TAP").title == "TAP as its registry has it"


def test_they_claim_nothing_and_are_not_managed(founded: Site):
    shipped.ship(founded)
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://north.example/registry") is not None
        from registry.records import authorities
        assert authorities.ours(connection) == {"north.example"}
        assert not [one for one in listing.browse(connection, origin=store.SHIPPED) if one.managed]


def test_a_standard_of_ours_is_defined_changed_and_left(founded: Site):
    record = defining.define(founded, PEAKS, who="test")
    assert (record.ivoid, record.type, record.origin) == ("ivo://north.example/std/peaks", "vstd:ServiceStandard", "own")
    assert record.managed and record.profile == "recommended"
    element = xmlio.parse(record.xml)
    assert [one.text for one in element.iterfind("key/name")] == ["query-1.0", "query-1.1"]
    assert defining.define(founded, PEAKS, who="test").version == record.version
    changed = defining.define(founded, Definition(**{**vars(PEAKS), "title": "Peaks and dips"}), who="test")
    assert (changed.version, changed.title) == (record.version + 1, "Peaks and dips")


@pytest.mark.parametrize(("said", "words"), [
    ({"name": ""}, "name"), ({"name": "a b"}, "name"), ({"name": "x#y"}, "name"), ({"name": "x", "version": "new"}, "version"),
    ({"name": "x", "keys": {"a b": "words"}}, "key"), ({"name": "x", "keys": {"a-1.0": " "}}, "few words"),
    ({"name": "x", "keys": [["a", "b"], ["a", "c"]]}, "twice"), ({"name": "x", "interface_type": "vs:Nothing"}, "interface type"),
    ({"name": "x", "use": "some"}, "use"), ({"title": "x"}, "needs a name"), ({"name": "x", "colour": "red"}, "colour"),
    ({"name": 3}, "must be text"), ({"name": "x", "keys": ["a"]}, "pairs"),
])
def test_what_is_no_definition_is_a_sentence_and_stores_nothing(founded: Site, said, words: str):
    with pytest.raises(BadDefinition, match=words):
        defining.define(founded, defining.from_mapping(said), who="test")
    with founded.database.read() as connection:
        assert not [one for one in listing.browse(connection, origin="own") if one.type.startswith("vstd:")]


def test_a_name_that_is_taken_by_something_else(founded: Site):
    publish_service(founded, "std/peaks", capability("http://a/peaks"))
    with pytest.raises(Conflict, match="no standard"):
        defining.define(founded, PEAKS, who="test")


@pytest.fixture()
def peaks(founded: Site) -> str:
    shipped.ship(founded)
    defining.define(founded, PEAKS, who="test")
    publish_service(founded, "finder", capability(
        "http://a/peaks", standard_id="ivo://north.example/std/peaks#query-1.1"), title="The finder")
    return "ivo://north.example/std/peaks"


def test_its_page_tells_what_it_is_and_who_speaks_it(client: FlaskClient, founded: Site, peaks: str):
    page = client.get("/standards/north.example/std/peaks").text
    for words in ("Finds peaks.", "query-1.1", "The finder", "http://a/peaks", "vs:ParamHTTP", "later minor version"):
        assert words in page
    told = json.loads(client.get("/standards/NORTH.example/std/Peaks.json").data)
    assert {key["name"]: key["services"] for key in told["keys"]} == {
        "query-1.0": [], "query-1.1": ["ivo://north.example/finder"]}
    assert told["interfaces"] == [{"type": "vs:ParamHTTP", "role": "std", "use": "base", "version": ""}]
    xml = client.get("/standards/north.example/std/peaks", headers={"Accept": "text/xml"})
    assert founded.schemas.validate(xmlio.parse(xml.data)) == []
    with founded.database.read() as connection:  # a later minor version does for an earlier one
        assert [one.access_url for one in find(connection, f"{peaks}#query-1.0")] == ["http://a/peaks"]
        assert find(connection, f"{peaks}#query-2.0") == []


def test_the_list_has_them_all_the_spoken_ones_first(client: FlaskClient, peaks: str):
    found = json.loads(client.get("/standards", headers={"Accept": "application/json"}).data)["standards"]
    assert len(found) == len(STANDARDS) + 1
    spoken = [one["ivoid"] for one in found if one["services"]]
    assert [one["ivoid"] for one in found[:len(spoken)]] == spoken and peaks in spoken
    assert "Simple Cone Search" in client.get("/standards").text


def test_what_is_no_standard_is_a_sentence(client: FlaskClient, founded: Site):
    for path in ("ivoa.net/std/Nothing", "north.example/registry", "x", "%/%"):
        response = client.get(f"/standards/{path}.json")
        assert response.status_code == 404 and "no standard" in json.loads(response.data)["error"]
    assert client.get("/standards/nothing/at/all").status_code == 404


def test_a_misspelt_standard_is_suggested_from_what_is_known(client: FlaskClient, founded: Site):
    shipped.ship(founded)
    found = json.loads(client.get("/find.json?standardID=ivo://ivoa.net/std/VOSpaec").data)
    assert found == {"endpoints": [], "nearest": "ivo://ivoa.net/std/VOSpace"}


def test_a_retired_standard_is_gone_from_the_list(client: FlaskClient, founded: Site, peaks: str):
    publish.retire(founded, peaks, who="test", why="gone")
    assert client.get("/standards/north.example/std/peaks").status_code == 404


