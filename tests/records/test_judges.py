"""Reading documents in several processes: they say what one says, in the same order, and none of them is left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from registry.records import importing, judges
from registry.records.incoming import Document
from registry.records.reading import Found
from tests.conftest import ROOT
from tests.records.conftest import record

PAGE = (b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header status="deleted">'
        b"<identifier>ivo://north.example/gone</identifier></header></record></ListRecords></OAI-PMH>")
SERVICE = '<capability><interface xsi:type="vr:WebBrowser"><accessURL use="full">http://a.example/</accessURL></interface></capability>'


@pytest.fixture()
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started; one is worth it from the first byte on."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **more: Any) -> subprocess.Popen[bytes]:
        found.append(popen(*args, **more))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(judges, "WORTH_IT", 0)
    return found


def documents() -> list[Document]:
    """Good ones, invalid ones, broken ones, empty ones, one that tells of a deletion; several of each."""
    name = "ivo://north.example/{}".format
    return [document for number in range(8) for document in (
        Document(f"good {number}", record(name(f"good{number}"), inside=SERVICE)),
        Document(f"invalid {number}", record(name(f"bad{number}")).replace(b"<title>", b"<tittle>")),
        Document(f"broken {number}", b"<a><b></a>"),
        Document(f"unread {number}", fault="It is empty.", skipped=bool(number % 2)),
        Document(f"page {number}", PAGE), Document(f"nothing {number}", b"<OAI-PMH/>"),
    )]


def told(judged: Iterator[judges.Judged]) -> list[tuple[str, list[Found], list[object]]]:
    """Names in order, what was found, and the rows of that."""
    lists = [(document.name, list(found)) for document, found in judged]
    return [(name, found, [getattr(one, "rows", None) for one in found]) for name, found in lists]


@pytest.mark.parametrize("authority", ["", "north.example"])
def test_several_processes_say_what_one_says(site: Any, started: list[Any], authority: str) -> None:
    alone = told(judges.judged(site.schemas, iter(documents()), authority))
    assert not started
    together = told(judges.judged(site.schemas, iter(documents()), authority, 3))
    assert together == alone and [name for name, _, _ in alone] == [document.name for document in documents()]
    assert len(started) == 3 and all(process.returncode == 0 for process in started)


def test_what_a_killed_process_had_to_do_is_done_all_the_same(site: Any, started: list[Any]) -> None:
    alone = told(judges.judged(site.schemas, iter(documents())))
    judged = judges.judged(site.schemas, iter(documents()), "", 2)
    first = told(islice(judged, 5))
    for process in started:
        process.kill()
        process.wait()
    assert first + told(judged) == alone


def test_for_a_last_document_nobody_is_started(site: Any, started: list[Any]) -> None:
    [(document, found)] = judges.judged(site.schemas, iter(documents()[:1]), "", 2)
    assert document.name == "good 0" and len(list(found)) == 1 and not started


def test_nobody_is_left_when_the_import_stops_early(site: Any, started: list[Any]) -> None:
    judged = judges.judged(site.schemas, iter(documents()), "", 2)
    assert len(list(islice(judged, 3))) == 3
    judged.close()
    assert len(started) == 2 and all(process.returncode == 0 for process in started)


def test_a_large_document_is_read_here_bit_by_bit(
    site: Any, started: list[Any], monkeypatch: pytest.MonkeyPatch,
) -> None:
    here: list[str] = []

    def found_in(_schemas: Any, document: Document, _authority: str) -> Iterator[str]:
        here.append(document.name)
        yield ""

    monkeypatch.setattr(judges, "LARGE", len(PAGE))
    monkeypatch.setattr(judges, "found_in", found_in)
    first, *others = judges.judged(site.schemas, iter(documents()), "", 2)
    assert here == []  # nobody has asked for what is in it
    large = [(document.name, found) for document, found in (first, *others) if len(document.data) > len(PAGE)]
    assert all(list(found) == [""] for _, found in large)
    assert here == [name for name, _ in large]


def test_an_import_by_several_processes_fills_the_same_shelf(north: Any, started: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for document in documents():
        (folder / f"{document.name}.xml").write_bytes(document.data)
    report = importing.import_paths(north, [folder], who="t", own=True, processes=2)
    assert len(started) == 2
    assert report.counts == {"new": 8, "updated": 0, "unchanged": 7, "deleted": 1, "refused": 32, "skipped": 0}
    again = importing.import_paths(north, [folder], who="t", own=True)
    assert again.counts == report.counts | {"new": 0, "unchanged": 16, "deleted": 0}


def test_a_process_that_only_judges_does_without_the_database() -> None:
    words = "import sys, registry.records.judges; print({'sqlalchemy', 'flask', 'requests', 'pydantic'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == "set()"
