"""Looks at services: what counts as down, what the history tells, who hears of it, and what faulty services cannot do."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from registry import clock
from registry.bell import ANSWERS
from registry.records import store as shelf
from registry.services import inner, query
from registry.services.health import first, hooks, polling, rules, store
from registry.services.health.rules import DOWN, MAINTENANCE, UNKNOWN, UP, Look, Row
from registry.site import Site
from registry.tables import health
from tests.services.conftest import CONE, capability, publish_service
from vosi import availability, namespaces as ns
from vosi.availability import Availability

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STARS = "ivo://north.example/stars"
GOOD, BAD, SAYS_NO = Look(True, 5), Look(False, None, "nobody listens"), Look(False, 5, "rebuilt", definite=True)


def judged(row: Row, *looks: Look, grace: int = 2, now: datetime = NOW) -> Row:
    for look in looks:
        row = rules.judged(row, look, now, interval=60, grace=grace)
    return row


ROW = Row(STARS, "http://a/scs", STARS, store.HEAD)


@pytest.mark.parametrize(("looks", "state"), [
    ((GOOD,), UP), ((BAD,), UNKNOWN), ((BAD, BAD), DOWN), ((GOOD, BAD), UP), ((GOOD, BAD, BAD), DOWN),
    ((GOOD, BAD, GOOD, BAD), UP), ((GOOD, BAD, BAD, GOOD), UP), ((SAYS_NO,), DOWN), ((GOOD, SAYS_NO), DOWN),
])
def test_grace_before_a_service_counts_as_down(looks, state: str):
    assert judged(ROW, *looks).state == state


def test_what_fails_is_looked_at_again_so_soon_that_all_is_known_within_the_interval():
    seconds = 0.0
    row = judged(ROW, GOOD)
    for look in (BAD, BAD):
        seconds += (clock.parse(row.due) - NOW).total_seconds()
        row = judged(row, look)
    assert row.state == DOWN and seconds < 60


def test_since_moves_with_the_state_only():
    up = judged(ROW, GOOD)
    later = judged(up, GOOD, now=NOW + timedelta(hours=1))
    assert (later.since, later.seen) == (up.since, clock.stamp(NOW + timedelta(hours=1)))
    assert later.recent == [5, 5]


def test_an_announced_window_is_maintenance_and_not_down():
    said = {"down_at": "2026-06-01T11:00:00Z", "back_at": "2026-06-01T13:00:00Z"}
    row = judged(ROW, replace(GOOD, said=said), now=NOW - timedelta(hours=2))
    assert row.state == UP and "announced" in rules.announced(row.said, NOW - timedelta(hours=2))
    assert judged(row, BAD).state == MAINTENANCE
    assert judged(row, replace(SAYS_NO, said=said)).state == MAINTENANCE
    late = NOW + timedelta(hours=2)
    assert judged(row, BAD, BAD, now=late).state == DOWN
    assert judged(judged(row, BAD), BAD, BAD, now=late).state == DOWN
    assert judged(judged(row, BAD), GOOD, now=late).state == UP


@pytest.mark.parametrize("text", ["", "soon", "31.12.2026", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_announces_nothing(text: str):
    assert not rules.in_window({"down_at": text}, NOW) and rules.announced({"down_at": text}, NOW) == ""


def test_uptime_counts_the_known_time():
    changes = [("2026-06-01T00:00:00Z", UP), ("2026-06-01T06:00:00Z", DOWN), ("2026-06-01T09:00:00Z", UP)]
    assert rules.uptime(changes, NOW - timedelta(days=1), NOW) == pytest.approx(0.75)
    assert rules.uptime(changes, NOW - timedelta(hours=4), NOW) == pytest.approx(0.75)
    assert rules.uptime([("2026-06-01T00:00:00Z", MAINTENANCE)], NOW - timedelta(days=1), NOW) is None
    assert rules.uptime([], NOW, NOW) is None


# --- turns over real services -----------------------------------------------------------------------------------------


def quick(site: Site, **more) -> Site:
    """The site with looks that are due again at once and give up soon."""
    changes = {"health_grace": 1, "fetch_timeout": 1, "fetch_deadline": 2, **more}
    return replace(site, settings=site.settings.model_copy(update=changes))


def rows(site: Site, ivoid: str = STARS) -> list[Row]:
    with site.database.read() as connection:
        return store.rows(connection, ivoid)


def look_again(site: Site) -> int:
    with site.database.write() as connection:
        connection.exec_driver_sql("UPDATE health SET due = ''")
    return polling.turn(site)


def documented(http: HTTPServer, path: str = "/avail") -> tuple:
    return (capability(http.url_for("/scs")),
            capability(http.url_for(path), standard_id=ns.STD_VOSI_AVAILABILITY, use="full"))


def test_a_services_own_document_is_asked_and_believed(founded: Site, httpserver: HTTPServer):
    publish_service(founded, "stars", *documented(httpserver))
    says = Availability(True, notes=("all well",))
    httpserver.expect_request("/avail").respond_with_handler(
        lambda _: Response(availability.write(says), content_type="text/xml"))
    site = quick(founded)
    polling.turn(site)
    (row,) = rows(site)
    assert (row.asked, row.state, row.message) == (store.AVAILABILITY, UP, "all well") and row.millis is not None
    says = Availability(False, notes=("The disk is full.",))
    look_again(site)
    (row,) = rows(site)
    assert (row.state, row.message) == (DOWN, "The disk is full.")
    with site.database.read() as connection:
        assert [(one.was, one.state) for one in store.history(connection, STARS)] == [(UP, DOWN), (UNKNOWN, UP)]


def test_the_first_look_reads_what_the_worker_knows_in_the_unit_that_writes(
    founded: Site, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch,
):
    """Else the worker makes the same rows in between, and registering a service fails."""
    publish_service(founded, "stars", *documented(httpserver))
    with founded.database.read() as connection:
        record = shelf.get(connection, STARS)
    units = []
    real = first.find
    monkeypatch.setattr(
        first, "find", lambda connection, **more: units.append(connection.info["writes"]) or real(connection, **more))
    for _ in range(2):
        first.note(founded, record, Availability(available=True))
    assert units == [True, True]
    assert [row.state for row in rows(founded, record.ivoid)] == [UP]


def test_without_a_document_each_address_is_looked_at(founded: Site, httpserver: HTTPServer):
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")),
                    capability(httpserver.url_for("/tap"), standard_id=ns.STD_TAP))
    httpserver.expect_request("/scs", method="HEAD").respond_with_data("", status=400)  # it wants parameters
    httpserver.expect_request("/tap", method="HEAD").respond_with_data("", status=503)
    site = quick(founded)
    polling.turn(site)
    assert {row.url.rpartition("/")[2]: row.state for row in rows(site)} == {"scs": UP, "tap": DOWN}
    with site.database.read() as connection:
        found = query.answer(connection, site.settings, query.Asked(ivoid=STARS))
    assert {one.access_url.rpartition("/")[2]: one.state for one in found} == {"scs": UP, "tap": DOWN}
    assert rules.whole(row.state for row in rows(site)) == UP


def test_a_record_that_changes_or_goes_is_followed(founded: Site, httpserver: HTTPServer):
    from registry.records import publish
    site = quick(founded)
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    polling.turn(site)
    assert [row.url for row in rows(site)] == [httpserver.url_for("/scs")]
    publish_service(founded, "stars", capability(httpserver.url_for("/moved")))
    polling.turn(site)
    assert [row.url for row in rows(site)] == [httpserver.url_for("/moved")]
    publish.retire(founded, STARS, who="test", why="gone")
    polling.turn(site)
    assert rows(site) == []


def test_our_own_answer_on_its_behalf_is_not_what_it_says_itself(founded: Site, httpserver: HTTPServer):
    ours = founded.settings.url("services/north.example/stars/availability")
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")),
                    capability(ours, standard_id=ns.STD_VOSI_AVAILABILITY, use="full"))
    polling.turn(quick(founded))
    assert store.HEAD in {row.asked for row in rows(founded)}
    assert store.AVAILABILITY not in {row.asked for row in rows(founded)}


def drip(stop: threading.Event, head: bytes) -> str:
    """A server that sends `head` and then a byte now and then, for ever; its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(4096)
                connection.sendall(head)
                while not stop.wait(0.1):
                    connection.sendall(b"a")
            except OSError:
                return

    def accept() -> None:
        with server:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture()
