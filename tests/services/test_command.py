"""`registry api ...` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from registry.cli.main import main
from registry.services import checking
from registry.site import Site
from tests.services.conftest import CONE, capability, document
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


# --- standards, state and documents -----------------------------------------------------------------------------------


def test_a_standard_is_defined_by_options_and_by_a_file(command, tmp_path: Path):
    code, out, _ = command("define", "peaks", "--key", "query-1.0=The query.", "--title", "Peaks")
    assert code == 0 and "ivo://north.example/std/peaks#query-1.0" in out
    file = tmp_path / "dips.toml"
    file.write_text('name = "dips"\ntitle = "Dips"\n[keys]\n"query-1.0" = "The query."\n')
    assert json.loads(command("define", "--file", str(file), "--json")[1])["standardIDs"] == [
        "ivo://north.example/std/dips", "ivo://north.example/std/dips#query-1.0"]
    listed = {one["ivoid"]: one for one in json.loads(command("standards", "--json")[1])}
    assert listed["ivo://north.example/std/peaks"] == {
        "ivoid": "ivo://north.example/std/peaks", "title": "Peaks", "origin": "own", "services": 0}
    for words, said in ((("define", "a b"), "name"), (("define", "x", "--key", "q"), "FRAGMENT=WORDS"), (("define",), "name")):
        code, out, err = command(*words)
        assert code == 1 and out == "" and said in err and "Traceback" not in err
    file.write_text("name = ")
    assert "is not TOML" in command("define", "--file", str(file))[2]


def test_a_service_without_documents_is_added_by_options_and_by_a_file(command, tmp_path: Path):
    code, out, err = command(
        "add", "http://10.0.0.5/scs", "--key", "stars", "--standard", CONE, "--security", "ivo://ivoa.net/sso#BasicAA")
    assert code == 0 and "its documents are at http://127.0.0.1:8080/services/north.example/stars/capabilities" in out, err
    found = json.loads(command("find", CONE, "--security", "BasicAA", "--zone", "internal", "--json")[1])
    assert [one["url"] for one in found] == ["http://10.0.0.5/scs"]
    file = tmp_path / "capabilities.xml"
    file.write_bytes(document(capability("http://10.0.0.6/tap", standard_id="ivo://ivoa.net/std/TAP")))
    assert json.loads(command("add", "--key", "tap", "--file", str(file), "--json")[1])["ivoid"] == "ivo://north.example/tap"
    assert [one["ivoid"] for one in json.loads(command("list", "--words", "tap", "--json")[1])] == ["ivo://north.example/tap"]
    file.write_text("<html/>")
    for words, said in ((("add", "--key", "x", "--file", str(file)), "capabilities"),
                        (("add", "x", "--key", "x"), "not a web address"),
                        (("list", "--status", "tired"), "no status"), (("list", "--zone", "dmz"), "no zone")):
        code, out, err = command(*words)
        assert code == 1 and said in err and "Traceback" not in err


def test_check_looks_now_and_its_exit_code_tells(command, httpserver: HTTPServer):
    url = serve(httpserver)
    command("import", url, "--key", "stars")
    code, out, _ = command("check", "ivo://north.example/stars", "--json")
    assert code == 0 and json.loads(out)[0]["status"] == "up"
    httpserver.clear()
    httpserver.expect_request("/cat/availability").respond_with_data("", status=503)
    code, out, err = command("check", "ivo://north.example/stars")
    assert code == 1 and "down" in out and "status 503" in out and "Traceback" not in err
    assert "down since" in command("show", "ivo://north.example/stars")[1]
    assert command("list", "--status", "down", "--json")[1].count('"ivo://north.example/stars"') == 4
    code, _, err = command("check", "ivo://north.example/none")
    assert code == 1 and "There is no service" in err


def test_watch_prints_changes_as_they_happen(command, founded: Site, httpserver: HTTPServer):
    command("import", serve(httpserver), "--key", "stars")
    done = threading.Event()

    def turn() -> None:
        folder = founded.settings.instance / "run" / "answers"
        while not done.is_set() and not (folder.is_dir() and list(folder.iterdir())):
            time.sleep(0.01)  # a listener tells nobody when it begins
        httpserver.clear()
        httpserver.expect_request("/cat/availability").respond_with_data("", status=503)
        checking.check(founded, "ivo://north.example/stars")

    thread = threading.Thread(target=turn)
    thread.start()
    code, out, err = command("watch", "ivo://north.example/stars", "--seconds", "5", "--json")
    done.set()
    thread.join()
    assert code == 0 and json.loads(out.splitlines()[0])["state"] == "down", (out, err)


def test_what_waits_is_listed_accepted_and_refused(command, httpserver: HTTPServer):
    url = serve(httpserver)
    command("import", url, "--key", "stars")
    assert command("held")[1].strip() == "Nothing waits."
    httpserver.clear()
    rest = document(capability(f"{url}/capabilities", standard_id="ivo://ivoa.net/std/VOSI#capabilities", use="full"))
    httpserver.expect_request("/cat/capabilities").respond_with_data(rest, content_type="text/xml")
    command("check", "ivo://north.example/stars")
    (waiting,) = json.loads(command("held", "--json")[1])
    assert waiting["ivoid"] == "ivo://north.example/stars" and any(CONE in words for words in waiting["changes"])
    assert "registry api accept" in command("show", "ivo://north.example/stars")[1]
    assert "published ivo://north.example/stars, version 2" in command("accept", "ivo://north.example/stars")[1]
    code, _, err = command("refuse", "ivo://north.example/stars")
    assert code == 1 and "No change of" in err
