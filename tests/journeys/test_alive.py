"""Two datacenters: stopping a catalogue turns its availability, its page and the find answer, and starting it turns them back."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from applications.demo.datacenter import Datacenter, Wiring
from applications.demo.engine import stop_process
from tests.journeys.conftest import free_ports
from vosi import availability, capabilities

INTERVAL = 5  # seconds within which a change is known
CONE = "ivo://ivoa.net/std/ConeSearch"
# they differ in port, path, way to log in, and in the version of what the catalogue speaks
NORTH = Wiring("alive-north", "Alive North", "/inner/", ("--dec-from", "80"), "/stars")
SOUTH = Wiring(
    "alive-south", "Alive South", "/vo/reg/", ("--dec-to", "-80", "--flavour", "south"), "/deep/er/vo", needs_token=True)


def get(url: str, **headers: str) -> tuple[bytes, str]:
    """The body and the ETag; a 304 has neither."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.read(), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        if error.code != 304:
            raise
        return b"", ""


class Watched:
    """What clients of one datacenter see of its catalogue."""

    def __init__(self, center: Datacenter) -> None:
        self.center = center
        self.ivoid = f"ivo://{center.wiring.authority}/hipparcos"
        self.find = f"{center.base_url}find.json?standardID={CONE}"
        self.page = f"{center.base_url}services/{center.wiring.authority}/hipparcos"

    def endpoint(self) -> dict[str, str]:
        (found,) = json.loads(get(self.find)[0])["endpoints"]
        return found

    def until(self, state: str) -> datetime:
        """Wait, by the blocking query and nothing else, until the answer says so; since when it says."""
        deadline = time.monotonic() + 60
        body, tag = get(self.find)
        while json.loads(body)["endpoints"][0]["status"] != state:
            assert time.monotonic() < deadline, body
            changed, new = get(f"{self.find}&wait=20", **{"If-None-Match": tag})
            if changed:
                body, tag = changed, new
        return datetime.fromisoformat(json.loads(body)["endpoints"][0]["since"])

    def seen(self, state: str) -> None:
        """Everything else says the same."""
        answer = availability.read(get(f"{self.page}/availability")[0])
        assert answer.available is (state == "up"), answer
        assert f'data-state="{state}"' in get(self.page, Accept="text/html")[0].decode().partition("</h1>")[0]
        assert json.loads(get(self.page, Accept="application/json")[0])["status"] == state
        lines = get(f"{self.center.base_url}find.txt?standardID={CONE}&status=up")[0].decode()
        assert (self.ivoid in lines) is (state == "up")
        shown = json.loads(self.center.registry("api", "show", self.ivoid, "--json"))
        assert shown["status"] == state


@pytest.fixture(scope="module")
def centers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Watched]]:
    made = []
    try:
        for wiring in (NORTH, SOUTH):
            center = Datacenter(wiring, tmp_path_factory.mktemp(wiring.name), free_ports("web", "catalogue", "gateway"))
            made.append(center)
            center.found({"health_interval": str(INTERVAL), "firewall": "false"})
            center.start_catalogue()
            center.start()
            center.describe_catalogue()
        yield [Watched(center) for center in made]
    finally:
        for center in made:
            center.stop()


def test_each_has_its_catalogue_registry_and_runner_found_by_standard(centers: list[Watched]):
    addresses = set()
    for one in centers:
        one.until("up")
        one.seen("up")
        addresses.add(one.endpoint()["url"])
        for standard in ("ivo://ivoa.net/std/Registry", "ivo://ivoa.net/std/UWS#rest-1.1", "ivo://innerspace/std/container#runner-1.0"):
            body = get(f"{one.center.base_url}find?standardID={standard.replace('#', '%23')}", Accept="text/xml")[0]
            urls = [interface.access_url for found in capabilities.read(body).capabilities for interface in found.interfaces]
            assert urls and all(url.startswith(one.center.base_url) for url in urls)
        standards = json.loads(get(f"{one.center.base_url}standards", Accept="application/json")[0])["standards"]
        assert {"ivo://ivoa.net/std/TAP", "ivo://innerspace/std/container", CONE} <= {standard["ivoid"] for standard in standards}
    assert len(addresses) == 2


def test_stopping_one_turns_everything_and_starting_it_turns_it_back(centers: list[Watched]):
    north, south = centers
    for one in centers:
        one.until("up")
    stopped = datetime.now(UTC)
    stop_process(north.center.processes.pop(0), 10)
    down = north.until("down")
    assert (down - stopped).total_seconds() <= INTERVAL + 1  # stamps are whole seconds
    north.seen("down")
    assert "nobody listens there" in get(north.page)[0].decode()
    south.seen("up")
    north.center.start_catalogue()
    started = datetime.now(UTC)
    up = north.until("up")
    assert (up - started).total_seconds() <= INTERVAL + 1
    north.seen("up")
    looks = json.loads(get(f"{north.page}.json")[0])
    assert [change["status"] for change in looks["changes"]][:2] == ["up", "down"]
    assert looks["looks"][0]["uptime_day"] is not None
