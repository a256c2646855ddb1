"""The harvest administrator's journey (EXPERIENCE, steps 1 to 5) against a running datacenter: with a script, and without."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from applications.demo.datacenter import Datacenter
from registry.cli import main
from registry.records import store
from registry.schema import upgrade
from registry.site import open_site
from tests.harvest.bulk import bulk
from tests.journeys import chromium
from tests.oai import shelves
from tests.oai.conftest import app_of
from tests.oai.serving import loopback, serving

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.shared, pytest.mark.soak]
expect.set_options(timeout=20_000)

TAKEN = "site01.bulk.example"  # an authority that both registries claim
Command = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def rival(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that claims an authority of the bulk one's, and hands on two records that are not its own."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    site = open_site(tmp_path_factory.mktemp("rival"), authority="rival.example", title="Rival", base_url=url)
    upgrade(site.database)
    with shelves.at():
        shelves.found(site)
        shelves.put(site, shelves.registry_record("rival.example", url, ["rival.example", TAKEN]))
        shelves.put(site, *(shelves.record(f"ivo://else.example/{name}", name) for name in "ab"), origin=store.FOREIGN_FILE)
    with serving(app_of(site), bound):
        yield f"{url}oai"
    site.close()


@pytest.fixture()
def command(datacenter: Datacenter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Type `registry harvest ... --json` at the datacenter; gives what it printed."""

    def typed(*words: str) -> Any:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(datacenter.folder), "harvest", *words, "--json"])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        assert not ended.value.code, err
        return json.loads(out)

    return typed


def log_in(page: Page, datacenter: Datacenter) -> None:
    chromium.log_in(page, "admin", (datacenter.folder / "admin-password").read_text().strip())


def add(page: Page, url: str, name: str, set_spec: str = "") -> None:
    """Steps 1: Sources, the address, who answers there, and only then Add."""
    page.get_by_role("navigation", name="Admin pages").get_by_role("link", name="Sources").click()
    page.get_by_label("Address of its OAI-PMH interface").fill(url)
    page.get_by_role("button", name="Ask who it is").click()
    expect(page.get_by_text("Nothing is kept yet.")).to_be_visible()
    for words in ("Registry", "Speaks for", "Formats", "Sets", "Dates", "Records"):
        expect(page.locator("dt", has_text=words).first).to_be_visible()
    page.get_by_label("Name here").fill(name)
    expect(page.locator("#set_spec")).to_have_value("ivo_managed")
    page.locator("#set_spec").select_option(set_spec)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def count(page: Page, name: str) -> int:
    return int(page.locator(f"[data-count={name}] [data-field]").inner_text())


def drawn_at_the_end(page: Page) -> None:
    """The run is over, and its page has been loaded once more for what is drawn only then."""
    expect(page.locator("[data-live]")).to_have_count(0, timeout=60_000)
    expect(page.locator("[data-state=complete]")).to_be_visible()


