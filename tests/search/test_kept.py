"""Answers are kept while the shelf stands, never longer, and equal queries under way share one run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from flask.testing import FlaskClient

from registry import clock, sending
from registry.errors import Unavailable
from registry.records import reprojecting, store
from registry.search import kept
from registry.search.kept import Kept
from registry.search.running import Queries
from registry.sending import Part
from tests.oai.serving import loopback, serving
from tests.oai.shelves import put, record
from tests.search.test_tap_views import ask, client_of

A = "ivo://north.example/a"
TITLES = "SELECT ivoid, res_title FROM rr.resource"


@pytest.fixture()
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The queries that were run, and not answered by what is kept. Every second is over: so all is kept."""
    found: list[str] = []
    run = Queries.answer

    @contextmanager
    def counted(self: Queries, adql: str, **more: Any) -> Iterator[Any]:
        found.append(adql)
        with run(self, adql, **more) as answer:
            yield answer

    monkeypatch.setattr(Queries, "answer", counted)
    monkeypatch.setattr(kept.clock, "stamp", lambda: "9999-01-01T00:00:00Z")
    return found


@pytest.fixture()
def client(site: Any) -> FlaskClient:
    """/tap over one record."""
    put(site, record(A, title="First"))
    return client_of(site)


def test_an_answer_is_kept_until_a_record_changes(any_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(any_site, record(A, title="First"))
    client = client_of(any_site)
    later, runs = clock.later(5, clock.now()), []
    run = Queries.answer

    def counted(self: Queries, adql: str, **more: Any) -> Any:
        runs.append(adql)
        return run(self, adql, **more)

    monkeypatch.setattr(Queries, "answer", counted)
    monkeypatch.setattr(kept.clock, "stamp", lambda: later.strftime("%Y-%m-%dT%H:%M:%SZ"))
    first = ask(client, TITLES)
    assert [ask(client, TITLES).data for _ in range(3)] == [first.data] * 3 and b"First" in first.data and len(runs) == 1
    put(any_site, record(A, title="Second"))
    assert b"Second" in ask(client, TITLES).data and len(runs) == 2
    with any_site.database.write() as connection:
        store.delete(connection, A, who="t", why="")
    assert b"<TR>" not in ask(client, TITLES).data and len(runs) == 3


def test_format_and_limit_are_part_of_what_is_asked(client: FlaskClient, runs: list[str]) -> None:
    answers = [ask(client, TITLES, **more).data for more in ({}, {"MAXREC": "0"}, {"RESPONSEFORMAT": "csv"})] * 2
    assert len(runs) == 3 and answers[:3] == answers[3:] and len(set(answers)) == 3


def test_tables_made_anew_count_as_changed(client: FlaskClient, site: Any, runs: list[str]) -> None:
    ask(client, TITLES)
    reprojecting.reproject(site)
    ask(client, TITLES)
    assert len(runs) == 2


@pytest.mark.parametrize("adql", ["SELECT ivoid, last_seen_alive FROM site.service", "SELECT ivoid, RAND() AS r FROM rr.resource",
                                  'SELECT * FROM "site".service'])
def test_what_changes_by_itself_is_not_kept(client: FlaskClient, runs: list[str], adql: str) -> None:
    assert [ask(client, adql).status_code for _ in range(2)] == [200, 200] and len(runs) == 2


def test_nothing_is_kept_in_the_second_of_a_change(client: FlaskClient, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept.clock, "stamp", lambda: "1999-01-01T00:00:00Z")
    assert [ask(client, TITLES).status_code for _ in range(2)] == [200, 200] and len(runs) == 2


def test_errors_are_not_kept(client: FlaskClient, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert [ask(client, "SELECT SUM(9223372036854775807) AS s FROM rr.resource AS a, tap_schema.columns AS b").status_code
            for _ in range(2)] == [400, 400]
    assert len(runs) == 2


@pytest.mark.parametrize("breaks", [False, True])
def test_equal_queries_under_way_share_one_run(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, breaks: bool) -> None:
    begun, go, runs, found, run = threading.Event(), threading.Event(), [], [], Queries.answer

    def slow(self: Queries, adql: str, **more: Any) -> Any:
        runs.append(adql)
        begun.set()
        if len(runs) == 1:
            go.wait(10)
            if breaks:
                raise Unavailable("The database does not answer just now.")
        return run(self, adql, **more)

    monkeypatch.setattr(Queries, "answer", slow)
    monkeypatch.setattr(kept.clock, "stamp", lambda: "9999-01-01T00:00:00Z")
    threads = [threading.Thread(target=lambda: found.append(ask(client, TITLES))) for _ in range(4)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(20)
    # where the first breaks off the others do not wait for each other
    assert sorted(answer.status_code for answer in found) == ([200] * 3 + [503] if breaks else [200] * 4)
    assert len(runs) > 1 if breaks else len(runs) == 1


def test_without_room_on_the_disk_answers_are_not_kept(
    client: FlaskClient, runs: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(**_: Any) -> Any:
        raise OSError("No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert [ask(client, TITLES).status_code for _ in range(2)] == [200, 200] and len(runs) == 2


def test_what_is_too_much_is_forgotten_while_others_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_BYTES", 100)
    answers = Kept()
    answers.put("now", ("a",), b"a" * 60)
    first = answers.get("now", ("a",))
    answers.put("now", ("b",), b"b" * 60)
    assert first is not None and first.again().read() == b"a" * 60
    assert answers.get("now", ("a",)) is None
    second = answers.get("now", ("b",))
    assert second is not None and second.again().read() == b"b" * 60
    assert answers.get("then", ("b",)) is answers.get("", ("b",)) is None


def test_large_answers_come_whole_over_the_wire_whether_made_or_kept(client: FlaskClient, runs: list[str]) -> None:
    query = urlencode({"LANG": "ADQL", "MAXREC": "5000", "QUERY":
                       "SELECT a.description, b.column_name FROM tap_schema.columns AS a, tap_schema.columns AS b"})
    made = client.get(f"/tap/sync?{query}").data
    held, found = loopback(), []
    with serving(client.application, held, threads=4):
        url = f"http://127.0.0.1:{held.getsockname()[1]}/tap/sync?{query}"

        def fetch() -> None:
            with urlopen(url, timeout=20) as answer:
                found.append((answer.read(), int(answer.headers["Content-Length"])))

        threads = [threading.Thread(target=fetch) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(made) > sending.LARGE and found == [(made, len(made))] * 3 and len(runs) == 1


def test_a_part_of_a_file_is_read_as_a_file_of_its_own() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"before" + bytes(range(256)) * 2000 + b"after")
        part = Part(file, 6, 512_000)  # type: ignore[arg-type]
        other, pieces = part.again(), []
        while piece := part.read(1_000_000):
            pieces.append(piece)
        assert len(pieces) > 3 and b"".join(pieces) == bytes(range(256)) * 2000
        assert other.seek(0, os.SEEK_END) == 512_000 == other.tell() and other.read(5) == b"" and other.seek(-2, os.SEEK_CUR)
        assert other.read() == b"\xfe\xff"


def test_sqlite_counts_no_memory_unless_a_database_is_open_already() -> None:
    program = ("import sqlite3; from registry import allocating as a; c = sqlite3.connect(':memory:'); a.count_no_memory(); "
               "print(a._done); c.execute('SELECT 1'); c.close(); a.count_no_memory(); print(a._done); "
               "print(sqlite3.connect(':memory:').execute('SELECT 1').fetchall())")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "[(1,)]"]
