"""Units of work on both databases: all or nothing, one state for a reader, alone where that is asked for."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from registry import schema
from registry.db import Database, DatabaseRefused, UnfitValue, alone, before_commit
from registry.errors import Refusal, Unavailable
from registry.tables import audit, facts, harvest_runs


def put(connection, name, value="1"):
    connection.execute(insert(facts).values(name=name, value=value))


def names(database):
    with database.read() as connection:
        return set(connection.execute(select(facts.c.name)).scalars())


def test_a_unit_is_committed_whole_or_not_at_all(any_site):
    with pytest.raises(ZeroDivisionError), any_site.database.write() as connection:
        put(connection, "one")
        raise ZeroDivisionError
    assert names(any_site.database) == set()
    with any_site.database.write() as connection:
        put(connection, "one")
        put(connection, "two")
    assert names(any_site.database) == {"one", "two"}


def test_a_reader_sees_one_state_however_long_it_reads(any_site):
    database = any_site.database
    with database.read() as connection:
        before = connection.execute(select(facts.c.name)).all()
        with database.write() as other:
            put(other, "meanwhile")
        assert connection.execute(select(facts.c.name)).all() == before
    assert names(database) == {"meanwhile"}


def test_a_settled_reader_waits_for_the_commit_of_whoever_is_stamping_and_sees_it(any_site):
    database = any_site.database
    stamping, go_on, seen = threading.Event(), threading.Event(), []

    def stamp(connection):
        put(connection, "stamp")
        stamping.set()
        assert go_on.wait(10)

    def write():
        with database.write() as connection:
            before_commit(connection, "stamp", stamp)

    def look():
        with database.read_settled() as connection:
            seen.append(connection.execute(select(facts.c.name)).scalar())

    writer, reader = threading.Thread(target=write), threading.Thread(target=look)
    writer.start()
    assert stamping.wait(10)
    reader.start()
    reader.join(0.3)
    assert reader.is_alive() and not seen
    go_on.set()
    writer.join(10)
    reader.join(10)
    assert seen == ["stamp"]


def test_who_is_alone_may_read_decide_and_write(any_site):
    """Eight threads count up by reading first: none overwrites another's."""
    database = any_site.database
    with database.write() as connection:
        put(connection, "count", "0")

    def count():
        for _ in range(25):
            with database.write() as connection:
                alone(connection, "counting")
                value = int(connection.execute(select(facts.c.value).where(facts.c.name == "count")).scalar_one())
                connection.execute(facts.update().where(facts.c.name == "count").values(value=str(value + 1)))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(select(facts.c.value).where(facts.c.name == "count")).scalar_one() == "200"


def test_a_reader_cannot_write_on_a_server(postgres):
    name = postgres.make(template="innerspace")
    database = Database(postgres.url(name))
    with pytest.raises(DBAPIError, match="read-only"), database.read() as connection:
        put(connection, "no")
    database.close()
    postgres.drop(name)


def test_names_and_times_are_in_the_order_of_their_bytes(any_site):
    """A server's own collation would put punctuation last and capitals beside small letters."""
    texts = ["a", "B", "a-b", "a/b", "ab", "a_b", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123Z", "é"]
    with any_site.database.write() as connection:
        for text in texts:
            put(connection, text)
    with any_site.database.read() as connection:
        ordered = list(connection.execute(select(facts.c.name).order_by(facts.c.name)).scalars())
        above = set(connection.execute(select(facts.c.name).where(facts.c.name > "a-b")).scalars())
    assert ordered == sorted(texts, key=str.encode)
    assert above == {text for text in texts if text > "a-b"}


def test_a_text_with_nul_is_no_fault(any_site):
    with any_site.database.write() as connection:
        connection.execute(insert(audit).values(at="", who="a\0b", action="", subject=""))
    with any_site.database.read() as connection:
        assert connection.execute(select(audit.c.who)).scalar_one() in ("a\0b", "a\ufffdb")
        assert connection.execute(select(audit).where(audit.c.who == "a")).first() is None


def test_processes_that_start_together_make_one_schema(postgres):
    name = postgres.make()
    databases = [Database(postgres.url(name)) for _ in range(4)]
    failures = []

    def upgrade(database):
        try:
            schema.upgrade(database)
        except BaseException as error:  # a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert names(databases[0]) == set()
    for database in databases:
        database.close()
    postgres.drop(name)


@pytest.mark.parametrize("url", [
    "postgres", "mysql://u:secret@h/d", "sqlite://", "postgresql://u:secret@h:port/d", "oracle+x://u:secret@h/d", "://secret"])
def test_a_url_that_means_nothing_is_refused_in_a_sentence(url):
    with pytest.raises(DatabaseRefused, match="must look like") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_refused_in_a_sentence():
    database = Database("postgresql://north:secret@127.0.0.1:1/registry?connect_timeout=2")
    words = r"^The PostgreSQL database registry at 127.0.0.1:1 cannot be used: .*refused"
    with pytest.raises(Unavailable, match=words) as refused:
        schema.upgrade(database)
    assert "secret" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_database_that_is_not_there_is_refused_in_a_sentence(postgres):
    with pytest.raises(Unavailable, match='"nowhere" does not exist'):
        schema.upgrade(Database(postgres.url("nowhere")))


def test_a_database_that_cannot_hold_every_letter_is_refused(postgres):
    postgres.tell("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    database = Database(postgres.url("latin"))
    with pytest.raises(DatabaseRefused, match="LATIN1"):
        schema.upgrade(database)
    database.close()
    postgres.drop("latin")


def test_a_file_that_is_no_database_or_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "text").write_text("no database at all, but long enough to be looked at" * 50)
    with pytest.raises(Refusal, match="not a database"):
        schema.upgrade(Database(f"sqlite:///{tmp_path / 'text'}"))
    with pytest.raises(Refusal, match="cannot be made"):
        Database(f"sqlite:///{tmp_path / 'text' / 'below' / 'registry.sqlite'}")


@pytest.mark.parametrize("value", [2**63, 10**30])
def test_a_number_beyond_every_column_is_refused_in_a_sentence(any_site, value):
    with pytest.raises(UnfitValue, match="does not fit"), any_site.database.write() as connection:
        connection.execute(insert(harvest_runs).values(source_id=1, state="", started="", list_size=value))


def test_half_a_character_is_refused_in_a_sentence(any_site):
    with pytest.raises(UnfitValue, match="half a character"), any_site.database.write() as connection:
        put(connection, "\ud800")
    assert names(any_site.database) == set()
