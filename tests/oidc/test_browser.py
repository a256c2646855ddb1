"""A person's whole way in a real browser: to the provider, which is another site, and back; linking; out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import request

from registry import create_app
from registry.oidc.settings import Provider as Settings
from tests.journeys import chromium
from tests.oai.serving import loopback, serving
from tests.oidc.conftest import PASSWORD
from tests.oidc.provider import CLIENT, Provider

pytestmark = pytest.mark.browser


def test_a_person_comes_in_links_an_account_and_leaves(people: Any, provider: Provider) -> None:
    elsewhere = provider.issuer.replace("127.0.0.1", "localhost")  # another site, as the browser sees it
    provider.metadata = {"authorization_endpoint": f"{elsewhere}/authorize", "end_session_endpoint": f"{elsewhere}/leave"}
    provider.instead["/authorize"] = lambda: f"<a href='/consent?{request.query_string.decode()}'>It is me</a>"
    provider.instead["/leave"] = lambda: "You have left."
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    said = Settings(issuer=provider.issuer, client_id=CLIENT, title="the institute", unknown="reader")
    site = replace(people, settings=people.settings.model_copy(update={"base_url": url, "oidc": said}))
    with serving(create_app(site), bound), chromium.chromium() as browser, chromium.page(browser, url) as (page, seen):
        page.goto("admin/jobs")
        assert Axe().run(page).violations_count == 0
        page.get_by_role("link", name="Log in with the institute").click()
        page.get_by_role("link", name="It is me").click()
        page.wait_for_url(f"{url}admin/jobs")
        page.goto("admin/me")
        assert "lee, reader" in page.inner_text("main") and "has none" in page.inner_text("main")
        page.get_by_role("button", name="Log out").first.click()
        page.get_by_role("link", name="Log out at the institute too").click()
        assert "You have left." in page.inner_text("body")

        provider.claims = {"sub": "4711", "preferred_username": "ada"}
        page.goto("admin/login")
        page.get_by_role("link", name="Log in with the institute").click()
        page.get_by_role("link", name="It is me").click()
        assert "There is an account ada here already" in page.inner_text("main")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.goto("admin/me")
        page.get_by_role("button", name="Link it to the institute").click()
        assert Axe().run(page).violations_count == 0
        page.get_by_role("link", name="Go on to the institute").click()
        page.get_by_role("link", name="It is me").click()
        page.wait_for_url(f"{url}admin/me")
        assert "4711" in page.inner_text("main")
        page.get_by_role("button", name="Log out").first.click()
        page.goto("admin/login")
        page.get_by_role("link", name="Log in with the institute").click()
        page.get_by_role("link", name="It is me").click()
        page.wait_for_url(f"{url}admin/")
        page.goto("admin/me")
        assert "ada, runner" in page.inner_text("main")
    assert [one for one in seen.wrong if not one.startswith(elsewhere)] == []
