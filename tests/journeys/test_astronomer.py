"""The astronomer's journey (EXPERIENCE, 1 to 3) at a running datacenter: find, look, run, watch, take, do it again.

The fourth step, by command, is `test_catalogue`'s.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from applications.demo.datacenter import Datacenter
from tests.journeys import chromium
from tests.journeys.conftest import HR_DIAGRAM, WIRING

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.soak]
expect.set_options(timeout=20_000)

PYVO = "from pyvo import registry; print(*(one.ivoid for one in registry.search('hipparcos', servicetype='conesearch')))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.chromium() as running:
        yield running


def test_a_search_is_its_address_and_says_how_to_go_on(datacenter: Datacenter, browser: Browser) -> None:
    with chromium.page(browser, datacenter.base_url) as (page, seen):
        page.goto("")
        page.get_by_role("navigation", name="Public pages").get_by_role("link", name="Records").click()
        page.get_by_role("searchbox").first.fill("hipparcos")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=f"Hipparcos stars at {WIRING.title}")).to_be_visible()
        assert parse_qs(urlsplit(page.url).query)["q"] == ["hipparcos"]
        page.get_by_role("link", name="vs:CatalogService").first.click()  # a facet
        expect(page.get_by_role("link", name=f"Hipparcos stars at {WIRING.title}")).to_be_visible()
        again = page.url
        for words in ("pyvo", "curl"):
            expect(page.locator("main code", has_text=words).first).to_be_attached()
        page.goto("")
        page.goto(again)
        expect(page.get_by_role("link", name=f"Hipparcos stars at {WIRING.title}")).to_be_visible()
        assert seen.wrong == []
    environment = {**os.environ, "IVOA_REGISTRY": f"{datacenter.base_url}tap"}
    done = subprocess.run([sys.executable, "-c", PYVO], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert f"ivo://{WIRING.authority}/hipparcos" in done.stdout, done.stderr


def test_a_job_is_watched_held_kept_cited_and_done_again(
    datacenter: Datacenter, browser: Browser, packaged: Callable[[str], str], tmp_path: Path,
) -> None:
    app = packaged("tells")
    with chromium.page(browser, datacenter.base_url, permissions=["clipboard-read", "clipboard-write"]) as (page, seen):
        chromium.log_in(page, "admin", (datacenter.folder / "admin-password").read_text().strip())
        page.goto(f"applications/{app.removeprefix('ivo://')}")
        expect(page.locator("dd code", has_text="@sha256:")).to_be_visible()
        for words in ("Vouched for by", "Limits", "Contract"):
            expect(page.get_by_text(words, exact=True)).to_be_visible()
        assert chromium.wrong_with(page) == []
        page.get_by_role("link", name="Run it with these values").click()
        expect(page.get_by_label("count")).to_have_value("1")
        page.get_by_label("Your name for the job").fill("a story")
        page.get_by_role("button", name="Run", exact=True).click()
        watched(page)
        expect(page.locator("#results")).to_be_visible(timeout=60_000)
        ended(page, tmp_path)
        assert chromium.wrong_with(page) == []
        done_again(page)
        assert seen.wrong == []


def watched(page: Page) -> None:
    """Its log comes by itself, is held still and goes on, breaks its lines or not."""
    log = page.locator("pre[data-stream=stdout]")
    expect(log).to_contain_text("line 3")
    page.get_by_role("button", name="Pause stdout").click()
    held = log.inner_text()
    for _ in range(2):
        with page.expect_response("**/state?*"):
            pass
    assert log.inner_text() == held and "line 50" not in held
    page.get_by_role("button", name="Pause stdout").click()
    expect(log).not_to_have_text(held)
    page.get_by_role("button", name="Wrap stdout").click()
    expect(log).to_have_css("white-space", "pre")
    expect(page.locator(".timeline li", has_text="EXECUTING")).to_be_visible()


def ended(page: Page, folder: Path) -> None:
    """Phases, results, what it used, a citation and an address to copy, another day to go."""
    assert [one.split()[0] for one in page.locator(".timeline li").all_inner_texts()][-3:] == ["QUEUED", "EXECUTING", "COMPLETED"]
    row = page.locator("#results tr", has_text="table.csv")
    expect(row).to_contain_text("text/csv")
    expect(row).to_contain_text("8 bytes")
    expect(page.get_by_text("table.csv begins")).to_be_visible()
    with page.expect_download() as begun:
        page.locator("#log-stdout a").click()
    begun.value.save_as(folder / "log")
    assert (folder / "log").read_text().splitlines()[-1] == "line 50"
    expect(page.locator("#uses tr", has_text="time")).to_contain_text("%")
    for name, says in (("Copy the permalink", page.url), ("Copy the citation", "version 1 of its record")):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name="Copied").first).to_be_visible()
        assert says in page.evaluate("navigator.clipboard.readText()")
    until = page.locator("#until").input_value()
    page.get_by_text("Keep it longer").click()
    page.locator("#until").fill(f"{until[:10]}T00:00")
    page.get_by_role("button", name="Keep it until then").click()
    expect(page.get_by_role("status")).to_contain_text(f"kept until {until[:10]} 00:00")


def done_again(page: Page) -> None:
    """The form as it was, with a change; and stopped in the middle, with what there was."""
    page.get_by_role("link", name="Run again with changes").click()
    expect(page.get_by_label("count")).to_have_value("1")
    page.get_by_label("count").fill("11")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("count")
    page.get_by_label("count").fill("2")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("pre[data-stream=stdout]")).to_contain_text("line 2")
    page.get_by_role("button", name="Abort").click()
    expect(page.locator("[data-state=aborted]").first).to_be_visible(timeout=60_000)
    expect(page.locator("#results")).to_contain_text("stdout")


def test_what_went_wrong_is_said_in_plain_words(
    datacenter: Datacenter, browser: Browser, packaged: Callable[[str], str],
) -> None:
    app = packaged("exits-three")
    with chromium.page(browser, datacenter.base_url, java_script_enabled=False) as (page, seen):
        chromium.log_in(page, "admin", (datacenter.folder / "admin-password").read_text().strip())
        page.goto(f"admin/applications/run?app={app}")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible(timeout=60_000)  # the page asks for itself again until then
        expect(page.get_by_role("alert")).to_contain_text("the third thing went wrong")
        expect(page.locator("dd", has_text="3").first).to_be_visible()
        page.goto(f"admin/applications/run?app={HR_DIAGRAM}")
        expect(page.get_by_role("heading", name="Run Hertzsprung")).to_be_visible()
        assert seen.wrong == []
