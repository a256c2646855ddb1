"""The real records of the corpus: 66 valid files with 50 identifiers, and 270 further documents of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.records import importing, listing, shelf_rows, store
from registry.records.reprojecting import reproject
from registry.site import open_site
from registry.tables import is_number
from tests.records import corpus
from vosi import resource, xmlio

pytestmark = pytest.mark.shared


def test_each_alone_keeps_its_bytes(site: Any, shared: Path) -> None:
    files = corpus.valid_files(shared)
    assert len(files) == 66
    for file in files:
        with site.database.write() as connection:
            done = store.put(connection, site.schemas, file.read_bytes(), origin=store.FOREIGN_FILE, who="t")
            assert done.record is not None, done.reason
            kept = store.get(connection, done.record.ivoid)
            assert kept is not None
        came = corpus.root_of(file.read_bytes())
        assert corpus.without_declarations(kept.xml) == corpus.without_declarations(came), file
        assert xmlio.digest(xmlio.parse(kept.xml)) == xmlio.digest(xmlio.parse(file.read_bytes())) == kept.digest
        assert None in xmlio.parse(kept.xml).nsmap, "its own default namespace, so that no envelope lends it another"


def test_together_the_last_of_each_name_is_current(site: Any, shared: Path) -> None:
    files = corpus.valid_files(shared)
    report = importing.import_paths(site, files, who="t")
    assert [file.name for file in report.files] == [str(file) for file in files]
    assert report.counts == {"new": 50, "updated": 16, "unchanged": 0, "deleted": 0, "refused": 0, "skipped": 0}
    hold_last_of_each(site, files)


def test_they_survive_a_restart(site: Any, shared: Path) -> None:
    files = corpus.valid_files(shared)
    importing.import_paths(site, files, who="t")
    before = everything(site)
    again = open_site(site.settings.instance, authority="north.example")
    assert everything(again) == before
    hold_last_of_each(again, files)
    again.close()


def test_ours_are_those_that_our_schemas_can_judge(north: Any, shared: Path) -> None:
    files = corpus.valid_files(shared)
    importing.import_paths(north, files, who="t")
    report = importing.import_paths(north, files, own=True, force_own=True, who="t")
    for file, told in zip(files, report.files, strict=True):
        [entry] = told.entries
        missing = north.schemas.missing_namespaces(xmlio.parse(file.read_bytes()))
        assert (entry.outcome == "refused") == bool(missing), (file, entry)
        assert all(namespace in entry.reason for namespace in missing)
    assert "ivoa.net" in report.adopted and "nasa.heasarc" in report.adopted
    for record in everything(north):
        assert record.managed == (record.origin == "own")
        assert record.origin != "own" or record.profile == "recommended"


def test_without_force_the_standards_stay_everybodys(north: Any, shared: Path) -> None:
    report = importing.import_paths(north, corpus.valid_files(shared), own=True, who="t")
    refused = [entry for file in report.files for entry in file.entries if entry.outcome == "refused"]
    assert any(entry.ivoid.startswith("ivo://ivoa.net/") and "--force-own" in entry.reason for entry in refused)
    assert "ivoa.net" not in report.adopted


def test_the_whole_corpus_is_accounted_for(north: Any, shared: Path) -> None:
    files = corpus.all_files(shared)
    assert len(files) == 336
    for own in (False, True):
        report = importing.import_paths(north, files, own=own, force_own=own, who="t")
        assert [file.name for file in report.files] == [str(file) for file in files]
        for file in report.files:
            assert file.entries, file.name
            assert all(entry.taken or entry.reason.endswith((".", ".)")) for entry in file.entries), file
    again = importing.import_paths(north, [shared / "corpus"], who="t")
    assert {file.name for file in again.files} >= {str(file) for file in files}
    assert not [entry for file in again.files for entry in file.entries if entry.outcome == "new"]


def test_a_batch_projects_as_each_record_alone_does(site: Any, shared: Path) -> None:
    importing.import_paths(site, [shared / "corpus" / "resource", shared / "corpus" / "oai"], who="t")
    before = projected(site)
    assert len(before["rr_resource"]) > 100 and len(before["rr_table_column"]) > 50
    reproject(site)
    assert projected(site) == before


def projected(site: Any) -> dict[str, list[str]]:
    """Every rr_* row as text without its number, by table."""
    with site.database.read() as connection:
        return {table.name: sorted(str([value for name, value in row.items() if not is_number(table.c[name])])
                                   for row in connection.execute(table.select()).mappings())
                for table in shelf_rows.TABLES}


def hold_last_of_each(site: Any, files: list[Path]) -> None:
    by_name: dict[str, list[bytes]] = {}
    for file in files:
        root = corpus.root_of(file.read_bytes())
        name = resource.summarise(xmlio.parse(root)).ivoid.lower()
        by_name.setdefault(name, []).append(corpus.without_declarations(root))
    assert len(by_name) == 50
    with site.database.read() as connection:
        for name, states in by_name.items():
            current = store.get(connection, name)
            assert current is not None and corpus.without_declarations(current.xml) == states[-1]
            kept = [corpus.without_declarations(version.xml) for version in store.versions(connection, name)]
            assert kept == states[::-1], name


def everything(site: Any) -> list[store.Record]:
    with site.database.read() as connection:
        return list(listing.every(connection))