def stop():
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(("head", "words"), [
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n", "had not finished"),
    (b"HTTP/1.1 200 OK\r\n", "in time"),  # even its headers never end
    (b"", "in time"),
])
def test_one_byte_a_second_loses_no_thread(founded: Site, stop: threading.Event, head: bytes, words: str):
    url = drip(stop, head)
    publish_service(founded, "stars", capability(f"{url}/avail", standard_id=ns.STD_VOSI_AVAILABILITY, use="full"))
    began = time.monotonic()
    polling.turn(quick(founded))
    assert time.monotonic() - began < 10
    (row,) = rows(founded)
    assert row.state == DOWN and words in row.message


@pytest.mark.parametrize(("body", "status", "words"), [
    (b"<!DOCTYPE html><html><body>Welcome</body></html>", 200, "HTML page"),
    (b"<a/>", 200, "no VOSI availability document"),
    (b"not xml", 200, "cannot be read"),
    (b"x" * 3_000_000, 200, "more than 1000000 bytes"),
    (b"", 404, "status 404"),
    (b"<availability><available>perhaps</available></availability>", 200, "neither true nor false"),
])
def test_what_is_no_document_is_a_sentence_beside_the_service(
    client: FlaskClient, founded: Site, httpserver: HTTPServer, body: bytes, status: int, words: str,
):
    publish_service(founded, "stars", *documented(httpserver))
    httpserver.expect_request("/avail").respond_with_data(body, status=status, content_type="text/html")
    polling.turn(quick(founded))
    (row,) = rows(founded)
    assert row.state == DOWN and words in row.message
    assert words in client.get("/services/north.example/stars").text
    answer = availability.read(client.get("/services/north.example/stars/availability").data)
    assert not answer.available and words in answer.notes[0]


