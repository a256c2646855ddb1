"""The search of records: words, facets, rank, pages; and the same found by its own ADQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from registry.records import founding, publish, store
from registry.search.finding import asking, kept, records
from registry.search.finding.asking import Asked, BadSearch
from registry.search.finding.records import Found
from registry.search.running import Queries
from registry.services import local
from registry.site import Site, open_site
from tests.oai.shelves import at, put, record

A, B = "ivo://north.example/", "ivo://far.example/"
CONE = ('<capability standardID="ivo://ivoa.net/std/ConeSearch"><interface xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
        'xsi:type="vs:ParamHTTP" role="std"><accessURL use="base">{}</accessURL></interface></capability>')
BANDS = "<coverage><waveband>Radio</waveband><waveband>Infrared</waveband></coverage>"
# title, subjects, description, type, what follows
SHELF = {
    f"{A}quasars": ("Quasars of the North", "quasars", "A catalogue.", "vs:CatalogService",
                    CONE.format("http://q.internal/") + BANDS),
    f"{A}pulsars": ("Pulsar list", "pulsars", "Found beside a quasar.", "vr:Service", CONE.format("http://p.example/")),
    f"{A}subject": ("A survey", "Quasars", "Images.", "vs:DataCollection", BANDS),
    f"{A}survey/plates": ("Plates", "It's 100% <b>", "Of É. Étoile's survey.", "vr:Resource", ""),
    f"{B}quasar-db": ("Far data", "stars", "Nothing to add.", "vr:Organisation", ""),
    f"{B}sia": ("Images of galaxies", "galaxies", "A quasar survey, in images of quasars.", "vr:Service",
                CONE.replace("ConeSearch", "SIA").format("http://10.1.1.1/")),
}


def made(ivoid: str, title: str, subject: str, description: str, type_: str, more: str) -> bytes:
    xml = record(ivoid, title.replace("&", "&amp;"), type_=type_, more=more).decode()
    escaped = subject.replace("<", "&lt;")
    return (xml.replace("<subject>stars</subject><subject>catalogs</subject>", f"<subject>{escaped}</subject>")
            .replace(f"What {title} is &amp; does.", description)).encode()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(request: Any, tmp_path_factory: Any) -> Iterator[Site]:
    """A founded datacenter with six more records, one inactive and one deleted; nobody changes it."""
    from registry.schema import upgrade  # as in tests.conftest

    folder, more, server, name = tmp_path_factory.mktemp("find"), {}, None, ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        name = server.make(template="innerspace")
        more["database_url"] = server.url(name)
    site = open_site(folder / "instance", authority="north.example", title="North", base_url="http://127.0.0.1:8101/", **more)
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    for origin, start in ((store.OWN, A), (store.FOREIGN_FILE, B)):
        put(site, *(made(ivoid, *rest) for ivoid, rest in SHELF.items() if ivoid.startswith(start)), origin=origin)
    put(site, record(f"{A}sleeping", "Sleeping quasar", status="inactive"), record(f"{A}gone", "Gone quasar"))
    publish.retire(site, f"{A}gone", who="t", why="")
    local.follow(site)
    yield site
    site.close()
    if server:
        server.drop(name)


def found(site: Site, **said: str) -> Found:
    with site.database.read() as connection:
        return records.search(connection, asking.asked(said))


def names(result: Found) -> list[str]:
    return [one.key for one in result.items]


SEARCHES: dict[str, tuple[dict[str, str], list[str]]] = {
    "title first, then description, then subject or name": (
        {"q": "quasar"}, [f"{A}quasars", f"{B}sia", f"{A}pulsars", f"{B}quasar-db", f"{A}subject"]),
    "all words": ({"q": "survey Quasars"}, [f"{B}sia", f"{A}subject"]),
    "accents": ({"q": "etoile"}, [f"{A}survey/plates"]),
    "an identifier": ({"q": "ivo://FAR.example/"}, [f"{B}quasar-db", f"{B}sia"]),
    "an identifier and a word": ({"q": "ivo://far.example/ images"}, [f"{B}sia"]),
    "a part of an identifier": ({"q": "plates"}, [f"{A}survey/plates"]),
    "type": ({"type": "vr:service", "authority": "far.example"}, [f"{B}sia"]),
    "standard": ({"standard": "ivo://ivoa.net/std/conesearch"}, [f"{A}pulsars", f"{A}quasars"]),
    "waveband": ({"waveband": "Infrared"}, [f"{A}quasars", f"{A}subject"]),
    "authority": ({"authority": "FAR.example"}, [f"{B}quasar-db", f"{B}sia"]),
    "subject as it is": ({"subject": "It's 100% <b>"}, [f"{A}survey/plates"]),
    "datacenter": ({"datacenter": "north.example", "type": "vr:Service", "q": "pulsar"}, [f"{A}pulsars"]),
    "own": ({"origin": "own", "q": "quasar"}, [f"{A}quasars", f"{A}pulsars", f"{A}subject"]),
    "several": ({"q": "quasar", "waveband": "radio", "type": "vs:catalogservice"}, [f"{A}quasars"]),
    "nothing": ({"q": "quasar nebula"}, []),
    "a text that tries": ({"subject": "x' OR 1=1 --"}, []),
    "an authority that tries": ({"authority": "x' OR '1'='1"}, []),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_what_is_found_in_order_and_by_its_adql(shelf: Site, case: str) -> None:
    said, expected = SEARCHES[case]
    result = found(shelf, **said)
    assert sorted(names(result)) == sorted(expected) and result.total == len(expected)
    if shelf.database.is_sqlite or len(said) == 1 and " " not in said.get("q", ""):  # the two weigh several words differently
        assert names(result) == expected
    with Queries(shelf).answer(result.adql) as answer:
        assert sorted(row[0] for row in answer.rows) == sorted(expected)


def test_everything_is_found_where_nothing_is_asked(shelf: Site) -> None:
    result = found(shelf)
    assert len(set(names(result))) == result.total and set(SHELF) < set(names(result))
    assert [one.title for one in result.items if one.key == f"{A}quasars"] == ["Quasars of the North"]
    [quasars] = [one for one in result.items if one.key == f"{A}quasars"]
    assert quasars.endpoints == (("ivo://ivoa.net/std/conesearch", "http://q.internal/"),)
    assert quasars.waveband == "radio#infrared" and quasars.description == "A catalogue."


def test_counts_are_those_of_each_search(shelf: Site) -> None:
    """Each value of each facet, chosen, finds as many as its count says."""
    everything, by_the_rest = found(shelf).total, 0
    for said in ({}, {"q": "quasar"}, {"waveband": "radio"}, {"authority": "far.example"}, {"authority": "north.example"}):
        result = found(shelf, **said)
        by_the_rest += 0 < everything - result.total < result.total  # counted as what is left without the others
        counted = 0
        for facet, values in result.counts.facets.items():
            for one in values:
                assert found(shelf, **{**said, facet: one.value}).total == one.count, (said, facet, one)
                counted += 1
        assert counted > 5
    assert by_the_rest
    facets_ = found(shelf).counts.facets
    assert {one.value: one.count for one in facets_["waveband"]} == {"radio": 2, "infrared": 2}
    assert {one.value: one.count for one in facets_["status"]}["inactive"] == 1


def test_what_is_not_active_is_listed_by_name(shelf: Site) -> None:
    assert names(found(shelf, status="inactive")) == [f"{A}sleeping"]
    assert names(found(shelf, status="deleted", q="quasar")) == [f"{A}gone"]
    result = found(shelf, status="inactive", authority="far.example")
    assert names(result) == [] and result.total == 0 and result.adql == ""


def test_pages_follow_each_other(shelf: Site) -> None:
    whole = names(found(shelf, q="quasar"))
    pages = [found(shelf, q="quasar", limit="2", page=str(number)) for number in (1, 2, 3, 4)]
    assert [name for page in pages for name in names(page)] == whole
    assert [page.pages for page in pages] == [3] * 4


def test_counts_are_kept_until_something_changes(site: Any) -> None:
    with at("2024-01-01T00:00:00Z"):
        put(site, record(f"{A}one"))
    statements: list[str] = []
    event.listen(site.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    def counted() -> bool:
        statements.clear()
        assert found(site).total >= 1
        return any("MATERIALIZED" in statement for statement in statements)

    assert counted() and not counted()
    with at("2024-01-01T00:00:05Z"):
        put(site, record(f"{A}two"))
        assert counted() and counted() and found(site).total == 2  # more may come in the same second
    assert len(kept._values) <= kept.MOST


@pytest.mark.parametrize("said", [
    {"q": "!?"}, {"q": "x" * 301}, {"q": " ".join(f"w{n}" for n in range(11))}, {"page": "0"}, {"page": "x"}, {"page": "²"},
    {"limit": "201"}, {"limit": "-1"}, {"page": "100000", "limit": "200"}, {"status": "draft"}, {"origin": "shipped"},
    {"subject": "a\0b"}])
def test_what_cannot_be_asked_is_one_sentence(said: dict[str, str]) -> None:
    with pytest.raises(BadSearch) as refused:
        asking.asked(said)
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_the_state_of_a_search_is_the_search() -> None:
    asked = asking.asked({"q": "a b", "type": "vs:X", "page": "3", "limit": "25", "status": "ACTIVE"})
    assert asked.state == {"q": "a b", "type": "vs:X", "page": "3"}
    assert asking.asked(asked.state) == asked and Asked().state == {}
    assert asked.with_(subject="s").state == {"q": "a b", "type": "vs:X", "subject": "s"}


def test_the_main_searches_read_no_table_of_texts_from_end_to_end(site: Any) -> None:
    """How SQLite goes about it: words by their index, facets by narrow indexes."""
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith("WITH found"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append("\n".join(row[3] for row in cursor.fetchall()))

    put(site, record(f"{A}one"))
    event.listen(site.database.engine, "before_cursor_execute", explain)
    for said in ({"q": "stars"}, {"q": "stars catalogs", "waveband": "radio"}, {"subject": "stars"}, {"authority": "a.example"}):
        found(site, **said)
    assert len(plans) == 4
    for plan in plans:
        wide = [line for line in plan.splitlines() if line.startswith("SCAN") and "VIRTUAL TABLE" not in line
                and "COVERING INDEX" not in line
                and line.split()[1] not in ("found", "most", "chosen", "spoken", "page", "CONSTANT")]
        assert wide == [], plan
