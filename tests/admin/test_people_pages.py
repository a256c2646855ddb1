"""Accounts, passwords and API tokens by page and by API: what is done, who may, and what is refused in a sentence."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from registry import access
from tests.admin.conftest import PASSWORD, Browser

NEW = "another good password"


def text(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


def test_an_account_is_made_changed_and_shut(founded: Any, browser: Any, app: Any) -> None:
    person = browser("administrator")
    assert person.post("/admin/accounts", name="lee", role="runner", password=NEW).location == "/admin/accounts/lee"
    assert access.check_password(founded, "lee", NEW, "127.0.0.1").role == "runner"
    assert person.post("/admin/accounts/lee/role", role="publisher", authorities="north.example").status_code == 303
    page = text(person.get("/admin/accounts/lee"))
    assert "publisher of north.example" in page and "registry user role lee publisher --authority north.example" in page
    theirs = Browser(app, "lee")
    assert theirs.get("/admin/me").status_code == 200
    assert person.post("/admin/accounts/lee/password", password=PASSWORD).status_code == 303
    assert theirs.get("/admin/me").status_code == 303  # the login under the old password has ended
    assert person.post("/admin/accounts/lee/disable", disabled="1").status_code == 303
    with pytest.raises(access.Unauthenticated):
        access.check_password(founded, "lee", PASSWORD, "127.0.0.1")
    assert person.post("/admin/accounts/lee/disable", disabled="0").status_code == 303
    with founded.database.read() as connection:
        did = [one.action for one in access.trail(connection) if one.subject == "lee" and one.who == "administrator"]
    assert did == ["open account", "disable account", "set password", "set role", "add account"]


@pytest.mark.parametrize(("path", "fields", "says"), [
    ("/admin/accounts", {"name": "a b", "role": "reader", "password": NEW}, "letters, digits"),
    ("/admin/accounts", {"name": "reader", "role": "reader", "password": NEW}, "is an account reader already"),
    ("/admin/accounts", {"name": "lee", "role": "reader", "password": "short"}, "At least 10"),
    ("/admin/accounts", {"name": "lee", "role": "king", "password": NEW}, "Not a valid choice"),
    ("/admin/accounts/publisher/role", {"role": "publisher", "authorities": "south.example"}, "no authority of ours"),
    ("/admin/accounts/administrator/role", {"role": "reader"}, "only administrator left"),
    ("/admin/accounts/reader/password", {"password": "short"}, "At least 10"),
    ("/admin/accounts/administrator/disable", {"disabled": "1"}, "only administrator left"),
    ("/admin/accounts/nobody/role", {"role": "reader"}, "no account nobody"),
])
def test_what_cannot_be_is_told_and_not_done(browser: Any, path: str, fields: dict[str, str], says: str) -> None:
    answer = browser("administrator").post(path, **fields)
    assert answer.status_code in (400, 404, 409) and says in text(answer)


def test_ones_own_password_takes_the_present_one_and_keeps_this_login(founded: Any, browser: Any) -> None:
    person = browser("reader")
    wrong = person.post("/admin/me/password", present="wrong wrong wrong", password=NEW, again=NEW)
    assert wrong.status_code == 400 and "not right" in text(wrong)
    assert "are not the same" in text(person.post("/admin/me/password", present=PASSWORD, password=NEW, again="x"))
    done = person.post("/admin/me/password", present=PASSWORD, password=NEW, again=NEW)
    assert done.status_code == 303
    assert access.of_session(founded, person.secret) is access.ANONYMOUS
    assert person.get("/admin/me").status_code == 200  # with the cookie that came with the answer
    assert access.check_password(founded, "reader", NEW, "127.0.0.1").name == "reader"


def test_a_token_is_shown_once_is_bounded_and_is_revoked(app: Any, browser: Any) -> None:
    person = browser("administrator")
    made = person.post("/admin/me/tokens", label="for a script", role="reader", days="7")
    found = re.search(r'id="secret">([^<]+)<', made.get_data(as_text=True))
    assert made.status_code == 201 and found and made.headers["Cache-Control"] == "no-store"
    assert found[1] not in text(person.get("/admin/me"))
    header = {"Authorization": f"Bearer {found[1]}"}
    client = app.test_client()
    assert client.get("/api/sources", headers=header).status_code == 200
    assert client.get("/api/accounts", headers=header).status_code == 403  # the account may, the token may not
    number = client.get("/api/tokens", headers=header).json["tokens"][0]["id"]
    assert browser("reader").post(f"/admin/tokens/{number}/revoke").status_code == 403
    asked = person.post(f"/admin/tokens/{number}/revoke")
    assert asked.status_code == 200 and f"Type <code>{number}</code>" in asked.text
    assert person.post(f"/admin/tokens/{number}/revoke", confirm="no").status_code == 400
    assert person.post(f"/admin/tokens/{number}/revoke", confirm=str(number)).location == "/admin/me"
    assert client.get("/api/sources", headers=header).status_code == 401
    assert person.post(f"/admin/tokens/{number}/revoke").status_code == 404


def test_a_token_makes_no_token_that_may_more(founded: Any, app: Any) -> None:
    with founded.database.write() as connection:
        secret = access.create_token(connection, "administrator", role="reader")[1]
    header = {"Authorization": f"Bearer {secret}"}
    client = app.test_client()
    for role in ("", "administrator"):
        made = client.post("/api/tokens", json={"label": "more", "role": role}, headers=header)
        assert made.status_code == 201 and made.json["role"] == "reader"


def test_the_api_does_what_the_pages_do(founded: Any, app: Any, bearer: Any) -> None:
    client, header = app.test_client(), bearer("administrator")
    made = client.post("/api/accounts", json={"name": "lee", "password": NEW}, headers=header)
    assert made.status_code == 201 and made.json["role"] == "runner" and "password" not in made.get_data(as_text=True)
    told = client.post("/api/accounts/lee/role", json={"role": "publisher", "authorities": ["north.example"]}, headers=header)
    assert told.json["authorities"] == ["north.example"]
    assert client.post("/api/accounts/lee/password", json={"password": PASSWORD}, headers=header).status_code == 200
    assert client.post("/api/accounts/lee/disable", headers=header).json["disabled"] is True
    assert client.post("/api/accounts/lee/enable", headers=header).json["disabled"] is False
    own = client.post("/api/me/password", json={"present": PASSWORD, "password": NEW}, auth=("lee", PASSWORD))
    assert own.json == {"name": "lee", "changed": True}
    assert "lee" in {one["name"] for one in client.get("/api/accounts", headers=header).json["accounts"]}
    entries = client.get("/api/audit?who=lee&action=change+password", headers=header).json["entries"]
    assert [one["subject"] for one in entries] == ["lee"]


def test_tokens_and_accounts_are_lists(founded: Any, browser: Any, bearer: Any, app: Any) -> None:
    with founded.database.write() as connection:
        for label in ("for the night", "for the day"):
            access.create_token(connection, "reader", label)
        access.create_token(connection, "publisher", "of somebody else")
    reader, chief = browser("reader"), browser("administrator")
    told = reader.get("/admin/tokens.json?sort=label").json["tokens"]
    assert [one["label"] for one in told] == ["for the day", "for the night"]
    page = chief.get("/admin/tokens?q=night").get_data(as_text=True)
    assert "for the night" in page and "for the day" not in page and "1 of everybody" in page
    assert "=label" in page and "/admin/accounts/reader" in page and "/admin/accounts/" not in reader.get("/admin/tokens").text
    rows = chief.get("/admin/accounts.csv?role=publisher").text.splitlines()
    assert rows[0] == "name,role,authorities,disabled,created" and [row.split(",")[0] for row in rows[1:]] == ["publisher"]
    assert reader.get("/admin/accounts.csv").status_code == 403
    told = app.test_client().get("/api/accounts?sort=-name&limit=1", headers=bearer("administrator")).json
    assert [one["name"] for one in told["accounts"]] == ["runner"] and told["count"] == 4
    refused = chief.get("/admin/accounts?state=ajar")
    assert refused.status_code == 400 and "There is no state &#39;ajar&#39;: give one of open, shut." in refused.text
