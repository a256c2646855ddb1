"""Everything that a capability query may ask for, and answers that wait for a change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from registry.config import Settings
from registry.places import place
from registry.records import store
from registry.services import zones
from registry.services.health import polling, store as health
from registry.services.health.rules import Look, Row
from registry.site import Site
from tests.services.conftest import CONE, capability, publish_service
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface

BASIC = "ivo://ivoa.net/sso#BasicAA"


@pytest.fixture()
def services(founded: Site) -> Site:
    publish_service(founded, "open", capability("http://10.0.0.5/scs"), title="Open stars", subjects=("photometry",))
    publish_service(founded, "closed", Capability(CONE, interfaces=(Interface(
        access_url="http://10.0.0.6/scs", url_use="base", role="std", security_methods=(BASIC,)),)),
        title="Closed stars", description="Spectra of dwarfs.")
    publish_service(founded, "far", capability("https://archive.elsewhere.org/scs"), title="Far away")
    return founded


def names(client: FlaskClient, query: str) -> list[str]:
    found = json.loads(client.get(f"/find.json?{query}").data)["endpoints"]
    return [one["ivoid"].rpartition("/")[2] for one in found]


@pytest.mark.parametrize(("query", "expected"), [
    (f"standardID={CONE}&security={quote(BASIC)}", ["closed"]), ("security=basicaa", ["closed", "runner"]), ("SECURITY=x", []),
    (f"standardID={CONE}&security=anonymous", ["far", "open"]), (f"standardID={CONE}&zone=internal", ["open", "closed"]),
    (f"standardID={CONE}&zone=external", ["far"]), ("q=photometry", ["open"]), ("q=SPECTRA+dwarfs", ["closed"]),
    ("q=Open+STARS", ["open"]), ("q=conesearch+stars", ["closed", "far", "open"]), ("q=nothing", []),
    (f"standardID={CONE}&status=unknown", ["far", "open", "closed"]), (f"standardID={CONE}&status=up", []),
    (f"standardID={CONE}&status=any&datacenter=north.example", ["far", "open", "closed"]),
    (f"standardID={CONE}&datacenter=ivo://North.Example", ["far", "open", "closed"]),
    (f"standardID={CONE}&datacenter=south.example", []),
])
def test_what_can_be_asked(client: FlaskClient, services: Site, query: str, expected: list[str]):
    assert names(client, query) == expected


@pytest.mark.parametrize("query", ["status=asleep", "zone=dmz", "wait=soon", "wait=-2", "colour=red", "standard_id=x"])
def test_what_means_nothing_is_a_sentence(client: FlaskClient, services: Site, query: str):
    response = client.get(f"/find.json?{query}")
    assert response.status_code == 400 and json.loads(response.data)["error"].endswith(".")


def test_another_datacenter_is_asked_for_by_name(client: FlaskClient, services: Site):
    with services.database.read() as connection:
        records = [store.get(connection, f"ivo://north.example/{key}").xml for key in ("open", "runner")]
    with services.database.write() as connection:
        for xml in records:
            theirs = xml.replace(b"ivo://north.example", b"ivo://south.example").replace(b"10.0.0.5", b"10.9.0.5")
            assert store.put(connection, services.schemas, theirs, origin=store.HARVESTED, who="t").outcome == store.NEW
    query = f"standardID={CONE}"
    assert names(client, query) == ["far", "open", "closed"]
    found = json.loads(client.get(f"/find.json?{query}&datacenter=south.example").data)["endpoints"]
    assert [(one["ivoid"], one["url"], one["status"]) for one in found] == [
        ("ivo://south.example/open", "http://10.9.0.5/scs", "unknown")]
    assert len(names(client, f"{query}&datacenter=any")) == 4
    assert "south.example" in client.get("/find", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(("url", "zone"), [
    ("http://127.0.0.1/x", "internal"), ("http://10.1.2.3:8080/", "internal"), ("http://[::1]/", "internal"),
    ("http://[fd00::1]/", "internal"), ("http://catalogue/x", "internal"), ("http://db.internal/", "internal"),
    ("http://DB.Cluster.North.example/", "internal"), ("http://north.example/", "external"),
    ("http://8.8.8.8/", "external"), ("http://[::ffff:10.0.0.1]/", "internal"), ("http://[2001:4860::8888]/", "external"),
    ("https://archive.elsewhere.org/", "external"), ("http://own.example/anything", "internal"),
    ("http://203.0.114.7/", "internal"), ("http://[bad/", "external"), ("nonsense", "external"),
])
def test_zones(url: str, zone: str):
    settings = Settings(
        base_url="http://own.example/", internal_hosts=[".cluster.north.example"], allowed_networks=["203.0.114.0/24"])
    assert zones.zone(settings, url) == zone


# --- answers that wait ------------------------------------------------------------------------------------------------

QUERY = f"/find.json?standardID={CONE}"


class Waiting:
    """A blocking query in a thread of its own."""

    def __init__(self, client: FlaskClient, url: str, etag: str) -> None:
        self.ended = 0.0
        self.response = None

        def ask() -> None:
            self.response = client.application.test_client().get(url, headers={"If-None-Match": etag})
            self.ended = time.monotonic()

        self.thread = threading.Thread(target=ask)
        self.thread.start()


def listening(site: Site, count: int = 1) -> None:
    """Wait until so many listen."""
    folder = site.settings.instance / "run" / "answers"
    deadline = time.monotonic() + 10
    while not folder.is_dir() or len(list(folder.iterdir())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a listener tells nobody when it begins


def test_a_blocked_query_is_answered_when_a_record_changes(client: FlaskClient, services: Site):
    etag = client.get(QUERY).headers["ETag"]
    waiting = Waiting(client, f"{QUERY}&wait=30", etag)
    listening(services)
    publish_service(services, "new", capability("http://10.0.0.7/scs"))
    waiting.thread.join(10)
    assert waiting.response.status_code == 200 and b"/new" in waiting.response.data


def test_a_blocked_query_is_answered_when_a_state_changes(client: FlaskClient, services: Site):
    with polling.Poller(services, lambda _: Look(True, 1)) as poller:
        poller.until_idle()
    etag = client.get(QUERY).headers["ETag"]
    waiting = Waiting(client, f"{QUERY}&wait=-1", etag)
    listening(services)
    with services.database.write() as connection:
        connection.exec_driver_sql("UPDATE health SET due = ''")

    def ask(row: Row) -> Look:
        return Look("10.0.0.5" not in row.url, 1, "gone", definite=True)

    with polling.Poller(services, ask) as poller:
        poller.until_idle()
    waiting.thread.join(10)
    states = {one["url"]: one["status"] for one in json.loads(waiting.response.data)["endpoints"]}
    assert states["http://10.0.0.5/scs"] == "down" and states["http://10.0.0.6/scs"] == "up"


def test_a_change_that_does_not_touch_the_answer_does_not_end_the_wait(client: FlaskClient, services: Site):
    etag = client.get(QUERY).headers["ETag"]
    waiting = Waiting(client, f"{QUERY}&wait=2", etag)
    listening(services)
    began = time.monotonic()
    publish_service(services, "tap", capability("http://10.0.0.7/tap", standard_id=ns.STD_TAP))
    waiting.thread.join(10)
    assert waiting.response.status_code == 304 and waiting.ended - began > 1


def test_an_answer_that_is_another_one_already_comes_at_once(client: FlaskClient, services: Site):
    began = time.monotonic()
    assert client.get(f"{QUERY}&wait=30", headers={"If-None-Match": '"old"'}).status_code == 200
    assert client.get(f"{QUERY}&wait=30").status_code == 200  # no ETag: nothing to wait for
    assert client.get(f"{QUERY}&wait=30&etag=old").status_code == 200
    assert time.monotonic() - began < 5


def test_beyond_the_bound_the_answer_comes_at_once(client: FlaskClient, services: Site):
    etag = client.get(QUERY).headers["ETag"]
    held = [place(services) for _ in range(services.settings.threads // 2)]
    for one in held:
        assert one.__enter__()
    began = time.monotonic()
    assert client.get(f"{QUERY}&wait=30", headers={"If-None-Match": etag}).status_code == 304
    assert client.get(f"{QUERY}&wait=30&etag={etag.strip(chr(34))}").status_code == 304
    assert time.monotonic() - began < 5
    for one in held:
        one.__exit__(None, None, None)


# --- answers that are given again -------------------------------------------------------------------------------------


@pytest.fixture()
def counted(client: FlaskClient, services: Site, monkeypatch) -> Iterator[list[int]]:
    """How often an answer was made."""
    from registry.services import views
    real, count = views._answer, [0]

    def make(*arguments):
        count[0] += 1
        return real(*arguments)

    monkeypatch.setattr(views, "_answer", make)
    settle(services)
    yield count


def settle(site: Site) -> None:
    """Wait until the second of the last change is over."""
    from registry.services.marks import Marks
    marks, deadline = Marks(site), time.monotonic() + 5
    while not marks.now():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # a second passes without telling


def test_an_answer_is_made_once_while_nothing_changes(client: FlaskClient, services: Site, counted: list[int]):
    first = client.get(QUERY)
    again = client.get(QUERY)
    assert (again.data, again.headers["ETag"], counted[0]) == (first.data, first.headers["ETag"], 1)
    unchanged = client.get(QUERY, headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data, counted[0]) == (304, b"", 1)
    client.get(QUERY.replace(".json", ".txt"))
    client.get(QUERY.replace(".json", ""), headers={"Accept": "application/json"})
    assert counted[0] == 3


def test_a_change_is_seen_at_once(client: FlaskClient, services: Site, counted: list[int]):
    for number in range(3):
        publish_service(services, f"n{number}", capability(f"http://10.0.1.{number}/scs"))
        assert f"/n{number}".encode() in client.get(QUERY).data
    settle(services)
    client.get(QUERY)
    with services.database.read() as connection:
        rows = health.rows(connection, "ivo://north.example/open")
    assert rows == []
    with polling.Poller(services, lambda _: Look(False, None, "x", definite=True)) as poller:
        poller.until_idle()
    assert b'"down"' in client.get(QUERY).data
    with services.database.write() as connection:
        connection.exec_driver_sql("UPDATE health SET due = ''")
    with polling.Poller(services, lambda _: Look(True, 1)) as poller:
        poller.until_idle()
    assert b'"down"' not in client.get(QUERY).data


def test_what_one_asks_for_is_not_answered_to_another(client: FlaskClient, services: Site, counted: list[int]):
    a = client.get(f"{QUERY}&q=open").json
    b = client.get(f"{QUERY}&q=closed").json
    assert [len(one["endpoints"]) for one in (a, b)] == [1, 1] and a != b
    assert client.get(f"{QUERY}&q=open").json == a
    page = client.get("/find", headers={"Accept": "text/html"})
    assert page.content_type.startswith("text/html")
    assert client.get("/find", headers={"Accept": "application/json"}).is_json


def test_errors_are_not_kept(client: FlaskClient, services: Site, counted: list[int], monkeypatch):
    from registry.errors import Unavailable
    from registry.services import views

    def broken(*_):
        raise Unavailable("Try again in a minute.")

    with monkeypatch.context() as patch:
        patch.setattr(views, "_answer", broken)
        assert client.get(QUERY).status_code == 503
    assert client.get(QUERY).status_code == 200
