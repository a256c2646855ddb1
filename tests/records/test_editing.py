"""The commands that change records: what they do to the shelf, what they print, and that nothing typed is lost."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from registry.records import drafting, lifecycle, publish, store
from tests.records.conftest import record

NAME = "ivo://north.example/a"


@pytest.fixture()
def a(north: Any) -> store.Record:
    return publish.publish(north, record(NAME, title="First"), who="ann", why="new")


@pytest.fixture()
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes $EDITOR a program that puts `new` where `old` is, and runs `also` before it ends."""

    def be(old: str, new: str, also: str = "") -> None:
        script = tmp_path / "editor"
        script.write_text(f"#!/bin/sh\nsed -i 's|{old}|{new}|' \"$1\"\n{also}\n")
        script.chmod(script.stat().st_mode | stat.S_IEXEC)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(script))

    return be


def shown(site: Any) -> store.Record:
    with site.database.read() as connection:
        found = store.get(connection, NAME)
    assert found is not None
    return found


def test_a_record_is_edited_in_an_editor(command: Any, north: Any, a: store.Record, editor: Any) -> None:
    editor("First", "Second")
    said = command("records", "edit", "IVO://north.example/A", "--why", "typo")
    assert (said.code, said.out, said.err) == (0, f"saved: {NAME} (version 2)\n", "")
    assert shown(north).title == "Second"
    assert list((north.settings.instance / "edits").iterdir()) == []
    assert json.loads(command("records", "history", NAME, "--json").out)[0]["why"] == "typo"


def test_what_was_typed_outlives_a_refusal(command: Any, north: Any, a: store.Record, editor: Any) -> None:
    editor("<title>First</title>", "<titel>Ten lines of work</titel>")
    said = command("records", "edit", NAME)
    assert said.code == 1 and "titel" in said.err and "line" in said.err and said.err.count("\n") == 1
    kept = Path(re.search(r"--file (\S+\.xml)", said.err)[1])  # type: ignore[index]
    assert b"Ten lines of work" in kept.read_bytes() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert shown(north) == a
    kept.write_bytes(kept.read_bytes().replace(b"titel", b"title"))
    mended = re.search(r"registry records (edit .*--file \S+\.xml)", said.err)
    assert mended and command("records", *mended[1].split()).code == 0
    assert shown(north).title == "Ten lines of work"


@pytest.mark.parametrize("broken", ["<unclosed>", "&nbsp;", "<!DOCTYPE r>"])
def test_broken_xml_is_kept_too(command: Any, north: Any, a: store.Record, editor: Any, broken: str) -> None:
    editor("<title>First</title>", broken.replace("&", r"\&"))
    said = command("records", "edit", NAME)
    assert said.code == 1 and "well-formed" in said.err + "well-formed" and "What you typed is in" in said.err
    [kept] = (north.settings.instance / "edits").iterdir()
    assert broken.encode() in kept.read_bytes() and shown(north) == a


