"""Accounts, logins and tokens on both databases, and what many at once may not bring about."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from registry import access, clock
from registry.db import UnfitValue
from registry.errors import Busy, Unauthenticated
from registry.site import Site
from registry.tables import login_attempts, sessions
from tests.databases.crowd import at_once

PASSWORD = "a good long password"


def account(site: Site, name: str = "ada", role: str = access.RUNNER) -> access.Account:
    with site.database.write() as connection:
        return access.create_account(connection, name, PASSWORD, role)


def test_an_account_its_logins_and_its_tokens(any_site: Site) -> None:
    account(any_site)
    assert access.check_password(any_site, "ada", PASSWORD, "127.0.0.1").role == access.RUNNER
    with pytest.raises(Unauthenticated):
        access.check_password(any_site, "ada", "another password", "127.0.0.1")
    with any_site.database.write() as connection:
        first = access.open_session(connection, "ada")
        second = access.open_session(connection, "ada", old=first)
        token, secret = access.create_token(connection, "ada", "label")
    assert access.of_session(any_site, first) == access.ANONYMOUS
    assert access.of_session(any_site, second).name == "ada"
    assert access.from_header(any_site, f"Bearer {secret}", "127.0.0.1").name == "ada"
    with any_site.database.write() as connection:
        access.revoke_token(connection, token.id)
        access.set_password(connection, "ada", PASSWORD + "!")
    assert access.of_session(any_site, second) == access.ANONYMOUS
    with pytest.raises(Unauthenticated):
        access.from_header(any_site, f"Bearer {secret}", "127.0.0.1")


@pytest.mark.parametrize("name", ["a\0da", "ada\0", "\ud800", "ådä", "x" * 100_000, "' OR 1=1 --"])
def test_a_name_of_any_letters_is_nobody(any_site: Site, name: str) -> None:
    account(any_site)
    with pytest.raises((Unauthenticated, UnfitValue)):
        access.check_password(any_site, name, PASSWORD, "127.0.0.1")


def test_of_many_who_ask_for_one_name_one_gets_it_and_the_others_a_sentence(any_site: Site) -> None:
    made: list[access.Account] = []
    refused: list[str] = []

    def ask() -> None:
        try:
            made.append(account(any_site))
        except access.AccountError as error:
            refused.append(str(error))

    at_once(*[ask] * 6)
    assert len(made) == 1 and len(refused) == 5
    assert all("There is an account ada already" in words for words in refused)


def test_a_flood_of_wrong_passwords_is_looked_at_ten_times(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    account(any_site)
    looked: list[str] = []
    monkeypatch.setattr(access, "_right", lambda stored, password: looked.append(password))
    busy: list[Busy] = []

    def guess(number: int) -> None:
        for turn in range(4):
            try:
                access.check_password(any_site, "ada", f"wrong password {number} {turn}", f"10.0.0.{number}")
            except Busy as error:
                busy.append(error)
            except Unauthenticated:
                pass

    at_once(*(lambda number=number: guess(number) for number in range(8)))
    assert len(looked) == access.TRIES and len(busy) == 32 - access.TRIES


def test_right_passwords_at_once_leave_no_trace_of_tries(any_site: Site) -> None:
    account(any_site)
    at_once(*[lambda: access.check_password(any_site, "ada", PASSWORD, "127.0.0.1")] * 6)
    with any_site.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(login_attempts)).scalar_one() == 0


def test_old_logins_are_cleared_by_many_at_once(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    account(any_site)
    with any_site.database.write() as connection:
        for _ in range(30):
            access.open_session(connection, "ada")
    then = clock.later(any_site.settings.session_lifetime - 3600)
    with monkeypatch.context() as patched, any_site.database.write() as connection:
        patched.setattr(clock, "now", lambda: then)
        alive = [access.open_session(connection, "ada") for _ in range(6)]
    now = clock.later(any_site.settings.session_lifetime + 1800)
    monkeypatch.setattr(clock, "now", lambda: now)
    at_once(*(lambda secret=secret: access.of_session(any_site, secret) for secret in alive))
    with any_site.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar_one() == 6
