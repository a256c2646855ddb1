"""Two datacenters harvest each other over real servers: what comes, what stays as it is, who may speak for whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from registry.harvest import client, sources, store
from registry.records import authorities, store as shelf
from registry.site import Site
from registry.tables import metadata
from tests.harvest.conftest import add, counts, harvest, last_run, reasons, turn
from tests.oai import shelves
from tests.oai.conftest import Asker, app_of

Maker = Callable[..., Site]
N = "ivo://north.example/"


def fill(site: Site, number: int) -> None:
    with shelves.at():
        shelves.put(site, *(shelves.record(f"{N}R{n}", f"Record {n}") for n in range(number)))


def contents(site: Site) -> dict[str, list[object]]:
    """Every row of every table but those that say when a harvest was: nothing else may be written without a change."""
    moving = ("harvest_runs", "sources")
    with site.database.read() as connection:
        return {name: sorted(map(repr, connection.execute(select(table))))
                for name, table in metadata.tables.items() if name not in moving}


@pytest.fixture()
def north(datacenter: Maker) -> Site:
    site = datacenter("north.example")
    fill(site, 12)
    return site


@pytest.fixture()
def south(datacenter: Maker) -> Site:
    return datacenter("south.example")


def test_a_full_harvest_brings_the_same_bytes(north: Site, south: Site) -> None:
    source = add(south, north)
    assert (source.name, source.registry) == ("north.example", f"{N}registry")
    run = harvest(south, source)
    assert (run.state, run.message, run.pages, run.list_size) == (store.COMPLETE, "", 3, 13)
    assert counts(run) == {"new": 13}
    for name in ["registry", *(f"R{n}" for n in range(12))]:
        theirs, ours = shelves.get(north, N + name), shelves.get(south, N + name)
        assert theirs is not None and ours is not None
        assert ours.xml == theirs.xml
        assert (ours.origin, ours.source_id, ours.managed) == (shelf.HARVESTED, source.id, False)


def test_a_second_harvest_without_a_change_writes_nothing(north: Site, south: Site) -> None:
    source = add(south, north)
    harvest(south, source)
    before = contents(south)
    assert counts(harvest(south, source)) == {}, "nothing has changed in the overlap"
    again = harvest(south, source, full=True)
    assert counts(again) == {"unchanged": 13}
    assert contents(south) == before


def test_an_incremental_harvest_brings_changes_new_ones_and_deletions(north: Site, south: Site) -> None:
    source = add(south, north)
    first = harvest(south, source)
    shelves.put(north, shelves.record(f"{N}R1", "Changed", updated="2021-01-01T00:00:00Z"), shelves.record(f"{N}more"))
    shelves.delete(north, f"{N}R2")
    run = harvest(south, source)
    assert counts(run) == {"new": 1, "updated": 1, "deleted": 1}
    assert run.from_ and first.first_response and run.from_ < first.first_response
    gone, changed = shelves.get(south, f"{N}R2"), shelves.get(south, f"{N}R1")
    assert gone is not None and gone.deleted
    assert changed is not None and changed.title == "Changed"
    assert counts(harvest(south, source)) == {"unchanged": 3}, "the overlap repeats them, and that is no change"
    shelves.put(north, shelves.record(f"{N}R2", "Back", updated="2022-01-01T00:00:00Z"))
    assert counts(harvest(south, source)) == {"updated": 1, "unchanged": 2}
    back = shelves.get(south, f"{N}R2")
    assert back is not None and not back.deleted


def test_deletions_are_passed_on_as_ours_are(north: Site, south: Site) -> None:
    source = add(south, north)
    harvest(south, source)
    shelves.delete(north, f"{N}R3")
    harvest(south, source)
    page = Asker(app_of(south).test_client(), south.schemas)(
        verb="GetRecord", identifier=f"{N}R3", metadataPrefix="ivo_vor")
    assert page.headers_of[f"{N}R3"].get("status") == "deleted"
    assert page.texts("setSpec") == []


def test_two_that_harvest_each_other_come_to_rest(north: Site, south: Site) -> None:
    shelves.put(south, shelves.record("ivo://south.example/own"))
    there, back = add(south, north), add(north, south)
    assert counts(harvest(south, there)) == {"new": 13}
    assert counts(harvest(north, back)) == {"new": 2}, "only what originates there: nothing comes home"
    settled = contents(north), contents(south)
    for _ in range(2):
        harvest(south, there, full=True)
        harvest(north, back, full=True)
    assert (contents(north), contents(south)) == settled


def test_second_hand_records_are_not_taken_even_when_all_sets_are_harvested(
    north: Site, south: Site, datacenter: Maker,
) -> None:
    harvest(south, add(south, north))
    east = datacenter("east.example")
    run = harvest(east, add(east, south, set_spec=""))
    assert counts(run) == {"new": 1, "rejected": 13}
    assert "does not manage the authority north.example" in reasons(east, run)[f"{N}R1"]
    back = harvest(north, add(north, south, set_spec=""))
    assert counts(back) == {"new": 1, "rejected": 13}
    assert "is ours" in reasons(north, back)[f"{N}R1"]
    mine = shelves.get(north, f"{N}R1")
    assert mine is not None and mine.origin == shelf.OWN


@pytest.mark.parametrize("spoofed", [
    "ivo://north.example/R1", "ivo://NORTH.EXAMPLE/r1", "IVO://north.example/x", "ivo://north.example", "ivo://other.example/x",
    "ivo://south.example.evil.example/x",
])
def test_a_source_speaks_only_for_its_own_authorities(north: Site, south: Site, spoofed: str) -> None:
    """North sees records of its own and of others' authorities in south's list: none of them is taken."""
    before = contents(north)["records"]
    shelves.put(south, shelves.record(spoofed, "Spoofed"))
    run = harvest(north, add(north, south))
    assert counts(run) == {"new": 1, "rejected": 1}
    assert spoofed in reasons(north, run)
    assert set(before) < set(contents(north)["records"])


def test_an_authority_has_one_registry_the_first_that_claims_it(north: Site, south: Site, datacenter: Maker) -> None:
    east = datacenter("east.example")
    for site in (north, south):
        name = site.settings.authority
        with shelves.at():
            claims = [name, "Shared.example", "east.example"]
            shelves.put(site, shelves.registry_record(name, site.settings.base_url, claims),
                        shelves.record("ivo://shared.example/x", f"By {name}"))
    harvest(east, add(east, north))
    source = add(east, south)
    run = harvest(east, source)
    found = shelves.get(east, "ivo://shared.example/x")
    assert found is not None and found.title == "By north.example"
    with east.database.read() as connection:
        said = [problem.reason for problem in store.problems(connection, run.id)]
    assert any("shared.example, which ivo://north.example/registry manages" in text for text in said)
    assert any("east.example, which ivo://east.example/registry manages" in text for text in said)
    with east.database.write() as connection:  # a person moves the authority: without north, south may speak
        sources.remove(connection, "north.example")
        assert authorities.holder(connection, "shared.example") == ""
    harvest(east, source, full=True)
    moved = shelves.get(east, "ivo://shared.example/x")
    assert moved is not None and moved.title == "By south.example"


def test_a_registry_that_gives_an_authority_up_leaves_it_to_others(north: Site, south: Site, datacenter: Maker) -> None:
    east = datacenter("east.example")
    source = add(east, north)

    def claims(*managed: str) -> None:
        with shelves.at():
            shelves.put(north, shelves.registry_record("north.example", north.settings.base_url, managed))
        harvest(east, source)

    def holder(authority: str) -> str:
        with east.database.read() as connection:
            return authorities.holder(connection, authority)

    claims("north.example", "moving.example")
    assert holder("moving.example") == f"{N}registry"
    claims("north.example")
    assert (holder("moving.example"), holder("north.example")) == ("", f"{N}registry")
    assert holder("east.example") == "ivo://east.example/registry"


def test_an_outdated_copy_replaces_nothing(north: Site, south: Site) -> None:
    source = add(south, north)
    shelves.put(north, shelves.record(f"{N}R1", "Newest", updated="2022-01-01T00:00:00Z"))
    harvest(south, source)
    shelves.put(north, shelves.record(f"{N}R1", "Replayed", updated="2021-01-01T00:00:00Z"))
    run = harvest(south, source)
    assert "older" in reasons(south, run)[f"{N}R1"]
    kept = shelves.get(south, f"{N}R1")
    assert kept is not None and kept.title == "Newest"


def test_a_record_from_a_file_is_replaced_by_its_registrys(north: Site, south: Site) -> None:
    shelves.put(south, shelves.record(f"{N}R1", "From a file"), shelves.record(f"{N}gone"), origin=shelf.FOREIGN_FILE)
    shelves.put(north, shelves.record(f"{N}gone"))
    shelves.delete(north, f"{N}gone")
    harvest(south, add(south, north))
    found, gone = shelves.get(south, f"{N}R1"), shelves.get(south, f"{N}gone")
    assert found is not None and (found.origin, found.title) == (shelf.HARVESTED, "Record 1")
    assert gone is not None and gone.deleted


def test_records_that_fit_no_schema_come_with_their_problems(north: Site, south: Site) -> None:
    odd = shelves.record(f"{N}odd").replace(b"<title>", b"<unheard/><title>")
    with shelves.at():
        shelves.put(north, odd)
    run = harvest(south, add(south, north))
    assert counts(run) == {"new": 14}
    stored = shelves.get(south, f"{N}odd")
    assert stored is not None and stored.problems and not stored.profile


def test_a_source_that_becomes_another_registry_is_not_harvested(north: Site, south: Site, datacenter: Maker) -> None:
    source = add(south, north)
    with shelves.at():
        shelves.delete(north, f"{N}registry")
    run = harvest(south, source)
    assert run.state == store.FAILED
    assert "without its registry record" in run.message
    assert counts(run) == {}


def test_what_cannot_be_a_source(north: Site, south: Site) -> None:
    with pytest.raises(sources.SourceError, match="this registry itself"):
        add(north, north)
    source = add(south, north)
    with pytest.raises(sources.SourceError, match="harvested already, as north.example"):
        add(south, north)
    with pytest.raises(client.HarvestError, match="status 404: check the address"):
        sources.add(south, north.settings.url("nothing-here"))
    with pytest.raises(sources.SourceError, match="no source nobody"), south.database.read() as connection:
        sources.get(connection, "nobody")
    assert sources.look(south, source.url).size == 13


def test_the_schedule_harvests_what_is_due_and_no_more(north: Site, south: Site) -> None:
    source = add(south, north)
    assert turn(south) == 1, "a new source is due at once"
    assert turn(south) == 0
    with shelves.at("2999-01-01T00:00:00Z"):
        assert turn(south) == 1
    with south.database.write() as connection:
        sources.pause(connection, source.name, True)
    with shelves.at("2999-06-01T00:00:00Z"):
        assert turn(south) == 0
    assert last_run(south, source).state == store.COMPLETE
