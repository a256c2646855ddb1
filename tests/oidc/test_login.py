"""Who comes in by the provider, as whom, where they land, and what ends it."""

from __future__ import annotations

import re
from collections.abc import Callable

from registry import access
from registry.access import ANONYMOUS
from registry.oidc import identities
from tests.oidc.conftest import Traveller, redirected, sentence
from tests.oidc.provider import Provider

Make = Callable[..., Traveller]
RULES = {"role_claim": "groups", "roles": (
    {"value": "vo-runners", "role": "runner"}, {"value": "vo-editors", "role": "publisher", "authorities": ["north.example"]},
    {"value": "vo-ops", "role": "administrator"})}


def account(somebody: Traveller, name: str) -> access.Account:
    with somebody.site.database.read() as connection:
        return access.get_account(connection, name)


def trail(somebody: Traveller) -> list[tuple[str, str, str]]:
    with somebody.site.database.read() as connection:
        return [(one.who, one.action, one.subject) for one in access.trail(connection)]


def test_a_person_comes_in_lands_where_they_wanted_and_is_known_the_next_time(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    assert b"Log in with the institute" in lee.client.get("/admin/login").data
    answer = lee.log_in("/admin/jobs?phase=ERROR")
    assert answer.status_code == 303 and answer.location == "/admin/jobs?phase=ERROR"
    assert lee.name == "lee"
    made = account(lee, "lee")
    assert made.role == "reader" and made.provider_only
    assert lee.client.get("/admin/me").status_code == 200
    assert [one[:2] for one in trail(lee)] == [("lee", "login"), ("provider", "add account")]
    provider.claims["preferred_username"] = "root"  # whom the provider calls 0815 stays lee, whatever else it calls them
    again = Traveller(lee.app)
    again.log_in()
    assert again.name == "lee"


def test_a_login_has_a_new_session_and_ends_the_old_one(traveller: Make) -> None:
    lee = traveller(unknown="reader")
    lee.client.get("/admin/login")
    before = lee.cookie
    lee.log_in()
    assert lee.cookie != before and lee.name == "lee"
    lee.client.set_cookie("innerspace-north-example", "planted")
    lee.log_in()
    assert access.of_session(lee.site, "planted") is ANONYMOUS and lee.name == "lee"


def test_the_way_out_ends_the_session_and_tells_of_the_providers_own(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    lee.log_in()
    stolen = lee.cookie
    answer = lee.post("/admin/logout")
    assert answer.location == "/admin/login?left=1" and access.of_session(lee.site, stolen) is ANONYMOUS
    page = lee.client.get(answer.location).get_data(as_text=True)
    assert "Your log-in at the institute goes on" in page and "/admin/oidc/logout" in page
    assert lee.client.get("/admin/oidc/logout").location == f"{provider.issuer}/leave?client_id=inner-space"
    ada = Traveller(lee.app)
    ada.log_in_by_password("ada")
    assert ada.post("/admin/logout").location == "/"


def test_an_unknown_person_is_refused_where_the_site_says_so(traveller: Make) -> None:
    lee = traveller()
    answer = lee.log_in()
    assert answer.status_code == 403 and "has no place for you" in sentence(answer) and lee.name is None
    assert trail(lee) == [("anonymous", "refuse login", lee.app.extensions["oidc"].provider.issuer)]


def test_rules_give_the_role_at_every_login_and_take_it_away(traveller: Make, provider: Provider) -> None:
    lee = traveller(**RULES)
    provider.claims["groups"] = ["staff", "vo-runners", "vo-editors"]
    lee.log_in()
    assert (account(lee, "lee").role, account(lee, "lee").authorities) == ("publisher", ("north.example",))
    with lee.site.database.write() as connection:
        _, token = access.create_token(connection, "lee")
    provider.claims["groups"] = ["vo-runners"]
    other = Traveller(lee.app)
    other.log_in()
    assert account(lee, "lee").role == "runner"
    assert other.name == "lee" and lee.name is None, "a session that began with other rights has ended"
    provider.claims["groups"] = ["staff"]
    third = Traveller(lee.app)
    assert "has no place for you" in sentence(third.log_in())
    assert account(lee, "lee").role == "reader" and other.name is None
    assert access.from_header(lee.site, f"Bearer {token}", "127.0.0.1").role == "reader"


def test_a_role_may_lie_deep_in_a_claim_and_come_from_userinfo(traveller: Make, provider: Provider) -> None:
    lee = traveller(role_claim="realm_access.roles", roles=RULES["roles"])
    provider.userinfo = {"realm_access": {"roles": ["vo-ops"]}}
    lee.log_in()
    assert account(lee, "lee").role == "administrator"


def test_userinfo_of_another_person_is_refused(traveller: Make, provider: Provider) -> None:
    lee = traveller(**RULES)
    provider.userinfo = {"sub": "4711", "groups": ["vo-ops"]}
    assert "another person" in sentence(lee.log_in()) and lee.name is None


def test_the_last_administrator_stays_one_whatever_the_provider_says(traveller: Make, provider: Provider) -> None:
    lee = traveller(**RULES)
    provider.claims["groups"] = ["vo-ops"]
    lee.log_in()
    with lee.site.database.write() as connection:
        access.set_disabled(connection, "root")
    provider.claims["groups"] = ["vo-runners"]
    assert Traveller(lee.app).log_in().status_code == 303
    assert account(lee, "lee").role == "administrator"


def test_a_name_that_is_here_is_not_taken_over(traveller: Make, provider: Provider) -> None:
    for name in ("root", "ROOT", "ada"):
        provider.claims["preferred_username"] = name
        thief = traveller(unknown="reader", **RULES)
        provider.claims["groups"] = ["vo-ops"]
        answer = thief.log_in()
        assert answer.status_code == 403 and "here already" in sentence(answer) and thief.name is None
    with thief.site.database.read() as connection:
        assert [one.name for one in access.accounts(connection)] == ["ada", "root"]
        assert access.trail(connection)[0].detail.endswith("Its subject: 0815"), "by which an administrator can link them"


def test_names_that_no_account_can_have_are_refused(traveller: Make, provider: Provider) -> None:
    for name in ("", "le e", "../lee", "cli", "Anonymous", None, ["lee"], "x" * 65):
        provider.claims["preferred_username"] = name
        lee = traveller(unknown="reader")
        assert "gives no name" in sentence(lee.log_in()) and lee.name is None, name


def test_a_mail_address_is_a_name_only_where_it_is_verified(traveller: Make, provider: Provider) -> None:
    provider.claims["email"] = "lee@north.example"
    assert "not verified" in sentence(traveller(unknown="reader", name_claim="email").log_in())
    provider.claims["email_verified"] = True
    lee = traveller(unknown="reader", name_claim="email")
    lee.log_in()
    assert lee.name == "lee@north.example"


def test_a_shut_account_stays_shut(traveller: Make) -> None:
    lee = traveller(unknown="reader")
    lee.log_in()
    with lee.site.database.write() as connection:
        access.set_disabled(connection, "lee")
    assert lee.name is None
    assert "is shut" in sentence(lee.log_in()) and lee.name is None


def test_an_account_that_the_provider_made_has_no_password_that_is_right(traveller: Make) -> None:
    lee = traveller(unknown="reader")
    lee.log_in()
    for password in ("", " ", "None"):
        answer = Traveller(lee.app).client.get("/api/tokens", auth=("lee", password))
        assert answer.status_code == 401
    assert "has none" in lee.client.get("/admin/me").get_data(as_text=True)


def test_local_accounts_come_in_as_before_also_while_the_provider_is_away(traveller: Make, provider: Provider) -> None:
    ada = traveller()
    provider.instead["/.well-known/openid-configuration"] = lambda: ("away", 503)
    assert "status 503" in sentence(ada.client.get("/admin/oidc/login"))
    assert ada.client.get("/admin/login").status_code == 200
    form = {"name": "ada", "password": "correct horse battery"}
    assert ada.post("/admin/login", **form).status_code == 303 and ada.name == "ada"


# --- linking ----------------------------------------------------------------------------------------------------------
def test_who_has_the_account_links_it_and_keeps_its_role(traveller: Make, provider: Provider) -> None:
    provider.claims |= {"preferred_username": "ada", "groups": ["vo-editors"]}
    ada = traveller(**RULES)
    ada.log_in_by_password("ada")
    page = ada.post("/admin/me/link").get_data(as_text=True)
    address = page.partition('class="btn btn-primary" href="')[2].partition('"')[0].replace("&amp;", "&")
    answer = ada.come_back(redirected(address))
    assert answer.location == "/admin/me" and "0815" in ada.client.get("/admin/me").get_data(as_text=True)
    elsewhere = Traveller(ada.app)
    elsewhere.log_in()
    assert elsewhere.name == "ada" and account(ada, "ada").role == "runner"
    assert ada.post("/admin/me/unlink").location == "/admin/me"
    assert elsewhere.name is None and ada.name == "ada"  # which came by a password
    assert [one[1] for one in trail(ada)] == ["unlink identity", "login", "link identity"]


def test_a_link_that_began_in_one_browser_ends_in_no_other(traveller: Make, provider: Provider) -> None:
    """Else somebody who has begun one could have a victim's identity, or theirs the victim's account."""
    ada = traveller()
    ada.log_in_by_password("ada")
    page = ada.post("/admin/me/link").get_data(as_text=True)
    address = page.partition('class="btn btn-primary" href="')[2].partition('"')[0].replace("&amp;", "&")
    back = redirected(address)
    eve = Traveller(ada.app)
    assert "has not begun" in sentence(eve.come_back(back))
    with ada.site.database.read() as connection:
        assert identities.of_account(connection, "ada") == []


def test_one_person_is_one_account_and_one_account_one_person(traveller: Make) -> None:
    root = traveller()
    root.log_in_by_password("root")
    assert root.post("/admin/accounts/ada/link", subject="0815").status_code == 303
    for name, subject, says in (("root", "0815", "already"), ("ada", "4711", "another person"), ("ada", " ", "Give the subject"),
                                ("nobody", "1", "no account")):
        root.post(f"/admin/accounts/{name}/link", subject=subject)
        assert says in root.client.get("/admin/me").get_data(as_text=True), (name, subject)
    assert root.client.get("/admin/oidc/login").location == "/admin/" and root.name == "root"  # in already: nothing happens
    ada = Traveller(root.app)
    ada.log_in()
    assert ada.name == "ada"
    root.post("/admin/accounts/ada/unlink")
    assert ada.name is None


def test_who_has_no_password_cannot_shut_themselves_out(traveller: Make) -> None:
    lee = traveller(unknown="reader")
    lee.log_in()
    lee.post("/admin/me/unlink")
    assert "nobody could log in any more" in lee.client.get("/admin/me").get_data(as_text=True) and lee.name == "lee"


def test_the_api_links_and_unlinks(traveller: Make) -> None:
    root = traveller()
    with root.site.database.write() as connection:
        header = {"Authorization": f"Bearer {access.create_token(connection, 'root')[1]}"}
    made = root.client.post("/api/accounts/ada/link", json={"subject": "0815"}, headers=header)
    assert made.status_code == 201 and made.json["account"] == "ada" and made.json["made"] is False
    assert root.client.get("/api/accounts/ada/identities", headers=header).json["identities"] == [made.json]
    assert root.client.post("/api/accounts/ada/link", json={"subject": "1"}, headers=header).status_code == 409
    assert len(root.client.post("/api/accounts/ada/unlink", json={}, headers=header).json["identities"]) == 1
    assert root.client.post("/api/accounts/ada/unlink", json={}, headers=header).status_code == 404


def test_what_was_typed_when_a_login_ended_outlives_one_by_the_provider(traveller: Make, provider: Provider) -> None:
    """It opens in another tab; the page that keeps what was typed then goes on, under the new session."""
    provider.claims["groups"] = ["vo-editors"]
    lee = traveller(**RULES)
    lee.log_in()
    with lee.site.database.write() as connection:
        access.set_disabled(connection, "lee")
        access.set_disabled(connection, "lee", False)
    kept = lee.post("/admin/edit/north.example/organisation", do="check", **{"r/title": "Typed by hand"}).get_data(as_text=True)
    assert "Your login has ended" in kept and 'target="_blank"' in kept
    form = kept.partition('action="/admin/login/kept">')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    early = lee.client.post("/admin/login/kept", data=fields)
    assert early.status_code in (400, 401) and fields["kept"] in early.get_data(as_text=True)
    lee.log_in()
    again = lee.client.post("/admin/login/kept", data=fields).get_data(as_text=True)
    assert "Typed by hand" in again and "/admin/edit/north.example/organisation" in again
    lost = lee.client.post("/admin/login/kept", data={"csrf_token": access.csrf_token(lee.site, lee.cookie)})
    assert lost.location == "/admin/"


def test_a_publisher_of_authorities_that_are_none_of_ours_publishes_nowhere(traveller: Make, provider: Provider) -> None:
    """Without any it would be all of ours."""
    provider.claims["groups"] = "vo-editors"
    lee = traveller(role_claim="groups", roles=(
        {"value": "vo-editors", "role": "publisher", "authorities": ["south.example"]},))
    lee.log_in()
    assert (account(lee, "lee").role, account(lee, "lee").authorities) == ("runner", ())


def test_the_pages_say_how_to_link_by_command(traveller: Make) -> None:
    root = traveller()
    root.log_in_by_password("root")
    assert "registry user link ada SUBJECT" in root.client.get("/admin/accounts/ada").text
    root.post("/admin/accounts/ada/link", subject="0815")
    page = root.client.get("/admin/accounts/ada").text
    assert "registry user unlink ada" in page and "0815" in page and "Its role comes from" not in page
