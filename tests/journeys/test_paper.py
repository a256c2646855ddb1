"""Pages on paper, and pictures of all of them: dark on white whatever the screen has, nothing to press, nothing too wide."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import access, create_app
from registry.records import founding
from registry.schema import upgrade
from registry.site import open_site
from tests.conftest import ROOT
from tests.journeys import chromium
from tests.oai.serving import loopback, serving

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
A4 = {"width": 718, "height": 1000}  # within usual margins


@pytest.fixture()
def base(tmp_path: Path) -> Iterator[str]:
    """A served datacenter; administrator ada."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    site = open_site(tmp_path / "instance", authority="north.example", title="North", base_url=url, instance_name="paper")
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North", url), "test")
    with site.database.write() as connection:
        access.create_account(connection, "ada", PASSWORD, "administrator")
    with serving(create_app(site), bound):
        yield url
    site.close()


def test_dashboard_and_record_print_dark_on_white(base: str) -> None:
    with chromium.chromium() as browser, chromium.page(browser, base, viewport=A4, color_scheme="dark") as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        for path, told in (("admin/", "services described"), ("records/north.example/runner", "Where it answers")):
            page.goto(path)
            page.emulate_media(media="print")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 34, 51)"
            assert page.get_by_text(told).first.is_visible() and page.locator("h1").is_visible()
            assert page.locator("nav:visible, form:visible, button:visible, .twins:visible, footer:visible").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"], path
            page.emulate_media(media="screen")
            assert page.locator("nav:visible").count() == (2 if path == "admin/" else 1)
        assert seen.wrong == []


@pytest.mark.soak
def test_every_picture_is_taken_and_no_page_is_wider_than_a_narrow_screen(tmp_path: Path) -> None:
    made = subprocess.run([sys.executable, "-m", "tests.journeys.gallery", tmp_path, "--narrow"], cwd=ROOT, capture_output=True,
                          text=True, timeout=300, check=False)
    assert (made.returncode, made.stdout) == (0, ""), made.stdout + made.stderr
    assert len(list(tmp_path.glob("*.webp"))) >= 25
