"""What is kept of log-ins by a provider, on both databases, also when two come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from registry import access
from registry.oidc import admitting, identities, visits
from registry.oidc.errors import AnswerRefused, Linked
from registry.oidc.settings import Provider
from registry.site import Site

ISSUER = "https://login.example"
LEE = {"sub": "0815", "preferred_username": "lee", "groups": ["vo-runners"]}
PROVIDER = Provider(issuer=ISSUER, client_id="x", role_claim="groups", roles=(  # type: ignore[arg-type]
    {"value": "vo-runners", "role": "runner"},))


def admitted(site: Site, claims: dict[str, Any]) -> access.Account | str:
    with site.database.write() as connection:
        return admitting.admit(connection, PROVIDER, claims)


def test_two_first_logins_of_one_person_make_one_account(any_site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: admitted(any_site, LEE), range(8)))
    assert {one.name if isinstance(one, access.Account) else one for one in found} == {"lee"}
    with any_site.database.read() as connection:
        assert [(one.name, one.role) for one in access.accounts(connection)] == [("lee", "runner")]
        assert [(one.subject, one.made) for one in identities.of_account(connection, "lee")] == [("0815", True)]


def test_of_two_people_with_one_name_one_has_it(any_site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: admitted(any_site, {**LEE, "sub": str(number)}), range(8)))
    assert sum(isinstance(one, access.Account) for one in found) == 1
    assert all("here already" in one for one in found if isinstance(one, str))


def test_an_answer_that_comes_twice_at_once_counts_once(any_site: Site) -> None:
    with any_site.database.write() as connection:
        visit = visits.begin(connection, "cookie", "127.0.0.1", "/admin/jobs")

    def come(_number: int) -> bool:
        try:
            with any_site.database.write() as connection:
                return visits.end(connection, "cookie", visit.state) == visit
        except AnswerRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come, range(8))) == 1


def test_links_are_kept_and_end_the_logins_that_came_by_them(any_site: Site) -> None:
    with any_site.database.write() as connection:
        access.create_account(connection, "ada", "correct horse battery", "publisher")
        identities.link(connection, "ada", ISSUER, "0815")
        by_password = access.open_session(connection, "ada")
        by_provider = access.open_session(connection, "ada", issuer=ISSUER)
    for name, issuer, subject in (("ada", ISSUER, "4711"), ("ada", "https://other.example", ""), ("ada", ISSUER, "0815")):
        with pytest.raises(Linked), any_site.database.write() as connection:
            identities.link(connection, name, issuer, subject)
    with any_site.database.write() as connection:
        identities.link(connection, "ada", "https://other.example", "0815")  # who is called so there is another person
        assert [one.issuer for one in identities.unlink(connection, "ada", issuer=ISSUER)] == [ISSUER]
    assert access.of_session(any_site, by_provider).name is None and access.of_session(any_site, by_password).name == "ada"
