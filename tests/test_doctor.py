"""What `registry doctor` looks at: each thing once well and once broken."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, text

from registry import beats, clock, schema
from registry.cli import checks, checks_of_state as state
from registry.cli.main import registry
from registry.errors import Unavailable
from registry.executor import docker_runtime
from registry.fetch import FetchError
from registry.records import founding
from registry.tables import audit

Look = Callable[[Any], tuple[str, str]]


def said(look: Look, site: Any) -> str:
    """Verdict and words; words are one sentence without a line's end."""
    verdict, words = look(site)
    assert verdict in ("pass", "warn", "fail") and words and "\n" not in words
    return f"{verdict} {words}"


def test_the_schema(any_site):
    assert said(state.schema_state, any_site).startswith("pass revision")
    with any_site.database.write() as connection:
        connection.execute(text("ALTER TABLE watches DROP COLUMN fault"))
        connection.execute(text("DROP TABLE held_changes"))
    assert "lacks held_changes, watches.fault: restore a backup" in said(state.schema_state, any_site)
    with any_site.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    told = said(state.schema_state, any_site)
    assert told.startswith("fail revision 0001, older") and "0002:" in told


def test_the_clock(any_site, monkeypatch):
    assert said(state.the_clock, any_site).startswith("pass")
    with any_site.database.write() as connection:
        connection.execute(insert(audit).values(at=clock.stamp(), who="", action="", subject=""))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(hours=1))
    assert "fail" in said(state.the_clock, any_site) and "have a time service set it" in said(state.the_clock, any_site)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    verdict = said(state.the_clock, any_site)
    assert ("pass" if any_site.database.is_sqlite else "warn it differs from the database server's by 3600 s") in verdict


def test_the_processes(site):
    assert "the worker has never been heard and the gateway has never been heard" in said(state.processes, site)
    beats.beat(site, beats.WORKER)
    assert said(state.processes, site) == "warn the gateway has never been heard: `registry serve` runs both"
    beats.beat(site, beats.GATEWAY)
    assert said(state.processes, site) == "pass worker and gateway are heard"
    with site.database.write() as connection:
        connection.execute(text("UPDATE facts SET value = '2026-01-01T00:00:00.000Z' WHERE name = 'beat worker'"))
    assert "the worker has not been heard for" in said(state.processes, site)


def test_the_permissions(site, monkeypatch):
    assert said(state.permissions, site).startswith("pass")
    (site.settings.instance / "keys" / "secret").chmod(0o640)
    assert f"others can read {site.settings.instance}/keys/secret: chmod" in said(state.permissions, site)
    (site.settings.instance / "keys" / "secret").chmod(0o600)
    site.settings.instance.chmod(0o700)
    assert said(state.permissions, site).startswith("warn") and "userns-remap" in said(state.permissions, site)
    site.settings.instance.chmod(0o755)
    hooked = site.settings.model_copy(update={"webhooks": ["http://x/secret"]})
    with_hook = SimpleNamespace(settings=hooked, database=site.database)
    (site.settings.instance / "config.toml").write_text("")
    (site.settings.instance / "config.toml").chmod(0o644)
    assert "config.toml: chmod" in said(state.permissions, with_hook)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != site.settings.instance / "keys")
    assert f"{site.settings.instance}/keys cannot be written by this account" in said(state.permissions, site)


def test_the_database(site):
    assert said(checks._database, site).startswith("pass the SQLite file")
    broken = SimpleNamespace(database=Broken())
    assert said(checks._database, broken) == "fail the SQLite file x cannot be written: (tests.test_doctor.X) disk I/O error"


class Broken:
    """A database that fails."""

    name = "SQLite file x"

    def write(self) -> Any:
        from sqlalchemy.exc import OperationalError

        class X(Exception):
            """Its driver's."""

        raise OperationalError("", {}, X("disk I/O error")) from None


def test_the_founding(site):
    assert said(checks._founding, site).startswith("fail") and "`registry init`" in said(checks._founding, site)
    founding.found(site, founding.Founding(authority="north.example", title="N", base_url="http://127.0.0.1:8101/",
                                           organisation="N", contact="A", email="a@n.example"), "ann")
    assert said(checks._founding, site).startswith("pass")


def test_the_disk(site, monkeypatch):
    assert said(checks._disk, site).startswith("pass")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    assert said(checks._disk, site).startswith("fail 0.0 GiB free")


def test_the_address_the_engine_and_the_repository(site, monkeypatch):
    assert said(checks._base_url, site).startswith("warn The base URL does not lead here")

    class Engine:
        def __init__(self, *_args: object) -> None:
            raise Unavailable("No engine answers at x: start it.")

    monkeypatch.setattr(docker_runtime, "DockerRuntime", Engine)
    assert said(checks._engine, site) == "fail No engine answers at x: start it."

    def nobody(_url: str) -> Any:
        raise FetchError("nobody listens there.")

    for fetch, words in ((nobody, "fail nobody listens there."), (lambda _url: SimpleNamespace(status=200), "pass"),
                         (lambda _url: SimpleNamespace(status=502), "status 502")):
        asked = SimpleNamespace(settings=site.settings, fetcher=SimpleNamespace(get=fetch))
        assert words in said(checks._repository, asked)


def test_the_firewall(site, monkeypatch):
    off = SimpleNamespace(settings=site.settings.model_copy(update={"firewall": False}))
    assert said(checks._firewall, off).startswith("warn it is switched off")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "not root" in said(checks._firewall, site)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert said(checks._firewall, site).startswith("fail iptables")


def test_a_database_of_an_older_version_is_looked_at_and_left_as_it_is(site, monkeypatch):
    with site.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        connection.execute(text("DROP TABLE site_service"))
    for name in ("_engine", "_repository", "_base_url"):
        monkeypatch.setattr(checks, name, lambda _site: ("pass", "not asked"))
    done = CliRunner().invoke(registry, ["--instance", str(site.settings.instance), "doctor", "--json"])
    found = {check["name"]: check["verdict"] for check in json.loads(done.stdout)}
    assert done.exit_code == 1 and found["schema"] == "fail" and found["disk"] == "pass" and "founding" not in found
    assert schema.state(site.database).present == "0001"


def test_where_nothing_is_founded_it_looks_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_engine", "_repository", "_base_url"):
        monkeypatch.setattr(checks, name, lambda _site: ("pass", "not asked"))
    (tmp_path / "new").mkdir()
    done = CliRunner().invoke(registry, ["--instance", str(tmp_path / "new"), "doctor"])
    assert done.exit_code == 1 and "registry init" in done.output and "Traceback" not in done.output
