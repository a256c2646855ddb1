"""The shelf itself: who replaces whom (D15), when a datestamp moves (D2), what a tombstone keeps."""

from __future__ import annotations

from typing import Any

import pytest

from registry import clock
from registry.records import listing, store
from registry.records.store import FOREIGN_FILE, HARVESTED, OWN, SHIPPED, Put
from registry.tables import rr_resource, sources
from tests.records.conftest import record

NAME = "ivo://a.example/r"
ORDER = (OWN, HARVESTED, FOREIGN_FILE, SHIPPED)


@pytest.mark.parametrize(("newer", "may_replace"), [
    (OWN, ORDER), (HARVESTED, (HARVESTED, FOREIGN_FILE, SHIPPED)), (FOREIGN_FILE, (FOREIGN_FILE,)),
    (SHIPPED, (SHIPPED, FOREIGN_FILE)),
])
def test_who_replaces_whom(site: Any, newer: str, may_replace: tuple[str, ...]) -> None:
    for older in ORDER:
        name = f"{NAME}/{older}"
        put(site, record(name), origin=older)
        done = put(site, record(name, title="Newer"), origin=newer)
        assert (done.outcome == "updated") == (older in may_replace), older
        assert (get(site, name).title == "Newer") == (older in may_replace)


def test_an_equal_record_of_a_weaker_origin_is_no_change(site: Any) -> None:
    put(site, record(NAME), origin=OWN)
    assert put(site, record(NAME), origin=FOREIGN_FILE).outcome == "unchanged"
    assert get(site, NAME).origin == OWN