def test_who_saves_second_is_told_and_keeps_what_they_typed(
    command: Any, north: Any, a: store.Record, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def typing(filename: str) -> None:
        lifecycle.save(north, record(NAME, title="Bob's"), who="bob")
        path = Path(filename)
        path.write_bytes(path.read_bytes().replace(b"First", b"Ann's"))

    monkeypatch.setenv("EDITOR", "one")
    monkeypatch.setattr("click.edit", lambda filename: typing(filename))
    said = command("records", "edit", NAME)
    assert said.code == 1 and "was saved by bob at" in said.err and "What you typed is in" in said.err
    assert shown(north).title == "Bob's"
    again = re.search(r"registry records (edit .*--file \S+\.xml)", said.err)
    assert again and command("records", *again[1].split()).code == 1, "said again, refused again"
    kept = again[1].split()[-1]
    assert command("records", "edit", NAME, "--file", kept).code == 1, "the file itself tells what it was begun from"
    assert command("records", "edit", NAME, "--expected", 2, "--file", kept).code == 0
    assert shown(north).title == "Ann's"


def test_no_change_and_no_editor_are_sentences(
    command: Any, north: Any, a: store.Record, editor: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    editor("nothing such", "else")
    assert "nothing was changed" in command("records", "edit", NAME).err
    editor("First", "Second", also="exit 3")
    said = command("records", "edit", NAME)
    assert said.code == 1 and "what you typed is in" in said.err and shown(north) == a
    monkeypatch.delenv("EDITOR")
    assert "no terminal" in command("records", "edit", NAME).err


def test_fields_are_set_one_by_one(command: Any, north: Any, a: store.Record) -> None:
    said = command("records", "edit", NAME, "--set", "title=A = B & <C>", "--set", "subjects=x", "--set", "subjects=y",
                   "--set", "status=inactive", "--json")
    told = json.loads(said.out)
    assert (told["title"], told["status"], told["version"]) == ("A = B & <C>", "inactive", 2)
    assert b"<subject>x</subject><subject>y</subject>" in shown(north).xml
    assert command("records", "edit", NAME, "--set", "subjects=", "--set", "title=T").code == 1, "a record needs one"


@pytest.mark.parametrize(("words", "sentence"), [
    (("--set", "title"), "has no value"), (("--set", "colour=red"), "cannot change colour"),
    (("--set", "capabilities=x"), "cannot change capabilities"), (("--set", "title=a", "--set", "title=b"), "2 times"),
    (("--set", "reference_url=ftp://a/"), "referenceURL"), (("--file", "none.xml"), "cannot be read"),
    (("--set", "title=a", "--expected", "7"), "you began from 7"),
])
def test_what_cannot_be_set_is_one_sentence(
    command: Any, north: Any, a: store.Record, words: tuple[str, ...], sentence: str,
) -> None:
    said = command("records", "edit", NAME, *words)
    assert said.code == 1 and sentence in said.err and said.err.count("\n") == 1
    assert shown(north) == a


def test_a_record_keeps_its_name(command: Any, north: Any, a: store.Record) -> None:
    said = command("records", "edit", NAME, "--file", "-", stdin=record(NAME + "b"))
    assert said.code == 1 and "keeps its name" in said.err
    assert command("records", "edit", NAME, "--file", "-", "--set", "title=x").code == 2


def test_a_draft_is_edited_listed_compared_and_published(command: Any, north: Any, a: store.Record) -> None:
    assert "revision 1" in command("records", "edit", NAME, "--draft", "--set", "title=Later").out
    assert "revision 2" in command("records", "edit", NAME, "--draft", "--set", "short_name=L").out
    assert shown(north) == a
    listed = json.loads(command("records", "list", "--drafts", "later", "--json").out)
    assert [(one["ivoid"], one["title"], one["revision"], one["based_on"]) for one in listed] == [(NAME, "Later", 2, 1)]
    assert "There is no draft" in command("records", "list", "--drafts", "nothing such").out
    assert "Later" in command("records", "show", NAME, "--draft").out
    assert "shortName" in command("records", "diff", NAME, "--draft").out
    said = command("records", "publish", NAME, "--why", "done")
    assert said.out == f"published {NAME} (version 2)\n" and shown(north).title == "Later"
    for words in (("publish", NAME), ("show", NAME, "--draft"), ("delete", NAME, "--draft", "--yes"),
                  ("diff", NAME, "--draft")):
        assert "There is no draft" in command("records", *words).err


def test_a_draft_is_thrown_away_and_the_record_stays(command: Any, north: Any, a: store.Record) -> None:
    command("records", "edit", NAME, "--draft", "--set", "title=Later")
    assert command("records", "delete", NAME, "--draft", "--yes").code == 0
    with north.database.read() as connection:
        assert drafting.every(connection) == []
    assert shown(north) == a


def test_an_overtaken_draft_is_published_only_anyway(command: Any, north: Any, a: store.Record) -> None:
    command("records", "edit", NAME, "--draft", "--set", "title=Later")
    command("records", "edit", NAME, "--set", "title=Meanwhile")
    assert "you began from 1" in command("records", "publish", NAME).err
    assert command("records", "publish", NAME, "--anyway").code == 0
    assert shown(north).title == "Later"


def test_records_in_files_are_published_as_ours(command: Any, north: Any, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.xml").write_bytes(record(f"ivo://north.example/{name}"))
    told = json.loads(command("records", "publish", tmp_path / "a.xml", tmp_path / "b.xml", "--json").out)
    assert [(one["ivoid"], one["version"]) for one in told] == [(NAME, 1), ("ivo://north.example/b", 1)]
    assert command("records", "publish", "-", stdin=record(NAME, title="New")).code == 0
    assert "is a folder" in command("records", "publish", tmp_path).err
    (tmp_path / "c.xml").write_bytes(record("ivo://south.example/c"))
    said = command("records", "publish", tmp_path / "c.xml")
    assert said.code == 1 and "c.xml: ivo://south.example/c is not of an authority of ours" in said.err


def test_what_has_changed_is_told_by_element_and_by_line(command: Any, north: Any, a: store.Record) -> None:
    command("records", "edit", NAME, "--set", "title=Second")
    command("records", "edit", NAME, "--set", "short_name=S")
    told = json.loads(command("records", "diff", NAME, "--json").out)
    assert [(one["path"], one["kind"]) for one in told["changes"]] == [("@updated", "changed"), ("shortName", "added")]
    assert told["diff"].startswith("--- version 2\n+++ version 3\n")
    said = command("records", "diff", NAME, 1, 3)
    assert "title" in said.out and "\n-  <title>First</title>" in said.out.replace("- <title>", "-  <title>")
    assert "No element differs" in command("records", "diff", NAME, 3, 3).out
    assert "no version 9" in command("records", "diff", NAME, 1, 9).err
    assert command("records", "diff", NAME + "x").code == 1


def test_a_record_goes_through_its_life_by_command(command: Any, north: Any, a: store.Record) -> None:
    assert command("records", "deactivate", NAME).out == f"inactive: {NAME} (version 2)\n"
    assert json.loads(command("records", "activate", NAME, "--json").out)["status"] == "active"
    assert command("records", "delete", NAME, "--yes", "--expected", 1).code == 1
    assert json.loads(command("records", "delete", NAME, "--yes", "--json").out)["status"] == "deleted"
    assert "restore" in command("records", "edit", NAME, "--set", "title=x").err
    assert "restore" in command("records", "activate", NAME).err
    assert command("records", "restore", NAME, 1).out == f"version 1 restored: {NAME} (version 5)\n"
    assert command("records", "restore", NAME, 4).code == 1
    assert shown(north).status == "active"
    assert command("records", "delete", "ivo://north.example", "--yes").code == 1
