"""The operator's journey from the fourth step on (EXPERIENCE, 4 to 9) at a running datacenter: with a script, and without.

The first three steps are `test_first_run`'s.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from applications.demo.datacenter import Datacenter
from registry.cli.main import registry
from tests.journeys import chromium
from tests.journeys.conftest import WIRING

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.soak]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.chromium() as running:
        yield running


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_a_service_is_imported_changed_taken_back_deleted_and_looked_at(
    datacenter: Datacenter, browser: Browser, script: bool,
) -> None:
    key = f"operated-{'with' if script else 'without'}"
    ivoid = f"ivo://{WIRING.authority}/{key}"
    with chromium.page(browser, datacenter.base_url, java_script_enabled=script) as (page, seen):
        chromium.log_in(page, "admin", (datacenter.folder / "admin-password").read_text().strip())
        imported(page, datacenter, key)
        seen_by_the_world(page, ivoid)
        changed(page, ivoid, script)
        restored(page, ivoid)
        lived(page, ivoid)
        looked_at(page, datacenter, key, ivoid)
        assert seen.wrong == []
    if script:
        validated(datacenter)


def imported(page: Page, datacenter: Datacenter, key: str) -> None:
    """Step 4: what it says of itself is there, what it does not say is asked for."""
    page.get_by_role("navigation", name="Admin pages").get_by_role("link", name="Import a service").click()
    page.get_by_label("VOSI address of the service").fill(datacenter.catalogue_url)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("(imported)")).to_be_visible()
    expect(page.get_by_text("ivo://ivoa.net/std/ConeSearch").first).to_be_visible()
    expect(page.get_by_text("guessed from the address")).to_be_visible()
    page.get_by_role("button", name="Publish its record").click()
    expect(page.get_by_role("alert")).to_contain_text("Not done yet")
    page.get_by_label("Title").fill("Stars for an operator")
    page.get_by_label("Identifier").fill(key)
    page.get_by_role("button", name="Publish its record").click()
    expect(page.get_by_role("status")).to_contain_text("is published")


def seen_by_the_world(page: Page, ivoid: str) -> None:
    """Step 6: what the page says to verify with, typed at a shell."""
    page.get_by_text("See that the world has it").click()
    lines = page.locator("details", has_text="See that the world has it").locator("code").all_inner_texts()
    asked = [line for line in lines if line.startswith("curl ")]
    assert len(asked) == 2
    for line in asked:
        done = subprocess.run(["sh", "-c", f"{line} --silent --fail"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and f"<identifier>{ivoid}</identifier>" in done.stdout, line


def changed(page: Page, ivoid: str, script: bool) -> None:
    """Step 5: a draft is kept, what it changes is shown before it is published."""
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title (needed)").fill("Stars for two operators")
    if script:
        page.keyboard.press("Control+s")
    else:
        page.get_by_role("button", name="Save as draft").click()
    expect(page.get_by_role("status").first).to_contain_text("saved")
    page.goto(f"admin/records/{ivoid.removeprefix('ivo://')}")
    page.get_by_role("link", name="Go on with the draft").click()
    expect(page.get_by_label("Title (needed)")).to_have_value("Stars for two operators")
    if script:
        page.keyboard.press("Control+Enter")
    else:
        page.get_by_role("button", name="Review and publish").click()
    expect(page.get_by_role("heading", name="Review before publishing")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Stars for an operator")  # what is published now
    page.get_by_label("Why").fill("two of us")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("is published (version 2)")


def restored(page: Page, ivoid: str) -> None:
    """Step 6: who, when, why and what; and an earlier version again."""
    page.get_by_role("link", name="History").click()
    rows = page.get_by_role("region", name="Versions").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("admin")
    expect(rows.first).to_contain_text("two of us")
    expect(page.locator("#changes")).to_contain_text("Stars for two operators")
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_role("heading", name="Stars for an operator")).to_be_visible()


def lived(page: Page, ivoid: str) -> None:
    """Step 7: deactivated, deleted by typing its name, and each taken back by one button."""
    page.get_by_role("button", name="Deactivate").click()
    expect(page.locator("[data-state=inactive]")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("has a button that undoes this")
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.locator("[data-state=active]")).to_be_visible()
    page.get_by_text("Delete this record").click()
    expect(page.get_by_text("A tombstone stays")).to_be_visible()
    for typed in ("yes", ivoid):
        page.locator("#confirm").fill(typed)
        page.get_by_label("Why").fill("tried out")
        page.get_by_role("button", name=f"Delete {ivoid}").click()
    expect(page.locator("[data-state=deleted]")).to_be_visible()
    public = page.request.get(f"records/{ivoid.removeprefix('ivo://')}", headers={"Accept": "text/html"})
    assert "deleted" in public.text()  # its permalink is a tombstone
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.locator("[data-state=active]")).to_be_visible()


def looked_at(page: Page, datacenter: Datacenter, key: str, ivoid: str) -> None:
    """Step 9: its health, and a look at once."""
    page.goto(f"services/{ivoid.removeprefix('ivo://')}")
    page.get_by_role("link", name="Look at it now").click()
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.get_by_role("status")).to_be_visible()
    page.goto(f"services/{ivoid.removeprefix('ivo://')}")
    expect(page.locator("h1 [data-state=up]")).to_be_visible()
    expect(page.locator("svg.spark").first).to_be_visible()
    assert re.search(r"\d+ ms", page.locator("main").inner_text())


def validated(datacenter: Datacenter) -> None:
    """Step 8: the list of checks of the Registry of Registries."""
    done = CliRunner().invoke(registry, ["--instance", str(datacenter.folder), "validate", "--json"])
    assert done.exit_code == 0, done.output
    [told] = json.loads(done.stdout)
    assert told["verdict"] != "fail" and told["records"] >= 6 and len(told["rules"]) > 20
