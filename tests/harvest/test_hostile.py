"""Servers that are broken, busy or bad: each harvest comes to an end with one sentence, and nothing stored is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from registry import clock
from registry.harvest import quarantine, sources, store
from registry.harvest.client import Client, HarvestError
from registry.harvest.sources import Source
from registry.site import Site
from registry.tables import records, sources as sources_table
from tests.harvest.conftest import counts, harvest, last_run, reasons, turn
from tests.oai import shelves
from vosi import namespaces as ns

Maker = Callable[..., Site]
F = "ivo://far.example/"


def page(body: str) -> str:
    return (f'<?xml version="1.0"?><OAI-PMH xmlns="{ns.OAI}"><responseDate>2024-01-01T00:00:00Z</responseDate>'
            f"<request>http://far.example/</request>{body}</OAI-PMH>")


def alone(record: bytes) -> str:
    """A record that stands alone within a page's default namespace."""
    return record.decode().replace("<ri:Resource ", '<ri:Resource xmlns="" ')


def item(ivoid: str, payload: str | None = None) -> str:
    inside = alone((shelves.record(ivoid).decode() if payload is None else payload).encode())
    return (f"<record><header><identifier>{ivoid}</identifier><datestamp>2023-01-01T00:00:00Z</datestamp></header>"
            f"<metadata>{inside}</metadata></record>")


def listed(*items: str, token: str | None = None) -> str:
    end = "" if token is None else f"<resumptionToken>{token}</resumptionToken>"
    return page(f"<ListRecords>{''.join(items)}{end}</ListRecords>")


