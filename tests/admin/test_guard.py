"""Who gets through: roles by route, forged requests, cookies, headers. Every route of the application is walked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry import access
from registry.admin.roles import ROLE_OF
from tests.admin.conftest import ROLES

FILL = {"number": "424242", "job_id": "nojob", "stream": "stdout", "filename": "site.css"}


def address(rule: Any) -> str:
    """The rule's path with something in each variable."""

    def filled(found: re.Match[str]) -> str:
        choice = re.match(r"any\((\w+)", found[1] or "")
        return choice[1] if choice else FILL.get(found[2], "x/y" if found[1] == "path" else "x")

    return re.sub(r"<(?:([^<>:]+):)?(\w+)>", filled, rule.rule)


def test_every_page_and_api_route_is_in_the_table_of_roles(app: Any) -> None:
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith(("admin.", "api."))}
    assert routes == set(ROLE_OF)


def test_each_role_reaches_what_the_table_says_and_no_more(app: Any, browser: Any) -> None:
    people = {role: browser(role) for role in ROLES}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("admin.") or rule.endpoint in (
            "admin.logout",
            "admin.login",
            "admin.login_post",
        ):
            continue
        needed = ROLE_OF[rule.endpoint]
        for role, person in people.items():
            post = "POST" in rule.methods
            if post and not role:
                continue  # refused as forged before the role is looked at: see below
            answer = person.post(address(rule)) if post else person.get(address(rule))
            may = ROLES.index(role) >= ROLES.index(needed)
            turned_away = answer.status_code == 403 if role else answer.status_code == 303
            assert may != turned_away, f"{role or 'nobody'} {rule} {answer.status_code}"


def test_each_api_role_reaches_what_the_table_says_and_no_more(app: Any, bearer: Any) -> None:
    client = app.test_client()
    headers = {role: bearer(role) for role in ROLES}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("api."):
            continue
        needed = ROLE_OF[rule.endpoint]
        for role, header in headers.items():
            method = "POST" if "POST" in rule.methods else "GET"
            answer = client.open(address(rule), method=method, headers=header)
            may = ROLES.index(role) >= ROLES.index(needed)
            assert may != (answer.status_code in (401, 403)), f"{role or 'nobody'} {method} {rule} {answer.status_code}"
            if answer.status_code == 401:
                assert "Bearer" in ",".join(answer.headers.getlist("WWW-Authenticate"))


def test_every_unsafe_route_refuses_a_login_cookie_without_its_csrf_token(app: Any, browser: Any) -> None:
    person = browser("administrator")
    walked = 0
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            for data in (
                {},
                {"csrf_token": "0" * 64},
                {"csrf_token": access.csrf_token(app.extensions["site"], "another")},
            ):
                answer = person.client.open(address(rule), method=method, data=data)
                assert answer.status_code == 400, f"{method} {rule}"
                walked += 1
    assert walked > 30


def test_pages_refuse_unsafe_requests_without_any_cookie(app: Any) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin.") and "POST" in rule.methods:
            assert client.post(address(rule)).status_code == 400, str(rule)


def test_without_the_cookie_protocols_answer_as_to_any_client(app: Any) -> None:
    client = app.test_client()
    assert b"<Identify>" in client.post("/oai", data={"verb": "Identify"}).data
    for path in ("/jobs", "/sync", "/api/services"):
        assert b"form is older" not in client.post(path).data


def test_the_cookie_lets_nobody_in_outside_the_pages(app: Any, browser: Any) -> None:
    person = browser("administrator")
    assert person.client.get("/api/sources").status_code == 401
    answer = person.client.post(
        "/api/sources", json={"url": "http://127.0.0.1:1/oai"}, headers={"X-CSRF-Token": person.token}
    )
    assert answer.status_code == 401


def test_api_calls_with_a_token_need_no_csrf_token_even_beside_a_cookie(app: Any, browser: Any, bearer: Any) -> None:
    answer = browser("reader").client.post("/api/sources/none/harvest", json={}, headers=bearer("publisher"))
    assert answer.status_code == 404


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_on_another_site_is_refused_even_with_a_token(app: Any, browser: Any, bearer: Any, headers: Any) -> None:
    person = browser("administrator")
    answer = person.client.post("/admin/logout", data={"csrf_token": person.token}, headers=headers)
    assert answer.status_code == 400
    assert (
        app.test_client().post("/api/sources", json={}, headers={**bearer("administrator"), **headers}).status_code
        == 400
    )


def test_every_answer_has_the_headers_that_keep_scripts_and_frames_out(app: Any, browser: Any) -> None:
    person = browser("administrator")
    for path in ("/", "/admin/", "/admin/login", "/records", "/nowhere", "/healthz", "/static/live.js", "/api/sources"):
        headers = person.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Request-Id"], path


def test_pages_hold_no_inline_script_or_style(app: Any, browser: Any) -> None:
    person = browser("administrator")
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("admin.") or "GET" not in rule.methods or rule.arguments:
            continue
        page = person.get(rule.rule).get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", page), rule.rule
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//(?!127\.0\.0\.1)", page), rule.rule


def test_the_cookie_is_host_bound_where_the_base_url_is_https(site: Any) -> None:
    from dataclasses import replace

    from registry import create_app

    settings = site.settings.model_copy(update={"base_url": "https://north.example/"})
    app = create_app(replace(site, settings=settings))
    cookie = app.test_client().get("/admin/login").headers["Set-Cookie"]
    assert cookie.startswith("__Host-innerspace-north-example=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")) and "Domain" not in cookie
