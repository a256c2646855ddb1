"""What administrators say of accounts: roles, the authorities of a publisher, the last administrator, bounded tokens."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from registry import access, lists, rights, trail
from registry.access import AccountError
from registry.errors import Conflict, Denied
from registry.records import authorities, founding, publish, store
from registry.records.founding import Founding
from vosi import resource
from vosi.resource import Draft

PASSWORD = "correct horse battery"


@pytest.fixture()
def peopled(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    founding.found(site, Founding("north.example", "North", site.settings.base_url, email="ops@north.example"), "test")
    with site.database.write() as connection:
        authorities.claim(connection, "east.example", "ivo://north.example/registry", own=True)
        access.create_account(connection, "ada", PASSWORD, "administrator")
        access.create_account(connection, "pat", PASSWORD, "publisher")
    return site


def organisation(authority: str) -> bytes:
    return resource.compose(Draft(
        type="vr:Organisation", ivoid=f"ivo://{authority}/desk", title="Desk", created="2020-01-01T00:00:00Z",
        updated="2020-01-01T00:00:00Z", publisher="North", contact_name="Desk", subjects=("virtual observatory",),
        description="A desk.", reference_url="http://north.example/"))


def test_a_publisher_of_one_authority_publishes_and_withdraws_in_no_other(peopled: Any) -> None:
    with peopled.database.write() as connection:
        rights.set_role(connection, "pat", "publisher", ["ivo://East.example"])
    publish.publish(peopled, organisation("east.example"), who="pat")
    with pytest.raises(Denied, match="publishes in east.example and not in north.example"):
        publish.publish(peopled, organisation("north.example"), who="pat")
    with pytest.raises(Denied):
        publish.retire(peopled, "ivo://north.example/organisation", who="pat", why="mine now")
    with peopled.database.read() as connection:
        assert not store.get(connection, "ivo://north.example/organisation").deleted
    publish.publish(peopled, organisation("north.example"), who="ada")
    publish.retire(peopled, "ivo://east.example/desk", who="pat", why="closed")


@pytest.mark.parametrize(("role", "where", "says"), [
    ("king", [], "no role"), ("runner", ["north.example"], "Only a publisher"),
    ("publisher", ["south.example"], "no authority of ours"),
])
def test_what_cannot_be_said_of_an_account(peopled: Any, role: str, where: list[str], says: str) -> None:
    with pytest.raises(AccountError, match=says), peopled.database.write() as connection:
        rights.set_role(connection, "pat", role, where)


def test_the_last_administrator_stays(peopled: Any) -> None:
    for act in (lambda connection: rights.set_role(connection, "ada", "reader"),
                lambda connection: rights.set_disabled(connection, "ada", True)):
        with pytest.raises(Conflict, match="only administrator"), peopled.database.write() as connection:
            act(connection)
    with peopled.database.write() as connection:
        rights.set_role(connection, "pat", "administrator")
        assert rights.set_role(connection, "ada", "reader").role == "reader"


@pytest.mark.parametrize(("role", "bound", "left"), [
    ("administrator", "reader", "reader"), ("runner", "publisher", "runner"), ("publisher", "", "publisher"),
])
def test_a_token_is_good_for_the_lesser_of_both_roles(peopled: Any, role: str, bound: str, left: str) -> None:
    with peopled.database.write() as connection:
        access.create_account(connection, "one", PASSWORD, role)
        secret = access.create_token(connection, "one", "for a test", role=bound)[1]
    assert access.from_header(peopled, f"Bearer {secret}", "127.0.0.1") == access.Caller("one", left)


def test_a_password_is_changed_by_who_knows_it_and_ends_other_logins(peopled: Any) -> None:
    with peopled.database.write() as connection:
        elsewhere = access.open_session(connection, "pat")
    with pytest.raises(access.Unauthenticated):
        rights.change_password(peopled, "pat", "wrong wrong wrong", "another password", "127.0.0.1")
    rights.change_password(peopled, "pat", PASSWORD, "another password", "127.0.0.1")
    assert access.of_session(peopled, elsewhere) is access.ANONYMOUS
    assert access.check_password(peopled, "pat", "another password", "127.0.0.1").name == "pat"


def test_the_trail_is_narrowed_and_paged(any_site: Any) -> None:
    with any_site.database.write() as connection:
        for number in range(6):
            access.audit(connection, "ada" if number % 2 else "pat", "run", f"job-{number}", "50% done_")
    with any_site.database.read() as connection:
        def told(**said: str) -> list[str]:
            return [one.subject for one in lists.page(connection, lists.asked(trail.TRAIL, said)).rows]

        first = lists.page(connection, lists.asked(trail.TRAIL, {"who": "ada", "action": "run", "limit": "2"}))
        assert [one.subject for one in first.rows] == ["job-5", "job-3"] and first.following
        assert told(**first.following) == ["job-1"]
        assert told(q="job-4") == ["job-4"] and len(told(q="50% done_")) == 6 and told(q="5_") == []
        assert told(since="9999") == [] and told(until="2000") == []
        assert "run" in trail.actions(connection)
