"""Every page, found in the URL map, judged by axe-core in both colour themes; and what holds of each at 320 pixels."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import insert

from registry import access, clock, create_app
from registry.records import founding, store
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import open_site
from registry.tables import facts, harvest_runs, health, job_phases, jobs, quarantine, sources, watches
from tests.admin.test_pages import RECORD
from tests.journeys import chromium
from tests.oai.serving import loopback, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
JOB = "a" * 20
# what stands for a variable of a rule; elsewhere `name` is a record's
FILL = {"name": "north.example/registry", "number": "1", "job_id": JOB, "path": "nowhere", "ivoid": "north.example/registry",
        "suffix": ""}
NAMES = {"/admin/sources/": "south", "/admin/accounts/": "ada"}
FULL: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS = {**FULL, "runOnly": ["color-contrast", "link-in-text-block"]}
WHOLE = os.environ.get("INNERSPACE_AXE_WHOLE")  # every rule in the second theme too; else those of colours, all that it changes


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A served datacenter with something on every page, and the addresses of its pages."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    folder: Path = tmp_path_factory.mktemp("axe") / "instance"
    site = open_site(folder, authority="north.example", title="North", base_url=url, admin_email="ops@north.example",
                     instance_name="north")
    upgrade(site.database)
    founding.found(site, Founding("north.example", "North", url, email="ops@north.example"), "test")
    _fill(site)
    app = create_app(site)
    with serving(app, bound):
        yield url, addresses(app)
    site.close()


def _fill(site: Any) -> None:
    now = clock.stamp()
    with site.database.write() as connection:
        access.create_account(connection, "ada", PASSWORD, "administrator")
        access.create_token(connection, "ada", "for a script")
        xml = RECORD.replace("{text}", "x").encode()
        assert store.put(connection, site.schemas, xml, origin=store.FOREIGN_FILE, who="test").record
        connection.execute(insert(facts).values(name="engine fault", value="It does not answer."))
        connection.execute(insert(sources).values(
            id=1, name="south", url="http://127.0.0.1:1/oai", interval=3600, next_run=now, created=now, since=now,
            health="failing"))
        for number, state in enumerate(("complete", "failed"), 1):
            connection.execute(insert(harvest_runs).values(
                id=number, source_id=1, state=state, started=now, ended=now, new=3, rejected=1, pages=1, message="A message."))
        connection.execute(insert(quarantine).values(
            source_id=1, run_id=1, ivoid="ivo://other.example/x", digest="d", reason="Not theirs.", raw=b"<x/>", at=now,
            state="open"))
        ivoid = "ivo://north.example/runner"
        connection.execute(insert(health).values(
            key=ivoid, url=f"{ivoid}#", ivoid=ivoid, asked="head", state="down", since=now, recent=[5, None, 400]))
        connection.execute(insert(watches).values(
            key=ivoid, ivoid=ivoid, url="http://127.0.0.1:1/", due=now, problems=["No XML."]))
        connection.execute(insert(jobs).values(
            id=JOB, owner="ada", phase="ERROR", application="ivo://north.example/app/x", image="h/x@sha256:0",
            created=now, ended=now, execution_duration=60, destruction="2099-01-01T00:00:00.000Z",
            error="It broke.", run_id="mine"))
        connection.execute(insert(job_phases).values(job_id=JOB, phase="ERROR", at=now))


def addresses(app: Any) -> list[str]:
    """One address for each rule that can be read."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint.startswith(("static", "bootstrap", "api.", "healthz", "readyz", "metrics")):
            continue
        fill = {**FILL, "name": next((name for start, name in NAMES.items() if rule.rule.startswith(start)), FILL["name"])}
        found.append(re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda match, fill=fill: fill.get(match[1], "x"), rule.rule).lstrip("/"))
    return sorted(set(found))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.chromium() as running:
        yield running


def html_pages(page: Any, paths: list[str]) -> list[str]:
    """Those of `paths` that answer with a page, whatever its status."""
    found = []
    for path in paths:
        answer = page.request.get(path, headers={"Accept": "text/html"}, max_redirects=0)
        assert answer.status < 500 or answer.status == 503, path
        if answer.headers.get("content-type", "").startswith("text/html") and not 300 <= answer.status < 400:
            found.append(path)
    return found


def test_every_page_is_well_in_both_themes_and_on_a_narrow_screen(place: tuple[str, list[str]], browser: Any) -> None:
    base, paths = place
    axe, wrong, wide = Axe(), [], []
    with chromium.page(browser, base, color_scheme="light", reduced_motion="reduce") as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        shown = html_pages(page, paths)
        assert len(shown) > 35, shown
        for path in shown:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.emulate_media(color_scheme="light")
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert page.locator("h1").count() == 1, path
            assert brightness(page, "color") < brightness(page, "backgroundColor"), path
            wrong += judged(axe, page, path)
            page.emulate_media(color_scheme="dark")
            assert brightness(page, "color") > brightness(page, "backgroundColor"), path
            wrong += judged(axe, page, f"{path} (dark)", FULL if WHOLE else COLOURS)
            page.set_viewport_size({"width": 320, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth") > 320:
                wide.append(path)
    assert wrong == [] and wide == [] and seen.wrong == []


def judged(axe: Axe, page: Any, path: str, options: dict[str, Any] = FULL) -> list[str]:
    """What axe has to say against the page, in a line each."""
    return [f"{path}: {one['id']}: {one['nodes'][0]['html'][:150]} {one['nodes'][0]['failureSummary'][:300]}"
            for one in axe.run(page, options=options).response["violations"]]


def brightness(page: Any, what: str) -> float:
    """0 (black) to 255 (white) of a computed colour of the body."""
    colour = page.evaluate(f"getComputedStyle(document.body).{what}")
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.3 * red + 0.59 * green + 0.11 * blue
