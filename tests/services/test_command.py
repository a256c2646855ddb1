"""`registry api ...` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from registry.cli.main import main
from registry.site import Site
from tests.services.conftest import CONE
from tests.services.test_importing import serve


@pytest.fixture()
def command(founded: Site, monkeypatch, capsys):
    """Type a command: its exit code, what it printed, what it said on stderr."""
    monkeypatch.setenv("INNERSPACE_AUTHORITY", "north.example")
    monkeypatch.setenv("INNERSPACE_TITLE", "North")
    monkeypatch.setenv("INNERSPACE_ALLOWED_NETWORKS", '["127.0.0.0/8"]')

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(founded.settings.instance), "api", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


def test_a_service_is_imported_listed_shown_and_found(command, httpserver: HTTPServer):
    url = serve(httpserver)
    code, out, err = command(
        "import", f"{url}/capabilities", "--key", "stars", "--title", "Stars of the north", "--subject", "stars")
    assert code == 0, err
    assert "published ivo://north.example/stars (vs:CatalogService)" in out and f"speaks {CONE}" in out
    assert f"{url}/scs" in command("list")[1]
    found = json.loads(command("find", "ivo://ivoa.net/std/conesearch", "--json")[1])
    assert [(one["ivoid"], one["url"], one["title"]) for one in found] == [
        ("ivo://north.example/stars", f"{url}/scs", "Stars of the north")]
    shown = json.loads(command("show", "ivo://North.example/stars", "--json")[1])
    assert shown["status"] == "up" and not shown["credential"] and len(shown["endpoints"]) == 4
    assert "up; a credential" in command("show", "ivo://north.example/stars")[1]


def test_json_is_one_document_and_nothing_else(command, httpserver: HTTPServer):
    code, out, _ = command("import", serve(httpserver), "--key", "stars", "--json")
    document = json.loads(out)
    assert code == 0 and document["ivoid"] == "ivo://north.example/stars" and document["available"] is True
    assert document["tables"] is True and document["problems"] == document["left_out"] == []


def test_a_token_is_taken_from_a_file_kept_and_forgotten(
    command, httpserver: HTTPServer, tmp_path: Path, founded: Site,
):
    token = tmp_path / "token"
    token.write_text("let-me-in\n")
    url = serve(httpserver, secured="let-me-in")
    code, _, err = command("import", url, "--key", "stars")
    assert code == 1 and err.count("\n") <= 2 and "--bearer-file" in err
    code, out, err = command("import", url, "--key", "stars", "--bearer-file", str(token))
    assert code == 0 and "let-me-in" not in out + err
    stored = founded.settings.instance / "keys" / "credentials.json"
    assert stored.stat().st_mode & 0o777 == 0o600 and "let-me-in" in stored.read_text()
    assert json.loads(command("show", "ivo://north.example/stars", "--json")[1])["credential"]
    assert "forgot" in command("credential", "IVO://north.example/STARS")[1]
    assert not json.loads(command("show", "ivo://north.example/stars", "--json")[1])["credential"]
    assert "kept" in command("credential", "ivo://north.example/stars", "--bearer-file", str(token))[1]


@pytest.mark.parametrize(("words", "expected"), [
    (("import", "http://127.0.0.1:9999/", "--key", "x"), "nobody listens there"),
    (("import", "nonsense", "--key", "x"), "not a web address"),
    (("import", "http://127.0.0.1:9999/", "--key", "runner"), "choose another key"),
    (("find", "ivo://ivoa.net/std/Nothing"), "No service of ours speaks"),
    (("find", "ivo://ivoa.net/std/UWS#rest-1.2"), "Did you mean ivo://ivoa.net/std/UWS#rest-1.1?"),
    (("show", "ivo://north.example/none"), "There is no service"),
    (("credential", "what"), "There is no service"),
])
def test_a_refusal_is_one_sentence_and_exit_code_1(command, words, expected):
    code, out, err = command(*words)
    assert code == 1 and out == ""
    assert expected in err and "Traceback" not in err


def test_the_command_is_known():
    words = [sys.executable, "-m", "registry.cli", "api", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in ("import", "list", "show", "find", "credential"))
