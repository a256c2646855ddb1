"""The schema's history: a database of any older revision is brought to the present one, with all its rows, or stays as it is."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import JSON, Boolean, Connection, Float, Integer, LargeBinary, MetaData, Table, insert, inspect, text
from sqlalchemy.exc import OperationalError

from registry import schema
from registry.db import Database, DatabaseRefused
from registry.errors import Refusal
from registry.migrations import reading
from registry.schema import SchemaTooNew, SchemaTooOld
from tests.databases.catalogue import catalogue
from vosi import xmlio

Maker = Callable[..., Database]
REVISIONS = [one.number for one in reversed(schema._known())]
OLD = REVISIONS[:-1]
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
RECORD = b'<r xmlns=""  b="2" a="1"><!-- old --><identifier>ivo://north.example/old</identifier></r>'


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def makers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Maker, dict[str, str]]]:
    """Makes databases of one kind, copies of another or with nothing in them; and one of each older revision, to copy."""
    folder, made, names = tmp_path_factory.mktemp("databases"), [], []

    def make(template: str = "") -> Database:
        if request.param == "sqlite":
            names.append(str(folder / f"{len(made)}.sqlite"))
            if template:
                shutil.copy(template, names[-1])
            made.append(Database(f"sqlite:///{names[-1]}"))
        else:
            server = request.getfixturevalue("postgres")
            names.append(server.make(template or "template1"))
            made.append(Database(server.url(names[-1])))
        return made[-1]

    templates = {}
    for revision in OLD:
        _age(make(), revision).close()
        templates[revision] = names[-1]
    yield make, templates
    for database in made:
        database.close()
    if request.param == "postgresql":
        for name in names:
            request.getfixturevalue("postgres").drop(name)


@pytest.fixture()
def blank(makers: tuple[Maker, dict[str, str]]) -> Maker:
    """Makes databases with nothing in them."""
    return makers[0]


@pytest.fixture()
def old(makers: tuple[Maker, dict[str, str]]) -> Callable[..., Database]:
    """Makes databases of an older revision, with a row in each table."""
    return lambda revision=REVISIONS[0]: makers[0](makers[1][revision])


def _age(database: Database, revision: str) -> Database:
    """Make it one of that revision, as its program did, with a row in each table."""
    with database.altering() as connection:
        for number in REVISIONS[:REVISIONS.index(revision) + 1]:
            for clause in reading.clauses(number, connection.dialect.name):
                connection.execute(clause)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                                "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
        for table in _tables(connection):
            if table.name != "moc_cells":  # by a trigger
                connection.execute(insert(table).values(_row(table)))
    return database


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection, only=[name for name in inspect(connection).get_table_names() if "words_" not in name])
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _row(table: Table) -> dict[str, object]:
    """A row that names the first row of each table that it has to name."""
    values: dict[str, object] = {}
    for column in table.columns:
        kind = column.type
        if column.computed is not None:
            continue
        if isinstance(kind, LargeBinary):
            values[column.name] = RECORD
        elif isinstance(kind, JSON) or column.name == "coverage_cells":
            values[column.name] = [1] if isinstance(kind, JSON) else "[7]"
        elif isinstance(kind, Boolean):
            values[column.name] = True
        elif isinstance(kind, Integer | Float):
            values[column.name] = 1
        else:
            values[column.name] = "stars"
    return values


def rows(database: Database) -> dict[str, list[dict[str, object]]]:
    with database.read() as connection:
        names = [name for name in inspect(connection).get_table_names() if "words_" not in name and name != "alembic_version"]
        return {name: [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in names}


@pytest.mark.parametrize("revision", OLD)
def test_a_database_that_was_upgraded_is_as_one_that_is_new(blank, old, revision):
    """Where this fails, `registry.tables` has changed without a revision: write one (docs/decisions/0006)."""
    new, upgraded = blank(), old(revision)
    schema.upgrade(new)
    assert schema.upgrade(upgraded).present == revision
    expected, found = catalogue(new), catalogue(upgraded)
    for kind, entries in expected.items():
        assert found[kind] == entries, kind
    assert schema.state(upgraded) == schema.state(new)


RENAMED = {"local_service": "site_service"}


@pytest.mark.parametrize("revision", OLD)
def test_every_row_is_kept(old, revision):
    database = old(revision)
    before = rows(database)
    schema.upgrade(database)
    after = rows(database)
    for table, [row] in ((name, found) for name, found in before.items() if found):
        [kept] = after[RENAMED.get(table, table)]
        same = row.keys() & kept.keys() - {"digest", "projected"}
        assert {name: kept[name] for name in same} == {name: row[name] for name in same}
    assert sum(map(len, before.values())) > 50


def test_digests_are_those_of_the_program_and_nothing_seems_changed(old):
    database = old()
    with database.write() as connection:
        connection.execute(text("UPDATE records SET digest = 'old', projected = 'old'"))
    schema.upgrade(database)
    digest = xmlio.digest(xmlio.parse(RECORD))
    with database.read() as connection:
        for query in ("SELECT digest FROM records", "SELECT projected FROM records", "SELECT digest FROM record_versions",
                      "SELECT digest FROM held_changes"):
            assert connection.execute(text(query)).scalar() == digest, query


def test_words_are_found_after_it_as_before(old):
    database = old()
    schema.upgrade(database)
    with database.write() as connection:
        if database.is_sqlite:
            connection.execute(text("INSERT INTO words_resource (words_resource) VALUES ('rebuild')"))
        query = ("SELECT count(*) FROM words_resource WHERE words_resource MATCH 'star'" if database.is_sqlite else
                 "SELECT count(*) FROM rr_resource WHERE res_title_words @@ words_asked('star')")
        assert connection.execute(text(query)).scalar() == 1
        connection.execute(text("DELETE FROM rr_resource"))
        assert connection.execute(text(query)).scalar() == 0


@pytest.mark.parametrize("statement", [1, 3])
def test_a_process_that_is_killed_amid_an_upgrade_leaves_all_as_it_was(old, statement):
    database = old()
    before, as_it_was = catalogue(database), rows(database)
    name = _closed(database)
    whole = reading.statements

    def cut(*args: str) -> Iterator[str]:
        for number, one in enumerate(whole(*args)):
            if number == statement:
                os.kill(os.getpid(), signal.SIGKILL)
            yield one

    child = os.fork()
    if child == 0:
        reading.statements = cut
        schema.upgrade(Database(name))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert (catalogue(database), rows(database)) == (before, as_it_was)
    assert schema.upgrade(database).present == "0001"
    assert schema.state(database).pending == ()


def _closed(database: Database) -> str:
    """Its URL, for processes of their own: connections are not theirs."""
    database.engine.dispose()
    return str(database.url.render_as_string(hide_password=False))


@pytest.mark.parametrize("cuts", [12, pytest.param(400, marks=pytest.mark.soak)])
def test_a_power_cut_amid_an_upgrade_leaves_the_old_or_the_new(tmp_path, cuts):
    """Of what SQLite has written to its log any part may be on the disk, and the last of it torn."""
    file = tmp_path / "whole.sqlite"
    database = Database(f"sqlite:///{file}")
    _age(database, "0001")
    database.close()
    database = Database(f"sqlite:///{file}")
    with database.read():  # so that the log is not brought into the file
        before = file.read_bytes()
        schema.upgrade(database)
        log = (tmp_path / "whole.sqlite-wal").read_bytes()
    found = set()
    for number in range(cuts + 1):
        at = len(log) * number // cuts
        (tmp_path / "cut.sqlite").write_bytes(before)
        (tmp_path / "cut.sqlite-wal").write_bytes(log[:at] + bytes(len(log[at:at + 4096])) if number % 2 else log[:at])
        cut = Database(f"sqlite:///{tmp_path / 'cut.sqlite'}")
        with cut.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        found.add(schema.upgrade(cut).present)
        assert schema.state(cut).pending == () and sum(map(len, rows(cut).values())) > 50
        cut.close()
        for left in tmp_path.glob("cut.*"):
            left.unlink()
    assert found == {"0001", REVISIONS[-1]}
    database.close()


@pytest.mark.parametrize("room", [0, 4096, 60_000])
def test_a_full_disk_leaves_the_old(tmp_path, room):
    """No file may grow beyond some length, as on a disk without room; with room again it is upgraded."""
    database = _age(Database(f"sqlite:///{tmp_path / 'x.sqlite'}"), "0001")
    before = rows(database)
    name = _closed(database)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            schema.upgrade(Database(name))
        except (OperationalError, Refusal):
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert rows(database) == before and schema.upgrade(database).present == "0001"
    database.close()


def test_two_processes_that_upgrade_at_once_do_it_once(old):
    database = old()
    name = _closed(database)
    reader, writer = os.pipe()
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:  # tells what it found, or nothing where it failed
            found = schema.upgrade(Database(name))
            os.write(writer, f"{found.present} ".encode())
            os._exit(0)
        children.append(child)
    os.close(writer)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    with os.fdopen(reader) as said:
        assert sorted(said.read().split()) == ["0001", REVISIONS[-1], REVISIONS[-1]]
    assert schema.state(database).pending == ()


def test_a_rehearsal_changes_nothing_and_finds_what_would_fail(old):
    database = old()
    before, as_it_was = catalogue(database), rows(database)
    assert schema.rehearse(database).present == "0001"
    assert (catalogue(database), rows(database)) == (before, as_it_was)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE harvest_runs ADD COLUMN tail TEXT"))  # somebody else's
    with pytest.raises(Exception, match="tail"):
        schema.rehearse(database)


def test_a_dry_run_prints_the_statements_of_this_database(old):
    database = old()
    told = schema.statements(database)
    assert "ALTER TABLE local_service RENAME TO site_service" in told and "version_num='0002'" in told
    assert ('COLLATE "C"' in told) is not database.is_sqlite
    schema.upgrade(database)
    assert schema.statements(database) == ""


def test_an_older_database_is_not_changed_by_the_way(old):
    database = old()
    with pytest.raises(SchemaTooOld, match=r"revision 0001.*needs \d{4}.*`registry upgrade`"):
        schema.ready(database)
    assert schema.state(database).present == "0001"


def test_a_newer_database_is_refused_in_one_sentence(blank):
    database = blank()
    schema.ready(database)
    schema.ready(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (schema.ready, schema.upgrade, schema.state):
        with pytest.raises(SchemaTooNew, match=r"newer version.*9999.*install that version") as refused:
            act(database)
        assert "\n" not in str(refused.value)


def test_tables_of_somebody_else_are_not_taken_for_ours(blank):
    database = blank()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE records (id INTEGER PRIMARY KEY)"))
    with pytest.raises(DatabaseRefused, match="not a registry's"):
        schema.upgrade(database)


def test_a_row_that_would_name_one_that_is_not_there_is_no_upgrade(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.upgrade(database)
    with pytest.raises(DatabaseRefused, match="sessions.*accounts"), database.altering() as connection:
        connection.execute(text("INSERT INTO sessions (token_hash, account_id, issuer, created, seen) "
                                "VALUES ('a', 9, '', '', '')"))
    with database.write() as connection:  # and from then on they are looked at again
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()
