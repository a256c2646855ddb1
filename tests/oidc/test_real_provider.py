"""The contract with a provider that somebody else wrote: its real discovery, keys, codes and ID tokens over HTTP."""

from __future__ import annotations

import html
import json
import re
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from registry import access
from registry.oidc import secret
from registry.oidc.settings import Provider
from tests.oai.serving import loopback, serving
from tests.oidc.conftest import Traveller, redirected, sentence

with warnings.catch_warnings(record=True):  # it says at its import that it uses what Authlib is about to give up
    import oidc_provider_mock


@pytest.fixture()
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # theirs wants https but for the name localhost
    lee = oidc_provider_mock.User(sub="lee@institute", claims={
        "preferred_username": "lee", "email": "lee@north.example", "groups": ["vo-editors"]})
    app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True, user_claims=[lee])
    with serving(app, loopback()) as base:
        yield base.rstrip("/")


@pytest.fixture()
def client(issuer: str, app: Flask, people: Any) -> dict[str, Any]:
    """Our client as it is registered there (RFC 7591), with our redirect address and no other."""
    body = json.dumps({"redirect_uris": [people.settings.url("admin/oidc/back")]}).encode()
    asked = urllib.request.Request(f"{issuer}/oauth2/clients", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return dict(json.load(answer))


@pytest.fixture()
def lee(issuer: str, client: dict[str, Any], app: Flask, people: Any, monkeypatch: pytest.MonkeyPatch) -> Traveller:
    monkeypatch.setattr(secret, "get", lambda _site: client["client_secret"])
    said = Provider(issuer=issuer, client_id=client["client_id"], role_claim="groups", roles=(
        {"value": "vo-editors", "role": "publisher"},))  # type: ignore[arg-type]
    app.extensions["site"] = replace(people, settings=people.settings.model_copy(update={"oidc": said}))
    app.extensions.pop("oidc", None)
    return Traveller(app)


def test_a_whole_login(lee: Traveller) -> None:
    there = lee.client.get("/admin/oidc/login?next=/admin/jobs").location
    with urllib.request.urlopen(there, timeout=10) as page:
        assert "Authorize" in page.read().decode()
    back = redirected(there, urlencode({"sub": "lee@institute"}).encode())
    assert lee.come_back(back).location == "/admin/jobs" and lee.name == "lee"
    with lee.site.database.read() as connection:
        account = access.get_account(connection, "lee")
    assert account.role == "publisher" and account.provider_only
    again = Traveller(lee.app)
    there = again.client.get("/admin/oidc/login").location
    again.come_back(redirected(there, urlencode({"sub": "lee@institute"}).encode()))
    assert again.name == "lee"


def test_a_person_who_says_no_there(lee: Traveller) -> None:
    there = lee.client.get("/admin/oidc/login").location
    assert "did not log you in (access_denied)" in sentence(lee.come_back(redirected(there, b"action=deny")))


def test_a_person_whom_no_rule_names(lee: Traveller) -> None:
    there = lee.client.get("/admin/oidc/login").location
    answer = lee.come_back(redirected(there, urlencode({"sub": "somebody"}).encode()))
    assert "has no place for you" in sentence(answer) and lee.name is None


def test_the_way_out_leads_to_the_providers_own_page(lee: Traveller) -> None:
    there = lee.client.get("/admin/oidc/login").location
    lee.come_back(redirected(there, urlencode({"sub": "lee@institute"}).encode()))
    lee.post("/admin/logout")
    with urllib.request.urlopen(lee.client.get("/admin/oidc/logout").location, timeout=10) as page:
        assert re.search("log ?out|end", html.unescape(page.read().decode()), re.IGNORECASE)
