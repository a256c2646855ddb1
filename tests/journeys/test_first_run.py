"""An operator's first minutes in a browser: from the printed link to five published records, and on to a described service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from applications.demo.engine import stop_process
from tests.journeys import chromium
from tests.journeys.conftest import free_ports

pytestmark = [pytest.mark.browser]

PASSWORD = "correct horse battery"


@pytest.fixture()
def ports() -> dict[str, int]:
    return free_ports("web", "catalogue", "gateway")


@pytest.fixture()
def link(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[str]:
    """`registry serve` in an empty place, and the link that it prints; no engine is needed to found a datacenter."""
    folder = tmp_path_factory.mktemp("first")
    log = folder / "log"
    environment = {**os.environ, "INNERSPACE_GATEWAY_PORT": str(ports["gateway"]), "INNERSPACE_DOCKER_HOST": f"unix://{folder}/none"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "registry.cli", "--instance", str(folder / "instance"), "serve", "--port", str(ports["web"])],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True)
    try:
        yield _printed(log, process)
    finally:
        stop_process(process.pid, 25)


def _printed(log: Path, process: Any) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://\S+/setup/link/\S+", log.read_text())
        if found and "ready in" in log.read_text():
            return found[0]
        time.sleep(0.05)  # it tells nobody else when it listens
    raise AssertionError(log.read_text())


@pytest.fixture()
def catalogue(ports: dict[str, int]) -> Iterator[str]:
    """The demo's star catalogue: a service of the datacenter that nobody has described yet."""
    process = subprocess.Popen([sys.executable, "-m", "applications.demo.catalogue", "--port", str(ports["catalogue"]),
                                "--path", "/stars", "--dec-from", "60"], stdin=subprocess.DEVNULL)
    yield f"http://127.0.0.1:{ports['catalogue']}/stars"
    process.terminate()
    process.wait()


def picture(page: Any, name: str, folder: Path) -> None:
    page.screenshot(path=Path(os.environ.get("INNERSPACE_SCREENSHOTS") or folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["with-script", "without-script"])
def test_from_the_link_to_the_first_described_service(
    link: str, catalogue: str, ports: dict[str, int], tmp_path: Path, script: bool,
) -> None:
    base = f"http://127.0.0.1:{ports['web']}/"
    with chromium.chromium() as browser, chromium.page(browser, base, java_script_enabled=script) as (page, seen):
        page.goto(link)
        page.locator("#password").fill(PASSWORD)
        page.get_by_label("Password once more").fill(PASSWORD)
        page.get_by_role("button", name="Save and go on").click()

        page.get_by_label("Authority identifier").fill("first/")
        if script:  # while it is typed; else when it is sent
            assert "no slash" in page.locator(".check-bad").inner_text()
        else:
            page.get_by_role("button", name="Save and go on").click()
            assert "no slash" in page.get_by_role("alert").inner_text()
        page.get_by_label("Authority identifier").fill("first.example")
        if script:
            assert "well formed" in page.locator(".check-good").inner_text()
        page.get_by_label("Name of the datacenter").fill("First")
        picture(page, "setup-authority", tmp_path)
        page.get_by_label("Name of the datacenter").press("Enter")

        page.locator("#organisation").fill("First Observatory")
        page.get_by_label("Mail address of the contact").fill("ops@first.example")
        page.get_by_role("button", name="Save and go on").click()

        assert "leads here" in page.locator("#verdict").inner_text()
        assert page.locator("section.panel").count() == 5
        picture(page, "setup-review", tmp_path)
        page.get_by_role("button", name="Publish these records and start").click()

        page.get_by_role("heading", name="Dashboard").wait_for()
        picture(page, "first-dashboard", tmp_path)
        steps = page.locator("h2", has_text="Next steps").locator("+ .grid a").all_inner_texts()
        assert steps == [
            "Import a service from its VOSI address", "Describe a service", "Add a source", "Register an application"]
        page.get_by_role("link", name="Import a service from its VOSI address").first.click()
        page.get_by_label("VOSI address of the service").fill(catalogue)
        page.get_by_role("button", name="Look").click()
        page.get_by_label("Title").fill("Stars of the north")
        page.get_by_role("button", name="Publish").first.click()
        page.get_by_role("heading", name="Stars of the north").wait_for()
        names = page.request.get(f"{base}oai?verb=ListIdentifiers&metadataPrefix=ivo_vor").text()
        assert all(f"ivo://first.example{key}<" in names for key in ("", "/registry", "/organisation", "/runner", "/stars"))
        page.goto(link)  # used up, and the set-up with it
        assert page.get_by_role("heading", name="There is no such page").is_visible()
    assert seen.wrong == []
