"""One person's whole way in a browser: log in, describe a service, run an application, watch it, take its result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from applications.demo.datacenter import Datacenter
from tests.journeys import chromium
from tests.journeys.conftest import HR_DIAGRAM

pytestmark = [pytest.mark.browser, pytest.mark.docker]

MINUTE = 60_000  # ms


def picture(page: Any, name: str, folder: Path) -> None:
    """Keep what the page looks like: for good where INNERSPACE_SCREENSHOTS names a folder, else for this run."""
    page.screenshot(path=Path(os.environ.get("INNERSPACE_SCREENSHOTS") or folder) / f"{name}.png", full_page=True)


def test_from_login_to_a_finished_job(datacenter: Datacenter, tmp_path: Path) -> None:
    password = (datacenter.folder / "admin-password").read_text().strip()
    with chromium.chromium() as browser, chromium.page(browser, datacenter.base_url) as (page, seen):
        chromium.log_in(page, "admin", password)
        assert page.get_by_role("heading", name="Dashboard").is_visible()
        picture(page, "dashboard", tmp_path)

        page.get_by_role("link", name="Import a service").first.click()
        page.get_by_label("VOSI address of the service").fill(datacenter.catalogue_url)
        page.get_by_role("button", name="Look").click()
        assert page.get_by_text("ivo://ivoa.net/std/ConeSearch").first.is_visible()
        page.get_by_label("Title").fill("Stars, described in a browser")
        page.get_by_label("Identifier").fill("by-browser")
        picture(page, "import", tmp_path)
        page.get_by_role("button", name="Publish its record").click()
        assert page.get_by_role("heading", name="Stars, described in a browser").is_visible()

        page.get_by_role("navigation", name="Admin pages").get_by_role("link", name="Applications").click()
        page.get_by_role("row", name=HR_DIAGRAM).get_by_role("link", name="Run Hertzsprung").click()
        page.get_by_label("Your name for the job").fill("from the browser")
        picture(page, "run-form", tmp_path)
        page.get_by_role("button", name="Run", exact=True).click()

        # nobody reloads: the page's script follows the job to its end
        assert page.get_by_role("heading", name="Job from the browser").is_visible()
        page.locator("#results").wait_for(timeout=2 * MINUTE)
        assert page.locator("[data-state=completed]").first.is_visible(), page.locator("main").inner_text()
        assert "COMPLETED" in page.title()
        picture(page, "job", tmp_path)
        first = page.locator("#results a").first
        with page.expect_download() as download:
            first.click()
        kept = tmp_path / "result"
        download.value.save_as(kept)
        assert kept.stat().st_size == int(page.locator("#results td[title]").first.get_attribute("title").split()[0])
        preview = page.locator("img.preview")
        expect(preview).to_be_visible()
        assert preview.evaluate("image => image.complete && image.naturalWidth > 0")
    assert seen.wrong == []
