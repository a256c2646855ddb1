"""The rules of OAI-PMH 2.0 and Registry Interfaces 1.1 that hold between answers: each verb tells the same.

What each wrong request is answered with is in `test_requests`, what each verb answers in `test_answers`, lists in
`test_lists`, sets in `test_sets`, HTTP in `test_http`.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from lxml import etree

from registry import clock
from registry.records import local_sets, store
from registry.site import Site
from tests.oai import shelves
from tests.oai.conftest import OAI, Asker, Page

N = "ivo://north.example/"
SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PREFIXES = ("ivo_vor", "oai_dc")
Header = tuple[str, str, tuple[str, ...]]
Asking = Callable[[Site], Asker]


def headers(*pages: Page) -> dict[str, Header]:
    """Datestamp, status and sets of each record in the pages, by its identifier."""
    return {key: (found.findtext(f"{OAI}datestamp", ""), found.get("status", ""),
                  tuple(one.text or "" for one in found.findall(f"{OAI}setSpec")))
            for page in pages for key, found in page.headers_of.items()}


@pytest.fixture()
def lived(north: Callable[..., Site]) -> Site:
    """A shelf with a past: 40 records that were edited, deleted, republished, retired and put into sets; pages of 7."""
    site, chance = north(page_size=7), random.Random(11)
    moment = clock.parse("2024-02-28T23:59:30Z")
    with shelves.at(clock.stamp(moment)):
        shelves.found(site)
        with site.database.write() as connection:
            for spec in ("a", "a:b", "c"):
                local_sets.create(connection, spec, spec)
    for step in range(160):
        moment += timedelta(seconds=chance.choice([0, 0, 1, 1, 7, 3600]))
        key = f"{N}{chance.choice('RrSs')}{chance.randrange(20)}"
        with shelves.at(clock.stamp(moment)):
            _change(site, chance, key, step)
    return site


def _change(site: Site, chance: random.Random, key: str, step: int) -> None:
    held = shelves.get(site, key)
    if held and chance.random() < 0.15:
        shelves.delete(site, key)
    elif held and chance.random() < 0.2:
        with site.database.write() as connection:
            move = local_sets.withdraw if chance.random() < 0.3 else local_sets.assign
            move(connection, chance.choice(["a", "a:b", "c"]), [key])
    else:
        status = "inactive" if chance.random() < 0.1 else "active"
        shelves.put(site, shelves.record(key, f"Step {step}", status=status))


# --- §2.5, §4.1, §4.3, §4.5: the same header wherever a record is told of ---------------------------------------------
def test_lists_and_single_records_agree_on_every_header(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    told = [headers(*ask.all(verb, metadataPrefix=prefix))
            for verb, prefix in itertools.product(("ListRecords", "ListIdentifiers"), PREFIXES)]
    assert len(told[0]) > 20
    assert all(one == told[0] for one in told)
    for (key, header), prefix in itertools.product(told[0].items(), PREFIXES):
        page = ask(verb="GetRecord", identifier=key, metadataPrefix=prefix)
        assert headers(page) == {key: header}
        assert (page.root.find(f".//{OAI}metadata") is None) is (header[1] == "deleted")


def test_every_datestamp_is_a_second_between_the_earliest_and_the_response(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    earliest = ask(verb="Identify").texts("earliestDatestamp")[0]
    pages = ask.all("ListIdentifiers", metadataPrefix="ivo_vor")
    stamps = [header[0] for header in headers(*pages).values()]
    assert all(SECOND.fullmatch(stamp) for stamp in [earliest, *stamps, *(page.date for page in pages)])
    assert earliest == min(stamps)
    assert max(stamps) < pages[0].date
    assert stamps == sorted(stamps), "oldest first: a list is read on where it stopped"


# --- §2.7.1: selective harvesting ----------------------------------------------------------------------------------
def test_from_until_and_set_filter_by_the_datestamps_and_sets_that_are_told(lived: Site, asking: Asking) -> None:
    ask, chance = asking(lived), random.Random(5)
    everything = headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor"))
    stamps = sorted({header[0] for header in everything.values()})
    for _ in range(60):
        since, until = sorted(chance.choices(stamps, k=2))
        if chance.random() < 0.3:
            since, until = since[:10], until[:10]
        spec = chance.choice(["", "ivo_managed", "a", "a:b", "c"])
        expected = {key: header for key, header in everything.items()
                    if since <= header[0] <= until + "~" * (len(until) == 10) and _in(spec, header[2])}
        chosen = {"set": spec} if spec else {}
        got = ask.all("ListIdentifiers", metadataPrefix="ivo_vor", from_=since, until=until, **chosen)
        assert headers(*got) == expected, (since, until, spec)
        assert got[0].errors == ([] if expected else ["noRecordsMatch"])


def _in(spec: str, specs: tuple[str, ...]) -> bool:
    return not spec or any(one == spec or one.startswith(f"{spec}:") for one in specs)


def test_each_record_is_found_under_exactly_its_datestamp(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    for key, header in headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor")).items():
        for granularity in (20, 10):
            stamp = header[0][:granularity]
            assert key in headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor", from_=stamp, until=stamp))
        before = clock.stamp(clock.parse(header[0]) - timedelta(seconds=1))
        assert key not in headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor", until=before))


def test_until_before_the_earliest_and_from_after_now_match_nothing(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    earliest = clock.parse(ask(verb="Identify").texts("earliestDatestamp")[0])
    for bounds in ({"until": clock.stamp(earliest - timedelta(seconds=1))}, {"from_": "2999-12-31T00:00:00Z"}):
        assert ask(verb="ListRecords", metadataPrefix="oai_dc", **bounds).errors == ["noRecordsMatch"]


# --- §2.5.1: deleted records --------------------------------------------------------------------------------------
def test_deletions_are_harvested_with_changes_of_their_period(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    gone = {key: header for key, header in headers(*ask.all("ListRecords", metadataPrefix="ivo_vor")).items()
            if header[1] == "deleted"}
    assert gone
    for key, header in gone.items():
        for verb, prefix in itertools.product(("ListRecords", "ListIdentifiers"), PREFIXES):
            pages = ask.all(verb, metadataPrefix=prefix, from_=header[0], until=header[0], set="ivo_managed")
            assert headers(*pages)[key] == header


# --- §3.2: what <request> and <responseDate> say --------------------------------------------------------------------
def test_every_answer_names_its_base_url_verb_and_second(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    for arguments in ({"verb": "Identify"}, {"verb": "ListSets"}, {"verb": "ListMetadataFormats"},
                      {"verb": "GetRecord", "identifier": f"{N}registry", "metadataPrefix": "oai_dc"},
                      {"verb": "ListRecords", "metadataPrefix": "oai_dc"}, {"verb": "none"}):
        page = ask(**arguments)
        assert page.request.text == ask(verb="Identify").texts("baseURL")[0]
        assert SECOND.fullmatch(page.date)
        body = [etree.QName(child).localname for child in page.root][2:]
        assert body == [arguments["verb"] if arguments["verb"] != "none" else "error"]


def test_arguments_may_come_in_any_order_and_escaped_or_not(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    asked = [("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("set", "a:b"), ("until", "2999-01-01")]
    answers = {tuple(headers(ask(*order))) for order in itertools.permutations(asked)}
    assert len(answers) == 1
    for query in ("identifier=ivo%3A%2F%2Fnorth.example%2Fregistry", "identifier=ivo://north.example/registry"):
        page = ask.judged(ask.client.get(f"/oai?verb=GetRecord&metadataPrefix=oai_dc&{query}"))
        assert page.request.get("identifier") == f"{N}registry"


def test_identifiers_with_signs_that_urls_reserve(small: Site, ask: Asker) -> None:
    odd = f"{N}a+b=(c)~d/e!*'"
    shelves.put(small, shelves.record(odd))
    page = ask(verb="GetRecord", identifier=odd, metadataPrefix="ivo_vor")
    assert (list(page.headers_of), page.request.get("identifier")) == ([odd], odd)


# --- §3.5: flow control ----------------------------------------------------------------------------------------------
def test_the_pages_of_a_list_are_the_list_whichever_size_they_have(
    north: Callable[..., Site], asking: Asking,
) -> None:
    told = set()
    for size in (1, 2, 3, 4, 6, 12, 13, 200):
        site = north(page_size=size)
        with shelves.at():
            shelves.put(site, *(shelves.record(f"{N}r{n:02}") for n in range(12)))
        pages = asking(site).all("ListIdentifiers", metadataPrefix="ivo_vor", set="ivo_managed")
        assert [len(page.headers_of) for page in pages] == [size] * (12 // size) + [12 % size] * bool(12 % size)
        told.add(tuple(headers(*pages).items()))
    assert len(told) == 1


def test_a_token_carries_set_and_period_with_it(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    stamps = sorted(header[0] for header in headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor")).values())
    bounds = {"from_": stamps[5], "until": stamps[-5], "set": "ivo_managed"}
    pages = ask.all("ListRecords", metadataPrefix="oai_dc", **bounds)
    assert len(pages) > 2
    for page in pages:
        told = headers(page).values()
        assert all(stamps[5] <= header[0] <= stamps[-5] and "ivo_managed" in header[2] for header in told)
        assert all(etree.QName(found[0]).localname == "dc" for found in page.root.iter(f"{OAI}metadata"))


# --- §4.2, §4.4, §4.6 ----------------------------------------------------------------------------------------------
def test_sets_that_headers_name_are_listed(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    listed = ask(verb="ListSets").texts("setSpec")
    told = headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor")).values()
    named = {spec for header in told for spec in header[2]}
    assert named <= set(listed) and len(listed) == len(set(listed))
    for spec in listed:
        assert spec.rpartition(":")[0] in ("", *listed)


def test_every_format_that_is_listed_for_a_record_is_given(lived: Site, asking: Asking) -> None:
    ask = asking(lived)
    offered = ask(verb="ListMetadataFormats").texts("metadataPrefix")
    for key in headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor")):
        assert ask(verb="ListMetadataFormats", identifier=key).texts("metadataPrefix") == offered
        for prefix in offered:
            assert ask(verb="GetRecord", identifier=key, metadataPrefix=prefix).errors == []


# --- Registry Interfaces 1.1 §2.1, §3.1: the registry's own records ---------------------------------------------------
def test_records_of_others_are_told_of_outside_ivo_managed(lived: Site, asking: Asking) -> None:
    theirs = shelves.record("ivo://south.example/x")
    shelves.put(lived, theirs, origin=store.FOREIGN_FILE)
    ask = asking(lived)
    every, managed = (headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor", **which))
                      for which in ({}, {"set": "ivo_managed"}))
    assert set(every) - set(managed) == {"ivo://south.example/x"}
    assert every["ivo://south.example/x"][2] == ()


# --- D2: the datestamp is this repository's own -----------------------------------------------------------------------
def test_only_a_change_moves_a_datestamp(any_site: Site, asking: Asking) -> None:
    key, ask = f"{N}one", asking(any_site)

    def stamp() -> str:
        return headers(ask(verb="GetRecord", identifier=key, metadataPrefix="ivo_vor"))[key][0]

    with shelves.at("2024-01-01T00:00:00Z"):
        shelves.put(any_site, shelves.record(key, updated="2019-01-01T00:00:00Z"))
    assert stamp() == "2024-01-01T00:00:00Z", "not the author's `updated`"
    with shelves.at("2024-01-02T00:00:00Z"):
        shelves.put(any_site, shelves.record(key, updated="2019-01-01T00:00:00Z"))
    assert stamp() == "2024-01-01T00:00:00Z", "the same again is no change"
    changes: list[tuple[str, Callable[[], object]]] = [
        ("2024-01-03T00:00:00Z", lambda: shelves.put(any_site, shelves.record(key, "Edited"))),
        ("2024-01-04T00:00:00Z", lambda: shelves.delete(any_site, key)),
        ("2024-01-05T00:00:00Z", lambda: shelves.put(any_site, shelves.record(key, "Edited")))]
    for moment, change in changes:
        with shelves.at(moment):
            change()
        assert stamp() == moment


def test_tokens_and_stamps_do_not_slip_past_each_other(any_site: Site, asking: Asking) -> None:
    """Two writers at once, and a harvester that reads on and on from where it was: it misses none of their records."""
    ask, stop = asking(any_site), threading.Event()
    counts = [0, 0]

    def write(number: int) -> None:
        while not stop.is_set():
            shelves.put(any_site, shelves.record(f"{N}w{number}-{counts[number]}"))
            counts[number] += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    seen: set[str] = set()
    try:
        since = list(itertools.islice(_rounds(ask, seen), 4))[-1]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    seen.update(headers(*ask.all("ListIdentifiers", metadataPrefix="ivo_vor", from_=since)))
    assert seen == {f"{N}w{number}-{n}" for number in range(2) for n in range(counts[number])}


def _rounds(ask: Asker, seen: set[str]) -> Iterator[str]:
    """Incremental harvests, each from the date of the one before; gives those dates."""
    since = ""
    while True:
        pages = ask.all("ListIdentifiers", metadataPrefix="ivo_vor", **({"from_": since} if since else {}))
        seen.update(headers(*pages))
        since = pages[0].date
        yield since
