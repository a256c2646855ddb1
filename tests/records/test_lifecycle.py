"""Draft, active, inactive, deleted and back: every step is a version, and nobody overwrites anybody."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from registry import clock
from registry.errors import Conflict
from registry.records import drafting, founding, lifecycle, listing, publish, store
from registry.records.lifecycle import NoDraft, NoVersion, Overtaken
from registry.records.publish import PublishRefused
from registry.records.store import NoRecord
from registry.tables import rr_resource
from tests.records.conftest import record
from vosi import resource, xmlio

NAME = "ivo://north.example/a"


def shown(site: Any, name: str = NAME) -> store.Record:
    with site.database.read() as connection:
        found = store.get(connection, name)
    assert found is not None
    return found


def story(site: Any) -> list[tuple[int, str, str, str]]:
    with site.database.read() as connection:
        return [(one.version, one.status, one.who, one.why) for one in reversed(store.versions(connection, NAME))]


def searched(site: Any) -> bool:
    with site.database.read() as connection:
        return NAME in connection.execute(rr_resource.select()).scalars().all()


def draft_of(site: Any) -> drafting.SavedDraft | None:
    with site.database.read() as connection:
        return drafting.draft_of(connection, NAME)


def updated(found: store.Record) -> str:
    return resource.summarise(xmlio.parse(found.xml)).updated


@pytest.fixture()
def north(any_site: Any) -> Any:
    """The founded datacenter, once on SQLite and once on PostgreSQL."""
    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")
    return any_site


@pytest.fixture()
def a(north: Any) -> store.Record:
    return publish.publish(north, record(NAME, title="First"), who="ann", why="new")


def test_a_life_from_draft_to_tombstone_and_back(north: Any) -> None:
    lifecycle.save_draft(north, record(NAME, title="First"), who="ann")
    with north.database.read() as connection:
        assert store.get(connection, NAME) is None
    lifecycle.publish_draft(north, NAME, who="ann", why="ready")
    lifecycle.deactivate(north, NAME, who="bob", why="moving house")
    assert (shown(north).status, searched(north)) == ("inactive", False)
    lifecycle.reactivate(north, NAME, who="bob")
    assert (shown(north).status, searched(north)) == ("active", True)
    lifecycle.delete(north, NAME, who="cat", why="closed")
    assert (shown(north).status, searched(north)) == ("deleted", False)
    lifecycle.restore(north, NAME, 1, who="dan")
    assert (shown(north).status, shown(north).title, searched(north)) == ("active", "First", True)
    assert story(north) == [
        (1, "active", "ann", "ready"), (2, "inactive", "bob", "moving house"), (3, "active", "bob", "offered again"),
        (4, "deleted", "cat", "closed"), (5, "active", "dan", "version 1 restored")]


def test_each_step_moves_updated_and_the_datestamp(north: Any, a: store.Record, monkeypatch: Any) -> None:
    seen = [(updated(a), a.datestamp)]
    monkeypatch.setattr(clock, "now", lambda: clock.parse("2031-01-01T00:00:00Z"))
    for step in (lifecycle.deactivate, lifecycle.reactivate):
        found = step(north, NAME, who="bob")
        seen.append((updated(found), found.datestamp))
    assert [one for one, _ in seen] == sorted({one for one, _ in seen}), "later each time, within one second too"
    assert [stamp for _, stamp in seen[1:]] == ["2031-01-01T00:00:00Z"] * 2


def test_an_author_s_own_later_updated_stays(north: Any, a: store.Record) -> None:
    xml = record(NAME, title="Second").replace(b'updated="2024-01-01T00:00:00Z"', b'updated="2024-05-05T00:00:00"')
    assert updated(lifecycle.save(north, xml, who="ann")) == "2024-05-05T00:00:00"
    same = lifecycle.save(north, shown(north).xml, who="ann")
    assert (same.version, updated(same)) == (2, "2024-05-05T00:00:00")


def test_steps_that_change_nothing_are_no_versions(north: Any, a: store.Record) -> None:
    assert lifecycle.reactivate(north, NAME, who="bob") == a
    assert lifecycle.save(north, a.xml, who="bob") == a


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(north: Any, a: store.Record) -> None:
    lifecycle.save(north, record(NAME, title="Bob's"), who="bob", expected=1)
    before = shown(north)
    with pytest.raises(Overtaken, match=r"was saved by bob at \d{4}-.*version 2, and you began from 1") as caught:
        lifecycle.save(north, record(NAME, title="Cat's"), who="cat", expected=1)
    assert str(caught.value).count(". ") == 0 and caught.value.record == before
    for step in (lifecycle.deactivate, lifecycle.reactivate, lifecycle.delete):
        with pytest.raises(Overtaken):
            step(north, NAME, who="cat", expected=1)
    with pytest.raises(Overtaken):
        lifecycle.restore(north, NAME, 1, who="cat", expected=1)
    with pytest.raises(Overtaken, match="it is there already"):
        publish.publish(north, record(NAME), who="cat", expected=0)
    assert shown(north) == before


def test_a_record_that_was_never_there_or_is_gone_is_said_to_be(north: Any, a: store.Record) -> None:
    lifecycle.delete(north, NAME, who="bob")
    with pytest.raises(Overtaken, match="was deleted by bob"):
        lifecycle.save(north, a.xml, who="cat", expected=1)
    with pytest.raises(Overtaken, match="there is no such record"):
        lifecycle.save(north, record(NAME + "2"), who="cat", expected=3)
    for step in (lifecycle.deactivate, lifecycle.delete):
        with pytest.raises(NoRecord):
            step(north, NAME + "2", who="cat")
    with pytest.raises(Conflict, match="restore"):
        lifecycle.reactivate(north, NAME, who="cat")


def test_of_many_who_save_at_once_one_is_first(north: Any, a: store.Record) -> None:
    def save(number: int) -> str:
        return lifecycle.save(north, record(NAME, title=f"T{number}"), who=f"w{number}", expected=1).title

    won = at_once(save)
    assert len(won) == 1
    assert (shown(north).title, shown(north).version) == (won[0], 2)


def test_of_many_who_publish_one_draft_at_once_one_does(north: Any, a: store.Record) -> None:
    lifecycle.save_draft(north, record(NAME, title="Draft"), who="ann")
    assert at_once(lambda number: lifecycle.publish_draft(north, NAME, who=f"w{number}").title) == ["Draft"]
    assert shown(north).version == 2 and draft_of(north) is None


def test_of_many_who_save_one_draft_at_once_one_is_first(north: Any) -> None:
    def save(number: int) -> int:
        return lifecycle.save_draft(north, record(NAME, title=f"T{number}"), who=f"w{number}", expected=0).revision

    assert at_once(save) == [1]


def at_once(act: Any) -> list[Any]:
    """What `act` gives to those of six who do it at the same time and are not refused."""
    outcomes: list[object] = []
    gate = threading.Barrier(6)

    def one(number: int) -> None:
        gate.wait()
        try:
            outcomes.append(act(number))
        except (Conflict, NoDraft) as told:
            outcomes.append(told)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 6, "nothing but a refusal was raised"
    return [one for one in outcomes if not isinstance(one, Exception)]


# --- restore ----------------------------------------------------------------------------------------------------------


def test_an_older_version_is_said_again_and_the_newer_ones_stay(north: Any, a: store.Record) -> None:
    lifecycle.save(north, record(NAME, title="Second"), who="ann")
    back = lifecycle.restore(north, NAME, 1, who="bob")
    assert (back.version, back.title) == (3, "First")
    assert updated(back) > "2026"
    assert xmlio.digest(xmlio.parse(resource.amend(back.xml, {"updated": "2024-01-01T00:00:00Z"}))) == a.digest


def test_what_cannot_be_restored_is_a_sentence(north: Any, a: store.Record) -> None:
    lifecycle.delete(north, NAME, who="bob")
    with pytest.raises(NoVersion, match="its tombstone"):
        lifecycle.restore(north, NAME, 2, who="bob")
    with pytest.raises(NoVersion, match="no version 9; its newest is 2"):
        lifecycle.restore(north, NAME, 9, who="bob")


def test_records_that_others_keep_are_not_changed(north: Any) -> None:
    theirs = "ivo://south.example/x"
    with north.database.write() as connection:
        store.put(connection, north.schemas, record(theirs), origin=store.HARVESTED, who="h")
    for step in (lifecycle.deactivate, lifecycle.delete):
        with pytest.raises(Conflict, match="came by harvest"):
            step(north, theirs, who="ann")
    with pytest.raises(Conflict, match="came by harvest"):
        lifecycle.restore(north, theirs, 1, who="ann")


@pytest.mark.parametrize("name", ["ivo://north.example/registry", "ivo://north.example"])
def test_who_we_are_is_not_deleted(north: Any, name: str) -> None:
    with pytest.raises(Conflict, match="own"):
        lifecycle.delete(north, name, who="ann")


def test_our_registry_stays_active(north: Any) -> None:
    with pytest.raises(PublishRefused, match="active vg:Registry"):
        lifecycle.deactivate(north, "ivo://north.example/registry", who="ann")


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_changes_nothing_that_is_published(north: Any, a: store.Record) -> None:
    lifecycle.save_draft(north, record(NAME, title="Later"), who="ann")
    assert shown(north) == a and searched(north)
    with north.database.read() as connection:
        assert listing.offered(connection, NAME) == a
        assert [one.summary.title for one in drafting.every(connection)] == ["Later"]
    published = lifecycle.publish_draft(north, NAME, who="bob", why="done")
    assert (published.title, published.version, draft_of(north)) == ("Later", 2, None)


def test_a_draft_may_be_wrong_and_is_refused_only_when_published(north: Any, a: store.Record) -> None:
    draft = lifecycle.save_draft(north, record(NAME, status="gone"), who="ann")
    assert "status" in drafting.problems(north, draft)[0].what
    with pytest.raises(PublishRefused, match="status"):
        lifecycle.publish_draft(north, NAME, who="ann")
    assert draft_of(north) == draft and shown(north) == a
    fine = lifecycle.save_draft(north, record(NAME), who="ann")
    assert drafting.problems(north, fine) == ()


@pytest.mark.parametrize(("xml", "words"), [
    (b"<broken", "not well-formed"), (b"<a/>", "no identifier"), (record("ivo://south.example/x"), "authority of ours"),
])
def test_what_could_never_be_ours_is_no_draft(north: Any, xml: bytes, words: str) -> None:
    with pytest.raises(PublishRefused, match=words):
        lifecycle.save_draft(north, xml, who="ann")


def test_a_draft_whose_record_has_moved_on_is_not_published_over_it(north: Any, a: store.Record) -> None:
    lifecycle.save_draft(north, record(NAME, title="Draft"), who="ann")
    lifecycle.save(north, record(NAME, title="Bob's"), who="bob")
    lifecycle.save_draft(north, record(NAME, title="Draft 2"), who="ann")  # saving again does not begin anew
    with pytest.raises(Overtaken, match="saved by bob"):
        lifecycle.publish_draft(north, NAME, who="ann")
    assert shown(north).title == "Bob's" and draft_of(north) is not None
    assert lifecycle.publish_draft(north, NAME, who="ann", anyway=True).title == "Draft 2"


def test_two_people_at_one_draft(north: Any) -> None:
    first = lifecycle.save_draft(north, record(NAME, title="One"), who="ann", expected=0)
    assert (first.revision, first.based_on) == (1, 0)
    lifecycle.save_draft(north, record(NAME, title="Two"), who="bob", expected=1)
    for late in (lambda: lifecycle.save_draft(north, record(NAME, title="Three"), who="ann", expected=1),
                 lambda: drafting.discard(north, NAME, expected=1)):
        with pytest.raises(Conflict, match="saved by bob at"):
            late()
    assert drafting.discard(north, NAME, expected=2).summary.title == "Two"
    with pytest.raises(NoDraft):
        drafting.discard(north, NAME)
    with pytest.raises(NoDraft):
        lifecycle.publish_draft(north, NAME, who="ann")
    with pytest.raises(Conflict, match="there no longer"):
        lifecycle.save_draft(north, record(NAME), who="ann", expected=2)


def test_a_draft_saved_again_while_it_is_published_stops_that(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle.save_draft(north, record(NAME, title="One"), who="ann")
    judged = publish.readied

    def meanwhile(site: Any, xml: bytes) -> Any:
        monkeypatch.setattr(publish, "readied", judged)
        lifecycle.save_draft(site, record(NAME, title="Two"), who="bob")
        return judged(site, xml)

    monkeypatch.setattr(publish, "readied", meanwhile)
    with pytest.raises(Conflict, match="saved by bob"):
        lifecycle.publish_draft(north, NAME, who="ann")
    with north.database.read() as connection:
        assert store.get(connection, NAME) is None


def test_a_text_tells_the_version_it_was_begun_from(north: Any, a: store.Record) -> None:
    lifecycle.save(north, record(NAME, title="Second"), who="bob")
    with north.database.read() as connection:
        assert lifecycle.begun_from(connection, a.xml) == 1
        assert lifecycle.begun_from(connection, shown(north).xml) == 2
        assert lifecycle.begun_from(connection, record(NAME).replace(b"2024-", b"1999-")) == 2
        assert lifecycle.begun_from(connection, record(NAME + "2")) == 0
