"""The application packager's journey (EXPERIENCE, 1 to 3): a folder, its test, its image; an operator, an astronomer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, Page, expect

from applications.demo.datacenter import Datacenter
from registry.cli.main import registry
from tests.journeys import chromium
from tests.journeys.conftest import WIRING

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.soak]
expect.set_options(timeout=20_000)

NAME, PASSWORD = "lines", "correct horse battery"
APP = f"ivo://{WIRING.authority}/app/{NAME}"
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.chromium() as running:
        yield running


@pytest.fixture()
def command(datacenter: Datacenter) -> Command:
    """Type `registry ...` at the datacenter; it must do what it is told unless `fails`."""

    def typed(*words: str, fails: bool = False, **environment: str) -> Result:
        done = CliRunner().invoke(registry, ["--instance", str(datacenter.folder), *words], env=environment)
        assert bool(done.exit_code) == fails, f"{done.output} {done.exception}"
        return done

    return typed


def test_from_an_empty_folder_to_somebody_elses_result(
    datacenter: Datacenter, browser: Browser, command: Command, base: str, tmp_path: Path,
) -> None:
    folder = tmp_path / NAME
    command("app", "new", str(folder), "--title", "Lines of a text")
    assert {"Dockerfile", "application.json", "main.py", "test_main.py", "README.md"} <= {one.name for one in folder.iterdir()}

    tried(folder, command, base)

    # the two-person rule, for this command alone: what is published waits for somebody else
    waits = json.loads(command(
        "app", "publish", str(folder), "--version", "1.0", "--base", base, "--json", INNERSPACE_TWO_PERSON_RULE="true").stdout)
    assert waits["waits"] and waits["ivoid"] == APP and "@sha256:" in waits["reference"]
    digest = waits["reference"].partition("@")[2]
    command("run", APP, fails=True)

    with chromium.page(browser, datacenter.base_url) as (page, seen):
        chromium.log_in(page, "admin", (datacenter.folder / "admin-password").read_text().strip())
        approved(page, digest)
        assert seen.wrong == []
    (tmp_path / "password").write_text(PASSWORD)
    command("user", "add", "astra", "--role", "runner", "--password-file", str(tmp_path / "password"))
    with chromium.page(browser, datacenter.base_url) as (page, seen):
        run_by_somebody_else(page, digest, tmp_path)
        assert seen.wrong == []


def tried(folder: Path, command: Command, base: str) -> None:
    """Step 2: it keeps to the contract; one that does not is told which rule it broke."""
    told = json.loads(command("app", "test", str(folder), "--base", base, "--set", "text=a b c", "--json").stdout)
    assert [one["path"] for one in told["results"]] == ["count.json"] and "3 words" in told["log"]
    whole = (folder / "main.py").read_text()
    for wrong, rule in (
        ("open('/app/mine', 'w')", "it wrote outside RESULTS_DIR and /scratch"),
        ("__import__('urllib.request').request.urlopen('http://192.0.2.1/', timeout=5)", "it used the network"),
        ("__import__('os').chown('/results', 0, 0)", "it needs to be root, or a user of its own"),
    ):
        (folder / "main.py").write_text(f"{wrong}\n{whole}")
        broken = command("app", "test", str(folder), "--base", base, fails=True)
        assert rule in str(broken.exception)
    (folder / "main.py").write_text(whole)


def approved(page: Page, digest: str) -> None:
    """Step 3: an operator sees what waits, what else changes, and approves it."""
    page.get_by_role("navigation", name="Admin pages").get_by_role("link", name="Applications").click()
    page.get_by_role("link", name="Images that wait, and repositories").click()
    row = page.get_by_role("row").filter(has_text=digest[:15])
    expect(row).to_contain_text(NAME)
    row.get_by_role("link", name="Approve").click()
    expect(page.get_by_text(digest).first).to_be_visible()
    expect(page.get_by_text("a new application, offered here and to every registry")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text(f"{APP}#1.0 is approved.")


def run_by_somebody_else(page: Page, digest: str, folder: Path) -> None:
    """An astronomer finds it in the catalogue, sees what it is, and runs it with the values that its page proposes."""
    chromium.log_in(page, "astra", PASSWORD)
    page.get_by_role("navigation", name="Public pages").get_by_role("link", name="Applications").click()
    page.get_by_role("link", name="Lines of a text").first.click()
    expect(page.get_by_text(digest).first).to_be_visible()
    expect(page.get_by_text(f"{WIRING.title}, this datacenter")).to_be_visible()
    expect(page.locator("#example dd")).to_have_text(["one star"])
    page.get_by_role("link", name="Run it with these values").click()
    expect(page.get_by_label("text")).to_have_value("one star")
    page.get_by_label("text").fill("one star and another")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#results")).to_be_visible(timeout=60_000)
    expect(page.locator("#cite")).to_contain_text(f"Lines of a text 1.0 ({APP}#1.0, version 1 of its record); image ")
    expect(page.locator("#cite")).to_contain_text(digest)
    with page.expect_download() as begun:
        page.get_by_role("link", name="count.json").click()
    begun.value.save_as(folder / "count.json")
    assert json.loads((folder / "count.json").read_text()) == {"words": 4}
