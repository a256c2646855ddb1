"""The shelf on both databases: what is put, told, changed and deleted; many at once; values of any size."""

from __future__ import annotations

import random
import string
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from registry.records import authorities, founding, listing, publish, reprojecting, store
from registry.records.shelf_rows import TABLES
from registry.site import Site
from registry.tables import facts, is_number, records, rr_capability, rr_res_table, rr_resource
from tests.databases.crowd import at_once
from tests.oai import shelves
from tests.oai.shelves import get, record

NAME = "ivo://north.example/one"


def count(site: Site, table: Any) -> int:
    with site.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def random_text(length: int) -> str:
    """Text that no compression shortens much, the same each time."""
    return "".join(random.Random(4711).choices(string.ascii_lowercase + string.digits, k=length))


def test_a_record_comes_changes_goes_and_keeps_its_history(any_site: Site) -> None:
    with shelves.at("2024-01-01T00:00:00Z"):
        assert shelves.put(any_site, record(NAME, "First"))[0].outcome == store.NEW
    with shelves.at("2024-01-02T00:00:00Z"):
        assert shelves.put(any_site, record(NAME, "Second"))[0].outcome == store.UPDATED
        assert shelves.put(any_site, record(NAME, "Second"))[0].outcome == store.UNCHANGED
    second = get(any_site, NAME.upper().replace("IVO", "ivo"))
    assert second is not None and (second.title, second.version, second.datestamp) == (
        "Second", 2, "2024-01-02T00:00:00Z")
    assert b"<title>Second</title>" in second.xml
    assert count(any_site, rr_resource) == 1
    with shelves.at("2024-01-03T00:00:00Z"):
        shelves.delete(any_site, NAME)
    gone = get(any_site, NAME)
    assert gone is not None and gone.deleted and gone.datestamp == "2024-01-03T00:00:00Z"
    assert [count(any_site, table) for table in TABLES] == [0] * len(TABLES)
    with any_site.database.read() as connection:
        assert [(one.version, one.status) for one in store.versions(connection, NAME)] == [
            (3, store.DELETED), (2, store.ACTIVE), (1, store.ACTIVE)]
        assert store.last_stamp(connection) == "2024-01-03T00:00:00Z"


def test_lists_are_in_order_of_stamp_and_key_and_pages_add_up(any_site: Site) -> None:
    names = [f"ivo://north.example/{tail}" for tail in ("b-a", "b/a", "ba", "B.c", "b_z", "a", "zz", "z-z")]
    for day, name in enumerate(names):
        with shelves.at(f"2024-01-0{1 + day // 4}T00:00:00Z"):
            shelves.put(any_site, record(name), origin=store.FOREIGN_FILE)
    shelves.put(any_site, record("ivo://north.example/draft"), draft=True)
    found: list[store.Record] = []
    with any_site.database.read() as connection:
        which = listing.Range(until="2024-12-31T00:00:00Z")
        while page := listing.select_records(
            connection, which, after=(found[-1].datestamp, found[-1].key) if found else None, limit=3):
            found += page
        assert [(one.datestamp, one.key) for one in found] == sorted((one.datestamp, one.key) for one in found)
        assert {one.ivoid for one in found} == set(names)
        assert listing.count(connection, which) == len(names)
        assert listing.earliest(connection) == "2024-01-01T00:00:00Z"
        assert [one.key for one in listing.every(connection, step=2)] == sorted(
            [name.lower() for name in names] + ["ivo://north.example/draft"])
        assert [one.ivoid for one in listing.browse(connection, words="one b-a")] == [names[0]]


def test_what_is_projected_anew_is_the_same(any_site: Site) -> None:
    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")

    def rows() -> list[Any]:
        with any_site.database.read() as connection:
            queries = [select(*(column for column in table.c if not is_number(column))) for table in TABLES]
            return [sorted(map(repr, connection.execute(query))) for query in queries]

    before = rows()
    assert any(before)
    reprojecting.reproject(any_site)
    assert rows() == before


def test_many_who_put_the_same_new_record_make_one_after_the_other(any_site: Site) -> None:
    """Nothing collides, no version is lost or doubled, and the last one is what stands there and in the tables."""
    def writer(number: int) -> None:
        for turn in range(4):
            shelves.put(any_site, record(NAME, f"Title {number}.{turn}"))

    at_once(*(lambda number=number: writer(number) for number in range(6)))
    now = get(any_site, NAME)
    assert now is not None and now.version == 24
    with any_site.database.read() as connection:
        kept = store.versions(connection, NAME)
        assert [one.version for one in kept] == list(range(24, 0, -1))
        assert kept[0].xml == now.xml and len({one.xml for one in kept}) == 24
        assert connection.execute(select(rr_resource.c.res_title)).scalar_one() == now.title


def test_batches_in_opposite_order_do_not_lock_each_other_out(any_site: Site) -> None:
    names = [f"ivo://north.example/r{number}" for number in range(12)]

    def writer(number: int) -> None:
        order = names if number % 2 else names[::-1]
        for turn in range(3):
            shelves.put(any_site, *(record(name, f"{number} {turn}") for name in order))

    at_once(*(lambda number=number: writer(number) for number in range(4)))
    with any_site.database.read() as connection:
        assert {one.version for one in listing.every(connection)} == {12}