def test_half_a_gigabyte_is_cut_off(founded: Site, httpserver: HTTPServer):
    def endless(_: Request) -> Response:
        length = str(8000 * 65536)
        return Response((b"x" * 65536 for _ in range(8000)), content_type="text/xml", headers={"Content-Length": length})

    publish_service(founded, "stars", *documented(httpserver))
    httpserver.expect_request("/avail").respond_with_handler(endless)
    polling.turn(quick(founded))
    (row,) = rows(founded)
    assert row.state == DOWN and "more than 1000000 bytes" in row.message


def test_a_redirect_to_somewhere_else_is_said(founded: Site, httpserver: HTTPServer):
    other = httpserver.url_for("/theirs").replace("localhost", "127.0.0.1")
    publish_service(founded, "stars", *documented(httpserver))
    httpserver.expect_request("/avail").respond_with_data("", status=302, headers={"Location": other})
    httpserver.expect_request("/theirs").respond_with_data(availability.write(Availability(True)))
    polling.turn(quick(founded))
    (row,) = rows(founded)
    assert row.state == DOWN and "sends on to 127.0.0.1" in row.message


def test_a_forbidden_address_is_never_connected_to(founded: Site):
    publish_service(founded, "stars", capability("http://169.254.169.254/latest/meta-data"))
    polling.turn(quick(founded))
    (row,) = rows(founded)
    assert row.state == DOWN and "does not allow" in row.message


def test_a_slow_service_holds_up_no_other(founded: Site, stop: threading.Event, httpserver: HTTPServer):
    slow = drip(stop, b"")
    for number in range(30):
        publish_service(founded, f"slow{number}", capability(f"{slow}/{number}"))
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    httpserver.expect_request("/scs").respond_with_data("")
    site = quick(founded, fetch_timeout=4, fetch_deadline=4)
    with polling.Poller(site) as poller:
        began = time.monotonic()
        while not rows(site) or rows(site)[0].state != UP:
            poller.step()
            assert time.monotonic() - began < 3.5


def test_few_looks_at_one_host_at_once(founded: Site):
    now, most, lock = 0, 0, threading.Lock()

    def ask(row: Row) -> Look:
        nonlocal now, most
        if "one.example" not in row.url:
            return GOOD
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return GOOD

    for number in range(20):
        publish_service(founded, f"s{number}", capability(f"http://one.example/{number}"))
    with founded.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM health")
    with polling.Poller(founded, ask) as poller:
        assert poller.until_idle() >= 20
    assert 1 < most <= polling.PER_HOST


def test_a_fault_of_ours_is_logged_and_the_others_are_looked_at(founded: Site):
    def ask(row: Row) -> Look:
        if row.key == STARS:
            raise KeyError("a fault")
        return GOOD

    publish_service(founded, "stars", capability("http://a/scs"))
    publish_service(founded, "moons", capability("http://b/scs"))
    with polling.Poller(quick(founded), ask) as poller:
        poller.until_idle()
    assert rows(founded)[0].state == DOWN and "fault in this program" in rows(founded)[0].message
    assert rows(founded, "ivo://north.example/moons")[0].state == UP


# --- hooks ------------------------------------------------------------------------------------------------------------


def heard(http: HTTPServer) -> list[dict]:
    return [json.loads(request.data) for request, _ in http.log if request.path == "/hook" and _.status_code == 200]


