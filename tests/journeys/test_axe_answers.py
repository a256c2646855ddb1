"""Pages that only answer a form or a mistake, judged by axe: questions before something goes, refusals, who saved first."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from registry.records import lifecycle
from tests.journeys import chromium, test_axe
from tests.journeys.test_pages import PASSWORD
from tests.journeys.test_record_forms import House, begin, fill, house  # noqa: F401 (a fixture)
from vosi.resource import amend

pytestmark = pytest.mark.browser

GETS = (
    "admin/problems?kind=engine", "admin/problems?q=zzz", "admin/jobs?sort=colour", "admin/jobs?q=zzz", "admin/sources?q=zzz",
    "admin/quarantine?state=any", "admin/runs?q=zzz", "admin/tokens?sort=-label", "admin/accounts?q=zzz", "admin/records?q=zzz",
    "admin/audit?sort=-who", "admin/applications/images?state=any", "applications?q=zzz", "find?status=odd", "find?q=zzz",
    "tap?QUERY=SELECT", "tap?QUERY=SELECT+TOP+3+ivoid+FROM+rr.resource", "records?q=zzz", "records/south.example/none",
    "admin/import?url=nonsense", "admin/import?url=http://127.0.0.1:1/", "nowhere", "admin/edit/north.example/none",
    "services/south.example/none", "admin/applications/run?app=none", "where?app=none", "standards/ivoa.net/none",
)
POSTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("admin/sources/south/remove", {}), ("admin/sources/south/remove", {"confirm": "north"}), ("admin/runs/1/accept-loss", {}),
    ("admin/bulk/sources", {"do": "remove", "one": "south"}), ("admin/bulk/jobs", {"do": "delete", "one": test_axe.JOB}),
    ("admin/bulk/jobs", {}), ("admin/bulk/quarantine", {"do": "accept", "one": "1"}), (f"admin/jobs/{test_axe.JOB}/delete", {}),
    ("admin/tokens/1/revoke", {}), ("admin/records-bulk", {"do": "delete", "ivoid": "ivo://north.example/organisation"}),
    ("admin/records-bulk", {}), ("admin/records/north.example/organisation/retire", {"why": "x"}), ("admin/accounts", {}),
    ("admin/accounts/ada/password", {"password": "short"}), ("admin/me/password", {}), ("admin/me/tokens", {}),
    ("admin/me/tokens", {"label": "x", "role": "reader", "days": "1"}), ("admin/sources", {}),
    ("admin/sources/look", {"url": "http://127.0.0.1:1/oai"}), ("admin/import", {"url": "http://127.0.0.1:1/", "key": "x"}),
    ("admin/applications/new", {"reference": "nonsense"}), ("admin/applications/repositories", {"host": "127.0.0.1:1"}),
    ("admin/services/new", {}), ("admin/standards/new", {}), ("admin/sources/south/change", {"interval": "1"}),
    ("admin/quarantine/4711/mute", {}), ("admin/held/accept", {"ivoid": "none"}),
    ("admin/edit-xml/north.example/x", {"xml": "<"}),
)


def send(page: Page, path: str, fields: dict[str, Any]) -> None:
    """Post a form of ours from the page that is shown, with its token."""
    page.goto("admin/me")
    with page.expect_navigation():
        page.evaluate("""([path, fields]) => {
            const form = document.createElement("form");
            form.method = "post"; form.action = path;
            fields.csrf_token = document.querySelector("[name=csrf_token]").value;
            for (const [name, value] of Object.entries(fields)) {
                const field = document.createElement("input");
                field.type = "hidden"; field.name = name; field.value = value; form.append(field);
            }
            document.body.append(form); form.submit();
        }""", [f"/{path}", dict(fields)])


@pytest.mark.soak
def test_answers_are_well_too(house: House) -> None:  # noqa: F811
    test_axe._fill(house.site)
    wrong = []
    with chromium.page(house.browser, house.base) as (page, _):
        chromium.log_in(page, "ann", PASSWORD)
        for path in GETS:
            page.goto(path)
            wrong += [f"{path}: {one}" for one in chromium.wrong_with(page)]
        for path, fields in POSTS:
            send(page, path, fields)
            assert page.locator("h1").count() == 1, (path, page.content()[:300])
            wrong += [f"POST {path}: {one}" for one in chromium.wrong_with(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
def test_a_review_and_who_saved_first_are_well(house: House) -> None:  # noqa: F811
    wrong = []
    with chromium.page(house.browser, house.base) as (page, _):
        begin(page, "judged")
        fill(page)
        page.get_by_role("button", name="Review and publish").click()
        page.get_by_role("heading", name="Review before publishing").wait_for()
        wrong += [f"review: {one}" for one in chromium.wrong_with(page)]
        page.get_by_role("button", name="Publish", exact=True).click()
        wrong += [f"published: {one}" for one in chromium.wrong_with(page)]
        page.goto("admin/edit/north.example/judged")
        lifecycle.save(house.site, amend(house.shown("judged").xml, {"title": "Faster"}), who="eve")
        page.get_by_label("Title (needed)").fill("Slower")
        page.get_by_role("button", name="Review and publish").click()
        if page.get_by_role("button", name="Publish", exact=True).count():
            page.get_by_role("button", name="Publish", exact=True).click()
        assert "Faster" in page.content() and "Slower" in page.content()
        wrong += [f"stale: {one}" for one in chromium.wrong_with(page)]
        page.goto("admin/edit/north.example/judged")
        page.get_by_label("Title (needed)").fill("")
        page.get_by_role("button", name="Review and publish").click()
        page.locator("#faults").wait_for()
        wrong += [f"faults: {one}" for one in chromium.wrong_with(page)]
    assert not wrong, "\n".join(wrong)
