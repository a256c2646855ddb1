"""What a search found, sent from its page to a program that takes tables: a real hub, a real browser; and STILTS' lines."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from astropy.io.votable import parse_single_table
from playwright.sync_api import Browser, Page, expect
from pyvo import samp

from registry import create_app
from registry.records import founding
from registry.schema import upgrade
from registry.search.finding.views import SAMP_HUB
from registry.site import open_site
from tests.journeys import chromium
from tests.oai.serving import loopback, serving
from tests.oai.shelves import put, record
from tests.search.test_find_search import CONE

pytestmark = pytest.mark.browser
TABLE = "table.load.votable"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served datacenter with two services of stars."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    site = open_site(tmp_path_factory.mktemp("samp") / "instance", authority="north.example", title="North", base_url=url)
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North", url), "test")
    put(site, *(record(f"ivo://north.example/stars{n}", f"Stars {n}", type_="vr:Service", more=CONE.format(f"http://q{n}.internal/"))
                for n in (1, 2)),
        record("ivo://north.example/queries", "Queries", type_="vr:Service",
               more=CONE.replace("ConeSearch", "TAP").format(f"{url}tap")))
    with serving(create_app(site), bound):
        yield url
    site.close()


class Person(samp.WebProfileDialog):
    """Who sits before the hub's window, and says yes or no."""

    def __init__(self, says: bool) -> None:
        self.says, self.asked, self._gone = says, list[tuple[str, str]](), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._gone.wait(0.02):
            self.handle_queue()

    def show_dialog(self, name: str, details: object, client: object, origin: str) -> None:
        """What the hub shows."""
        self.asked.append((name, origin))
        (self.consent if self.says else self.reject)()

    def leave(self) -> None:
        """No more."""
        self._gone.set()
        self._thread.join()


@contextmanager
def hub(folder: Path, *, says: bool = True, taker: bool = True) -> Iterator[tuple[Person, Queue[dict[str, str]]]]:
    """A hub where browsers look for one, and a program at it that takes tables."""
    person, taken, lock = Person(says), Queue[dict[str, str]](), folder / "samp"
    running = samp.SAMPHubServer(lockfile=str(lock), web_profile_dialog=person, addr="127.0.0.1")
    running.start()
    program = samp.SAMPIntegratedClient(name="Taker", addr="127.0.0.1")
    program.connect(hub=running)
    if taker:
        program.bind_receive_notification(TABLE, lambda key, sender, mtype, params, extra: taken.put(params))
    try:
        yield person, taken
    finally:
        program.disconnect()
        running.stop()
        person.leave()


@contextmanager
def opened(browser: Browser, base: str, path: str) -> Iterator[Page]:
    """A page that does nothing wrong, and asks nobody but us and the hub."""
    with chromium.page(browser, base) as (page, seen):
        page.goto(path)
        yield page
        assert [one for one in seen.wrong if not one.startswith(SAMP_HUB)] == []


def test_a_search_is_sent_to_who_takes_tables(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samp.hub, "internet_on", lambda: False)
    monkeypatch.setattr(samp.client, "internet_on", lambda: False)
    with chromium.chromium() as browser, opened(browser, base, "records?q=stars&standard=ivo://ivoa.net/std/conesearch") as page:
        button, said = page.get_by_role("button", name="Send these records to TOPCAT"), page.locator("#samp-said")
        button.click()
        expect(said).to_contain_text("No SAMP hub answers on this machine")
        with hub(tmp_path, taker=False):
            button.click()
            expect(said).to_contain_text("no program there takes tables")
        with hub(tmp_path, says=False):
            button.click()
            expect(said).to_contain_text("did not let this page in")
        with hub(tmp_path) as (person, taken):
            button.click()
            expect(said).to_contain_text("Sent to one program.")
            sent = taken.get(timeout=10)
            assert person.asked == [("North", base.rstrip("/"))] and sent["name"] == "Records: stars"
        with urllib.request.urlopen(sent["url"]) as answer:  # as the program fetches it
            table = parse_single_table(io.BytesIO(answer.read())).to_table()
        assert sorted(table["access_url"]) == ["http://q1.internal/", "http://q2.internal/"]
        with chromium.page(browser, base, java_script_enabled=False) as (bare, _):
            bare.goto("records?q=stars")
            assert bare.locator("button[data-samp]").count() == 1 and not bare.locator("button[data-samp]").is_visible()


def test_only_the_search_page_lets_its_script_ask_the_hub(base: str) -> None:
    for path, lets in (("records?q=stars", True), ("records/north.example/stars1", False), ("", False), ("records.json", False)):
        with urllib.request.urlopen(urllib.request.Request(base + path, headers={"Accept": "text/html"})) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert (f"connect-src 'self' {SAMP_HUB}" in policy) == lets and "default-src 'self'" in policy, path


@pytest.mark.soak
def test_stilts_understands_its_lines(base: str) -> None:
    """As they are shown, but for their end: what would be sent to TOPCAT is counted instead."""
    [cone] = asked(base, "q=stars1")
    assert shlex.split(cone["topcat"])[:3] == ["stilts", "cone", "serviceurl=http://q1.internal/"]
    for narrowed in ("type=vg:registry", "q=queries"):
        [item] = asked(base, f"authority=north.example&{narrowed}")
        line = [word.replace("omode=topcat", "omode=count") for word in shlex.split(item["topcat"])]
        found = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
        assert found.returncode == 0 and "rows: " in found.stdout, found.stderr


def asked(base: str, query: str) -> list[dict[str, str]]:
    """The records of a search."""
    with urllib.request.urlopen(f"{base}records.json?{query}") as answer:
        found: list[dict[str, str]] = json.load(answer)["records"]
        return found
