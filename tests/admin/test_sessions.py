"""Sessions and API tokens line by line: what begins one, what it is good for, where it is shown, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from registry import access, clock
from registry.admin.roles import ROLE_OF
from registry.cli.main import registry
from registry.tables import api_tokens, sessions
from tests.admin.conftest import PASSWORD, ROLES
from tests.admin.test_guard import address
from tests.admin.test_login import COOKIE, log_in


def token(site: Any, role: str, name: str = "administrator", **more: Any) -> dict[str, str]:
    with site.database.write() as connection:
        return {"Authorization": f"Bearer {access.create_token(connection, name, role=role, **more)[1]}"}


# --- API tokens -------------------------------------------------------------------------------------------------------
def test_a_token_of_an_administrator_reaches_no_more_than_it_was_made_for(app: Any, founded: Any) -> None:
    """Each route of the API, as each role that a token can be bound to."""
    client = app.test_client()
    headers = {role: token(founded, role) for role in access.ROLES}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("api."):
            continue
        needed = ROLE_OF[rule.endpoint]
        for role, header in headers.items():
            method = "POST" if "POST" in rule.methods else "GET"
            answer = client.open(address(rule), method=method, headers=header)
            may = ROLES.index(role) >= ROLES.index(needed)
            assert may != (answer.status_code == 403), f"{role} {method} {rule} {answer.status_code}"


def test_the_protocols_hold_a_token_to_its_role_too(app: Any, founded: Any) -> None:
    """Jobs are made by runners, and others' are seen by administrators: also where the token's account is one."""
    client = app.test_client()
    with founded.database.write() as connection:
        connection.execute(update(api_tokens).values(role=""))
    reader, runner, whole = (token(founded, role) for role in ("reader", "runner", ""))
    for path in ("/jobs", "/sync"):
        answer = client.post(path, data={"APP": "ivo://north.example/app/none"}, headers=reader)
        assert answer.status_code == 403, (path, answer.get_data(as_text=True))
        assert client.post(path, data={"APP": "ivo://north.example/app/none"}, headers=runner).status_code != 403
    made = client.post("/tap/async", data={"LANG": "ADQL", "QUERY": "SELECT 1 AS one FROM rr.resource"},
                       headers=token(founded, "", "runner"))
    place = made.headers["Location"].split("8101", 1)[-1]
    assert client.get(place, headers=whole).status_code == 200
    for header in (reader, runner):  # of an administrator, good for less
        assert client.get(place, headers=header).status_code in (403, 404)
    assert client.get("/jobs", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_token_is_stored_as_a_hash_and_told_with_its_role_its_end_and_its_last_use(app: Any, founded: Any) -> None:
    header = token(founded, "reader", days=3)
    client = app.test_client()
    [told] = client.get("/api/tokens", headers=header).json["tokens"]
    assert told["role"] == "reader" and told["expires"][:10] == clock.stamp(clock.later(3 * 86400))[:10]
    assert told["last_used"] and "secret" not in told
    with founded.database.read() as connection:
        row = connection.execute(select(api_tokens)).one()
    assert header["Authorization"].split()[1] not in repr(row)


def test_a_token_makes_none_that_outlives_it(app: Any, founded: Any) -> None:
    """Else one that is stolen and good for a day is good for years."""
    client, short = app.test_client(), token(founded, "", days=1)
    made = client.post("/api/tokens", json={"label": "x", "days": 3650}, headers=short).json
    assert made["expires"] <= clock.stamp(clock.later(86400))
    by_password = client.post("/api/tokens", json={"label": "x", "days": 30}, auth=("administrator", PASSWORD)).json
    assert by_password["expires"] > clock.stamp(clock.later(29 * 86400))


# --- sessions ---------------------------------------------------------------------------------------------------------
def test_an_account_sees_its_logins_and_ends_the_others(app: Any, founded: Any, browser: Any) -> None:
    here, there = browser("reader"), browser("reader")
    stranger = browser("runner")
    page = here.get("/admin/me").text
    assert page.count("by a password") == 2 and page.count("this one") == 1
    assert here.post("/admin/me/logout").status_code == 303
    assert "Ended: 1 other login of yours." in here.get("/admin/me").text
    assert there.get("/admin/me").status_code == 303 and stranger.get("/admin/me").status_code == 200


def test_an_administrator_ends_the_logins_of_another(app: Any, founded: Any, browser: Any, bearer: Any) -> None:
    root, person, client = browser("administrator"), browser("reader"), app.test_client()
    assert "End the logins of reader" in root.get("/admin/accounts/reader").text
    assert root.post("/admin/accounts/reader/logout").status_code == 303
    assert person.get("/admin/me").status_code == 303 and root.get("/admin/me").status_code == 200
    second, header = browser("reader"), bearer("reader")
    assert len(client.get("/api/me/logins", headers=header).json["logins"]) == 1
    assert client.post("/api/me/logout", headers=header).json == {"name": "reader", "ended": 1}
    assert second.get("/admin/me").status_code == 303
    third = browser("reader")
    assert client.post("/api/accounts/reader/logout", headers=bearer("administrator")).json["ended"] == 1
    assert third.get("/admin/me").status_code == 303
    assert client.post("/api/accounts/nobody/logout", headers=bearer("administrator")).status_code == 404
    fourth = browser("reader")
    typed = CliRunner().invoke(registry, ["--instance", str(founded.settings.instance), "user", "logout", "reader"])
    assert typed.output == "Logins of reader that have ended: 1.\n" and fourth.get("/admin/me").status_code == 303


@pytest.mark.parametrize("role, fields", [
    ("publisher", {}), ("publisher", {"authorities": "north.example"}), ("administrator", {})])
def test_nobody_goes_on_under_a_session_that_began_with_other_rights(
    founded: Any, browser: Any, role: str, fields: dict[str, str],
) -> None:
    person, root = browser("reader"), browser("administrator")
    root.post("/admin/accounts/reader/role", role="reader")  # which it is already: nothing changes
    assert person.get("/admin/me").status_code == 200
    root.post("/admin/accounts/reader/role", role=role, **fields)
    assert person.get("/admin/me").status_code == 303


def test_what_ends_a_login_on_a_page(app: Any, founded: Any, browser: Any) -> None:
    """Rest, age, a new password, a shut account: each leads to the login page, and the cookie is worth nothing any more."""
    old = clock.stamp(clock.later(-founded.settings.session_lifetime))
    idle = clock.stamp(clock.later(-founded.settings.session_idle))

    def change(name: str, value: str) -> None:
        with founded.database.write() as connection:
            connection.execute(update(sessions).values({name: value}))

    def elsewhere(act: Any, *more: str) -> None:
        with founded.database.write() as connection:
            act(connection, "publisher", *more)

    for name, end in (
        ("reader", lambda: change("seen", idle)), ("runner", lambda: change("created", old)),
        ("publisher", lambda: elsewhere(access.set_password, PASSWORD)), ("publisher", lambda: elsewhere(access.set_disabled)),
    ):
        person = browser(name)
        assert person.get("/admin/me").status_code == 200
        end()
        assert person.get("/admin/me").status_code == 303, name


def test_the_login_cookie_is_for_one_host_and_no_script(app: Any) -> None:
    answer = log_in(app.test_client())
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(COOKIE)]
    parts = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts) and "Secure" not in parts  # http on loopback here
    assert not any(part.startswith(("Domain", "Expires", "Max-Age")) for part in parts)  # it ends with the browser


def test_an_account_without_a_password_takes_as_long_as_others(founded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with founded.database.write() as connection:
        access.create_account(connection, "lee", None, "reader")
    held: list[str] = []
    monkeypatch.setattr(access, "_right", lambda stored, password: bool(held.append(stored)))
    for name in ("lee", "nobody", "reader"):
        with pytest.raises(access.Unauthenticated):
            access.check_password(founded, name, "a guess", "127.0.0.1")
    assert held[0] == held[1] and all(one.startswith("$argon2") for one in held)
