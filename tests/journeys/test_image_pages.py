"""The pages of images and applications with something on them: a person approves in a browser; axe and a narrow screen agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

from applications.demo import repository
from registry import access, create_app
from registry.applications import catalogue, seen, watching
from registry.records import founding
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.applications.conftest import CONTRACT, Pusher
from tests.journeys import chromium
from tests.journeys.test_axe import COLOURS, FULL, PASSWORD, judged
from tests.oai.serving import loopback, serving

pytestmark = pytest.mark.browser

INPUTS = [{"name": "targets", "media_types": ["text/csv"], "multiplicity": "1", "description": "The list."}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Site]]:
    """A served datacenter that watches a repository: one application on offer, a newer version and a faulty image waiting."""
    bound, folder = loopback(), tmp_path_factory.mktemp("images")
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    with repository.start(Path(folder) / "repository") as running:
        pusher = Pusher(running.address)
        site = open_site(folder / "instance", authority="north.example", title="North", base_url=url,
                         admin_email="ops@north.example", repository=running.address)
        upgrade(site.database)
        founding.found(site, founding.Founding("north.example", "North", url), "test")
        with site.database.write() as connection:
            access.create_account(connection, "ada", PASSWORD, "administrator")
        pusher.application("stars", "1.0", title="Stars")
        catalogue.register(site, f"{running.address}/stars:1.0", who="ada")
        newer = {**CONTRACT, "parameters": CONTRACT["parameters"][:2], "inputs": INPUTS}
        pusher.application("stars", "2.0", newer, title="Stars")
        pusher.push("broken", "1", {"innerspace.application": "{"})
        watching.begin(site, running.address, who="ada")
        watching.look(site, running.address)
        with serving(create_app(site), bound):
            yield url, site
        site.close()


def test_a_person_approves_an_image_in_a_browser(place: tuple[str, Site]) -> None:
    base, site = place
    with site.database.read() as connection:
        [waiting] = seen.listing(connection, state=seen.DRAFT)
    paths = ["admin/applications/images?state=any",
             f"admin/applications/images/decide?image={quote(waiting.reference)}&to=approved",
             "applications/north.example/app/stars?version=1.0"]
    axe, wrong, wide = Axe(), [], []
    with chromium.chromium() as browser, chromium.page(
            browser, base, color_scheme="light", reduced_motion="reduce") as (page, heard):
        chromium.log_in(page, "ada", PASSWORD)
        for path in paths:
            for theme in ("light", "dark"):
                page.set_viewport_size({"width": 1280, "height": 900})
                page.emulate_media(color_scheme=theme)
                page.goto(path)
                page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
                wrong += judged(axe, page, f"{path} ({theme})", FULL if theme == "light" else COLOURS)
            page.set_viewport_size({"width": 320, "height": 640})
            wide += [path] if page.evaluate("document.documentElement.scrollWidth") > 320 else []
        assert wrong == [] and wide == []
        approve(page)
        assert heard.wrong == []
    with site.database.read() as connection:
        assert catalogue.pick(connection, "stars").version == "2.0"


def approve(page: Any) -> None:
    """By what the pages say, and nothing else."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("admin/applications/images")
    page.get_by_role("link", name="Approve 127.0.0.1").click()
    assert page.get_by_text("It takes no parameter star any more.").count() == 1
    page.get_by_role("button", name="Approve").click()
    assert "ivo://north.example/app/stars#2.0 is approved." in page.locator("[role=status]").inner_text()
