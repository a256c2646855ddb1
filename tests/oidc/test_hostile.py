"""Answers that must let nobody in, faulty providers, and people who play with the addresses."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import redirect
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from sqlalchemy import func, select, update

from registry import clock
from registry.oidc import discovery, visits
from registry.oidc.settings import Provider as Settings
from registry.tables import accounts, visits as visits_table
from tests.oidc.conftest import Traveller, sentence
from tests.oidc.provider import CLIENT, Provider, by, by_a_stranger, by_public_key, by_rsa, unsigned

Make = Callable[..., Traveller]


def nobody(somebody: Traveller) -> bool:
    """Whether nobody is in, and no account was made."""
    with somebody.site.database.read() as connection:
        names = set(connection.execute(select(accounts.c.name)).scalars())
    return somebody.name is None and names == {"root", "ada"}


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


@pytest.mark.parametrize("twist, says", [
    (lambda claims: {**claims, "nonce": "another"}, "it answers another log-in"),
    (without("nonce"), "it answers another log-in"),
    (lambda claims: {**claims, "aud": "another-client"}, "it is meant for another client"),
    (lambda claims: {**claims, "aud": ["another-client"]}, "it is meant for another client"),
    (lambda claims: {**claims, "aud": [CLIENT, "another-client"]}, "it is meant for another client"),
    (lambda claims: {**claims, "aud": [CLIENT, "another-client"], "azp": "another-client"}, "it is meant for another client"),
    (without("aud"), "another client"),
    (lambda claims: {**claims, "iss": "https://evil.example"}, "it is another issuer's"),
    (lambda claims: {**claims, "iss": claims["iss"] + "/"}, "it is another issuer's"),
    (without("iss"), "iss"),
    (lambda claims: {**claims, "exp": int(time.time()) - 61}, "has expired"),
    (without("exp"), "exp"),
    (lambda claims: {**claims, "exp": "tomorrow"}, "exp"),
    (lambda claims: {**claims, "exp": True}, "exp"),
    (lambda claims: {**claims, "iat": int(time.time()) + 3600}, "the clocks differ"),
    (lambda claims: {**claims, "nbf": int(time.time()) + 3600}, "the clocks differ"),
    (lambda claims: {**claims, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "another access token"),
    (without("sub"), "sub"),
    (lambda claims: {**claims, "sub": 815}, "sub"),
    (lambda claims: {**claims, "sub": ""}, ""),
    (lambda claims: {**claims, "sub": "x" * 256}, "who you are"),
    (lambda claims: {**claims, "sub": "0815\nroot"}, "who you are"),
])
def test_an_id_token_that_is_not_for_this_login_lets_nobody_in(
    traveller: Make, provider: Provider, twist: Callable[[dict[str, Any]], dict[str, Any]], says: str,
) -> None:
    lee = traveller(unknown="reader")
    provider.twist = twist
    answer = lee.log_in()
    assert answer.status_code == 403 and says in sentence(answer) and nobody(lee)


def test_a_clock_that_is_a_little_off_is_forgiven(traveller: Make, provider: Provider) -> None:
    now = int(time.time())
    provider.twist = lambda claims: {**claims, "iat": now + 30, "nbf": now + 30, "exp": now - 30}
    lee = traveller(unknown="reader")
    lee.log_in()
    assert lee.name == "lee"
    assert "the clocks differ" in sentence(traveller(unknown="reader", skew=0).log_in())


@pytest.mark.parametrize("sign", [
    lambda _provider: unsigned, lambda provider: by_public_key(provider.key), lambda _provider: by_a_stranger,
    lambda _provider: lambda _claims: "nonsense", lambda _provider: lambda _claims: "a.b.c",
    lambda provider: lambda claims: provider.signed(claims)[:-4] + "AAAA",
    lambda provider: lambda claims: provider.signed(claims).rpartition(".")[0] + ".",
    lambda _provider: by_rsa(RSAKey.generate_key(2048, {"kid": "first"})),
], ids=["none", "hmac by the public key", "stranger", "no token", "no base64", "torn", "without", "another algorithm"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    traveller: Make, provider: Provider, sign: Callable[[Provider], Any],
) -> None:
    lee = traveller(unknown="reader")
    provider.sign = sign(provider)
    answer = lee.log_in()
    assert answer.status_code == 403 and "its signature is not one of that provider's keys" in sentence(answer) and nobody(lee)


def test_a_new_key_is_learnt_and_an_old_one_counts_no_more(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    lee.log_in()
    old = provider.key
    provider.rotate()
    again = Traveller(lee.app)
    again.log_in()
    assert again.name == "lee"
    provider.sign = by(old)
    back = Traveller(lee.app)
    assert "its signature" in sentence(back.log_in()) and back.name is None


def test_an_rsa_provider_is_understood_and_odd_keys_are_passed_over(traveller: Make, provider: Provider) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa"})
    odd = [{"kty": "oct", "k": "AAAA", "kid": "rsa"}, {"kty": "AKP", "kid": "rsa"}, {"kty": "RSA"}, "no key", {"use": "enc"}]
    provider.instead["/keys"] = lambda: {"keys": [*odd, {**key.as_dict(private=False), "use": "sig"}]}
    provider.sign = by_rsa(key)
    lee = traveller(unknown="reader")
    lee.log_in()
    assert lee.name == "lee"


# --- state and issuer -------------------------------------------------------------------------------------------------
def test_an_answer_comes_back_once_to_the_browser_that_asked_and_not_late(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    address = lee.leave()
    victim = Traveller(lee.app)
    victim.client.get("/admin/login")
    assert "has not begun that log-in" in sentence(victim.come_back(address)) and nobody(victim)
    assert "/token" not in provider.asked  # and the code went nowhere
    lee.come_back(address)
    assert lee.name == "lee"
    stolen = lee.cookie
    lee.post("/admin/logout")
    lee.client.set_cookie("innerspace-north-example", stolen)
    assert "has come back already" in sentence(lee.come_back(address)) and lee.name is None
    late = lee.leave()
    with lee.site.database.write() as connection:
        connection.execute(update(visits_table).values(at=clock.stamp(clock.later(-visits.LASTS - 1))))
    assert "took too long" in sentence(lee.come_back(late)) and lee.name is None
    for state in ("", "made-up", "x" * 5000):
        answer = lee.client.get("/admin/oidc/back", query_string={"state": state, "code": "1"})
        assert answer.status_code == 403 and "has not begun" in sentence(answer)


def test_an_answer_of_another_issuer_is_refused_before_its_code_goes_anywhere(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    provider.answer = {"iss": "https://evil.example"}
    assert "does not come from the institute" in sentence(lee.log_in()) and nobody(lee)
    provider.answer = {}
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    strict = traveller(unknown="reader")
    assert "does not come from the institute" in sentence(strict.log_in()) and nobody(strict)
    assert "/token" not in provider.asked
    provider.answer = {"iss": provider.issuer}
    strict.log_in()
    assert strict.name == "lee"


def test_a_provider_that_speaks_for_another_issuer_is_not_gone_to(traveller: Make, provider: Provider) -> None:
    provider.metadata = {"issuer": provider.issuer + "/"}
    lee = traveller(unknown="reader")
    answer = lee.client.get("/admin/oidc/login")
    assert answer.status_code == 503 and "one of both must be corrected" in sentence(answer)


def test_a_code_is_bound_to_the_browsers_login_and_good_once(traveller: Make, provider: Provider) -> None:
    """A code stolen from one log-in, put into the answer of another: the verifier does not fit (RFC 7636)."""
    lee = traveller(unknown="reader")
    stolen = parse_qs(urlsplit(lee.leave()).query)["code"][0]
    eve = Traveller(lee.app)
    parts = urlsplit(eve.leave())
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    answer = eve.come_back(parts._replace(query=urlencode({**query, "code": stolen})).geturl())
    assert "does not know that log-in any more" in sentence(answer) and nobody(eve)


@pytest.mark.parametrize("error, told", [
    ("access_denied", "access_denied"), ("login_required", "login_required"),
    ("Call 555-0100 to get in", "it gave no reason"), ("<script>alert(1)</script>", "it gave no reason"),
])
def test_a_providers_no_is_one_sentence_and_none_of_its_words(
    traveller: Make, provider: Provider, error: str, told: str,
) -> None:
    lee = traveller(unknown="reader")
    provider.answer = {"code": "", "error": error, "error_description": "Call 555-0100"}
    answer = lee.log_in()
    assert sentence(answer) == f"the institute did not log you in ({told})." and nobody(lee)
    shown = re.sub(r'<input type="hidden"[^>]*>', "", answer.get_data(as_text=True))  # the theme's switch comes back here
    assert "555" not in re.sub(r"\b[0-9a-f]{12,}\b", "", shown)


def test_an_answer_without_a_code_or_with_a_huge_one(traveller: Make, provider: Provider) -> None:
    lee = traveller(unknown="reader")
    for code in ("", "x" * 4000):
        provider.answer = {"code": code}
        assert "holds no code" in sentence(lee.log_in()) and nobody(lee)


@pytest.mark.parametrize("goal", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a b"])
def test_a_login_leads_to_no_other_site(traveller: Make, goal: str) -> None:
    assert traveller(unknown="reader").log_in(goal).location == "/admin/"


def test_one_address_cannot_fill_the_table(traveller: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST", 3)
    lee = traveller(unknown="reader")
    for _ in range(3):
        assert lee.client.get("/admin/oidc/login").status_code == 303
    answer = lee.client.get("/admin/oidc/login")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "600" and "Too many" in sentence(answer)
    with lee.site.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(visits_table)).scalar() == 3
    assert lee.client.get("/admin/oidc/login", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 303


# --- faulty providers -------------------------------------------------------------------------------------------------
HUGE = b"{" + b" " * (2 * 2**20)
INTERNAL = "http://169.254.169.254/latest/meta-data"


@pytest.mark.parametrize("path, answer, says", [
    ("/.well-known/openid-configuration", lambda: HUGE, "more than 1048576 bytes"),
    ("/.well-known/openid-configuration", lambda: redirect(INTERNAL), "169.254.169.254"),
    ("/.well-known/openid-configuration", lambda: "<html>", "JSON object"),
    ("/.well-known/openid-configuration", lambda: "[" * 100_000, "JSON object"),
    ("/.well-known/openid-configuration", list, "JSON object"),
    ("/.well-known/openid-configuration", lambda: ("", 404), "status 404"),
    ("/keys", lambda: redirect(INTERNAL), "169.254.169.254"),
    ("/keys", lambda: HUGE, "more than 1048576 bytes"),
    ("/keys", lambda: {"keys": "none"}, "list of keys"),
    ("/keys", lambda: {"keys": []}, "its signature"),
    ("/token", lambda: HUGE, "more than 1048576 bytes"),
    ("/token", lambda: redirect(INTERNAL, 307), "token"),
    ("/token", lambda: ("<html>", 500), "token"),
    ("/token", lambda: {"access_token": "x"}, "no ID token"),
    ("/token", lambda: {"id_token": "x" * 70_000}, "no ID token"),
    ("/token", lambda: {"id_token": {"a": 1}}, "no ID token"),
    ("/token", lambda: ({"error": "invalid_client"}, 401), "(invalid_client)"),
    ("/token", lambda: ({"error": ["odd"]}, 400), "no token"),
    ("/token", lambda: "[" * 100_000, "token"),
    ("/userinfo", lambda: redirect(INTERNAL), "169.254.169.254"),
    ("/userinfo", lambda: ("", 401), "status 401"),
])
def test_a_faulty_provider_ends_in_one_sentence(
    traveller: Make, provider: Provider, path: str, answer: Callable[[], Any], says: str,
) -> None:
    lee = traveller(unknown="reader", role_claim="groups")
    provider.instead[path] = answer
    told = lee.client.get("/admin/oidc/login")
    if told.status_code == 303:
        told = lee.log_in()
    assert told.status_code in (403, 503) and says in sentence(told) and nobody(lee), told.get_data(as_text=True)


@pytest.mark.parametrize("name, value, says", [
    ("token_endpoint", "http://10.1.2.3/token", "no token_endpoint"), ("token_endpoint", "https://10.1.2.3/token", "10.1.2.3"),
    ("token_endpoint", "https://[64:ff9b::a01:203]/token", "internal"), ("jwks_uri", "https://169.254.169.254/keys", "169.254"),
    ("authorization_endpoint", "javascript:alert(1)", "no authorization_endpoint"), ("jwks_uri", None, "no jwks_uri"),
    ("jwks_uri", "file:///etc/passwd", "no jwks_uri"), ("authorization_endpoint", "http://evil.example/", "no authorization"),
    ("userinfo_endpoint", "https://10.1.2.3/userinfo", "10.1.2.3"),
    ("token_endpoint", "https://north.example:22/token", "port 22"),
])
def test_addresses_of_a_providers_own_are_held_to_the_policy(
    traveller: Make, provider: Provider, name: str, value: str, says: str,
) -> None:
    provider.metadata = {name: value}
    lee = traveller(unknown="reader", role_claim="groups")
    told = lee.client.get("/admin/oidc/login")
    if told.status_code == 303:
        told = lee.log_in()
    assert told.status_code in (403, 503) and says in sentence(told) and nobody(lee), told.get_data(as_text=True)


@pytest.mark.parametrize("issuer", ["https://10.1.2.3", "https://169.254.169.254/x", "https://[::ffff:192.168.0.1]"])
def test_an_issuer_at_an_internal_address_needs_the_sites_word(traveller: Make, issuer: str) -> None:
    answer = traveller(issuer=issuer).client.get("/admin/oidc/login")
    assert answer.status_code == 503 and "an administrator can add its network to allowed_networks" in sentence(answer)


def test_a_provider_that_hangs_holds_a_login_no_longer_than_a_person_waits(
    traveller: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert max(discovery._PATIENCE.values()) <= 10
    monkeypatch.setattr(discovery, "_PATIENCE", {"fetch_timeout": 0.2, "fetch_deadline": 0.2})
    ended = threading.Event()
    provider.instead["/.well-known/openid-configuration"] = lambda: str(ended.wait(5))
    lee = traveller()
    assert "did not answer in time" in sentence(lee.client.get("/admin/oidc/login"))
    ended.set()


def test_a_provider_that_is_away_is_not_asked_by_every_request(traveller: Make, provider: Provider) -> None:
    provider.instead["/.well-known/openid-configuration"] = lambda: ("", 500)
    lee = traveller()
    for _ in range(5):
        assert lee.client.get("/admin/oidc/login").status_code == 503
    assert len(provider.asked) == 1


@pytest.mark.parametrize("said, word", [
    ({"issuer": "http://login.example"}, "https://"), ({"issuer": "ftp://login.example"}, "https://"),
    ({"issuer": "https://a:b@login.example"}, "https://"), ({"issuer": "https://login.example?x=1"}, "query"),
    ({"issuer": "https://"}, "https://"), ({"issuer": "https://[bad"}, "https://"), ({"scopes": ["profile"]}, "openid"),
    ({"roles": [{"value": "a", "role": "runner"}]}, "role_claim"), ({"unknown": "administrator"}, "refuse"),
    ({"role_claim": "g", "roles": [{"value": "a", "role": "root"}]}, "administrator"), ({"client_secret": "x"}, "Extra"),
    ({"role_claim": "g", "roles": [{"value": "a", "role": "reader", "authorities": ["x"]}]}, "publisher"),
    ({"skew": 3600}, "600"),
])
def test_settings_that_would_be_unsafe_are_refused_at_the_start(said: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Settings(**{"issuer": "https://login.example", "client_id": "x", **said})


# --- without it -------------------------------------------------------------------------------------------------------
def test_without_the_extra_the_button_says_so_and_passwords_work(traveller: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import registry.oidc

    monkeypatch.setitem(sys.modules, "authlib.oauth2.base", None)
    monkeypatch.delitem(sys.modules, "registry.oidc.tokens", raising=False)
    monkeypatch.delattr(registry.oidc, "tokens", raising=False)
    ada = traveller()
    answer = ada.client.get("/admin/oidc/login")
    assert answer.status_code == 503 and "innerspace[oidc]" in sentence(answer)
    assert ada.post("/admin/login", name="ada", password="correct horse battery").status_code == 303


def test_without_the_setting_there_is_no_other_way_in(traveller: Make) -> None:
    ada = traveller()
    ada.app.extensions["site"] = replace(ada.site, settings=ada.site.settings.model_copy(update={"oidc": None}))
    assert b"oidc" not in ada.client.get("/admin/login").data
    for path in ("/admin/oidc/login", "/admin/oidc/back", "/admin/oidc/logout"):
        answer = ada.client.get(path)
        assert answer.status_code == 404 and b"no OpenID Connect provider" in answer.data
