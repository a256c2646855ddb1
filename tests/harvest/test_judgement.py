"""What is made of each record: judged, flagged, put aside; and what a person says of those that wait. On both databases."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import event, func, select

from registry.harvest import quarantine, sources, store
from registry.harvest.quarantine import Kept, NotAcceptable, NotKept
from registry.harvest.sources import Source
from registry.records import authorities, store as shelf
from registry.site import Site
from registry.tables import quarantine as quarantine_table
from tests.harvest.conftest import counts, harvest, reasons
from tests.harvest.test_hostile import F, Far, held, item, listed
from tests.oai import shelves


@pytest.fixture()
def site(any_site: Site) -> Site:
    return any_site


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture()
def source(site: Site, far: Far) -> Source:
    return sources.add(site, far.url)


def waiting(site: Site, state: str = quarantine.OPEN) -> list[Kept]:
    with site.database.read() as connection:
        return quarantine.listing(connection, state=state)


def mute(site: Site, number: int) -> Kept:
    with site.database.write() as connection:
        return quarantine.mute(connection, number, "ann")


def versions(record: bytes) -> bytes:
    """The record with two security methods in one interface: fine in VOResource 1.1, not in 1.2."""
    return record.replace(b"</content>", b"""</content><capability><interface xsi:type="vr:WebService" version="1.0">