def test_stamps_given_at_once_never_go_back(any_site: Site) -> None:
    """The last stamp is the greatest, and every record has one."""
    def writer(number: int) -> None:
        for turn in range(6):
            shelves.put(any_site, record(f"ivo://north.example/{number}/{turn}"))

    at_once(*(lambda number=number: writer(number) for number in range(6)))
    with any_site.database.read() as connection:
        stamps = list(connection.execute(select(records.c.datestamp)).scalars())
        assert len(stamps) == 36 and all(stamps)
        assert store.last_stamp(connection) == max(stamps)
        assert connection.execute(select(func.count()).select_from(facts)).scalar_one() == 1


def test_authorities_that_are_adopted_at_once_are_all_in_our_registry_record(any_site: Site) -> None:
    from registry.records.adopting import settle

    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")

    def adopt(name: str) -> None:
        with any_site.database.write() as connection:
            authorities.claim(connection, name, authorities.our_registry("north.example"), own=True)
            settle(connection, any_site, "test")

    names = [f"a{number}.example" for number in range(6)]
    at_once(*(lambda name=name: adopt(name) for name in names))
    ours = get(any_site, "ivo://north.example/registry")
    assert ours is not None
    from vosi import xmlio
    assert sorted(authorities.listed(xmlio.parse(ours.xml))) == sorted(["north.example", *names])


def test_two_who_claim_one_authority_leave_one_claim(any_site: Site) -> None:
    def claim(number: int) -> None:
        for _ in range(5):
            with any_site.database.write() as connection:
                authorities.claim(connection, "a.example", f"ivo://r{number}/registry", own=False)

    at_once(*(lambda number=number: claim(number) for number in range(6)))
    with any_site.database.read() as connection:
        assert authorities.holder(connection, "a.example").startswith("ivo://r")


@pytest.mark.parametrize("place", [
    "<subject>{long}</subject>", '<relationship><relationshipType>Cites</relationshipType>'
    '<relatedResource ivo-id="ivo://x.example/{long}">n</relatedResource></relationship>'])
def test_content_of_any_length_is_kept_and_found(any_site: Site, place: str) -> None:
    long = random_text(20_000)
    xml = record(NAME).replace(b"<subject>stars</subject>", b"<subject>stars</subject>")
    if place.startswith("<subject"):
        xml = xml.replace(b"<subject>stars</subject>", place.format(long=long).encode())
    else:
        xml = xml.replace(b"</content>", place.format(long=long).encode() + b"</content>")
    shelves.put(any_site, xml, origin=store.HARVESTED)
    kept = get(any_site, NAME)
    assert kept is not None and long.encode() in kept.xml


@pytest.mark.parametrize("make", [
    lambda long: f'<capability standardID="ivo://x.example/{long}"/>',
    lambda long: f'<capability xsi:type="vr:{long}"/>',
    lambda long: f'<capability><interface xsi:type="vr:WebBrowser"><accessURL>http://a/{long}</accessURL></interface>'
                 "</capability>",
    lambda long: f"<tableset><schema><name>{long}</name><table><name>{long}</name><column><name>{long}</name></column>"
                 "</table></schema></tableset>",
    lambda long: f"<facility>{long}</facility><instrument>{long}</instrument>",
], ids=["standardID", "type", "accessURL", "tables", "facility"])
def test_extensions_of_any_length_are_kept(any_site: Site, make: Callable[[str], str]) -> None:
    xml = record(NAME, type_="vr:Service", more=make(random_text(20_000)))
    shelves.put(any_site, xml, origin=store.HARVESTED)
    assert count(any_site, rr_resource) == 1


def test_a_name_that_no_index_holds_is_refused_in_a_sentence(any_site: Site) -> None:
    with any_site.database.write() as connection:
        put = store.put(connection, any_site.schemas, record("ivo://north.example/" + random_text(20_000)),
                        origin=store.HARVESTED, who="test")
        good = store.put(connection, any_site.schemas, record(NAME), origin=store.HARVESTED, who="test")
    assert put.outcome == store.REFUSED and "characters" in put.reason and len(put.reason) < 300
    assert good.outcome == store.NEW


def test_a_record_of_more_tables_than_a_small_integer_counts(any_site: Site) -> None:
    tables = "<table><name>t</name></table>" * 33_000
    more = f"<tableset><schema><name>s</name>{tables}</schema></tableset>"
    shelves.put(any_site, record(NAME, type_="vr:Service", more=more), origin=store.HARVESTED)
    assert count(any_site, rr_res_table) == 33_000


def test_publishing_and_retiring(any_site: Site) -> None:
    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")
    assert count(any_site, rr_capability) > 3
    done = publish.publish(any_site, record(NAME), who="ada")
    assert done.datestamp and done.managed
    assert publish.retire(any_site, NAME, who="ada", why="over").deleted


def test_readers_of_a_page_and_its_count_see_one_state_while_others_write(any_site: Site) -> None:
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            shelves.put(any_site, record(f"ivo://north.example/r{number}"))

    def read() -> None:
        while not seen or seen[-1][0] < 10:
            with any_site.database.read() as connection:
                page = listing.select_records(connection, listing.Range(), after=None, limit=10_000)
                seen.append((len(page), listing.count(connection, listing.Range())))
        stop.set()

    at_once(write, read)
    assert all(page == whole for page, whole in seen)
