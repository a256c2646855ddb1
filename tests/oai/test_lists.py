"""Lists in pages: periods, tokens, ends, and what edits do to a list while it is read (decision D7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from registry import clock
from registry.oai import moments, token
from registry.oai.moments import Moments, moved
from registry.records import listing
from registry.site import Site
from tests.oai import shelves
from tests.oai.conftest import Asker, Page

Asking = Callable[[Site], Asker]
VOR = "ivo_vor"


def at(monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    """Let it be `stamp` for the registry."""
    monkeypatch.setattr(clock, "now", lambda: clock.parse(stamp))


def fill(site: Site, monkeypatch: pytest.MonkeyPatch, *stamps: str) -> None:
    """A record with each of these datestamps, named r0, r1 and so on."""
    for number, stamp in enumerate(stamps):
        at(monkeypatch, stamp)
        shelves.put(site, shelves.record(f"ivo://north.example/r{number}"))


def names(*pages: Page) -> list[str]:
    return [key.rpartition("/")[2] for page in pages for key in page.headers_of]


@pytest.fixture()
def dated(north: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """r0 to r3 at the ends of days, read in 2021."""
    site = north()
    fill(site, monkeypatch,
         "2020-01-01T23:59:59Z", "2020-01-02T00:00:00Z", "2020-01-02T23:59:59Z", "2020-01-03T00:00:00Z")
    at(monkeypatch, "2021-01-01T00:00:00Z")
    return site


@pytest.mark.parametrize(("since", "until", "expected"), [
    ("", "", "r0 r1 r2 r3"),
    ("2020-01-02", "2020-01-02", "r1 r2"),
    ("2020-01-02", "", "r1 r2 r3"),
    ("", "2020-01-01", "r0"),
    ("2020-01-01T23:59:59Z", "2020-01-01T23:59:59Z", "r0"),
    ("2020-01-02T00:00:00Z", "2020-01-02T00:00:00Z", "r1"),
    ("2020-01-02T00:00:01Z", "2020-01-03T00:00:00Z", "r2 r3"),
    ("", "2020-01-02T23:59:58Z", "r0 r1"),
    ("2020-01-03T00:00:00Z", "2999-01-01T00:00:00Z", "r3"),
])
def test_from_and_until_are_inclusive_in_days_and_seconds(
    dated: Site, asking: Asking, since: str, until: str, expected: str,
) -> None:
    given = [pair for pair in (("from", since), ("until", until)) if pair[1]]
    for verb in ("ListIdentifiers", "ListRecords"):
        page = asking(dated)(("verb", verb), ("metadataPrefix", VOR), *given)
        assert names(page) == expected.split()
        assert page.token is None, "a list that is whole has no token"


def test_a_fresh_record_is_found_under_its_own_datestamp(small: Site, asking: Asking) -> None:
    put = shelves.put(small, shelves.record("ivo://north.example/fresh"))
    assert put[0].record is not None
    ask = asking(small)
    stamp = ask(verb="GetRecord", identifier="ivo://north.example/fresh", metadataPrefix=VOR).texts("datestamp")[0]
    pages = ask.all("ListIdentifiers", metadataPrefix=VOR, from_=stamp, until=stamp)
    assert "fresh" in names(*pages)


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
@pytest.mark.parametrize(("total", "size"), [(6, 3), (7, 3), (5, 3), (3, 3), (4, 1), (1, 1), (2, 200)])
def test_pages_add_up_and_the_last_one_ends_with_an_empty_token(
    north: Callable[..., Site], asking: Asking, verb: str, total: int, size: int,
) -> None:
    site = north(page_size=size)
    with shelves.at():
        shelves.put(site, *(shelves.record(f"ivo://north.example/r{n}") for n in range(total)))
    pages = asking(site).all(verb, metadataPrefix=VOR)
    assert sorted(names(*pages)) == [f"r{n}" for n in range(total)]
    assert [len(page.headers_of) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert len(pages) == -(-total // size), "no page more than needed, and none without records"
    if len(pages) == 1:
        assert pages[0].token is None
        return
    for number, page in enumerate(pages):
        assert page.token is not None
        assert page.token.get("completeListSize") == str(total)
        assert page.token.get("cursor") == str(number * size)
        assert bool(page.token.text) is (number < len(pages) - 1)
        assert bool(page.token.get("expirationDate")) is bool(page.token.text)


def test_a_token_may_be_used_again_and_survives_a_restart(small: Site, ask: Asker, asking: Asking) -> None:
    first = ask(verb="ListRecords", metadataPrefix=VOR)
    assert first.token is not None and first.token.text
    once, again = (names(ask(verb="ListRecords", resumptionToken=first.token.text)) for _ in range(2))
    restarted = names(asking(small)(verb="ListRecords", resumptionToken=first.token.text))
    assert once == again == restarted != names(first)


def test_tokens_that_were_changed_have_expired_or_belong_elsewhere(
    small: Site, ask: Asker, asking: Asking, north: Callable[..., Site], monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = ask(verb="ListRecords", metadataPrefix=VOR)
    assert page.token is not None and page.token.text
    text = page.token.text
    for bad in (text[:-1], text + "x", "A" + text[1:], text.swapcase(), ".".join(text.split(".")[:2]), text * 2):
        assert ask(verb="ListRecords", resumptionToken=bad).errors == ["badResumptionToken"]
    assert ask(verb="ListIdentifiers", resumptionToken=text).errors == ["badResumptionToken"]
    assert asking(north(page_size=3))(verb="ListRecords", resumptionToken=text).errors == ["badResumptionToken"]
    expires = clock.parse(page.token.get("expirationDate", ""))
    assert abs((expires - clock.now()).total_seconds() - small.settings.token_lifetime) < 60
    monkeypatch.setattr(token.URLSafeTimedSerializer.default_signer, "get_timestamp",
                        lambda _self: int((expires + timedelta(seconds=2)).timestamp()))
    assert ask(verb="ListRecords", resumptionToken=text).errors == ["badResumptionToken"]


def test_records_edited_while_a_list_is_read_come_with_the_next_incremental(
    north: Callable[..., Site], asking: Asking,
) -> None:
    """Edits, new records and deletions run on while lists are read: list and incremental together miss nothing."""
    site = north(page_size=4)
    shelves.put(site, *(shelves.record(f"ivo://north.example/r{n}", "at first") for n in range(40)))
    ask, stop, edits = asking(site), threading.Event(), 0

    def edit() -> None:
        nonlocal edits
        while not stop.is_set():
            shelves.put(site, shelves.record(f"ivo://north.example/r{edits * 7 % 40}", f"edit {edits}"),
                        shelves.record(f"ivo://north.example/new{edits}", "new"))
            if edits % 9 == 0:
                shelves.delete(site, f"ivo://north.example/r{edits * 5 % 40}")
            edits += 1

    editor = threading.Thread(target=edit)
    editor.start()
    held: dict[str, tuple[str, bool]] = {}
    since = ""
    try:
        for _ in range(3):
            pages = ask.all("ListRecords", metadataPrefix=VOR, **({"from_": since} if since else {}))
            since = pages[0].date
            held.update(contents(pages))
    finally:
        stop.set()
        editor.join()
    assert edits > 20
    held.update(contents(ask.all("ListRecords", metadataPrefix=VOR, from_=since)))
    assert held == contents(ask.all("ListRecords", metadataPrefix=VOR))


def contents(pages: list[Page]) -> dict[str, tuple[str, bool]]:
    """What a harvester holds after these pages: title and whether deleted, by identifier."""
    found: dict[str, tuple[str, bool]] = {}
    for page in pages:
        for record in page.root.iter("{http://www.openarchives.org/OAI/2.0/}record"):
            header = record[0]
            gone = header.get("status") == "deleted"
            found[header[0].text or ""] = ("" if gone else record.findtext(".//title") or "", gone)
    return found


def test_an_edit_behind_the_bound_leaves_the_list_and_the_rest_stays(small: Site, ask: Asker) -> None:
    first = ask(verb="ListIdentifiers", metadataPrefix=VOR)
    left = [name for name in ("org1", "org2", "org3", "org4", "org6", "registry") if name not in
            [one.lower() for one in names(first)]]
    moment = ask.all("ListIdentifiers", metadataPrefix=VOR)[0].date  # the second of the edit is open from here on
    shelves.put(small, shelves.record(f"ivo://north.example/{left[0]}", "Edited"))
    assert first.token is not None and first.token.text
    rest = [ask(verb="ListIdentifiers", resumptionToken=first.token.text)]
    assert left[0] not in [one.lower() for one in names(*rest)]
    assert left[0] in [one.lower() for one in names(ask(verb="ListIdentifiers", metadataPrefix=VOR, from_=moment))]


def test_a_list_whose_rest_was_edited_away_still_ends_well(north: Callable[..., Site], asking: Asking) -> None:
    site = north(page_size=2)
    shelves.put(site, *(shelves.record(f"ivo://north.example/r{n}") for n in range(4)))
    ask = asking(site)
    first = ask(verb="ListRecords", metadataPrefix=VOR)
    shelves.put(site, *(shelves.record(f"ivo://north.example/r{n}", "Edited") for n in (2, 3)))
    assert first.token is not None and first.token.text
    last = ask(verb="ListRecords", resumptionToken=first.token.text)
    assert last.errors == []
    assert last.token is not None and not last.token.text
    assert names(last) == ["r1"]
    assert sorted(names(*ask.all("ListRecords", metadataPrefix=VOR, from_=first.date))) == ["r2", "r3"]


def test_an_answer_is_dated_when_its_list_was_opened_however_long_it_took(
    small: Site, ask: Asker, monkeypatch: pytest.MonkeyPatch,
) -> None:
    at(monkeypatch, "2999-01-01T00:00:00Z")
    select = listing.select_records

    def slow(*args: Any, **more: Any) -> Any:
        at(monkeypatch, "2999-01-01T00:00:09Z")
        return select(*args, **more)

    monkeypatch.setattr(listing, "select_records", slow)
    empty = ask(verb="ListRecords", metadataPrefix=VOR, set="nobody")
    assert (empty.errors, empty.date) == (["noRecordsMatch"], "2999-01-01T00:00:00Z")
    at(monkeypatch, "2999-01-01T00:00:20Z")
    assert ask(verb="ListRecords", metadataPrefix=VOR).date == "2999-01-01T00:00:20Z"


def test_an_empty_answer_is_dated_so_that_nothing_falls_between(north: Callable[..., Site], asking: Asking) -> None:
    site = north()
    ask, seen, since = asking(site), set(), ""
    for number in range(5):
        page = ask(verb="ListIdentifiers", metadataPrefix=VOR, **({"from_": since} if since else {}))
        seen.update(names(page))
        since = page.date
        shelves.put(site, shelves.record(f"ivo://north.example/r{number}"))
    seen.update(names(*ask.all("ListIdentifiers", metadataPrefix=VOR, from_=since)))
    assert seen == {f"r{number}" for number in range(5)}


def test_response_dates_never_go_back_though_the_clock_does(
    small: Site, ask: Asker, monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = ask(verb="ListRecords", metadataPrefix=VOR).date
    at(monkeypatch, moved(before, -3600))
    dates = [before]
    for number in range(3):
        dates.append(ask(verb="ListRecords", metadataPrefix=VOR).date)
        shelves.put(small, shelves.record(f"ivo://north.example/new{number}"))
        dates.append(ask(verb="Identify").date)
    assert dates == sorted(dates)
    # what was published while the clock was wrong is in the next incremental of every list before it
    assert {"new0", "new1", "new2"} <= set(names(*ask.all("ListIdentifiers", metadataPrefix=VOR, from_=before)))
    assert "new2" in names(*ask.all("ListIdentifiers", metadataPrefix=VOR, from_=dates[-2]))


def test_a_list_opens_only_when_the_second_of_the_last_change_is_over(
    small: Site, monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_shows = [clock.parse("2999-01-01T00:00:10.250000Z")]
    waits: list[float] = []
    monkeypatch.setattr(clock, "now", lambda: clock_shows[0])
    shelves.put(small, shelves.record("ivo://north.example/late"))

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock_shows[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(moments.time, "sleep", wait)
    assert Moments(small.database).opening() == "2999-01-01T00:00:11Z"
    assert waits == [0.75]
    assert Moments(small.database).opening() == "2999-01-01T00:00:11Z"
    assert len(waits) == 1, "nobody waits where nothing has changed in this second"


def test_the_pages_hold_records_singly_valid(small: Site, ask: Asker) -> None:
    pages = ask.all("ListRecords", metadataPrefix=VOR)
    records = [found for page in pages for found in page.root.iter("{*}Resource")]
    assert len(records) == 6
    for found in records:
        alone = etree.fromstring(etree.tostring(found, with_tail=False))
        assert small.schemas.validate(alone) == []


def test_a_page_ends_where_its_records_get_long_and_no_record_is_lost(
    small: Site, ask: Asker, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(5):
        shelves.put(small, shelves.record(f"ivo://north.example/long{number}", "x" * 1000 * number))
    at(monkeypatch, "2999-01-01T00:00:00Z")
    whole = sorted(names(*ask.all("ListRecords", metadataPrefix=VOR)))
    monkeypatch.setattr(listing, "MOST_BYTES", 1)
    singly = ask.all("ListRecords", metadataPrefix=VOR)
    assert [len(names(page)) for page in singly] == [1] * len(whole) and sorted(names(*singly)) == whole
    last = singly[-1].token
    assert last is not None and not last.text
    assert len(ask.all("ListIdentifiers", metadataPrefix=VOR)) < len(whole)
    monkeypatch.setattr(listing, "MOST_BYTES", 2500)
    assert sorted(names(*ask.all("ListRecords", metadataPrefix=VOR))) == whole