<accessURL use="full">http://far.example/x</accessURL>
<securityMethod standardID="ivo://ivoa.net/sso#BasicAA"/><securityMethod standardID="ivo://ivoa.net/sso#tls-with-password"/>
</interface></capability>""").replace(b"vr:Organisation", b"vr:Service")


def test_a_run_says_in_which_edition_records_are_valid_and_what_is_wrong_most_often(
    site: Site, far: Far, source: Source,
) -> None:
    broken = shelves.record(F + "b1").decode().replace("<title>One</title>", "")
    far.answers = {
        "": listed(item(F + "a"), item(F + "old", versions(shelves.record(F + "old")).decode()), item(F + "b1", broken),
                   token="t"),
        "t": listed(*(item(F + name, broken.replace("b1", name)) for name in ("b2", "b3")),
                    item("ivo://else.example/1"), item("ivo://else.example/2"))}
    run = harvest(site, source)
    assert run.editions == {"recommended": 1, "harvest": 1, "": 3}
    assert [(number, example) for _, number, example in run.faults] == [(3, F + "b1"), (2, "ivo://else.example/1")]
    assert "title" in run.faults[0][0] and "does not manage the authority else.example" in run.faults[1][0]
    with site.database.read() as connection:
        profiles = {name: shelf.get(connection, F + name).profile for name in ("a", "old", "b1")}  # type: ignore[union-attr]
        assert profiles == {"a": "recommended", "old": "harvest", "b1": ""}
        assert shelf.get(connection, F + "b1").problems  # type: ignore[union-attr]
    again = harvest(site, source, full=True)
    assert (again.editions, again.faults[0][1]) == (run.editions, 3), "those that came before are counted as they were"


def test_what_came_before_with_the_same_bytes_is_not_judged_again(
    site: Site, far: Far, source: Source, monkeypatch: pytest.MonkeyPatch,
) -> None:
    far.answers[""] = listed(item(F + "a"), item(F + "b"))
    harvest(site, source)
    judged: list[Any] = []
    validate = site.schemas.validate_any
    monkeypatch.setattr(site.schemas, "validate_any",
                        lambda element, written=b"": judged.append(element) or validate(element, written))
    assert counts(harvest(site, source, full=True)) == {"unchanged": 2}
    assert judged == []
    far.answers[""] = listed(item(F + "a"), item(F + "b", shelves.record(F + "b", "Changed").decode()))
    assert counts(harvest(site, source, full=True)) == {"unchanged": 1, "updated": 1}
    assert len(judged) == 1


def test_an_older_version_is_left_aside_and_flagged(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item(F + "a", shelves.record(F + "a", "New", updated="2022-01-01T00:00:00Z").decode()))
    harvest(site, source)
    far.answers[""] = listed(item(F + "a", shelves.record(F + "a", "Old", updated="2021-01-01T00:00:00Z").decode()))
    run = harvest(site, source)
    assert counts(run) == {"unchanged": 1}
    with site.database.read() as connection:
        [problem] = store.problems(connection, run.id)
        assert (problem.kind, problem.ivoid) == (store.FLAGGED, F + "a") and "it is older" in problem.reason
        assert shelf.get(connection, F + "a").title == "New"  # type: ignore[union-attr]
    assert waiting(site) == []


def test_a_date_in_the_future_is_flagged_and_locks_nobody_out(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item(F + "a", shelves.record(F + "a", "Then", updated="2931-01-01T00:00:00Z").decode()))
    run = harvest(site, source)
    assert counts(run) == {"new": 1}
    assert "lies in the future" in reasons(site, run)[F + "a"]
    assert "lies in the future" in reasons(site, harvest(site, source, full=True))[F + "a"], "as long as it is so"
    far.answers[""] = listed(item(F + "a", shelves.record(F + "a", "Now", updated="2022-01-01T00:00:00Z").decode()))
    run = harvest(site, source)
    assert (counts(run), reasons(site, run)) == ({"updated": 1}, {})


@pytest.mark.parametrize("name", [
    "ivo://FAR.example/A", "IVO://far.example/a", "ivo://Far.Example/a"])
def test_case_is_no_other_record(site: Site, far: Far, source: Source, name: str) -> None:
    far.answers[""] = listed(item(F + "a"))
    harvest(site, source)
    far.answers[""] = listed(item(name, shelves.record(name, "Changed").decode()))
    assert counts(harvest(site, source, full=True)) == {"updated": 1}
    assert len(held(site)) == 1


@pytest.mark.parametrize("name", [
    "ivo://far%2Eexample/a", "ivo://far.example%2fa", "ivo://far.example%00/a", "ivo://north.example/a",
    "ivo://NORTH.EXAMPLE/a", "ivo://north%2Eexample/a", "ivo://far.example@north.example/a",
    "ivo://far.example\\north.example/a", "ivo://north.example?far.example/", "ivo://far.example#/a b",
])
def test_no_spelling_slips_a_foreign_authority_through(site: Site, far: Far, source: Source, name: str) -> None:
    with site.database.write() as connection:
        authorities.claim(connection, "north.example", "ivo://north.example/registry", own=True)
    payload = shelves.record("ivo://north.example/a", "Spoofed").decode().replace("ivo://north.example/a", name)
    far.answers[""] = listed(item(name, payload), item(F + "good"))
    run = harvest(site, source)
    assert (held(site), run.rejected) == ([F + "good"], 1)
    for kept in waiting(site):
        with pytest.raises(NotAcceptable):
            quarantine.accept(site, kept.id, "ann")
    assert held(site) == [F + "good"]


def test_what_is_not_taken_waits_once_with_its_bytes(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item("ivo://else.example/x"), item(F + "good"))
    first = harvest(site, source)
    [kept] = waiting(site)
    assert (kept.source, kept.ivoid, kept.run_id, kept.state) == ("far.example", "ivo://else.example/x", first.id, "open")
    assert kept.raw and kept.raw.startswith(b"<ri:Resource") and "does not manage" in kept.reason
    run = harvest(site, source, full=True)
    assert [one.id for one in waiting(site)] == [kept.id], "the same again is the same"
    with site.database.read() as connection:
        assert [one.quarantine_id for one in store.problems(connection, run.id)] == [kept.id]
        assert store.problems(connection, run.id)[0].raw == kept.raw
    far.answers[""] = listed(item("ivo://else.example/x", shelves.record("ivo://else.example/x", "Changed").decode()))
    harvest(site, source)
    assert len(waiting(site)) == 2


def test_a_person_lets_a_record_in_once(site: Site, far: Far, source: Source) -> None:
    x = "ivo://else.example/x"
    far.answers[""] = listed(item(x), item(F + "good"))
    harvest(site, source)
    done = quarantine.accept(site, waiting(site)[0].id, "ann")
    assert (done.state, done.who) == (quarantine.ACCEPTED, "ann")
    record = shelves.get(site, x)
    assert record is not None and (record.origin, record.source_id) == (shelf.HARVESTED, source.id)
    with site.database.read() as connection:
        assert "accepted from quarantine" in shelf.versions(connection, x)[0].why
    run = harvest(site, source, full=True)
    assert (counts(run), reasons(site, run), waiting(site)) == ({"unchanged": 2}, {}, [])
    far.answers[""] = listed(item(x, shelves.record(x, "Changed").decode()), item(F + "good"))
    run = harvest(site, source, full=True)
    assert counts(run) == {"unchanged": 1, "rejected": 1}
    assert len(waiting(site)) == 1
    kept = shelves.get(site, x)
    assert kept is not None and kept.title == "One", "another version needs another word"


def test_a_muted_record_is_told_of_no_more(site: Site, far: Far, source: Source) -> None:
    x = "ivo://else.example/x"
    far.answers[""] = listed(item(x), item(F + "good"))
    harvest(site, source)
    assert mute(site, waiting(site)[0].id).state == quarantine.MUTED
    far.answers[""] = listed(item("ivo://Else.example/X", shelves.record(x, "Changed").decode()), item(F + "good"))
    run = harvest(site, source, full=True)
    assert (counts(run), reasons(site, run), waiting(site)) == ({"unchanged": 1, "rejected": 1}, {}, [])
    assert shelves.get(site, x) is None


def test_what_cannot_be_let_in_says_why(site: Site, far: Far, source: Source) -> None:
    with site.database.write() as connection:
        authorities.claim(connection, "north.example", "ivo://north.example/registry", own=True)
    far.answers[""] = listed(item(F + "n", "<nonsense xmlns=''/>"), item("ivo://north.example/x"))
    harvest(site, source)
    told = {}
    for kept in waiting(site):
        with pytest.raises(NotAcceptable) as refused:
            quarantine.accept(site, kept.id, "ann")
        told[kept.ivoid] = str(refused.value)
    assert "no identifier" in told[F + "n"] and "of an authority of ours" in told["ivo://north.example/x"]
    with pytest.raises(NotKept, match="no record 4711 in quarantine"):
        quarantine.accept(site, 4711, "ann")
    assert len(waiting(site)) == 2 and held(site) == []


def test_a_removed_source_leaves_nothing_in_quarantine(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item("ivo://else.example/x"))
    harvest(site, source)
    with site.database.write() as connection:
        sources.remove(connection, source.name)
    with site.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(quarantine_table)).scalar_one() == 0


def test_a_second_full_harvest_writes_no_row_of_a_record(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item(F + "a"), item(F + "b"), item("ivo://else.example/x"))
    harvest(site, source)
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        verb, _, rest = statement.strip().partition(" ")
        if verb in ("INSERT", "UPDATE", "DELETE"):
            written.append(rest.removeprefix("INTO ").removeprefix("FROM ").split()[0])

    event.listen(site.database.engine, "before_cursor_execute", note)
    assert counts(harvest(site, source, full=True)) == {"unchanged": 2, "rejected": 1}
    event.remove(site.database.engine, "before_cursor_execute", note)
    assert set(written) <= {"sources", "harvest_runs", "harvest_seen", "harvest_problems", "authorities"}
