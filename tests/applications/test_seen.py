"""What was seen in repositories and decided, on both databases: a state moves only from what it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.applications import seen
from registry.applications.seen import Seen

HOST = "127.0.0.1:5000"


def image(number: int, state: str = seen.DRAFT, **more: Any) -> Seen:
    """An image of the application stars; its digest is the number's."""
    said = {"ivoid": "ivo://North.example/app/stars", "version": f"1.{number}", "title": f"Stars {number}", "who": "watch",
            "seen": "2026-01-01T00:00:00Z"}
    return Seen(f"{HOST}/stars@sha256:{number:064x}", HOST, f"1.{number}", state, **{**said, **more})


def test_repositories_and_their_tags(any_site: Any) -> None:
    with any_site.database.write() as connection:
        assert seen.begin(connection, HOST, ["a"], "ann") and not seen.begin(connection, HOST, (), "bob")
        [one] = seen.due(connection)
        assert (one.host, one.only, one.who) == (HOST, (), "ann")
        assert seen.claim(connection, one, 100) and not seen.claim(connection, one, 100), "one look at a time"
        assert seen.due(connection) == []
        seen.looked(connection, HOST, after=-1, fault="", seconds=1.5)
        assert [(one.seconds, bool(one.read)) for one in seen.due(connection)] == [(1.5, True)]
        seen.looked(connection, HOST, after=5, fault="no", seconds=None)
        found = {(f"name{number}", "1"): f"sha256:{number:064x}" for number in range(1000)}
        seen.put_tags(connection, HOST, found)
        seen.put_tags(connection, HOST, {("name3", "1"): "sha256:" + "f" * 64})
        seen.drop_tags(connection, HOST, [("name1", "1"), ("name2", "1"), ("absent", "1")])
        assert len(seen.digests(connection, HOST)) == 998
        assert seen.tag_now(connection, HOST, "name3", "1").endswith("f") and not seen.tag_now(connection, HOST, "name2", "1")
        assert seen.one_watched(connection, HOST.upper()).fault == "no"
        seen.end(connection, HOST)
        with pytest.raises(seen.NotWatched, match="is not watched"):
            seen.one_watched(connection, "x" * 500)


def test_images_are_found_by_state_name_and_digest(any_site: Any) -> None:
    with any_site.database.write() as connection:
        seen.begin(connection, HOST, (), "ann")
        seen.put(connection, [image(number, state) for number, state in enumerate(seen.STATES)])
        seen.put(connection, [replace(image(900), ivoid="", reason="taken")])
        assert seen.watched(connection)[0].counts == {**dict.fromkeys(seen.STATES, 1), "draft": 2}
        assert len(seen.states(connection, HOST)) == 9
        assert [one.version for one in seen.listing(connection, state=seen.DRAFT)] == ["1.3", "1.900"]
        assert [one.version for one in seen.listing(connection, words="STARS 90")] == ["1.900"]
        assert seen.listing(connection, words="100%_") == [] and len(seen.listing(connection, limit=2)) == 2
        assert len(seen.listing(connection, after=image(6).reference)) == 2
        for name in ("ivo://north.EXAMPLE/app/stars", "Stars"):
            assert len(seen.of_application(connection, name)) == 8
        assert seen.of_application(connection, "") == seen.of_application(connection, "tars") == []
        assert [one.state for one in seen.of_application(connection, "stars", *seen.BARRED)] == list(seen.BARRED)
        assert seen.matching(connection, "sha256:" + "0" * 62) != []
        assert seen.matching(connection, f"{4:064x}")[0].state == "approved"
        for text in ("", "0000", "sha256:", "%" * 10, "xyzxyzxyz"):
            assert seen.matching(connection, text) == []
        every = [image(number).reference for number in range(1000)]
        assert {one.state for one in seen.noted(connection, every).values()} == set(seen.BARRED)
        assert seen.noted(connection, []) == {} and seen.get(connection, "x") is None


def test_a_decision_is_made_once_and_of_what_was_seen(any_site: Any) -> None:
    with any_site.database.write() as connection:
        seen.put(connection, [image(1), image(2, seen.APPROVED, version="1.1")])
        assert seen.decide(connection, image(1), seen.REJECTED, who="bob", reason="x" * 5000)
        assert not seen.decide(connection, image(1), seen.APPROVED, who="eve", reason=""), "it is a draft no longer"
        one = seen.get(connection, image(1).reference)
        assert one is not None and (one.state, one.decider, len(one.reason)) == ("rejected", "bob", 2000) and one.decided
        assert seen.decide(connection, one, seen.APPROVED, who="eve", reason="")
        seen.rename(connection, image(1))
        names = {one.reference: one.version for one in seen.of_application(connection, "stars")}
        assert names == {image(1).reference: "1.1", image(2).reference: "1.1-000000000000"}, "the older one goes by its digest"


def test_versions_are_ordered_as_people_count() -> None:
    names = ["1.10", "1.9", "2.0-rc1", "1.2"]
    ordered = sorted((image(number, version=name) for number, name in enumerate(names)), key=lambda one: one.order)

    assert [one.version for one in ordered] == ["1.2", "1.9", "1.10", "2.0-rc1"]
    built = sorted([image(1, created="2026-02-01"), image(2, created="2025-01-01"), image(3)], key=lambda one: one.order)
    assert [one.version for one in built] == ["1.2", "1.1", "1.3"], "what does not say when it was built is the newest"
