"""Writing a record in a real browser: with a script and without, by keyboard, two at once, in both colours, hostile."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from registry import access, create_app
from registry.records import drafting, founding, lifecycle, publish, store
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.journeys import chromium
from tests.journeys.test_pages import PASSWORD, PAYLOADS
from tests.oai.serving import loopback, serving
from tests.records.conftest import record
from tests.vosi import drafts
from vosi.resource import amend, compose

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class House:
    """A founded datacenter that answers at `base`, and a browser."""

    site: Site
    base: str
    browser: Browser

    def shown(self, key: str) -> Any:
        """The record as it is on the shelf."""
        with self.site.database.read() as connection:
            return store.get(connection, f"ivo://north.example/{key}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    held = loopback()
    base = f"http://127.0.0.1:{held.getsockname()[1]}/"
    site = open_site(Path(tmp_path_factory.mktemp("forms")), authority="north.example", title="North", base_url=base,
                     instance_name="north")
    upgrade(site.database)
    founding.found(site, Founding("north.example", "North", base, email="ops@north.example"), "test")
    with site.database.write() as connection:
        access.create_account(connection, "ann", PASSWORD, access.ADMINISTRATOR)
    with serving(create_app(site), held), chromium.chromium() as browser:
        yield House(site, base, browser)
    site.close()


def begin(page: Page, key: str) -> None:
    """From the list of records to an empty form, as a person goes."""
    chromium.log_in(page, "ann", PASSWORD)
    page.goto("admin/records")
    page.get_by_role("link", name="Describe a resource").click()
    page.get_by_label("Service with tables").check()
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Go on").click()


def fill(page: Page) -> None:
    """What such a record needs, with a cone search."""
    page.get_by_label("Title (needed)").fill("Stars of the North")
    page.get_by_label("Subject 1").fill("stars")
    page.get_by_label("Description (needed)").fill("All of them.")
    page.get_by_text("Add one of 10 kinds").click()
    page.get_by_role("button", name="Cone search").click()
    expect(page.get_by_label("Verbosity")).to_have_value("false")
    page.get_by_label("Access URL 1").fill("http://127.0.0.1:8101/stars?")


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_from_the_list_to_a_published_record(house: House, script: bool) -> None:
    key = f"journey-{'with' if script else 'without'}"
    with chromium.page(house.browser, house.base, java_script_enabled=script) as (page, seen):
        begin(page, key)
        fill(page)
        page.get_by_role("button", name="Review and publish").click()
        expect(page.get_by_role("heading", name="Review before publishing")).to_be_visible()
        page.get_by_label("Why").fill("begun")
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("is published (version 1)")
        assert house.shown(key).profile == "recommended" and b"ConeSearch" in house.shown(key).xml
        page.go_back()
        page.get_by_role("button", name="Publish", exact=True).click()
        page.wait_for_url(f"**/admin/records/north.example/{key}")
        assert house.shown(key).version == 1
        assert seen.wrong == []


def test_faults_appear_while_one_types_and_the_draft_is_kept(house: House) -> None:
    publish.publish(house.site, record("ivo://north.example/typed", title="First"), who="bob")
    with chromium.page(house.browser, house.base) as (page, seen):
        chromium.log_in(page, "ann", PASSWORD)
        page.goto("admin/edit/north.example/typed")
        name = page.get_by_label("Short name")
        name.fill("x" * 20)
        expect(page.get_by_text("16 characters at most, and these are 20.")).to_be_visible()
        expect(name).to_have_attribute("aria-invalid", "true")
        assert "faulty" in (page.locator(".contents a").first.get_attribute("class") or "")
        name.fill("X")
        expect(page.locator("#state")).to_contain_text("Draft saved", timeout=15_000)
        expect(page.get_by_text("16 characters at most, and these are")).to_be_hidden()
        page.get_by_text("Preview: what changes").click()
        expect(page.locator("#preview")).to_contain_text("What changes")
        expect(page.locator("#preview pre").last).to_contain_text("<shortName>X</shortName>")
        page.get_by_label("Title (needed)").fill("First & <i>foremost</i>")
        expect(page.locator("#preview h3").first).to_have_text("First & <i>foremost</i>")
        page.get_by_label("Title (needed)").fill("First")
        with house.site.database.read() as connection:
            assert b"<shortName>X</shortName>" in drafting.draft_of(connection, "ivo://north.example/typed").xml  # type: ignore[union-attr]
        held: list[Any] = []
        page.route("**/admin/edit/**", lambda route: held.append(route))
        page.get_by_role("button", name="Add a subject").click()
        page.get_by_label("Description (needed)").fill("Typed while the field was under way.")
        held.pop().continue_()
        page.unroute("**/admin/edit/**")
        page.get_by_label("Subject 2").fill("surveys")
        expect(page.get_by_label("Description (needed)")).to_have_value("Typed while the field was under way.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("heading", name="Review before publishing")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("status")).to_contain_text("is published (version 2)")
        assert b"<subject>surveys</subject>" in house.shown("typed").xml and seen.wrong == []


@pytest.mark.soak
def test_who_saves_second_puts_both_together(house: House) -> None:
    first = publish.publish(house.site, record("ivo://north.example/both", title="First"), who="bob")
    with chromium.page(house.browser, house.base, java_script_enabled=False) as (page, seen):
        chromium.log_in(page, "ann", PASSWORD)
        page.goto("admin/edit/north.example/both")
        page.get_by_label("Short name").fill("Ann's")
        page.get_by_role("button", name="Review and publish").click()
        lifecycle.save(house.site, amend(first.xml, {"title": "Bob's"}), who="bob")
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("was saved by bob")
        page.get_by_role("button", name="Put my changes on top of theirs").click()
        expect(page.get_by_label("Title (needed)")).to_have_value("Bob's")
        page.get_by_role("button", name="Review and publish").click()
        page.get_by_role("button", name="Publish", exact=True).click()
        assert house.shown("both").title == "Bob's" and b"Ann's" in house.shown("both").xml and seen.wrong == []


def test_a_login_that_ends_in_mid_edit_loses_nothing(house: House) -> None:
    publish.publish(house.site, record("ivo://north.example/ended", title="First"), who="bob")
    with chromium.page(house.browser, house.base) as (page, seen):
        chromium.log_in(page, "ann", PASSWORD)
        page.goto("admin/edit/north.example/ended")
        page.context.clear_cookies()
        page.get_by_label("Title (needed)").fill("Typed & kept")
        page.get_by_role("button", name="Review and publish").click()
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Go on with what you typed").click()
        expect(page.get_by_label("Title (needed)")).to_have_value("Typed & kept")
        assert house.shown("ended").title == "First" and seen.wrong == []


def test_the_form_is_reached_and_pressed_by_keyboard_alone(house: House) -> None:
    publish.publish(house.site, record("ivo://north.example/keys", title="First"), who="bob")
    with chromium.page(house.browser, house.base, java_script_enabled=False) as (page, _):
        chromium.log_in(page, "ann", PASSWORD)
        page.goto("admin/edit/north.example/keys")
        page.get_by_label("Title (needed)").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("By keys")
        page.keyboard.press("Enter")  # checks, and loses nothing
        expect(page.get_by_text("Nothing stands against publishing this.")).to_be_visible()
        expect(page.get_by_label("Title (needed)")).to_have_value("By keys")
        page.get_by_role("button", name="Review and publish").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Publish", exact=True)).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/records/north.example/keys")
        assert house.shown("keys").title == "By keys"


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
def test_every_page_of_the_form_is_accessible_and_narrow_enough(house: House, theme: str) -> None:
    if house.shown("full") is None:
        few = replace(drafts.FULL, capabilities=(drafts.CONE, drafts.PROTOCOLS[0]), ivoid="ivo://north.example/full")
        whole = compose(few)
        publish.publish(house.site, whole, who="ann")
        lifecycle.save(house.site, amend(whole, {"title": "Second"}), who="ann")
    places = ("admin/new-record", "admin/new-record?type=vs:CatalogService&key=new", "admin/edit/north.example/full",
              "admin/edit-xml/north.example/full", "admin/records/north.example/full", "admin/history/north.example/full",
              "admin/records")
    with chromium.page(house.browser, house.base, color_scheme=theme, viewport={"width": 320, "height": 800}) as (page, seen):
        chromium.log_in(page, "ann", PASSWORD)
        for place in places:
            page.goto(place)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, place
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], place
        assert seen.wrong == []


def test_what_is_hostile_in_any_field_stays_text(house: House) -> None:
    whole = compose(drafts.FULL).replace(b"north.example/stars", b"north.example/hostile")
    text = html.escape("".join(one for one in "".join(PAYLOADS) if one >= " "))
    hostile = whole.replace(b"<name>hip.main</name>", b"<name>" + text.encode() + b"</name>")
    for place in (b"<description>", b"<subject>", b"<title>", b"<shortName>", b"<mime>", b"<testQueryString>"):
        hostile = hostile.replace(place, place + text.encode())
    drafting.save_draft(house.site, hostile, who="eve")
    with chromium.page(house.browser, house.base) as (page, seen):
        chromium.log_in(page, "ann", PASSWORD)
        for place in ("admin/edit/north.example/hostile", "admin/edit-xml/north.example/hostile", "admin/records"):
            page.goto(place)
            page.wait_for_load_state("networkidle")
        page.goto("admin/edit/north.example/hostile")
        page.get_by_text("Preview: what changes").click()
        expect(page.locator("#preview h3").first).to_be_visible()
        page.get_by_role("button", name="Review and publish").click()
        expect(page.locator("#faults")).to_be_visible()
        page.get_by_role("button", name="Add a subject").click()
        expect(page.get_by_label("Subject 3")).to_be_focused()
        assert seen.wrong == []
