"""Queries run within their time, a few at once, and can do nothing but read, on both databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from registry import words
from registry.errors import Unavailable
from registry.schema import upgrade
from registry.search import running, timing
from registry.search.adql import AdqlRefused, Translated
from registry.search.reading import open_readonly
from registry.search.running import Queries, Stop, Stopped, TooLong, TooManyQueries
from registry.search.turns import Turns
from registry.site import open_site
from registry.tables import rr_res_subject, rr_resource

MANY = "SELECT count(*) FROM rr.res_subject a, rr.res_subject b, rr.res_subject c, rr.res_subject d, rr.res_subject e"
ROWS = "SELECT a.ivoid FROM rr.res_subject a, rr.res_subject b"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def their_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A datacenter with a few rows, once on each kind of database."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    name = server.make(template="innerspace") if server else ""
    opened = open_site(tmp_path_factory.mktemp("site"), database_url=server.url(name) if server else "")
    upgrade(opened.database)
    with opened.database.write() as connection:
        connection.execute(insert(rr_resource), [{"ivoid": f"ivo://{n}", "res_title": f"Title {n}"} for n in range(20)])
        connection.execute(insert(rr_res_subject), [{"ivoid": f"ivo://{n}", "res_subject": "stars"} for n in range(400)])
    yield opened
    opened.close()
    if server:
        server.drop(name)


@pytest.fixture()
def queries(their_site: Any) -> Iterator[Queries]:
    """What answers queries there."""
    opened = Queries(their_site)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database."""
    opened = open_site(tmp_path_factory.mktemp("file"))
    upgrade(opened.database)
    opened.close()
    return Path(str(opened.database.url.database))


def rows(queries: Queries, adql: str, **options: Any) -> list[tuple[Any, ...]]:
    with queries.answer(adql, **options) as answer:
        return list(answer.rows)


def test_a_query_ends_with_its_time_and_the_next_one_is_answered(queries: Queries) -> None:
    with pytest.raises(TooLong, match="longer than the 0.3 seconds that it may: ask for less"):
        rows(queries, MANY, seconds=0.3)
    assert rows(queries, "SELECT count(*) FROM rr.resource") == [(20,)]


def test_time_ends_between_rows_too(queries: Queries) -> None:
    with queries.answer(ROWS, seconds=60, maxrec=10**6) as answer:
        found = answer.rows
        next(found)
        answer.clock.left = 0.0
        with pytest.raises(TooLong):
            list(found)


def test_a_query_is_stopped_by_another_thread(queries: Queries) -> None:
    stop = Stop()
    asker = threading.Timer(0.2, stop.ask)
    asker.start()
    with pytest.raises(Stopped):
        rows(queries, MANY, seconds=60, stop=stop)
    asker.join()
    with pytest.raises(Stopped):  # before it has begun
        rows(queries, "SELECT count(*) FROM rr.resource", stop=stop)


def test_overflow_is_known_behind_the_rows(queries: Queries) -> None:
    for maxrec, found, more in ((19, 19, True), (20, 20, False), (0, 0, True), (None, 20, False)):
        with queries.answer("SELECT ivoid FROM rr.resource", maxrec=maxrec) as answer:
            assert (len(list(answer.rows)), answer.overflow) == (found, more)
    assert len(rows(queries, "SELECT TOP 3 ivoid FROM rr.resource", maxrec=5)) == 3


