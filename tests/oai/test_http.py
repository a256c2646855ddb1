"""What HTTP adds to OAI-PMH: records asked about again, and harvesters told to come back when there are too many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from registry.oai import views
from registry.oai.load import Load, Overloaded
from registry.records import listing, local_sets
from registry.site import Site
from tests.oai import shelves
from tests.oai.conftest import Asker, app_of

URL = "/oai?verb=GetRecord&metadataPrefix=ivo_vor&identifier=ivo://north.example/org1"


def asked(ask: Asker, **headers: str) -> Any:
    return ask.client.get(URL, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_record_that_is_known_already_is_not_sent_again(ask: Asker) -> None:
    first = asked(ask)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    assert tag.startswith('W/"')
    assert date == "Mon, 06 May 2024 07:08:09 GMT", "its datestamp"
    for headers in ({"If_None_Match": tag}, {"If_None_Match": f'"x", {tag}'}, {"If_Modified_Since": date},
                    {"If_None_Match": tag, "Accept_Encoding": "gzip"},
                    {"If_None_Match": tag, "If_Modified_Since": "Mon, 01 Jan 2001 00:00:00 GMT"}):
        again = asked(ask, **headers)
        assert (again.status_code, again.data) == (304, b""), headers
        assert again.headers["ETag"] == tag
    for headers in ({"If_None_Match": '"x"'}, {"If_Modified_Since": "Mon, 06 May 2024 07:08:08 GMT"},
                    {"If_Modified_Since": "nonsense"}, {"If_None_Match": '"x"', "If_Modified_Since": date}):
        assert asked(ask, **headers).status_code == 200, headers


def test_every_change_of_a_record_gives_it_another_tag(ask: Asker, small: Site) -> None:
    key = "ivo://north.example/org1"
    tags = [asked(ask).headers["ETag"]]
    for change in (
        lambda: shelves.put(small, shelves.record(key, "Edited")),
        lambda: shelves.put(small, shelves.record(key, "Edited again")),  # mostly within the same second
        lambda: shelves.delete(small, key),
        lambda: shelves.put(small, shelves.record(key, "Edited again")),
    ):
        change()
        reply = asked(ask, If_None_Match=", ".join(tags))
        assert reply.status_code == 200
        tags.append(reply.headers["ETag"])
    assert len(set(tags)) == 5
    other = ask.client.get(URL.replace("ivo_vor", "oai_dc"), headers={"If-None-Match": ", ".join(tags)})
    assert other.status_code == 200, "another format is another document"


def test_coming_into_a_set_is_a_change_of_what_is_shown(ask: Asker, small: Site) -> None:
    tag = asked(ask).headers["ETag"]
    with small.database.write() as connection:
        local_sets.create(connection, "best", "Best")
        local_sets.assign(connection, "best", ["ivo://north.example/org1"])
    assert asked(ask, If_None_Match=tag).status_code == 200


def test_no_date_is_given_under_which_another_change_may_come(ask: Asker, small: Site) -> None:
    shelves.put(small, shelves.record("ivo://north.example/org1", "Edited"))
    reply = asked(ask)
    assert "ETag" in reply.headers and "Last-Modified" not in reply.headers


def test_lists_and_errors_are_not_conditional(ask: Asker) -> None:
    conditions = {"If-None-Match": "*", "If-Modified-Since": "Mon, 01 Jan 2990 00:00:00 GMT"}
    for url in ("/oai?verb=ListRecords&metadataPrefix=ivo_vor", "/oai?verb=Identify", URL + "0"):
        reply = ask.client.get(url, headers=conditions)
        assert reply.status_code == 200
        assert "ETag" not in reply.headers


@contextmanager
def lists_under_way(client: Callable[[], Any], number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`number` harvesters whose lists do not come to an end meanwhile."""
    select, begun, go_on = listing.select_records, threading.Barrier(number + 1), threading.Event()
    local = threading.local()

    def stuck(*args: Any, **more: Any) -> Any:
        if getattr(local, "harvester", False):
            begun.wait(20)
            assert go_on.wait(20)
        return select(*args, **more)

    def harvester() -> None:
        local.harvester = True
        assert client().get("/oai?verb=ListRecords&metadataPrefix=ivo_vor").status_code == 200

    monkeypatch.setattr(listing, "select_records", stuck)
    threads = [threading.Thread(target=harvester) for _ in range(number)]
    for thread in threads:
        thread.start()
    begun.wait(20)
    try:
        yield
    finally:
        go_on.set()
        for thread in threads:
            thread.join()


def test_too_many_lists_at_once_are_told_to_come_back(
    north: Callable[..., Site], monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = north(threads=8)
    with shelves.at():
        shelves.found(site)
    app = app_of(site)
    app.extensions[views._LOAD] = Load(8, patience=0.05)
    client = app.test_client()
    first = "/oai?verb=ListIdentifiers&metadataPrefix=ivo_vor"
    with lists_under_way(app.test_client, 3, monkeypatch):
        for _ in range(2):
            reply = client.get(first)
            assert reply.status_code == 503
            assert int(reply.headers["Retry-After"]) > 0
            assert "3 lists are being made already" in reply.text
        for url in ("/oai?verb=Identify", "/oai?verb=ListSets", URL.replace("org1", "registry")):
            assert client.get(url).status_code == 200, "nothing but lists is held up"
    assert client.get(first).status_code == 200


def test_a_list_waits_a_moment_for_its_place() -> None:
    load = Load(4, patience=20)
    entered = threading.Event()

    def second() -> None:
        with load.one_list():
            entered.set()

    with load.one_list():
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.is_set()
    waiting.join(20)
    assert entered.is_set()


def test_a_place_comes_free_again_whatever_happens_to_its_list() -> None:
    load = Load(2, patience=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), load.one_list():
            raise ZeroDivisionError
    with load.one_list(), pytest.raises(Overloaded), load.one_list():
        pass
