"""The pages in a real browser, over a datacenter without an engine: colours, narrow screens, no script, hostility."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry import access, create_app
from registry.records import founding, store
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import open_site
from tests.admin.test_pages import RECORD
from tests.journeys import chromium
from tests.oai.serving import loopback, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PAGES = [
    "",
    "records",
    "find",
    "applications",
    "records/north.example/registry",
    "admin/",
    "admin/records",
    "admin/import",
    "admin/sources",
    "admin/applications",
    "admin/applications/new",
    "admin/jobs",
    "admin/accounts",
    "admin/audit",
    "admin/records/north.example/registry",
    "nowhere",
]
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus='",
    "<svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=//evil.example/>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>*{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<object data=javascript:alert(1)>",
    "<form action=//evil.example><button>x",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served datacenter whose shelf holds hostile records too; administrator ada."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    folder: Path = tmp_path_factory.mktemp("pages") / "instance"
    site = open_site(
        folder,
        authority="north.example",
        title="North",
        base_url=url,
        admin_email="ops@north.example",
        instance_name="north",
    )
    upgrade(site.database)
    founding.found(site, Founding("north.example", "North", url, email="ops@north.example"), "test")
    with site.database.write() as connection:
        access.create_account(connection, "ada", PASSWORD, "administrator")
        for number, payload in enumerate(PAYLOADS):
            xml = RECORD.replace("/hostile", f"/hostile{number}").replace("{text}", html.escape(payload, quote=True))
            put = store.put(connection, site.schemas, xml.encode(), origin=store.FOREIGN_FILE, who=payload, why=payload)
            assert put.record, put.reason
            access.audit(connection, payload, payload, payload, payload)
    with serving(create_app(site), bound):
        yield url
    site.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.chromium() as running:
        yield running


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 320, "height": 640}},
    ],
    ids=["light", "dark", "narrow"],
)
def test_every_page_fits_and_is_readable(base: str, browser: Any, options: Any) -> None:
    with chromium.page(browser, base, **options) as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], path
            ink, paper = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
            assert (brightness(ink) > brightness(paper)) == (options.get("color_scheme") == "dark"), path
            assert page.locator("h1").count() == 1, path
    assert seen.wrong == []


def test_a_choice_of_colours_outlives_the_system(base: str, browser: Any) -> None:
    with chromium.page(browser, base, color_scheme="light") as (page, seen):
        page.goto("")
        page.get_by_role("button", name="dark").click()
        page.goto("records")
        assert brightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 60
        page.get_by_role("button", name="auto").click()
        assert brightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 200
    assert seen.wrong == []


def test_the_first_tab_stop_leads_past_the_menu(base: str, browser: Any) -> None:
    with chromium.page(browser, base) as (page, _seen):
        page.goto("")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_everything_is_written_without_a_script(base: str, browser: Any) -> None:
    with chromium.page(browser, base, java_script_enabled=False) as (page, _seen):
        chromium.log_in(page, "ada", PASSWORD)
        page.goto("admin/sources")
        page.get_by_label("Address of its OAI-PMH interface").fill("http://127.0.0.1:1/oai")
        page.get_by_role("button", name="Ask who it is").click()
        assert page.get_by_role("alert").inner_text()
        assert page.get_by_label("Address of its OAI-PMH interface").input_value() == "http://127.0.0.1:1/oai"
        page.goto("admin/records/north.example/organisation")
        page.get_by_text("Withdraw this record").click()
        page.get_by_label("Why").fill("closed")
        page.get_by_role("button", name="Withdraw ivo://").click()
        assert "is withdrawn" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Log out").click()
        page.goto("admin/")
        assert page.url.endswith("admin/login?next=/admin/")


def test_strangers_text_runs_nowhere(base: str, browser: Any) -> None:
    with chromium.page(browser, base) as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        for path in ("records", "admin/records", "admin/audit", "admin/", "find", "applications"):
            page.goto(path)
        for number, payload in enumerate(PAYLOADS):
            for path in ("records/south.example/hostile", "admin/records/south.example/hostile"):
                page.goto(f"{path}{number}")
                assert payload in page.locator("h1").inner_text() or not payload.strip("<>/")
                for link in page.locator("main a").all():
                    assert (link.get_attribute("href") or "").split(":")[0] not in ("javascript", "data"), payload
    assert seen.wrong == []


def brightness(colour: str) -> float:
    """0 (black) to 255 (white) of a computed colour."""
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.3 * red + 0.59 * green + 0.11 * blue