def test_no_more_queries_run_at_once_than_may(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE", 0.01)
    queries._turns = Turns(1)
    with queries.answer("SELECT ivoid FROM rr.resource") as answer:
        with pytest.raises(TooManyQueries) as refused:
            rows(queries, "SELECT ivoid FROM rr.resource")
        assert refused.value.status == 429 and refused.value.retry_after
        assert len(list(answer.rows)) == 20
    assert len(rows(queries, "SELECT ivoid FROM rr.resource")) == 20


def test_a_long_query_leaves_its_turn_to_others_and_few_are_long(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LONG", 0.1)
    queries._turns, queries._long = Turns(1), Turns(1)
    stop, ended = Stop(), []

    def long() -> None:
        with pytest.raises(Stopped):
            rows(queries, MANY, stop=stop)
        ended.append(True)

    thread = threading.Thread(target=long)
    thread.start()
    while queries._long._free:
        time.sleep(0.01)
    assert rows(queries, "SELECT count(*) FROM rr.resource") == [(20,)]
    with pytest.raises(TooManyQueries, match="takes long, and others .* /tap/async"):
        rows(queries, MANY)
    assert not ended
    stop.ask()
    thread.join(20)
    assert ended and (queries._turns._free, queries._long._free) == (1, 1)
    # whoever brings seconds along has places elsewhere
    with pytest.raises(TooLong):
        rows(queries, MANY, seconds=0.3)
    assert queries._turns._free == 1


def test_others_write_and_read_while_an_answer_is_open(queries: Queries, their_site: Any) -> None:
    with queries.answer("SELECT a.ivoid FROM rr.res_subject a, rr.res_subject b", maxrec=10_000) as answer:
        found = answer.rows
        next(found)
        with their_site.database.write() as connection, words.filled(connection, rr_resource):
            connection.execute(insert(rr_resource), [{"ivoid": "ivo://new", "res_title": "Fresh quasars"}])
        assert rows(queries, "SELECT ivoid FROM rr.resource WHERE 1=ivo_hasword(res_title, 'quasar')") == [("ivo://new",)]
        assert sum(1 for _ in found) == 9_999
    with their_site.database.write() as connection:
        connection.execute(rr_resource.delete().where(rr_resource.c.ivoid == "ivo://new"))


def test_many_threads_are_answered_rightly(queries: Queries) -> None:
    found: list[Any] = []

    def ask(number: int) -> None:
        found.append(rows(queries, f"SELECT res_title FROM rr.resource WHERE ivoid = 'ivo://{number}'"))

    threads = [threading.Thread(target=ask, args=(number % 20,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([(f"Title {number % 20}",)] for number in range(24))


@pytest.mark.parametrize("sql", ["DELETE FROM rr_resource", "UPDATE rr_resource SET res_title = ''", "DROP TABLE rr_resource",
                                 "CREATE TABLE more (a integer)", "INSERT INTO rr_resource (ivoid) VALUES ('x')"])
def test_even_a_mistake_of_ours_cannot_write(
    queries: Queries, their_site: Any, monkeypatch: pytest.MonkeyPatch, sql: str,
) -> None:
    monkeypatch.setattr(running, "translate", lambda *_: Translated(sql, {}, ()))
    with pytest.raises(AdqlRefused):
        rows(queries, "whatever")
    with their_site.database.read() as connection:
        titles = select(func.count(), func.min(rr_resource.c.res_title)).select_from(rr_resource)
        assert tuple(connection.execute(titles).one()) == (20, "Title 0")


@pytest.mark.parametrize("sql", [
    "SELECT * FROM accounts", "SELECT xml FROM records", "SELECT * FROM sqlite_master", "PRAGMA query_only = OFF",
    "PRAGMA table_info(rr_resource)", "ATTACH DATABASE ':memory:' AS other", "SELECT load_extension('x')",
    "SELECT randomblob(1000000000)", "SELECT zeroblob(1000000000)", "SELECT printf('%1000000000d', 1)",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT * FROM n", "CREATE TEMP TABLE t (a)",
    "BEGIN IMMEDIATE", "VACUUM", "SELECT * FROM pragma_table_info('rr_resource')", "SELECT * FROM fts5vocab",
    "INSERT INTO words_resource (words_resource) VALUES ('rebuild')", "SELECT writefile('x', 'y')", "ANALYZE", "REINDEX"])
def test_a_connection_for_queries_does_nothing_but_read_the_projection(file: Path, sql: str) -> None:
    connection = open_readonly(file)
    with pytest.raises(sqlite3.Error, match="not authorized|denied|prohibited|no such|readonly|attempt to write"):
        connection.execute(sql).fetchall()
    connection.close()


def test_a_database_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        open_readonly(tmp_path / "nothing.sqlite")


def test_what_a_database_cannot_work_out_is_said_in_a_sentence(queries: Queries) -> None:
    with pytest.raises(AdqlRefused, match="cannot work this out: .*(overflow|out of range)"):
        rows(queries, "SELECT SUM(9223372036854775807) AS s FROM rr.resource")