class Far:
    """A registry far away that does as a test tells it: `answers` holds, by token, what ListRecords gives."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/oai")
        self.asked: list[dict[str, str]] = []
        self.answers: dict[str, object] = {"": listed(item(F + "a"))}
        self.identify: object = page(
            "<Identify><repositoryName>Far</repositoryName><granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
            f"<description>{alone(shelves.registry_record('far.example', 'http://far.example/'))}</description></Identify>")
        server.expect_request("/oai").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(dict(request.args))
        verb = request.args["verb"]
        if verb == "Identify":
            answer = self.identify
        elif verb == "ListMetadataFormats":
            answer = page("<ListMetadataFormats><metadataFormat><metadataPrefix>ivo_vor</metadataPrefix>"
                          "</metadataFormat></ListMetadataFormats>")
        else:
            answer = self.answers[request.args.get("resumptionToken", "")]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, Response) else Response(str(answer), content_type="text/xml")

    @property
    def lists(self) -> list[str]:
        """The tokens of the lists that were asked for, in order."""
        return [one.get("resumptionToken", "") for one in self.asked if one["verb"] == "ListRecords"]


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture()
def source(site: Site, far: Far) -> Source:
    added = sources.add(site, far.url)
    far.asked.clear()
    return added


def held(site: Site) -> list[str]:
    with site.database.read() as connection:
        return sorted(connection.execute(select(records.c.ivoid)).scalars())


def test_a_token_that_repeats(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"), token="t")}
    run = harvest(site, source)
    assert run.state == store.FAILED
    assert "same resumption token twice" in run.message
    assert far.lists == ["", "t"]
    assert held(site) == [F + "a", F + "b"], "what came before is kept"
    with site.database.read() as connection:
        assert sources.get(connection, source.id).since is None, "a harvest that failed moves no date"
    again = harvest(site, source)
    assert far.lists[2:] == ["", "t"], "the next run does not begin inside the loop"
    assert counts(again) == {"unchanged": 2}


def test_tokens_that_go_round_in_a_circle(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(F + "a"), token="1"), "1": listed(item(F + "b"), token="2"),
                   "2": listed(item(F + "c"), token="1")}
    assert "same resumption token twice" in harvest(site, source).message
    assert len(far.lists) == 3


def test_ever_new_tokens_for_the_same_page(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(F + "a"), token="t0"), **{
        f"t{n}": listed(item(F + "a"), token=f"t{n + 1}") for n in range(100)}}
    assert "same page twice" in harvest(site, source).message
    assert len(far.lists) == 2


def test_ever_new_tokens_without_records(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(token="t0"), **{f"t{n}": listed(token=f"t{n + 1}") for n in range(100)}}
    assert "without a record in a row" in harvest(site, source).message
    assert len(far.lists) == 20


def test_a_torn_page_is_taken_whole_or_not_at_all(site: Site, far: Far, source: Source) -> None:
    whole = listed(item(F + "b"), item(F + "c"))
    torn = [whole[:len(whole) * n // 9] for n in range(1, 9)]
    far.answers = {"": listed(item(F + "a"), token="t"), "t": list(torn)}
    run = harvest(site, source)
    assert run.state == store.FAILED
    assert far.url in run.message and "not well-formed" in run.message
    assert held(site) == [F + "a"]
    far.answers["t"] = whole
    asked = len(far.lists)
    done = harvest(site, source)
    assert far.lists[asked:] == ["t"], "the next run goes on from the page that was torn"
    assert (done.state, counts(done), done.first_response) == (store.COMPLETE, {"new": 2}, "2024-01-01T00:00:00Z")


def test_a_connection_that_breaks_off_is_tried_again(site: Site, far: Far, source: Source) -> None:
    short = Response(listed(item(F + "a"))[:500], content_type="text/xml")
    far.answers[""] = [short, Response("down", 502), listed(item(F + "a"))]
    run = harvest(site, source)
    assert (run.state, counts(run), run.list_size) == (store.COMPLETE, {"new": 1}, 1)


def test_a_server_that_wants_us_back_tomorrow(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": Response("busy", 503, {"Retry-After": "86400"})}
    pauses: list[float] = []
    run = harvest(site, source, pause=pauses.append)
    assert run.state == store.FAILED
    assert "stay away for 86400 s" in run.message
    assert pauses == [], "the worker is free at once"
    with site.database.read() as connection:
        next_run = clock.parse(sources.get(connection, source.id).next_run)
    assert 86000 < (next_run - clock.now()).total_seconds() < 87000
    assert turn(site) == 0, "it is not asked before"
    far.answers["t"] = listed(item(F + "b"))
    with shelves.at(clock.stamp(next_run)):
        assert turn(site) == 1
    assert far.lists == ["", "t", "t"]
    assert last_run(site, source).state == store.COMPLETE


def test_a_server_that_is_busy_for_a_moment(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = [Response("", 503, {"Retry-After": "7"}), Response("", 503, {"Retry-After": "soon"}),
                       listed(item(F + "a"))]
    pauses: list[float] = []
    assert harvest(site, source, pause=pauses.append).state == store.COMPLETE
    assert pauses[0] == 7.0 and 0 < pauses[1] < 2


def test_a_server_that_stays_busy_is_asked_less_and_less(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = Response("", 500)
    waits = []
    for _ in range(4):
        harvest(site, source)
        with site.database.read() as connection:
            waits.append((clock.parse(sources.get(connection, source.id).next_run) - clock.now()).total_seconds())
    assert [round(wait / 900) for wait in waits] == [1, 2, 4, 8]


@pytest.mark.parametrize(("payload", "why"), [
    ("<nonsense xmlns=''/>", "no identifier"),
    (shelves.record(F + "b").decode(), "Its header names"),
    (shelves.record(F + "a b").decode(), "not legal"),
    (shelves.record(F + "a%20b").decode(), "not legal"),
    (shelves.record("http://far.example/a").decode(), "begin with ivo://"),
    ("<ri:Resource xmlns:ri='http://www.ivoa.net/xml/RegistryInterface/v1.0'>" + "<a>" * 200 + "</a>" * 200
     + "</ri:Resource>", "no identifier"),
])
def test_one_bad_record_is_put_aside_and_the_list_goes_on(
    site: Site, far: Far, source: Source, payload: str, why: str,
) -> None:
    far.answers = {"": listed(item(F + "x", payload), item(F + "good"), token="t"), "t": listed(item(F + "more"))}
    run = harvest(site, source)
    assert (run.state, counts(run)) == (store.COMPLETE, {"new": 2, "rejected": 1})
    assert why in reasons(site, run)[F + "x"]
    assert held(site) == [F + "good", F + "more"]
    with site.database.read() as connection:
        raw = store.problems(connection, run.id)[0].raw
    assert raw and b"<" in raw, "its bytes are kept for whoever looks into it"


@pytest.mark.parametrize("identifier", [
    "", "far.example", "ivo://", "ivo://far.example/a%20b", "ivo://far.example/\u00e9", "oai:far:1"])
def test_headers_that_name_nothing(site: Site, far: Far, source: Source, identifier: str) -> None:
    gone = (f'<record><header status="deleted"><identifier>{identifier}</identifier>'
            "<datestamp>2023-01-01T00:00:00Z</datestamp></header></record>")
    far.answers[""] = listed(item(identifier, shelves.record(F + "x").decode()), gone, item(F + "good"))
    run = harvest(site, source)
    assert (run.state, held(site)) == (store.COMPLETE, [F + "good"])


def test_a_record_that_is_not_xml_costs_only_itself(site: Site, far: Far, source: Source) -> None:
    far.answers = {"": listed(item(F + "a"), item(F + "bad", "<a>R & B</a>"), "<record><header></record>", token="t"),
                   "t": listed(item(F + "b"))}
    run = harvest(site, source)
    assert (run.state, counts(run), held(site)) == (store.COMPLETE, {"new": 2, "rejected": 2}, [F + "a", F + "b"])
    assert far.lists == ["", "", "", "", "t"], "a page that is broken may come whole the next time"
    with site.database.read() as connection:
        kept = {one.ivoid: one for one in quarantine.listing(connection)}
    assert kept[F + "bad"].raw == b"<a>R & B</a>" and "not well-formed" in kept[F + "bad"].reason


def test_a_bad_record_and_a_busy_server_at_once(site: Site, far: Far, source: Source) -> None:
    bad = listed(item(F + "a"), item(F + "b", "<x>&</x>"), token="")
    far.answers[""] = [bad, bad, bad, Response(status=503)]
    done = harvest(site, source)
    assert (done.state, counts(done)) == (store.COMPLETE, {"new": 1, "rejected": 1})


def test_a_page_whose_frame_is_broken(site: Site, far: Far, source: Source) -> None:
    far.answers[""] = listed(item(F + "a")).replace("<ListRecords>", "<ListRecords & >")
    run = harvest(site, source)
    assert run.state == store.FAILED and "not well-formed" in run.message
    assert held(site) == []


@pytest.mark.parametrize(("body", "why"), [
    ("<!DOCTYPE html><html><body>Welcome</body></html>", "DOCTYPE"),
    ("<html><body>Welcome</body></html>", "no OAI-PMH response"),
    ("Welcome", "not well-formed"),
    ("", "not well-formed"),
    ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><OAI-PMH>&e;</OAI-PMH>', "DOCTYPE"),
])
def test_anything_but_oai_pmh(site: Site, far: Far, source: Source, body: str, why: str) -> None:
    far.answers[""] = Response(body, content_type="text/html")
    run = harvest(site, source)
    assert run.state == store.FAILED
    assert why in run.message and far.url in run.message
    far.identify = Response(body, content_type="text/html")
    with pytest.raises(HarvestError, match=far.url):
        sources.look(site, far.url)


def test_a_page_that_is_no_page_of_the_standard(site: Site, far: Far, source: Source) -> None:
    far.identify = page("<ListSets/>")
    assert "does not answer Identify" in harvest(site, source).message
    far.identify = page('<error code="badVerb">No such thing</error>')
    assert "badVerb: No such thing" in harvest(site, source).message


def test_nobody_there(site: Site, far: Far, source: Source, httpserver: HTTPServer) -> None:
    harvest(site, source)
    with site.database.write() as connection:
        connection.execute(sources_table.update().values(url="http://127.0.0.1:9/oai"))
    run = harvest(site, source)
    assert run.state == store.FAILED
    assert "127.0.0.1:9" in run.message
    assert held(site) == [F + "a"]
    with pytest.raises(HarvestError):
        sources.add(site, "http://127.0.0.1:9/oai")


def test_nothing_new_is_a_harvest_like_any(site: Site, far: Far, source: Source) -> None:
    harvest(site, source)
    far.answers[""] = page('<error code="noRecordsMatch">none</error>')
    run = harvest(site, source)
    assert (run.state, counts(run), run.from_) == (store.COMPLETE, {}, "2023-12-31T23:00:00Z")
    assert far.asked[-1]["from"] == "2023-12-31T23:00:00Z"
    assert far.asked[-1]["set"] == "ivo_managed"


def test_a_registry_that_counts_days_is_asked_in_days(site: Site, far: Far, source: Source) -> None:
    harvest(site, source)
    far.identify = str(far.identify).replace("YYYY-MM-DDThh:mm:ssZ", "YYYY-MM-DD")
    for _ in range(2):
        harvest(site, source)
    assert [one.get("from") for one in far.asked if one["verb"] == "ListRecords"] == [None, "2023-12-31", "2023-12-31"]


def test_a_token_that_has_expired_starts_the_list_again(site: Site, far: Far, source: Source) -> None:
    gone = page('<error code="badResumptionToken">expired</error>')
    far.answers = {"": [listed(item(F + "a"), token="old"), listed(item(F + "a"), token="new")], "old": gone,
                   "new": listed(item(F + "b"))}
    run = harvest(site, source)
    assert (run.state, counts(run)) == (store.COMPLETE, {"new": 2, "unchanged": 1})
    assert far.lists == ["", "old", "", "new"]
    far.answers = {"": listed(item(F + "a"), token="old"), "old": gone}
    run = harvest(site, source)
    assert run.state == store.FAILED and "does not know its resumption token" in run.message


def test_a_client_asks_its_server_no_more_than_it_must(site: Site, far: Far) -> None:
    client = Client(site.fetcher, far.url, pause=lambda _: None)
    assert client.formats() == ("ivo_vor",)
    far.identify = Response("", 500)
    with pytest.raises(HarvestError, match="status 500. It was asked 4 times"):
        client.identify()
    assert [one["verb"] for one in far.asked] == ["ListMetadataFormats"] + ["Identify"] * 4
