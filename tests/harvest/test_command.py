"""`registry harvest ...` as typed: what it prints, for people and as JSON, and how it exits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from registry import clock
from registry.cli import main
from registry.site import Site
from registry.tables import records
from tests.oai import shelves

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture()
def north(datacenter: Callable[..., Site]) -> Site:
    made = datacenter("north.example")
    with shelves.at():
        shelves.put(made, *(shelves.record(f"ivo://north.example/r{n}") for n in range(6)))
    return made


@pytest.fixture()
def registry(datacenter: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Command:
    """Type a command at the datacenter south; gives exit code, stdout and stderr."""
    south = datacenter("south.example")
    monkeypatch.setenv("INNERSPACE_AUTHORITY", "south.example")
    monkeypatch.setenv("INNERSPACE_ALLOWED_NETWORKS", '["127.0.0.0/8"]')

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(south.settings.instance), "harvest", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def test_the_whole_story_of_a_source(registry: Command, north: Site) -> None:
    url = north.settings.url("oai")
    assert registry("status") == (0, "No source yet: `registry harvest add URL` adds one.\n", "")
    code, out, _ = registry("test", url)
    assert code == 0 and "ivo://north.example/registry (Registry of north.example)" in out and "own records: 7" in out
    code, out, _ = registry("add", url, "--every", "3600")
    assert code == 0 and "ivo://north.example/registry speaks for north.example" in out
    code, out, err = registry("run", "north.example", "--json")
    assert code == 0
    document = json.loads(out)
    assert [(run["source"], run["state"], run["new"]) for run in document] == [("north.example", "complete", 7)]
    assert "token" not in document[0]
    assert json.loads(registry("run", "--full", "--json")[1])[0]["unchanged"] == 7
    assert json.loads(registry("errors", "--json")[1]) == []
    assert json.loads(registry("pause", "north.example", "--json")[1])["paused"] is True
    code, out, _ = registry("run")
    assert code == 0 and "nothing to harvest" in out, "a paused source is harvested by name only"
    assert registry("run", "north.example")[0] == 0
    assert "harvested again" in registry("resume", "north.example")[1]
    code, out, _ = registry("status")
    assert code == 0 and "complete" in out and url in out
    status = json.loads(registry("status", "--json")[1])[0]
    assert (status["name"], status["interval"], status["last"]["state"]) == ("north.example", 3600, "complete")
    assert json.loads(registry("test", "north.example", "--json")[1])["size"] == 7
    assert registry("remove", "north.example")[0] == 0
    assert json.loads(registry("status", "--json")[1]) == []


def test_what_was_not_taken_is_listed_with_its_reason(registry: Command, north: Site) -> None:
    with shelves.at():
        shelves.put(north, shelves.record("ivo://else.example/x"))
    registry("add", north.settings.url("oai"))
    assert json.loads(registry("run", "--json")[1])[0]["rejected"] == 1
    code, out, _ = registry("errors")
    assert code == 0 and "ivo://else.example/x" in out and "does not manage the authority else.example" in out
    problem = json.loads(registry("errors", "north.example", "--json")[1])[0]
    assert problem["record"].startswith("<ri:Resource")
    assert problem["path"] == "/ri:Resource/identifier" and f"/ri:Resource/identifier, line {problem['line']}" in out
    assert "<identifier>ivo://else.example/x" in problem["record"].split("\n")[problem["line"] - 1]


def test_a_harvest_that_fails_says_why_and_exits_1(registry: Command, north: Site) -> None:
    registry("add", north.settings.url("oai"))
    with shelves.at():
        shelves.delete(north, "ivo://north.example/registry")
    code, out, err = registry("run", "--json")
    assert code == 1
    assert json.loads(out)[0]["state"] == "failed"
    assert err.count("\n") <= 2 and "north.example: " in err and "without its registry record" in err
    assert "Traceback" not in err
    assert "without its registry record" in registry("errors")[1]


@pytest.mark.parametrize(("words", "code", "says"), [
    (("add", "http://127.0.0.1:9/oai"), 1, "127.0.0.1:9"),
    (("add", "north"), 1, "is not a web address"),
    (("add", "http://[x/"), 1, "is not a web address"),
    (("add", "ftp://north.example/"), 1, "is not a web address"),
    (("test", "nobody"), 1, "There is no source nobody"),
    (("run", "nobody"), 1, "There is no source nobody"),
    (("errors", "nobody"), 1, "There is no source nobody"),
    (("pause", "nobody"), 1, "There is no source nobody"),
    (("remove", "nobody"), 1, "There is no source nobody"),
    (("add",), 2, "Missing argument"),
    (("add", "http://127.0.0.1:9/oai", "--every", "1"), 2, "--every"),
    (("nothing",), 2, "No such command"),
])
def test_what_cannot_be_done_is_one_sentence(registry: Command, words: tuple[str, ...], code: int, says: str) -> None:
    got, out, err = registry(*words)
    assert (got, out) == (code, "")
    assert says in err and "Traceback" not in err


def test_records_in_quarantine_are_listed_shown_let_in_and_muted(registry: Command, north: Site) -> None:
    with shelves.at():
        shelves.put(north, shelves.record("ivo://else.example/x"), shelves.record("ivo://else.example/y"))
    registry("add", north.settings.url("oai"))
    assert registry("quarantine", "list")[1] == "Nothing is in quarantine.\n"
    registry("run")
    found = json.loads(registry("quarantine", "list", "--json")[1])
    assert {one["ivoid"] for one in found} == {"ivo://else.example/x", "ivo://else.example/y"}
    assert "raw" not in found[0] and found[0]["source"] == "north.example"
    numbers = {one["ivoid"][-1]: str(one["id"]) for one in found}
    code, out, _ = registry("quarantine", "list", "north.example")
    assert code == 0 and "does not manage the authority else.example" in out
    code, out, _ = registry("quarantine", "show", numbers["x"])
    assert code == 0 and "<identifier>ivo://else.example/x</identifier>" in out and "reason" in out
    assert registry("quarantine", "show", "--xml", numbers["x"])[1].startswith("<ri:Resource")
    assert registry("quarantine", "accept", numbers["x"])[1] == "ivo://else.example/x is on the shelf now.\n"
    assert json.loads(registry("quarantine", "mute", numbers["y"], "--json")[1])["state"] == "muted"
    assert json.loads(registry("quarantine", "list", "--json")[1]) == []
    assert len(json.loads(registry("quarantine", "list", "--state", "any", "--json")[1])) == 2
    code, _, err = registry("quarantine", "accept", "4711")
    assert code == 1 and "There is no record 4711 in quarantine" in err


def test_a_source_is_changed_and_its_harvest_stopped(registry: Command, north: Site) -> None:
    registry("add", north.settings.url("oai"), "--priority", "2", "--owner", "ann", "--set", "")
    code, out, _ = registry("change", "north.example", "--every", "7200", "--priority", "-3", "--owner", "bob")
    assert (code, out) == (0, "north.example: set (all), every 7200 s, priority -3, owner bob.\n")
    assert json.loads(registry("change", "north.example", "--set", "ivo_managed", "--json")[1])["set_spec"] == "ivo_managed"
    assert registry("change", "north.example")[0] == 2
    code, _, err = registry("cancel", "north.example")
    assert code == 1 and "There is no harvest of it under way." in err


def test_a_great_loss_is_accepted_by_command(registry: Command, north: Site) -> None:
    registry("add", north.settings.url("oai"))
    registry("run")
    with north.database.write() as connection:  # they vanish from its list without a word
        for number in range(4):
            connection.execute(records.update().where(records.c.key == f"ivo://north.example/r{number}").values(
                managed=False))
    code, out, err = registry("run", "--full")
    assert code == 1 and "held" in out and "4 of its 7 records are missing" in err
    assert "`registry harvest run north.example --accept-loss`" in err
    assert json.loads(registry("status", "--json")[1])[0]["health"] == "held"
    done = json.loads(registry("run", "north.example", "--accept-loss", "--json")[1])[0]
    assert (done["state"], done["deleted"]) == ("complete", 4) and "accepted the loss of 4" in done["message"]
    assert registry("run", "--accept-loss")[0] == 2


def test_a_registry_is_looked_at_with_its_sets(registry: Command, north: Site) -> None:
    found = json.loads(registry("test", north.settings.url("oai"), "--json")[1])
    assert (found["sets"], found["set_spec"], found["formats"]) == (["ivo_managed"], "ivo_managed", ["oai_dc", "ivo_vor"])
    assert "sets: ivo_managed; looked into: ivo_managed" in registry("test", north.settings.url("oai"))[1]


def test_a_source_is_tried_paused_and_goes_on_by_command(registry: Command, north: Site) -> None:
    with shelves.at():
        shelves.put(north, shelves.record("ivo://else.example/x"))
    registry("add", north.settings.url("oai"), "--set", "", "--later")
    tried = json.loads(registry("test", "north.example", "--json")[1])["trial"]
    assert (tried["read"], tried["new"], tried["rejected"], tried["list_size"], tried["pages"]) == (5, 4, 1, 8, 2)
    assert (tried["problems"][0]["ivoid"], tried["problems"][0]["path"]) == ("ivo://else.example/x", "/ri:Resource/identifier")
    assert "a harvest would make of them: 4 new" in registry("test", "north.example")[1]
    status = json.loads(registry("status", "--json")[1])[0]
    assert status["last"] is None and status["next_run"] > clock.stamp(), "nothing was kept, and nothing is due"
    assert json.loads(registry("resume", "north.example", "--now", "--json")[1])["last"]["state"] == "queued"
    paused = json.loads(registry("pause", "north.example", "--now", "--json")[1])
    assert paused["paused"] and paused["last"]["state"] == "cancelled"
    assert json.loads(registry("pause", "north.example", "--now", "--json")[1])["paused"], "nothing is under way any more"
