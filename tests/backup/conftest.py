"""A datacenter with something of everything in it, once on each database, to be backed up and restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from registry import access, config_file
from registry.records import founding
from registry.tables import accounts, facts, sessions
from registry.uws import files, store
from registry.uws.phases import COMPLETED, ERROR, EXECUTING, PENDING, QUEUED
from tests.uws.jobs_at_hand import job


@pytest.fixture()
def north(any_site: Any) -> Any:
    """Founded; an account with a session and a token; a job in each state."""
    fill(any_site)
    return any_site


def fill(site: Any) -> None:
    config_file.write(site.settings.instance, {
        "authority": "north.example", "title": "North", "base_url": "http://127.0.0.1:8101/", "instance_name": "north",
        "admin_email": "ops@north.example"})
    founding.found(site, founding.Founding(authority="north.example", title="North", base_url="http://127.0.0.1:8101/",
                                           organisation="North", contact="Ann", email="ops@north.example"), "ann")
    (site.settings.instance / "keys" / "credentials.json").write_text('{"ivo://north.example/x": "secret"}')
    (site.settings.instance / "keys" / "credentials.json").chmod(0o600)
    with site.database.write() as connection:
        access.create_account(connection, "ann", None, "administrator", hashed="no hash at all")
        account = select(accounts.c.id).scalar_subquery()
        connection.execute(insert(sessions).values(token_hash="a", account_id=account, created="", seen=""))
        connection.execute(insert(facts).values(name="dc gateway", value="172.18.0.1"))
        for one in (
            job(id="done", phase=COMPLETED, application="ivo://north.example/app/a"), job(id="lost", phase=ERROR, error="no"),
            job(id="runs", phase=EXECUTING, lease="w", attempt=1, step="started"), job(id="waits", phase=QUEUED),
            job(id="taken", phase=QUEUED, lease="w", attempt=1, step="claimed"), job(id="new", phase=PENDING, owner="ann"),
            job(id="far", phase=EXECUTING, step=store.ELSEWHERE),
        ):
            store.insert(connection, one, [store.Parameter("maxmag", "8")])
        store.set_results(connection, "done", [store.Result("stars.txt", 0, "files/deep/stars.txt", 5, "text/plain", "0" * 64)])
    for name in ("done", "runs", "of nobody"):
        place = files.folder(site, name) / "files" / "deep"
        place.mkdir(parents=True)
        (place / "stars.txt").write_text("stars")
        (place / "stars.txt").chmod(0o644)
        (place / "link").symlink_to("/etc/passwd")


@pytest.fixture()
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, any_site: Any, monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Path]:
    """Where a backup of `north` may be restored: a folder that is not there, and on a server an empty database."""
    made: list[str] = []

    def place() -> Path:
        if not any_site.database.is_sqlite:
            server = request.getfixturevalue("postgres")
            made.append(server.make())
            monkeypatch.setenv("INNERSPACE_DATABASE_URL", server.url(made[-1]))
            request.addfinalizer(lambda: server.drop(made.pop()))
        return tmp_path / f"copy {len(list(tmp_path.iterdir()))}"

    return place
