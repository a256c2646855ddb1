"""`registry user` and `registry token`: accounts and tokens by command, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry import access
from registry.cli.main import registry


@pytest.fixture()
def type_(site: Any, tmp_path: Path) -> Any:
    (tmp_path / "password").write_text("correct horse battery\nrest\n")

    def run(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(registry, ["--instance", str(site.settings.instance), *words], input=typed)

    return run


def test_an_account_is_made_listed_shut_and_opened(type_: Any, site: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "password")
    assert (
        json.loads(type_("user", "add", "ada", "--role", "publisher", "--password-file", file, "--json").output)["role"]
        == "publisher"
    )
    assert access.check_password(site, "ada", "correct horse battery", "x").role == "publisher"
    assert "ada is shut" in type_("user", "disable", "ada").output
    assert "disabled" in type_("user", "list").output
    assert "open again" in type_("user", "disable", "ada", "--undo").output
    assert [one["name"] for one in json.loads(type_("user", "list", "--json").output)] == ["ada"]


def test_a_password_is_asked_for_and_changed(type_: Any, site: Any) -> None:
    assert type_("user", "add", "bob", typed="a good long one\na good long one\n").exit_code == 0
    assert type_("user", "password", "bob", typed="another good one\nanother good one\n").exit_code == 0
    assert access.check_password(site, "bob", "another good one", "x").role == "runner"


def test_a_token_is_shown_once_and_revoked(type_: Any, site: Any, tmp_path: Path) -> None:
    type_("user", "add", "ada", "--password-file", str(tmp_path / "password"))
    made = json.loads(type_("token", "add", "ada", "--label", "laptop", "--days", "7", "--json").output)
    assert access.from_header(site, f"Bearer {made['secret']}", "x").name == "ada"
    assert made["secret"] not in type_("token", "list", "--json").output
    assert type_("token", "revoke", str(made["id"])).exit_code == 0
    assert json.loads(type_("token", "list", "ada", "--json").output) == []


@pytest.mark.parametrize(
    "words",
    [
        ("user", "password", "nobody"),
        ("user", "disable", "nobody"),
        ("token", "add", "nobody"),
        ("token", "revoke", "7"),
    ],
)
def test_what_is_not_there_is_one_sentence(type_: Any, words: tuple[str, ...]) -> None:
    result = type_(*words)
    assert isinstance(result.exception, access.NoAccount) and str(result.exception).count("\n") == 0
