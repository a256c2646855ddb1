"""Records written together: each unit of work sees what it has put, stamps it once, and leaves nothing when it fails."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from registry import clock
from registry.records import store
from registry.records.ready import one_record, prepare
from registry.records.shelf_rows import Pending
from registry.tables import record_versions, records, rr_resource
from tests.records.conftest import record

A, B = "ivo://a.example/a", "ivo://a.example/b"


def put(connection: Any, site: Any, pending: Pending, ivoid: str, title: str = "A title", **more: Any) -> str:
    ready = prepare(site.schemas, *one_record(record(ivoid, title=title, **more)))
    return store.put_ready(connection, ready, origin=store.FOREIGN_FILE, who="t", pending=pending).outcome


def titles(site: Any) -> dict[str, str]:
    with site.database.read() as connection:
        return dict(connection.execute(select(rr_resource.c.ivoid, rr_resource.c.res_title)).all())


def test_what_waits_is_seen_stamped_once_and_found(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.parse("2030-01-01T00:00:01Z"))
    with site.database.write() as connection:
        pending = Pending()
        pending.foresee(connection, [A, B])
        assert put(connection, site, pending, A, "One") == put(connection, site, pending, B, "Two") == "new"
        monkeypatch.setattr(clock, "now", lambda: clock.parse("2030-01-01T00:00:02Z"))
        pending.flush(connection)
    with site.database.read() as connection:
        stamps = connection.execute(select(records.c.key, records.c.datestamp)).all()
        assert dict(stamps) == {A: "2030-01-01T00:00:02Z", B: "2030-01-01T00:00:02Z"}
        assert store.last_stamp(connection) == "2030-01-01T00:00:02Z"
        assert [one.version for one in store.versions(connection, A)] == [1]
    assert titles(site) == {A: "One", B: "Two"}


def test_a_record_that_comes_twice_is_no_change_or_an_update(site: Any) -> None:
    with site.database.write() as connection:
        pending = Pending()
        pending.foresee(connection, [A])
        assert [put(connection, site, pending, A), put(connection, site, pending, A)] == ["new", "unchanged"]
        pending.flush(connection)
    with site.database.read() as connection:
        a = store.get(connection, A)
        assert a and a.version == 1 and a.datestamp
    with site.database.write() as connection:
        pending = Pending()
        pending.foresee(connection, [B])
        assert [put(connection, site, pending, B), put(connection, site, pending, B, "Other")] == ["new", "updated"]
        pending.flush(connection)
    with site.database.read() as connection:
        b = store.get(connection, B)
        assert b and b.datestamp and (b.version, b.title) == (2, "Other")
        newest, first = store.versions(connection, B)
        assert (b"Other" in newest.xml, b"A title" in first.xml) == (True, True)
    assert titles(site) == {A: "A title", B: "Other"}


def test_what_was_foreseen_is_looked_up_again_once_it_may_have_changed(site: Any) -> None:
    with site.database.write() as connection:
        put(connection, site, Pending(), A)
    with site.database.write() as connection:
        pending = Pending()
        pending.foresee(connection, [A])
        store.delete(connection, A, who="t", why="")
        assert put(connection, site, pending, A, "Back") == "updated"
        pending.flush(connection)
    with site.database.read() as connection:
        found = store.get(connection, A)
        assert found and (found.status, found.version, found.title) == ("active", 3, "Back")


def test_a_unit_that_fails_leaves_nothing_and_nothing_for_the_next(site: Any) -> None:
    with pytest.raises(ZeroDivisionError), site.database.write() as connection:
        pending = Pending()
        put(connection, site, pending, A)
        pending.flush(connection)
        raise ZeroDivisionError
    with site.database.write() as connection:
        assert store.get(connection, A) is None
        put(connection, site, Pending(), B)
    with site.database.read() as connection:
        assert connection.execute(select(records.c.key)).scalars().all() == [B]
        assert connection.execute(select(record_versions.c.key)).scalars().all() == [B]


def test_the_xml_of_the_present_version_is_held_once_and_told_all_the_same(site: Any) -> None:
    for title in ("First", "Second"):
        with site.database.write() as connection:
            put(connection, site, Pending(), A, title)
    with site.database.write() as connection:
        store.delete(connection, A, who="t", why="")
        held = connection.execute(select(record_versions.c.xml).order_by(record_versions.c.version)).scalars().all()
        told = [one.xml for one in store.versions(connection, A)]
    assert [len(xml) > 0 for xml in held] == [True, True, False]
    assert [b"Second" in told[0], b"Second" in told[1], b"First" in told[2]] == [True, True, True]


def test_what_a_unit_that_failed_had_put_is_seen_by_nobody_after_it(site: Any) -> None:
    with pytest.raises(ZeroDivisionError), site.database.write() as connection:
        pending = Pending()
        pending.foresee(connection, [A])
        put(connection, site, pending, A)
        raise ZeroDivisionError
    with site.database.read() as connection:  # the pool hands out the same connection again
        assert store.get(connection, A) is None
