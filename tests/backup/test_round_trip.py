"""A datacenter that is backed up and restored is the same, but for what was going on in it."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Table, insert, select, text

from registry import create_app, schema
from registry.backup import archive, copying, making, restoring, upgrading
from registry.backup.copying import CopyFailed
from registry.backup.upgrading import NoBackup
from registry.cli import common, site as site_commands
from registry.cli.main import registry
from registry.db import Database
from registry.errors import Conflict, NotFound, Unavailable
from registry.migrations import reading
from registry.schema import SchemaTooNew, SchemaTooOld
from registry.site import open_site
from registry.tables import audit, metadata
from registry.uws import store
from registry.uws.phases import ERROR, PENDING, QUEUED

CHANGED = {"sessions", "facts", "audit", "jobs", "job_phases", "job_usage"}


def rows(database: Any, table: Table) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def answers(site: Any) -> list[bytes]:
    client = create_app(site).test_client()
    paths = ("/oai?verb=Identify", "/oai?verb=ListRecords&metadataPrefix=ivo_vor",
             "/oai?verb=ListIdentifiers&metadataPrefix=oai_dc", "/records/north.example/registry.xml",
             "/jobs/done", "/jobs/done/results/stars.txt", "/jobs/waits")
    found = [client.get(path) for path in paths]
    assert [one.status_code for one in found] == [200] * len(paths)
    return [re.sub(rb"<responseDate>[^<]*", b"", one.data) for one in found]


def test_what_comes_out_is_what_went_in(north, elsewhere, tmp_path):
    made = making.make(north.settings, north.database, tmp_path)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    restored = restoring.restore(made.path, elsewhere_ := elsewhere(), "ann")
    again = open_site(elsewhere_)
    for table in metadata.sorted_tables:
        if table.name not in CHANGED:
            assert rows(again.database, table) == rows(north.database, table), table.name
    assert answers(again) == answers(north)
    assert again.secret == north.secret  # resumption tokens stay good
    assert (elsewhere_ / "keys" / "credentials.json").read_text() == '{"ivo://north.example/x": "secret"}'
    private = (elsewhere_ / "keys" / "secret", elsewhere_ / "config.toml", elsewhere_ / "keys" / "credentials.json")
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE((elsewhere_ / "results/done/files/deep/stars.txt").stat().st_mode) == 0o644
    assert not list(elsewhere_.rglob("link")) and not (elsewhere_ / "results" / "of nobody").exists()
    assert (restored.settled.stopped, restored.settled.folders) == (1, 1)
    again.close()
    assert sorted(path.name for path in tmp_path.glob(".*")) == []  # nothing is left lying about


def test_what_was_going_on_is_not_taken_up_by_the_copy(north, elsewhere, tmp_path):
    made = making.make(north.settings, north.database, tmp_path / "b.tar.gz")
    restoring.restore(made.path, place := elsewhere(), "ann")
    again = open_site(place)
    assert again.settings.engine_name != north.settings.engine_name  # containers of that name are not its own
    with again.database.read() as connection:
        runs, taken, far = (store.get(connection, name) for name in ("runs", "taken", "far"))
        assert (runs.phase, runs.lease, runs.error_type) == (ERROR, "", "transient") and "run it again" in (runs.error or "")
        assert (taken.phase, taken.lease, taken.step) == (QUEUED, "", "") and taken.rank
        assert store.get(connection, "new").phase is PENDING and far.step == store.ELSEWHERE
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM facts WHERE name = 'dc gateway'")).scalar() == 0
        assert connection.execute(select(audit.c.detail).where(audit.c.action == "restore")).scalar() == "1 jobs were running"
        assert [job.id for job in store.leased(connection)] == []
    with again.database.write() as connection:
        assert {job.id for _ in range(2) if (job := store.claim(connection, "mine", 9))} == {"waits", "taken"}
    again.close()


def test_a_backup_holds_one_state_while_others_write(north, elsewhere, tmp_path):
    stop, wrote = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with north.database.write() as connection:  # both or none
                for action in ("one", "two"):
                    connection.execute(insert(audit).values(at=str(number), who="x", action=action, subject="y" * 5000))
            number += 1
            if number == 20:
                wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    wrote.wait(30)
    try:
        made = making.make(north.settings, north.database, tmp_path, results=False)
    finally:
        stop.set()
        thread.join()
    restoring.restore(made.path, place := elsewhere(), "ann")
    again = open_site(place)
    with again.database.read() as connection:
        found = dict(connection.execute(text("SELECT action, count(*) FROM audit WHERE who = 'x' GROUP BY action")).all())
    assert found["one"] == found["two"] >= 20
    again.close()


def test_keys_and_results_may_be_left_out(site, tmp_path):
    from tests.backup.conftest import fill
    fill(site)
    made = making.make(site.settings, site.database, tmp_path, keys=False, results=False)
    with tarfile.open(made.path) as tar:
        assert tar.getnames() == ["backup.json", "database.sqlite", "config.toml", "digests.json"]
    restoring.restore(made.path, tmp_path / "copy", "ann")
    again = open_site(tmp_path / "copy")
    assert again.secret != site.secret
    assert create_app(again).test_client().get("/jobs/done/results/stars.txt").status_code == 404
    again.close()


def test_it_is_refused_where_something_is_already(north, elsewhere, tmp_path):
    made = making.make(north.settings, north.database, tmp_path / "b.tar.gz")
    with pytest.raises(Conflict, match="there already"):
        making.make(north.settings, north.database, tmp_path / "b.tar.gz")
    with pytest.raises(NotFound, match="no folder"):
        making.make(north.settings, north.database, tmp_path / "nowhere" / "b.tar.gz")
    with pytest.raises(Conflict, match="is not empty"):
        restoring.restore(made.path, north.settings.instance, "ann")
    place = elsewhere()
    place.mkdir()
    restoring.restore(made.path, place, "ann")  # an empty folder is none
    if not north.database.is_sqlite:
        with pytest.raises(Conflict, match="PostgreSQL database .* is not empty"):
            restoring.restore(made.path, tmp_path / "third", "ann")
        assert not (tmp_path / "third").exists()


def test_a_backup_goes_into_a_database_of_its_kind_alone(site, tmp_path, monkeypatch):
    made = making.make(site.settings, site.database, tmp_path)
    monkeypatch.setenv("INNERSPACE_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    with pytest.raises(Conflict, match="holds a SQLite database.*names the PostgreSQL") as refused:
        restoring.restore(made.path, tmp_path / "copy", "ann")
    assert "secret" not in str(refused.value) and not (tmp_path / "copy").exists()
    monkeypatch.setenv("INNERSPACE_DATABASE_URL", f"sqlite:///{site.database.url.database}")
    with pytest.raises(Conflict, match="already"):
        restoring.restore(made.path, tmp_path / "copy", "ann")
    assert Path(str(site.database.url.database)).is_file()


def test_without_the_servers_tools_it_says_so(any_site, tmp_path, monkeypatch):
    if any_site.database.is_sqlite:
        (tmp_path / "damaged").mkdir()
        file = tmp_path / "damaged" / "x.sqlite"
        file.write_bytes(b"SQLite format 3\0" + b"?" * 5000)
        with pytest.raises(CopyFailed, match="could not be copied"):
            copying.copy(Database(f"sqlite:///{file}"), tmp_path / "out")
        return
    with pytest.raises(CopyFailed, match=r"^pg_restore failed for the PostgreSQL database test_\w+ at .*: \S+"):
        (tmp_path / "text").write_text("no dump")
        copying.put_back(any_site.database, tmp_path / "text")
    monkeypatch.setattr(copying, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="pg_dump is not installed"):
        making.make(any_site.settings, any_site.database, tmp_path)
    assert not list(tmp_path.glob("*.tar.gz")) and not list(tmp_path.glob(".*"))


@pytest.fixture()
def old(tmp_path: Path) -> Path:
    """An instance whose database is of the first revision."""
    (tmp_path / "old").mkdir()
    with sqlite3.connect(tmp_path / "old" / "registry.sqlite") as connection:
        for statement in reading.statements("0001", "sqlite"):
            connection.execute(statement)
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        connection.execute("INSERT INTO audit (at, who, action, subject, detail) VALUES ('', 'ann', 'old', '', '')")
    return tmp_path / "old"


def told(instance: Path, *words: str) -> Any:
    return CliRunner().invoke(registry, ["--instance", str(instance), *words])


def test_an_older_database_is_upgraded_by_its_command_after_a_backup(old, tmp_path):
    refused = told(old, "audit")
    assert refused.exit_code == 1 and "`registry upgrade` brings it up to date" in str(refused.exception)
    dry = told(old, "upgrade", "--dry-run")
    assert dry.exit_code == 0 and "RENAME TO site_service" in dry.output and "nothing has changed" in dry.output
    assert json.loads(told(old, "upgrade", "--dry-run", "--json").output)["present"] == "0001"
    assert not (old / "backups").exists()
    done = json.loads(told(old, "upgrade", "--json").stdout)
    newest = schema._known()[0].number
    assert (done["before"], done["after"], done["changes"][0]["number"]) == ("0001", newest, "0002")
    assert "old" in told(old, "audit").output
    assert f"up to date (revision {newest})" in told(old, "upgrade").output
    assert "Nothing would change" in told(old, "upgrade", "--dry-run").output
    # the backup from before is one of the old revision, and a restore brings it up to date as well
    back = told(tmp_path / "back", "restore", done["backup"])
    assert back.exit_code == 0, back.output
    assert "old" in told(tmp_path / "back", "audit").output


def test_without_a_backup_it_is_not_upgraded_unless_that_is_said(old):
    (old / "backups").write_text("no folder")
    site = open_site(old)
    with pytest.raises(NoBackup, match="registry upgrade --without-backup"):
        upgrading.upgrade(site.settings, site.database)
    assert schema.state(site.database).present == "0001"
    assert upgrading.upgrade(site.settings, site.database, backup=False).before == "0001"
    site.close()


def test_the_commands_tell_what_they_did(site, tmp_path):
    from tests.backup.conftest import fill
    fill(site)
    folder = site.settings.instance
    made = json.loads(told(folder, "backup", str(tmp_path), "--json").stdout)
    assert made["holds"] == ["database", "configuration", "keys", "results"] and Path(made["path"]).parent == tmp_path
    looked = told(tmp_path / "copy", "restore", "--check", made["path"])
    assert looked.exit_code == 0 and "is whole: North (north.example)" in looked.output and not (tmp_path / "copy").exists()
    done = told(tmp_path / "copy", "restore", made["path"])
    assert done.exit_code == 0 and "Restored North (north.example)" in done.output and "1 jobs were running" in done.output
    again = told(tmp_path / "copy", "restore", made["path"])
    assert again.exit_code == 1 and "is not empty" in str(again.exception)
    assert told(tmp_path / "nowhere", "backup", str(tmp_path)).exit_code == 1


def test_a_backup_of_a_newer_version_is_refused_before_anything_is_done(site, tmp_path):
    with site.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999"):
        making.make(site.settings, site.database, tmp_path)


def test_serve_upgrades_before_it_begins_and_other_commands_do_not(old):
    with pytest.raises(SchemaTooOld), common.site_of(old):
        pass
    with common.site_of(old, site_commands._upgrade) as site:
        assert schema.state(site.database).pending == ()
    [kept] = (old / "backups").iterdir()
    assert archive.about(kept)["database"]["revision"] == "0001"