def test_a_datestamp_moves_with_the_digest_alone(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2030-01-01T00:00:01Z")
    put(site, record(NAME))
    at(monkeypatch, "2030-01-01T00:00:02Z")
    put(site, record(NAME).replace(b"\n <title>", b"\n\n   <title>"))
    assert get(site, NAME).datestamp == "2030-01-01T00:00:01Z"
    at(monkeypatch, "2030-01-01T00:00:03Z")
    put(site, record(NAME, title="Other"))
    assert get(site, NAME).datestamp == "2030-01-01T00:00:03Z"
    at(monkeypatch, "2030-01-01T00:00:04Z")
    with site.database.write() as connection:
        store.delete(connection, NAME, who="t", why="")
    assert get(site, NAME).datestamp == "2030-01-01T00:00:04Z"


def test_becoming_ours_moves_it_since_a_set_gains_it(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2030-01-01T00:00:01Z")
    put(site, record(NAME))
    at(monkeypatch, "2030-01-01T00:00:02Z")
    assert put(site, record(NAME), origin=OWN).outcome == "updated"
    assert (get(site, NAME).datestamp, get(site, NAME).managed) == ("2030-01-01T00:00:02Z", True)


def test_another_keeper_of_equal_bytes_moves_nothing(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2030-01-01T00:00:01Z")
    put(site, record(NAME))
    at(monkeypatch, "2030-01-01T00:00:02Z")
    assert put(site, record(NAME), origin=HARVESTED).outcome == "updated"
    kept = get(site, NAME)
    assert (kept.origin, kept.datestamp, kept.version) == (HARVESTED, "2030-01-01T00:00:01Z", 1)


def test_a_datestamp_never_goes_back(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2030-01-01T00:00:09Z")
    put(site, record(NAME))
    at(monkeypatch, "2030-01-01T00:00:01Z")
    put(site, record(NAME, title="Other"))
    assert get(site, NAME).datestamp == "2030-01-01T00:00:09Z"


def test_a_deleted_record_is_out_of_searches_and_comes_back(site: Any) -> None:
    put(site, record(NAME))
    with site.database.write() as connection:
        store.delete(connection, NAME, who="t", why="")
        assert connection.execute(rr_resource.select()).all() == []
    put(site, record(NAME))
    with site.database.read() as connection:
        assert [row.ivoid for row in connection.execute(rr_resource.select())] == [NAME]
        assert [version.status for version in store.versions(connection, NAME)] == ["active", "deleted", "active"]


@pytest.mark.parametrize("text", ["", "ivo://a b", "ivo://", "http://a.example/", "ivo://a.example/%41", "\x00", "ivo://é.x/"])
def test_a_text_that_is_no_identifier_names_no_record(site: Any, text: str) -> None:
    put(site, record(NAME))
    with site.database.write() as connection:
        assert store.get(connection, text) is None
        assert store.versions(connection, text) == []
        assert listing.offered(connection, text) is None
        with pytest.raises(store.NoRecord):
            store.delete(connection, text, who="t", why="")


@pytest.mark.parametrize(("xml", "words"), [
    (b"<a", "not well-formed"), (b"<a/>", "no identifier"), (b"", "not well-formed"),
    (record("ivo://a b/c"), "no legal authority"), (record("ivo://a.example/%41"), "not legal"),
    (b'<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"><identifier>ivo://a.example/r</identifier>'
     b"</oai_dc:dc>", "Dublin Core"),
    (b'<VODescription xmlns="http://www.ivoa.net/xml/VOResource/v0.9"/>', "VOResource 0.x"),
    (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "DOCTYPE"),
])
def test_what_cannot_be_kept_is_refused_in_a_sentence(site: Any, xml: bytes, words: str) -> None:
    done = put(site, xml)
    assert done.outcome == "refused" and done.record is None
    assert words in done.reason and done.reason.endswith(".")


def test_a_faulty_record_is_kept_with_its_faults(site: Any) -> None:
    done = put(site, record(NAME, status="gone"))
    assert done.record is not None and done.record.profile == "" and done.record.problems


def test_a_harvested_record_says_from_whom(site: Any) -> None:
    with site.database.write() as connection:
        number = connection.execute(sources.insert().values(
            name="b", url="http://b/", registry="ivo://B.example/registry", interval=60, next_run="", created=""),
        ).inserted_primary_key[0]
        store.put(connection, site.schemas, record(NAME), origin=HARVESTED, who="t", source_id=number)
        row = connection.execute(rr_resource.select()).one()
    assert row.harvested_from == "ivo://b.example/registry"


@pytest.mark.parametrize("name", ["ivo://a.example/r/", "ivo://a.example/R?Query", "ivo://A.example/r#Part"])
def test_a_name_that_is_not_its_own_key_is_projected_once(site: Any, name: str) -> None:
    for title in ("First", "Second"):
        put(site, record(name, title=title))
    with site.database.read() as connection:
        [row] = connection.execute(rr_resource.select()).all()
    assert (row.ivoid, row.res_title) == (get(site, name).key, "Second")


def test_a_draft_is_offered_to_nobody(site: Any) -> None:
    with site.database.write() as connection:
        store.put(connection, site.schemas, record(NAME), origin=OWN, who="t", draft=True)
    with site.database.read() as connection:
        assert listing.offered(connection, NAME) is None
        assert listing.browse(connection) == []
        assert [one.ivoid for one in listing.every(connection)] == [NAME]
        assert connection.execute(rr_resource.select()).all() == []


def test_projecting_again_gives_the_same_rows(site: Any) -> None:
    put(site, record(NAME))
    with site.database.write() as connection:
        before = connection.execute(rr_resource.select()).all()
        store.project(connection, get_in(connection, NAME))
        assert connection.execute(rr_resource.select()).all() == before


def put(site: Any, xml: bytes, origin: str = FOREIGN_FILE) -> Put:
    with site.database.write() as connection:
        return store.put(connection, site.schemas, xml, origin=origin, who="test")


def get(site: Any, name: str) -> store.Record:
    with site.database.read() as connection:
        return get_in(connection, name)


def get_in(connection: Any, name: str) -> store.Record:
    found = store.get(connection, name)
    assert found is not None
    return found


def at(monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.parse(stamp))


def test_the_summary_of_a_record_is_what_is_listed(site: Any) -> None:
    put(site, record(NAME, title="Stars &amp;\n more"))
    assert get(site, NAME).title == "Stars & more"
