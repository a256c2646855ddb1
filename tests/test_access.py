"""Accounts, logins, tokens, sessions: who is let in, for how long, and how often a password is looked at."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select, update

from registry import access, clock
from registry.access import ANONYMOUS, Caller
from registry.errors import Busy, Denied, Unauthenticated
from registry.tables import accounts, api_tokens, sessions

PASSWORD = "correct horse battery"


@pytest.fixture()
def ada(site: Any) -> Any:
    with site.database.write() as connection:
        access.create_account(connection, "ada", PASSWORD, "publisher")
    return site


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_without_a_header_nobody_is_asking(site: Any) -> None:
    assert access.from_header(site, None, "127.0.0.1") is ANONYMOUS
    assert access.from_header(site, "  ", "127.0.0.1") is ANONYMOUS


def test_basic_and_bearer_name_the_account(ada: Any) -> None:
    with ada.database.write() as connection:
        _, secret = access.create_token(connection, "ada", "laptop")
    assert access.from_header(ada, basic("ada", PASSWORD), "127.0.0.1") == Caller("ada", "publisher")
    assert access.from_header(ada, basic("ada", PASSWORD), "127.0.0.1") == Caller("ada", "publisher")
    assert access.from_header(ada, f"bearer {secret}", "127.0.0.1") == Caller("ada", "publisher")


@pytest.mark.parametrize("header", [
    "Bearer nonsense", "Bearer", "Basic", "Basic !!!", "Basic YWRh", "Negotiate abc", basic("ada", "wrong"),
    basic("eve", PASSWORD),
    basic("ada\0", PASSWORD), "Basic " + base64.b64encode(b"\xff:\xff").decode(),
])
def test_what_is_not_right_is_refused(ada: Any, header: str) -> None:
    with pytest.raises(Unauthenticated):
        access.from_header(ada, header, "127.0.0.1")


def test_nothing_secret_is_stored(ada: Any) -> None:
    with ada.database.write() as connection:
        _, token = access.create_token(connection, "ada")
        session = access.open_session(connection, "ada")
    with ada.database.read() as connection:
        stored = [str(row) for table in (accounts, api_tokens, sessions) for row in connection.execute(select(table))]
    assert not [row for row in stored for secret in (PASSWORD, token, session) if secret in row]


def test_of_a_thousand_tries_at_one_account_ten_are_looked_at(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(access, "_right", lambda stored, password: bool(looked.append(password)))
    outcomes = [_try(ada, "ada", f"guess {number}", f"10.0.{number // 250}.{number % 250}") for number in range(1000)]
    assert len(looked) == access.TRIES
    assert outcomes[access.TRIES:] == ["busy"] * (1000 - access.TRIES)


def test_of_a_thousand_tries_from_one_address_ten_are_looked_at(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(access, "_right", lambda stored, password: bool(looked.append(password)))
    for number in range(1000):
        _try(ada, f"user{number}", "guess", "10.0.0.1")
    assert len(looked) == access.TRIES


def test_a_right_password_is_not_looked_at_either_once_the_tries_are_used_up(ada: Any) -> None:
    access.check_password(ada, "ada", PASSWORD, "10.0.0.9")  # known as right in this process
    for number in range(access.TRIES):
        assert _try(ada, "ada", f"guess {number}", f"10.0.0.{number}") == "wrong"
    assert _try(ada, "ada", PASSWORD, "10.0.0.77") == "busy"


def test_a_login_that_fails_is_in_the_trail_without_what_was_typed(ada: Any) -> None:
    for name in ("ada", "my password by mistake"):
        _try(ada, name, "wrong guess", "10.0.0.7")
    with ada.database.read() as connection:
        told = [(one.who, one.action, one.subject, one.detail) for one in access.trail(connection)]
    assert told == [("anonymous", "refuse login", name, "10.0.0.7") for name in ("", "ada")]


def test_logins_that_succeed_use_up_no_tries(ada: Any) -> None:
    for _ in range(2):
        access._known_good.clear()
        assert _try(ada, "ada", PASSWORD, "10.0.0.1") == "in"
    for number in range(access.TRIES):
        assert _try(ada, "ada", f"guess {number}", "10.0.0.1") == "wrong"


def test_an_unknown_name_is_held_against_a_hash_as_well(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    real = access._right
    monkeypatch.setattr(access, "_right", lambda stored, password: held.append(stored) or real(stored, password))
    assert _try(ada, "nobody", PASSWORD, "10.0.0.1") == "wrong"
    assert held[0].startswith("$argon2")


def _try(site: Any, name: str, password: str, address: str) -> str:
    try:
        access.check_password(site, name, password, address)
    except Busy:
        return "busy"
    except Unauthenticated:
        return "wrong"
    return "in"


def test_a_session_ends_by_logout_by_rest_and_by_age(ada: Any) -> None:
    with ada.database.write() as connection:
        first = access.open_session(connection, "ada")
        second = access.open_session(connection, "ada", old=first)
    assert access.of_session(ada, first) is ANONYMOUS
    assert access.of_session(ada, second) == Caller("ada", "publisher")
    for column, seconds in (("seen", ada.settings.session_idle), ("created", ada.settings.session_lifetime)):
        with ada.database.write() as connection:
            secret = access.open_session(connection, "ada")
            connection.execute(update(sessions).where(sessions.c.token_hash == access.digest(secret)).values(
                {column: clock.stamp(clock.later(-seconds - 1))}))
        assert access.of_session(ada, secret) is ANONYMOUS, column
    with ada.database.write() as connection:
        access.close_session(connection, second)
    assert access.of_session(ada, second) is ANONYMOUS


def test_a_disabled_account_is_out_everywhere_at_once(ada: Any) -> None:
    with ada.database.write() as connection:
        _, token = access.create_token(connection, "ada")
        session = access.open_session(connection, "ada")
    access.check_password(ada, "ada", PASSWORD, "10.0.0.1")
    with ada.database.write() as connection:
        access.set_disabled(connection, "ada")
    assert access.of_session(ada, session) is ANONYMOUS
    assert _try(ada, "ada", PASSWORD, "10.0.0.1") == "wrong"
    with pytest.raises(Unauthenticated):
        access.from_header(ada, f"Bearer {token}", "10.0.0.1")


def test_a_new_password_ends_the_old_one_and_its_logins(ada: Any) -> None:
    access.check_password(ada, "ada", PASSWORD, "10.0.0.1")
    with ada.database.write() as connection:
        session = access.open_session(connection, "ada")
        access.set_password(connection, "ada", "another good one")
    assert access.of_session(ada, session) is ANONYMOUS
    assert _try(ada, "ada", PASSWORD, "10.0.0.1") == "wrong"
    assert _try(ada, "ada", "another good one", "10.0.0.1") == "in"


def test_an_expired_or_revoked_token_is_refused(ada: Any) -> None:
    with ada.database.write() as connection:
        old, expired = access.create_token(connection, "ada")
        gone, revoked = access.create_token(connection, "ada")
        past = clock.stamp(clock.later(-1))
        connection.execute(update(api_tokens).where(api_tokens.c.id == old.id).values(expires=past))
        access.revoke_token(connection, gone.id)
    for secret in (expired, revoked):
        with pytest.raises(Unauthenticated):
            access.from_header(ada, f"Bearer {secret}", "10.0.0.1")


@pytest.mark.parametrize(("name", "password", "role", "says"), [
    ("", PASSWORD, "reader", "name"), ("a b", PASSWORD, "reader", "name"), ("x" * 65, PASSWORD, "reader", "64"),
    ("bob", "short", "reader", "too short"), ("bob", "x" * 2000, "reader", "too long"),
    ("bob", PASSWORD, "king", "role"),
    ("ada", PASSWORD, "reader", "already"),
])
def test_an_account_that_breaks_a_rule_is_refused_with_it(
    ada: Any, name: str, password: str, role: str, says: str,
) -> None:
    with pytest.raises(access.AccountError, match=says), ada.database.write() as connection:
        access.create_account(connection, name, password, role)


def test_roles_stand_above_each_other() -> None:
    publisher = Caller("p", "publisher")
    assert [publisher.may(role) for role in ("", *access.ROLES)] == [True, True, True, True, False]
    with pytest.raises(Denied):
        publisher.require("administrator")
    with pytest.raises(Unauthenticated):
        ANONYMOUS.require("reader")


def test_csrf_tokens_belong_to_one_session(site: Any) -> None:
    token = access.csrf_token(site, "one")
    assert access.csrf_right(site, "one", token)
    assert not access.csrf_right(site, "two", token)
    assert not access.csrf_right(site, "one", "")
