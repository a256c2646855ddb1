"""The commands with a database server: a datacenter founded on one, and what is said when there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from registry.cli import main


def registry(instance: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command, as a person types it."""
    command = [sys.executable, "-m", "registry.cli", "--instance", str(instance), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": "", **environment})


def init(instance: Path, tmp_path: Path, url: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "password").write_text("a good long password\n")
    return registry(instance, "init", "--authority", "north.example", "--yes", "--admin", "ada", "--password-file",
                    str(tmp_path / "password"), "--set", f"database_url={url}")


@pytest.fixture()
def empty(postgres) -> Iterator[str]:
    """The URL of a database without a table."""
    name = postgres.make()
    yield postgres.url(name)
    postgres.drop(name)


def test_a_datacenter_is_founded_on_a_server_and_its_commands_work_there(empty: str, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    done = init(instance, tmp_path, empty)
    assert done.returncode == 0, done.stderr
    assert registry(instance, "records", "list").stdout.count("ivo://north.example") == 5
    assert "ada" in registry(instance, "user", "list").stdout
    assert list(instance.glob("*.sqlite*")) == []


@pytest.mark.parametrize(("url", "words"), [
    ("mysql://ada:secret@127.0.0.1/x", "it must look like"),
    ("postgresql://ada:secret@127.0.0.1:1/x", "PostgreSQL database x at 127.0.0.1:1 cannot be used"),
    ("postgresql://ada:se@cret@127.0.0.1:one/x", "it must look like"),
    ("sqlite:////dev/null/x", "cannot be made"),
    ("sqlite:////dev/null", "cannot be used"),
])
@pytest.mark.parametrize("command", ["doctor", "init"])
def test_a_wrong_or_dead_database_is_one_sentence(tmp_path: Path, url: str, words: str, command: str) -> None:
    instance = tmp_path / "instance"
    if command == "init":
        done = init(instance, tmp_path, url)
    else:
        instance.mkdir()
        done = registry(instance, command, INNERSPACE_DATABASE_URL=url)
    assert done.returncode == 1 and done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert "secret" not in done.stderr and "cret@" not in done.stderr and "Traceback" not in done.stderr


def test_the_password_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    for url in ("postgresql://ada:se:c@ret@db.example:5432/north",
                "postgresql://db.example/north?user=a&password=se:c@ret"):
        done = registry(tmp_path / "instance", "config", INNERSPACE_DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        assert "db.example" in done.stdout and "ret" not in done.stdout.split("database_url")[1].split("\n")[0]


def test_a_database_that_fails_in_mid_command_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(**_options: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database or disk is full"))

    monkeypatch.setattr(main.registry, "main", fail)
    with pytest.raises(SystemExit, match="1"):
        main.main()
    said = capsys.readouterr().err
    assert "database or disk is full" in said and said.count("\n") == 1 and "secret" not in said
