"""Dumps of OAI-PMH lists with deleted records: a registry that moves brings its tombstones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from registry.records import authorities, importing, listing, store
from registry.records.importing import Report
from registry.tables import rr_resource
from tests.records.conftest import record

A = "ivo://a.example/"
_PAGE = ('<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2024-01-01T00:00:00Z</responseDate>'
         "<request>http://a.example/oai</request><ListRecords>{}</ListRecords></OAI-PMH>")


def alive(ivoid: str, title: str = "One") -> str:
    body = record(ivoid, title=title).decode().replace("<ri:Resource ", '<ri:Resource xmlns="" ')
    return (f"<record><header><identifier>{ivoid}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp></header>"
            f"<metadata>{body}</metadata></record>")


def gone(ivoid: str) -> str:
    return (f'<record><header status="deleted"><identifier>{ivoid}</identifier>'
            "<datestamp>2020-01-01T00:00:00Z</datestamp><setSpec>ivo_managed</setSpec></header></record>")


def run(site: Any, folder: Path, *items: str, own: bool = False) -> Report:
    path = folder / "dump.xml"
    path.write_text(_PAGE.format("".join(items)))
    return importing.import_paths(site, [path], own=own, who="t")


def outcomes(report: Report) -> dict[str, str]:
    return {entry.ivoid: entry.outcome for file in report.files for entry in file.entries}


def get(site: Any, ivoid: str) -> Any:
    with site.database.read() as connection:
        return store.get(connection, ivoid)


def test_a_registry_that_moves_here_keeps_its_tombstones(north: Any, tmp_path: Path) -> None:
    report = run(north, tmp_path, alive(f"{A}one"), gone(f"{A}Never"), own=True)
    assert outcomes(report) == {f"{A}one": "new", f"{A}Never": "deleted"}
    assert report.adopted == ("a.example",) and report.taken
    found = get(north, f"{A}never")
    assert (found.ivoid, found.deleted, found.managed, found.origin) == (f"{A}Never", True, True, store.OWN)
    with north.database.read() as connection:
        item = listing.item(connection, f"{A}never")
        assert item is not None and item.deleted and item.datestamp
        assert listing.sets_of(connection, [item]) == {f"{A}never": ["ivo_managed"]}
    assert outcomes(run(north, tmp_path, gone(f"{A}one"), gone(f"{A}never"), own=True)) == {
        f"{A}one": "deleted", f"{A}never": "unchanged"}
    assert get(north, f"{A}one").title == "One", "its last state is kept"
    assert outcomes(run(north, tmp_path, alive(f"{A}never", "Back"), own=True)) == {f"{A}never": "updated"}
    assert not get(north, f"{A}never").deleted
    assert [one.status for one in versions(north, f"{A}never")] == ["active", "deleted"]


def versions(site: Any, ivoid: str) -> Any:
    with site.database.read() as connection:
        return store.versions(connection, ivoid)


def test_others_dumps_take_away_what_came_by_a_file_and_nothing_else(north: Any, tmp_path: Path) -> None:
    run(north, tmp_path, alive(f"{A}one"), alive(f"{A}two"))
    with north.database.write() as connection:
        store.put(connection, north.schemas, record(f"{A}harvested"), origin=store.HARVESTED, who="t")
    report = run(north, tmp_path, gone(f"{A}ONE"), gone(f"{A}never"), gone(f"{A}harvested"),
                 gone("ivo://north.example/runner"), gone("ivo://north.example/never"), gone("oai:a.example:1"))
    assert outcomes(report) == {
        f"{A}ONE": "deleted", f"{A}never": "skipped", f"{A}harvested": "refused",
        "ivo://north.example/runner": "refused", "ivo://north.example/never": "refused", "oai:a.example:1": "refused"}
    assert all(entry.reason for entry in report.files[0].entries if entry.outcome in ("refused", "skipped"))
    assert get(north, f"{A}one").deleted and not get(north, f"{A}two").deleted
    assert get(north, f"{A}never") is None
    assert not get(north, "ivo://north.example/runner").deleted


@pytest.mark.parametrize("name", ["ivo://north.example", "ivo://North.example/registry"])
def test_no_dump_deletes_who_we_are(north: Any, tmp_path: Path, name: str) -> None:
    report = run(north, tmp_path, gone(name), gone("ivo://north.example/runner"), own=True)
    assert outcomes(report) == {name: "refused", "ivo://north.example/runner": "deleted"}
    assert not get(north, name).deleted


def test_a_record_and_its_deletion_in_one_dump_leave_no_rows(north: Any, tmp_path: Path) -> None:
    assert outcomes(run(north, tmp_path, alive(f"{A}one"), gone(f"{A}one"), own=True)) == {f"{A}one": "deleted"}
    with north.database.read() as connection:
        assert connection.execute(select(rr_resource).where(rr_resource.c.ivoid == f"{A}one")).first() is None


def test_a_moved_registry_is_another_keeper_of_an_authority(north: Any, tmp_path: Path) -> None:
    with north.database.write() as connection:
        authorities.claim(connection, "a.example", "ivo://else.example/registry", own=False)
    assert outcomes(run(north, tmp_path, gone(f"{A}one"), own=True)) == {f"{A}one": "refused"}
    assert get(north, f"{A}one") is None
