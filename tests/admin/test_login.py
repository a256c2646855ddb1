"""In and out by the pages: the form, the session it gives, what ends it, and how often a password is looked at."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry import access
from registry.access import ANONYMOUS
from tests.admin.conftest import PASSWORD

COOKIE = "innerspace-north-example"


def log_in(
    client: Any, name: str = "publisher", password: str = PASSWORD, address: str = "127.0.0.1", **more: str
) -> Any:
    page = client.get("/admin/login").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page)
    assert token
    return client.post(
        "/admin/login",
        data={"csrf_token": token[1], "name": name, "password": password, **more},
        environ_base={"REMOTE_ADDR": address},
    )


def test_login_leads_to_the_page_that_was_asked_for(app: Any) -> None:
    client = app.test_client()
    turned = client.get("/admin/jobs?phase=ERROR", headers={"Accept": "text/html"})
    assert turned.status_code == 303 and turned.location == "/admin/login?next=/admin/jobs%3Fphase%3DERROR"
    answer = log_in(client, next="/admin/jobs?phase=ERROR")
    assert answer.location == "/admin/jobs?phase=ERROR"
    assert b"publisher" in client.get("/admin/").data


@pytest.mark.parametrize(
    "goal", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a b", ""]
)
def test_login_leads_to_no_other_site(app: Any, goal: str) -> None:
    assert log_in(app.test_client(), next=goal).location == "/admin/"


def test_each_login_has_a_new_session_and_ends_the_old_one(app: Any, founded: Any) -> None:
    client = app.test_client()
    seen = []
    for _ in range(2):
        client.get("/admin/login")
        before = client.get_cookie(COOKIE).value
        client.post(
            "/admin/login",
            data={"csrf_token": access.csrf_token(founded, before), "name": "reader", "password": PASSWORD},
        )
        after = client.get_cookie(COOKIE).value
        seen.append(after)
        assert after != before
    assert access.of_session(founded, seen[0]) is ANONYMOUS
    assert access.of_session(founded, seen[1]).name == "reader"


def test_a_session_named_by_somebody_else_is_not_taken_up(app: Any, founded: Any) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, "planted")
    client.post(
        "/admin/login",
        data={"csrf_token": access.csrf_token(founded, "planted"), "name": "reader", "password": PASSWORD},
    )
    assert access.of_session(founded, "planted") is ANONYMOUS
    assert client.get_cookie(COOKIE).value != "planted"


def test_after_logout_the_session_is_dead_whoever_holds_it(app: Any, founded: Any) -> None:
    client = app.test_client()
    log_in(client)
    stolen = client.get_cookie(COOKIE).value
    client.post("/admin/logout", data={"csrf_token": access.csrf_token(founded, stolen)})
    assert client.get_cookie(COOKIE) is None
    assert access.of_session(founded, stolen) is ANONYMOUS


def test_a_wrong_password_is_told_without_saying_which_was_wrong(app: Any) -> None:
    wrong, unknown = (log_in(app.test_client(), name, "nope nope nope") for name in ("reader", "nobody"))
    strip = re.compile(rb"[0-9a-f]{64}|value=\"(reader|nobody)\"")
    assert wrong.status_code == unknown.status_code == 403
    assert strip.sub(b"", wrong.data) == strip.sub(b"", unknown.data)
    assert b"nope nope" not in wrong.data


def test_the_eleventh_try_is_not_looked_at_by_page_or_header(app: Any) -> None:
    client = app.test_client()
    for number in range(access.TRIES):
        assert log_in(client, "reader", f"wrong {number}", f"10.0.0.{number}").status_code == 403
    answer = log_in(client, "reader", PASSWORD, "10.0.9.9")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "900"
    assert client.get("/api/sources", auth=("reader", PASSWORD)).status_code == 429
