"""`registry oidc`, `registry user link` and `unlink`, and what the doctor says of a provider."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry.cli import checks
from registry.cli.main import registry
from registry.oidc import identities, secret
from registry.site import open_site
from tests.oidc.provider import SECRET, Provider

Type = Callable[..., Result]


@pytest.fixture()
def told(people: Any, provider: Provider) -> Iterator[Path]:
    """The instance, whose config.toml names the provider."""
    file = people.settings.instance / "config.toml"
    file.write_text(f'authority = "north.example"\nallowed_networks = ["127.0.0.0/8"]\nbase_url = "{people.settings.base_url}"\n'
                    f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "inner-space"\ntitle = "the institute"\n'
                    'role_claim = "groups"\n[[oidc.roles]]\nvalue = "vo-ops"\nrole = "administrator"\n')
    yield people.settings.instance
    file.unlink()
    secret.keep(people, SECRET)


@pytest.fixture()
def type_(told: Path) -> Type:
    return lambda *words, typed=None: CliRunner().invoke(registry, ["--instance", str(told), *words], input=typed)


def test_an_account_is_linked_and_unlinked(type_: Type, people: Any, provider: Provider) -> None:
    made = json.loads(type_("user", "link", "ada", "0815", "--json").output)
    assert (made["account"], made["subject"], made["issuer"]) == ("ada", "0815", provider.issuer)
    assert "already" in str(type_("user", "link", "root", "0815").exception)
    assert "no account" in str(type_("user", "link", "nobody", "1").exception)
    with people.database.read() as connection:
        assert [one.subject for one in identities.of_account(connection, "ada")] == ["0815"]
    assert "linked to nobody of https://other" in str(type_("user", "unlink", "ada", "--issuer", "https://other").exception)
    assert "not ada here any more" in type_("user", "unlink", "ada").output
    with people.database.read() as connection:
        assert identities.of_account(connection, "ada") == []


def test_the_secret_is_kept_where_only_its_owner_reads(type_: Type, told: Path, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("a new/secret\nrest\n")
    assert "is kept" in type_("oidc", "secret", "--file", str(tmp_path / "given")).output
    file = told / "keys" / "oidc.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and json.loads(file.read_text()) == {"client_secret": "a new/secret"}
    for command in (("oidc", "show", "--json"), ("config", "--json"), ("audit", "--json")):
        assert "a new/secret" not in type_(*command).output, command
    assert "is kept" in type_("oidc", "secret", typed="typed\n").output
    (tmp_path / "given").write_text("")
    assert "empty" in str(type_("oidc", "secret", "--file", str(tmp_path / "given")).exception)
    assert "is forgotten" in type_("oidc", "secret", "--forget").output and json.loads(file.read_text()) == {}


def test_what_to_register_is_told_and_whether_it_works(type_: Type, provider: Provider) -> None:
    told = json.loads(type_("oidc", "show", "--json").output)
    assert told["redirect_uri"] == "http://127.0.0.1:8101/admin/oidc/back" and told["works"] and told["secret"]
    shown = type_("oidc", "show").output
    assert "http://127.0.0.1:8101/admin/oidc/back" in shown and "It answers as a log-in needs" in shown
    setting = json.loads(type_("config", "--json").output)["oidc"]
    assert setting["origin"] == "config.toml" and setting["value"]["roles"] == [{"value": "vo-ops", "role": "administrator"}]
    provider.instead["/.well-known/openid-configuration"] = lambda: ("", 500)
    done = type_("oidc", "show", "--json")
    assert done.exit_code == 1 and "status 500" in json.loads(done.stdout)["fault"]


@pytest.mark.parametrize("change, verdict, says", [
    ({}, "pass", "answers as a log-in needs"),
    ({"metadata": {"issuer": "https://other.example"}}, "fail", "one of both must be corrected"),
    ({"instead": {"/keys": lambda: {"keys": [{"kty": "oct", "k": "AAAA"}]}}}, "fail", "no key"),
    ({"instead": {"/keys": lambda: ("", 500)}}, "fail", "status 500"),
])
def test_the_doctor_looks_at_the_provider(
    told: Path, provider: Provider, change: dict[str, Any], verdict: str, says: str,
) -> None:
    for name, value in change.items():
        getattr(provider, name).update(value)
    with_provider = open_site(told)
    assert checks._login(with_provider)[0] == verdict and says in checks._login(with_provider)[1]
    with_provider.close()


def test_the_doctor_warns_of_clocks_and_of_a_secret_that_others_read(
    told: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_provider = open_site(told)
    os.chmod(told / "keys" / "oidc.json", 0o644)
    assert checks._login(with_provider)[0] == "warn" and "can be read by others" in checks._login(with_provider)[1]
    secret.forget(with_provider)
    assert "wants a client secret" in checks._login(with_provider)[1]
    monkeypatch.setattr("registry.oidc.checking.ahead", lambda _metadata: -300.0)
    assert "differ by 300 s" in checks._login(with_provider)[1]
    with_provider.close()


def test_without_the_setting_the_doctor_is_content(people: Any) -> None:
    assert checks._login(people) == ("pass", "by names and passwords of this site")
    done = CliRunner().invoke(registry, ["--instance", str(people.settings.instance), "oidc", "show"])
    assert done.exit_code == 1 and "no OpenID Connect provider" in str(done.exception)
