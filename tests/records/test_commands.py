"""The shelf's commands: what they print, where, and their exit codes (0 done, 1 refused, 2 wrong usage)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from registry.cli.main import main
from registry.records import exporting, listing, store
from registry.records.reprojecting import reproject
from registry.tables import described, records, rr_resource
from tests.records.conftest import record
from vosi import xmlio


@pytest.fixture()
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.xml").write_bytes(record("ivo://A.example/a", title="Stars [/bold] :star:"))
    (folder / "b.xml").write_bytes(record("ivo://a.example/b", status="gone"))
    (folder / "c.xml").write_bytes(b"<broken")
    (folder / "notes.txt").write_text("none")
    return folder


def test_import_reports_every_file_and_ends_well_when_something_is_taken(command: Any, files: Path) -> None:
    said = command("import", files)
    assert said.code == 0
    assert "4 files: 2 new, 1 refused, 1 skipped" in said.out
    assert "c.xml" in said.out and "not well-formed" in said.out and "notes.txt" in said.out
    assert "4 of 4" in said.err
    told = json.loads(command("import", files, "--json").out)
    assert {name: number for name, number in told["counts"].items() if number} == {
        "unchanged": 2, "refused": 1, "skipped": 1}
    assert [Path(file["name"]).name for file in told["files"]] == ["a.xml", "b.xml", "c.xml", "notes.txt"]
    assert told["files"][1]["entries"][0]["problems"] > 0


def test_import_of_nothing_that_can_be_taken_fails(command: Any, files: Path) -> None:
    for path in (files / "c.xml", files / "none.xml"):
        said = command("import", path)
        assert said.code == 1 and "Nothing could be taken" in said.err
    said = command("import", "-", "--json")
    assert said.code == 1 and json.loads(said.out)["counts"]["refused"] == 1


def test_import_reads_standard_input(command: Any) -> None:
    said = command("import", "-", stdin=record("ivo://a.example/in"))
    assert said.code == 0 and "1 new" in said.out


def test_import_as_our_own(command: Any, files: Path) -> None:
    said = command("import", "--own", files / "a.xml")
    assert said.code == 0 and "adopted: a.example" in said.out
    assert "a.example" in command("records", "show", "--xml", "ivo://north.example/registry").out
    assert command("import", "--force-own", files).code == 2


def test_records_are_listed_as_they_are(command: Any, files: Path) -> None:
    command("import", files)
    said = command("records", "list", "stars")
    assert said.code == 0 and "Stars [/bold] :star:" in said.out and "ivo://A.example/a" in said.out
    assert len(json.loads(command("records", "list", "--json").out)) == 6
    assert len(json.loads(command("records", "list", "--json", "--origin", "own", "--limit", 2).out)) == 2
    assert "No record matches" in command("records", "list", "nothing such").out


def test_a_record_is_shown_in_whatever_case(command: Any, files: Path) -> None:
    command("import", files)
    assert "Stars [/bold]" in command("records", "show", "IVO://a.EXAMPLE/a").out
    assert json.loads(command("records", "show", "ivo://a.example/b", "--json").out)["problems"]
    assert xmlio.parse(command("records", "show", "ivo://a.example/a", "--xml").out.encode()).tag.endswith("Resource")


@pytest.mark.parametrize("words", [("show",), ("delete", "--yes"), ("history",), ("show", "--xml")])
@pytest.mark.parametrize("name", ["ivo://a b", "", "nonsense", "ivo://a.example/none", "ivo://a.example/%41"])
def test_a_name_of_nothing_is_one_sentence(command: Any, words: tuple[str, ...], name: str) -> None:
    said = command("records", *words, name)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("registry: There is no record") and said.err.count("\n") == 1


def test_a_record_is_deleted_and_its_history_stays(command: Any, files: Path) -> None:
    command("import", files)
    assert command("records", "delete", "ivo://a.example/a", "--yes", "--why", "wrong").code == 0
    assert "Stars" not in command("records", "list").out
    assert "Stars" in command("records", "list", "--deleted").out
    told = json.loads(command("records", "history", "ivo://a.example/a", "--json").out)
    assert [(one["version"], one["status"], one["why"]) for one in told] == [
        (2, "deleted", "wrong"), (1, "active", "imported from a file")]
    assert "Stars" in command("records", "history", "ivo://a.example/a", "--version", 1).out
    assert command("records", "history", "ivo://a.example/a", "--version", 9).code == 1


def test_what_keeps_the_registry_alive_is_not_deleted(command: Any) -> None:
    said = command("records", "delete", "--yes", "ivo://north.example/registry")
    assert said.code == 1 and "own record" in said.err


def test_an_export_is_read_back_without_a_change(command: Any, files: Path, tmp_path: Path) -> None:
    command("import", files)
    said = command("export", tmp_path / "out")
    assert said.code == 0 and "6 records written" in said.out
    assert (tmp_path / "out" / "A.example" / "a.xml").is_file()
    assert (tmp_path / "out" / "north.example.xml").is_file()
    assert "6 unchanged" in command("import", tmp_path / "out").out
    stream = command("export", "-")
    assert stream.code == 0
    assert "6 unchanged" in command("import", "-", stdin=stream.out.encode()).out


def test_an_export_that_cannot_be_written_is_one_sentence(command: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = command("export", tmp_path / "file")
    assert said.code == 1 and "cannot be written" in said.err


@pytest.mark.parametrize("ivoid", [
    "ivo://aaa/../../etc/passwd", "ivo://aaa/.", "ivo://aaa//b", "ivo://aaa/..", "ivo://...", "ivo://aaa/b?c/../d#e/f",
    "ivo://aaa/" + "x" * 1000,
])
def test_no_name_leads_an_export_out_of_its_folder(ivoid: str, tmp_path: Path) -> None:
    path = exporting.file_of(ivoid)
    assert not path.is_absolute() and not {"..", "."} & set(path.parts)
    assert (tmp_path / path).resolve() == tmp_path / path
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()


def test_names_that_differ_have_files_that_differ() -> None:
    names = ["ivo://aaa/a", "ivo://aaa/a.xml", "ivo://aaa/a/b", "ivo://aaa//b", "ivo://aaa/%/b", "ivo://aaa/a?b",
             "ivo://aaa", "ivo://aaa/" + "x" * 300 + "1", "ivo://aaa/" + "x" * 300 + "2", "ivo://aaa/..", "ivo://aaa/."]
    assert len({exporting.file_of(name) for name in names}) == len(names)


def test_validate_tells_the_verdict_on_each(command: Any, files: Path) -> None:
    said = command("validate", files)
    assert said.code == 1 and "2 of 3 fail" in said.err
    told = json.loads(command("validate", files, "ivo://north.example", "--json").out)
    assert [(Path(one["name"]).name, one["valid"]) for one in told] == [
        ("", True), ("a.xml", True), ("b.xml", False), ("c.xml", False)]
    good = command("validate", files / "a.xml", "ivo://NORTH.example/registry")
    assert good.code == 0 and "warn" in good.out and "fail" not in good.out
    assert command("validate", "ivo://a.example/none").code == 1


def test_validate_of_files_needs_no_datacenter(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["registry", "--instance", str(tmp_path / "none"), "validate", str(files / "a.xml")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and not (tmp_path / "none").exists()


def test_validate_alone_is_of_the_registry_itself(
    command: Any, north: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    said = command("validate")
    assert said.code == 1 and "/oai: fail, 0 records" in said.out and "allowed_networks" not in said.out, "nobody serves it now"
    monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(tmp_path / "none"), "validate"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "no datacenter in" in capsys.readouterr().err


def test_reproject_makes_lost_rows_anew(command: Any, north: Any) -> None:
    with north.database.write() as connection:
        before = connection.execute(select(*described(rr_resource)).order_by(rr_resource.c.ivoid)).all()
        connection.execute(rr_resource.delete())
        connection.execute(records.update().where(records.c.key == "ivo://north.example").values(projected="old"))
    assert command("reproject", "--behind").out == "1 records projected\n"
    assert command("reproject").out == "4 records projected\n"
    with north.database.read() as connection:
        assert connection.execute(select(*described(rr_resource)).order_by(rr_resource.c.ivoid)).all() == before
    assert reproject(north, behind_only=True) == 0


def test_reproject_takes_out_what_is_no_longer_active(north: Any) -> None:
    with north.database.write() as connection:
        connection.execute(records.update().values(status="inactive"))
    assert reproject(north, behind_only=True) == 4
    with north.database.read() as connection:
        assert connection.execute(rr_resource.select()).all() == []
        assert {one.status for one in listing.browse(connection)} == {store.INACTIVE}
