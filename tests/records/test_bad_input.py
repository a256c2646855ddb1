"""Documents that nobody should send, by every door that takes records: one sentence with line and element.

Nothing is stored of them, not half a record; no traceback, and bounded memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from registry.errors import Refusal
from registry.records import importing, incoming, judging, lifecycle, publish, store
from registry.records.incoming import Document
from registry.records.publish import PublishRefused
from registry.tables import metadata
from tests.conftest import ROOT
from tests.records import hostile
from tests.records.conftest import record
from tests.records.hostile import BAD, FINE, NAME

MOST_GROWTH = 100  # MB of memory that one document may cost


def contents(site: Any) -> dict[str, list[Any]]:
    with site.database.read() as connection:
        return {name: sorted(map(repr, connection.execute(select(table)))) for name, table in metadata.tables.items()}


def by_publishing(site: Any, data: bytes, _path: Path) -> str:
    with pytest.raises(PublishRefused) as refused:
        publish.publish(site, data, who="t")
    return str(refused.value)


def by_saving(site: Any, data: bytes, _path: Path) -> str:
    with pytest.raises(PublishRefused) as refused:
        lifecycle.save(site, data, who="t")
    return str(refused.value)


def by_import(site: Any, data: bytes, path: Path) -> str:
    path.write_bytes(data)
    [file] = importing.import_paths(site, [path], who="t", own=True).files
    [entry] = file.entries
    assert entry.outcome == store.REFUSED
    return entry.reason


def by_judging(site: Any, data: bytes, path: Path) -> str:
    path.write_bytes(data)
    [document] = incoming.documents([path])
    [found] = judging.of_document(site.schemas, document)
    assert (found.verdict, found.valid) == ("fail", False)
    return f"{found.problems[0].what} (line {found.problems[0].line})"


DOORS: dict[str, Callable[[Any, bytes, Path], str]] = {
    "publish": by_publishing, "save": by_saving, "import": by_import, "validate": by_judging}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", BAD)
def test_one_sentence_names_line_and_element_and_nothing_is_stored(
    north: Any, tmp_path: Path, name: str, door: str,
) -> None:
    before = contents(north)
    said = DOORS[door](north, BAD[name].make(), tmp_path / "bad.xml")
    for words in BAD[name].says:
        assert words in said
    assert "\n" not in said and len(said) < 700 and "Error" not in said
    assert contents(north) == before


@pytest.mark.parametrize("name", FINE)
def test_what_is_unusual_and_right_is_taken(north: Any, tmp_path: Path, name: str) -> None:
    make, title = FINE[name]
    path = tmp_path / "fine.xml"
    path.write_bytes(make())
    assert next(iter(judging.of_document(north.schemas, Document("x", make())))).valid
    assert importing.import_paths(north, [path], who="t", own=True).counts[store.NEW] == 1
    again = publish.publish(north, make(), who="t")
    assert (again.title, again.version) == (title, 1)
    again.xml.decode("utf-8")
    assert b"<?xml" not in again.xml


def test_case_variants_of_one_identifier_are_one_record(north: Any, tmp_path: Path) -> None:
    names = (NAME, NAME.upper().replace("IVO://", "ivo://"), NAME.replace("bad", "BAD"))
    both = b"<VOResources>" + b"".join(record(name, title=name) for name in names) + b"</VOResources>"
    (tmp_path / "both.xml").write_bytes(both)
    counts = importing.import_paths(north, [tmp_path / "both.xml"], who="t", own=True).counts
    assert (counts[store.NEW], counts[store.UPDATED]) == (1, 2)
    published = publish.publish(north, record(names[1]), who="t")
    with north.database.read() as connection:
        assert {one.key for one in (store.get(connection, name) for name in names) if one} == {NAME}
    assert published.version == 4
    with pytest.raises(Refusal, match="saved by t"):
        lifecycle.save(north, record(names[2], title="x"), who="u", expected=1)


@pytest.mark.parametrize("name", ["ivo://south.example/x", "ivo://NORTH.example.evil/x", "ivo://northXexample/x"])
def test_an_authority_that_is_not_ours_is_named_with_its_place(north: Any, name: str) -> None:
    before = contents(north)
    xml = b'<?xml version="1.0"?>\n' + record(name)
    for act in (publish.publish, lifecycle.save, lifecycle.save_draft):
        with pytest.raises(PublishRefused, match=r"not of an authority of ours .*\(line 7, in element identifier\)"):
            act(north, xml, who="t")
    assert contents(north) == before


def test_a_fault_is_told_by_the_line_of_the_file_and_kept_by_the_line_of_the_record(north: Any, tmp_path: Path) -> None:
    head = b'<?xml version="1.0"?>\n<!-- two\n lines -->\n'
    foreign = record("ivo://a.example/x").replace(b"<title>A title</title>", b"<titel>A title</titel>")
    [found] = judging.of_document(north.schemas, Document("x", head + foreign))
    assert found.problems[0].line == 8
    with pytest.raises(PublishRefused, match="line 8"):
        publish.publish(north, head + foreign.replace(b"a.example", b"north.example"), who="t")
    (tmp_path / "x.xml").write_bytes(head + foreign)
    importing.import_paths(north, [tmp_path / "x.xml"], who="t")
    with north.database.read() as connection:
        kept = store.get(connection, "ivo://a.example/x")
    assert kept is not None and kept.problems[0][3] == 5


@pytest.mark.parametrize("words", [("import",), ("import", "--own"), ("validate",), ("records", "publish")])
def test_commands_say_it_on_one_line(command: Any, north: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    for number, (name, bad) in enumerate(BAD.items()):
        if name in ("20 MB of text", "a million elements", "200,000 attributes"):
            continue  # below, each in a process of its own
        path = tmp_path / f"{number}.xml"
        path.write_bytes(bad.make())
        said = command(*words, path)
        assert said.code == 1 or (words == ("import",) and said.code == 0)
        assert said.err.strip().count("\n") <= 1
    with north.database.read() as connection:
        assert store.get(connection, NAME) is None


_MEASURED = """
import sys
from pathlib import Path
from registry.cli.main import main

def most():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))

def run(*words):
    sys.argv = ["registry", "--instance", sys.argv_instance, *words]
    try:
        main()
    except SystemExit as ended:
        return ended.code

sys.argv_instance, good, bad, *words = sys.argv[1:]
run(*words, good)
before = most()
code = run(*words, bad)
print(f"\\nGROWTH {(most() - before) // 1024} CODE {code}")
"""


@pytest.mark.parametrize("words", ["import", "import --own", "validate", "records publish"])
@pytest.mark.parametrize("name", [
    "20 MB of text", "200,000 attributes", "a million elements", "300,000 elements", "10,000 deep", "entities"])
def test_memory_is_bounded(north: Any, tmp_path: Path, name: str, words: str) -> None:
    """In a process of its own that has read a good document before: what libraries take at first use is no growth."""
    (tmp_path / "good.xml").write_bytes(record("ivo://north.example/good"))
    (tmp_path / "bad.xml").write_bytes(BAD[name].make())
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, north.settings.instance, tmp_path / "good.xml", tmp_path / "bad.xml",
         *words.split()], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "INNERSPACE_AUTHORITY": "north.example", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr
    told = done.stdout.rsplit("GROWTH ", 1)[1].split()
    assert int(told[0]) < MOST_GROWTH and told[2] == "1"
    assert hostile.BAD[name].says[0] in done.stderr + done.stdout