def saved(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def test_without_a_script_a_source_goes_from_its_address_to_a_persons_word(
    datacenter: Datacenter, browser: Browser, rival: str, command: Command,
) -> None:
    with chromium.page(browser, datacenter.base_url, java_script_enabled=False) as (page, seen):
        log_in(page, datacenter)
        add(page, rival, "rival")
        page.get_by_role("button", name="Test 1 page").click()
        assert (count(page, "new"), count(page, "rejected")) == (1, 2)
        expect(page.get_by_role("row", name="ivo://else.example/a")).to_be_visible()
        assert [one["last"] for one in command("status") if one["name"] == "rival"] == [None]
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/admin/runs/*")
        expect(page.locator("[data-state=complete]")).to_be_visible()  # the page asks for itself again until then
        assert (count(page, "new"), count(page, "rejected")) == (1, 2)
        page.get_by_role("button", name="Accept once ivo://else.example/a").click()
        expect(page.get_by_role("status")).to_contain_text("ivo://else.example/a is on the shelf now")
        page.get_by_role("button", name="Mute ivo://else.example/b").click()
        expect(page.locator("td .state")).to_have_text(["accepted", "muted"])
        page.get_by_role("link", name="rival", exact=True).first.click()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("dd", has_text="paused")).to_be_visible()
        page.get_by_role("button", name="Harvest by the clock again").click()
        page.get_by_role("button", name="Harvest everything again").click()
        expect(page.locator("[data-state=complete]")).to_be_visible()
        assert (count(page, "unchanged"), count(page, "rejected")) == (2, 1)
        assert seen.wrong == []


def beside(rival: str, command: Command) -> None:
    """Let the rival be a source that has been harvested whole, where it is not one yet."""
    if not any(one["name"] == "rival" for one in command("status")):
        command("add", rival, "--name", "rival", "--set", "")
        command("run", "rival")


def test_pages_of_a_trial_and_of_a_run_are_well(datacenter: Datacenter, browser: Browser, rival: str, command: Command) -> None:
    beside(rival, command)
    with chromium.page(browser, datacenter.base_url) as (page, seen):
        log_in(page, datacenter)
        page.goto("admin/sources/rival")
        page.get_by_role("button", name="Test 1 page").click()
        expect(page.get_by_role("heading", name="Test of rival")).to_be_visible()
        assert chromium.wrong_with(page) == []
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/admin/runs/*")
        drawn_at_the_end(page)
        assert chromium.wrong_with(page) == []
        assert seen.wrong == []


def test_with_a_script_a_harvest_is_watched_paused_and_judged(
    datacenter: Datacenter, browser: Browser, rival: str, command: Command, tmp_path: Path,
) -> None:
    beside(rival, command)
    with bulk("--delay", "0.12", "--fault-bad-xml", "7", "--fault-invalid", "12", count=60, page=3) as url, \
            chromium.page(browser, datacenter.base_url) as (page, seen):
        log_in(page, datacenter)
        add(page, url, "bulk", "ivo_managed")
        page.get_by_role("button", name="Test 1 page").click()
        expect(page.get_by_text("3 records of 60")).to_be_visible()
        expect(page.get_by_text("1 of 20")).to_be_visible()
        tried = command("test", "bulk")["trial"]
        assert (count(page, "new"), count(page, "rejected")) == (tried["new"], tried["rejected"])
        assert tried["new"] + tried["rejected"] == tried["read"] == 3

        page.get_by_role("button", name="Start").click()
        watched(page)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Its source is paused")).to_be_visible()
        pages = int(page.locator("[data-field=pages]").inner_text())
        assert 1 <= pages < 20 and command("status")[0]["paused"]
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("that were read before")).to_be_visible()
        drawn_at_the_end(page)  # nobody reloads
        assert int(page.locator("[data-field=pages]").inner_text()) == 20 - pages

        judged(page, tmp_path, command)
        page.get_by_role("link", name="Dashboard").click()
        row = page.get_by_role("region", name="Age of sources").get_by_role("row", name="bulk")
        expect(row).to_contain_text("fresh")
        expect(page.get_by_text(f"Two registries claim the authority {TAKEN}")).to_be_visible()
        expect(page.get_by_role("link", name="in quarantine")).to_be_visible()
        row.get_by_role("link", name="bulk").click()
        expect(page.locator("figure svg g")).to_have_count(2)  # the trend: a bar for each run
        removed(page)
        assert seen.wrong == []
    assert [one["name"] for one in command("status")] == ["rival"]


def watched(page: Page) -> None:
    """Step 2: bar, pace, end and what comes move while nobody reloads."""
    expect(page.locator("progress")).to_be_visible()
    page.evaluate("window.kept = true")
    expect(page.locator("[data-field=pages_per_second]")).not_to_have_text("–")
    expect(page.locator("[data-field=seconds_left]")).not_to_have_text("–")
    expect(page.locator("[data-field=list_size]")).to_have_text("60")
    expect(page.locator("[data-field=tail]")).to_contain_text("ivo://")
    assert 0 < page.locator("progress").evaluate("bar => bar.value") < 1 and page.evaluate("window.kept")


def judged(page: Page, folder: Path, command: Command) -> None:
    """Step 3: counts, what is wrong summed up, each record with reason, place and bytes; a word on it; all of it in files."""
    assert count(page, "rejected") >= 1 and page.get_by_role("heading", name="What is wrong, most frequent first").is_visible()
    page.get_by_text("All that waits of this source").click()
    rows = page.locator("tbody tr")
    mine = rows.filter(has_text=f"ivo://{TAKEN}/").first
    expect(mine).to_contain_text("which ivo://rival.example/registry does")
    expect(mine.locator("code").first).to_contain_text("/ri:Resource/identifier")
    mine.get_by_text("as it came").click()
    expect(mine.locator("pre")).to_contain_text("<identifier>ivo://")
    total = rows.count()
    mine.get_by_role("button", name="Accept once").click()
    expect(page.get_by_role("status")).to_contain_text("is on the shelf now")
    page.get_by_role("button", name="Mute").first.click()
    expect(page.get_by_role("status")).to_contain_text("is told of no more")
    page.locator("main #state").select_option("any")
    page.get_by_role("button", name="Show").click()
    assert page.locator("[data-state=accepted]").count() >= 1 and page.locator("[data-state=muted]").count() >= 1, total
    exported(page, folder, command)


def exported(page: Page, folder: Path, command: Command) -> None:
    run = next(one["last"]["id"] for one in command("status") if one["name"] == "bulk")
    page.goto(f"admin/runs/{run}")
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(saved(begun.value, folder).open()))
    as_json = page.request.get(f"admin/runs/{run}/problems.json").json()["problems"]
    assert len(rows) == len(as_json) >= 1 and all(row["reason"] for row in rows)
    assert {one["ivoid"] for one in command("errors", "bulk")} == {row["ivoid"] for row in rows}


def removed(page: Page) -> None:
    page.get_by_role("button", name="Remove this source").click()
    page.get_by_label("Type bulk").fill("bulk")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("status")).to_contain_text("bulk is removed")