def test_a_hook_hears_once_of_each_change(founded: Site, httpserver: HTTPServer):
    state = {"status": 200}
    httpserver.expect_request("/scs").respond_with_handler(lambda _: Response("", status=state["status"]))
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    site = quick(founded, webhooks=[httpserver.url_for("/hook")])

    def ours() -> list[tuple[str, str]]:
        return [(one["was"], one["state"]) for one in heard(httpserver) if one["service"] == STARS]

    polling.turn(site)
    assert ours() == []  # that something new is up is no news
    state["status"] = 503
    for _ in range(3):
        look_again(site)
    assert ours() == [(UP, DOWN)]
    state["status"] = 200
    look_again(site)
    assert ours() == [(UP, DOWN), (DOWN, UP)]
    told = heard(httpserver)[-1]
    assert told["page"] == "http://127.0.0.1:8101/services/north.example/stars" and told["url"].endswith("/scs")


def test_a_hook_that_fails_is_told_again_and_one_that_knows_is_not(founded: Site, httpserver: HTTPServer, monkeypatch):
    monkeypatch.setattr(hooks, "AGAIN", 0.0)
    answers = iter([500, 200])
    httpserver.expect_request("/scs").respond_with_data("", status=503)
    httpserver.expect_request("/hook").respond_with_data("")
    httpserver.expect_request("/late").respond_with_handler(lambda _: Response("", status=next(answers, 200)))
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    site = quick(founded, webhooks=[httpserver.url_for("/hook"), httpserver.url_for("/late")])
    site = replace(site, settings=site.settings.model_copy(update={"allowed_networks": ["127.0.0.0/8", "::1/128"]}))
    for _ in range(3):
        polling.turn(site)
    mine = [request.path for request, _ in httpserver.log
            if request.path in ("/hook", "/late") and json.loads(request.data)["service"] == STARS]
    assert mine.count("/hook") == 1 and mine.count("/late") >= 1  # of several changes one was refused
    with site.database.read() as connection:
        assert store.untold(connection) == []


def test_a_change_rings(founded: Site, httpserver: HTTPServer):
    httpserver.expect_request("/scs").respond_with_data("")
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    with founded.bells.listen(ANSWERS) as bell:
        polling.turn(quick(founded))
        assert bell.wait(5)


# --- what clients see -------------------------------------------------------------------------------------------------


def test_find_tells_the_state_and_filters_by_it(client: FlaskClient, founded: Site, httpserver: HTTPServer):
    publish_service(founded, "a-dead", capability("http://127.0.0.1:9/scs", version="9"))
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    httpserver.expect_request("/scs").respond_with_data("")
    polling.turn(quick(founded, allowed_ports=[9]))

    def states(more: str = "") -> list[tuple[str, str]]:
        found = json.loads(client.get(f"/find.json?standardID={CONE}{more}").data)["endpoints"]
        return [(one["ivoid"].rpartition("/")[2], one["status"]) for one in found]

    assert states() == [("stars", UP), ("a-dead", DOWN)]  # nothing is removed for being down, but it comes last
    assert states("&status=up") == [("stars", UP)] and states("&status=DOWN") == [("a-dead", DOWN)]
    assert client.get(f"/find.txt?standardID={CONE}&status=up").text.startswith("ivo://north.example/stars = ")
    page = client.get(f"/find?standardID={CONE}", headers={"Accept": "text/html"}).text
    assert 'data-state="down"' in page and "cannot be read" in page or "allowed" in page


def test_the_page_draws_the_last_looks_and_tells_the_uptime(client: FlaskClient, founded: Site, httpserver: HTTPServer):
    httpserver.expect_request("/scs").respond_with_data("")
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    site = quick(founded)
    polling.turn(site)
    look_again(site)
    page = client.get("/services/north.example/stars").text
    assert page.count("<rect ") == 2 and "2 of the last 2 looks were answered" in page and 'data-state="up"' in page
    with founded.database.read() as connection:
        [due] = connection.execute(select(health.c.due).where(health.c.ivoid == STARS)).scalars()
    assert "Next look" in page and f'datetime="{due}"' in page
    told = json.loads(client.get("/services/north.example/stars.json").data)
    assert told["status"] == UP and told["looks"][0]["recent"][0] is not None
    assert client.get("/services/north.example/stars", headers={"Accept": "application/json"}).json["ivoid"] == STARS


def test_a_job_is_told_first_of_what_works(founded: Site, httpserver: HTTPServer):
    publish_service(founded, "a-dead", capability("http://127.0.0.1:9999/scs"))
    publish_service(founded, "stars", capability(httpserver.url_for("/scs")))
    httpserver.expect_request("/scs").respond_with_data("")

    def told() -> list[str]:
        with founded.database.read() as connection:
            return [route.endpoint.ivoid.rpartition("/")[2] for route in inner.routes(connection, founded.settings, [CONE])]

    assert told() == ["a-dead", "stars"]
    polling.turn(quick(founded))
    assert told() == ["stars", "a-dead"]
