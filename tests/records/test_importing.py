"""Imports: every file accounted for, origins as in D15, authorities adopted only by a person."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from registry.records import authorities, founding, importing, publish, store
from registry.records.importing import Report
from registry.tables import rr_resource
from tests.records.conftest import record
from vosi import xmlio

REGISTRY = ('<capability xsi:type="vg:Harvest" standardID="ivo://ivoa.net/std/Registry">'
            '<interface xsi:type="vg:OAIHTTP" role="std"><accessURL>http://b.example/oai</accessURL></interface>'
            "<maxRecords>0</maxRecords></capability><full>false</full><managedAuthority>{}</managedAuthority>")


def test_files_folders_and_standard_input_are_read_in_order(north: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "z.XML").write_bytes(record("ivo://a.example/z"))
    (folder / "b.xml").write_bytes(record("ivo://a.example/b"))
    (folder / "notes.txt").write_text("none")
    single = tmp_path / "single"
    single.write_bytes(record("ivo://a.example/single"))
    report = importing.import_paths(north, [single, folder, "-"], who="t", stdin=io.BytesIO(record("ivo://a.example/i")))
    assert [(Path(file.name).name, [entry.outcome for entry in file.entries]) for file in report.files] == [
        ("single", ["new"]), ("b.xml", ["new"]), ("notes.txt", ["skipped"]), ("z.XML", ["new"]),
        ("standard input", ["new"])]
    assert report.counts == {"new": 4, "updated": 0, "unchanged": 0, "deleted": 0, "refused": 0, "skipped": 1}


def test_every_record_of_a_list_is_told(north: Any, tmp_path: Path) -> None:
    bodies = b"".join([record("ivo://a.example/1"), record("ivo://a b/2"), record("ivo://a.example/3"), b"<odd/>"])
    namespace = b"http://www.ivoa.net/xml/RegistryInterface/v1.0"
    several = b'<ri:VOResources xmlns:ri="%s">%s</ri:VOResources>' % (namespace, bodies)
    [file] = run(north, tmp_path, several).files
    assert [(entry.ivoid, entry.outcome) for entry in file.entries] == [
        ("ivo://a.example/1", "new"), ("ivo://a b/2", "refused"), ("ivo://a.example/3", "new"), ("", "refused")]


@pytest.mark.parametrize(("data", "words"), [
    (b"", "empty"), (b" \n", "empty"), (b"\x00\xff", "encoding"), (b"<a><b></a>", "not well-formed"),
    (b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"/>', "no VOResource record"),
    (b"<a>" * 500 + b"</a>" * 500, "nested deeper"),
])
def test_a_bad_file_is_a_line_in_the_report(north: Any, tmp_path: Path, data: bytes, words: str) -> None:
    report = run(north, tmp_path, data, record("ivo://a.example/good"))
    assert words in report.files[0].entries[0].reason
    assert report.counts["new"] == 1 and report.taken


def test_what_cannot_be_read_is_told_and_stops_nothing(north: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.xml")
    (folder / "loop.xml").symlink_to(folder / "loop.xml")
    (folder / "round").symlink_to(folder)
    report = importing.import_paths(north, [tmp_path / "none.xml", folder, "\x00"], who="t")
    assert [entry.outcome for file in report.files for entry in file.entries] == ["refused"] * 4
    assert not report.taken


def test_a_second_import_moves_nothing(north: Any, tmp_path: Path) -> None:
    run(north, tmp_path, record("ivo://a.example/r"))
    before = get(north, "ivo://a.example/r")
    assert run(north, tmp_path, record("ivo://a.example/r")).counts["unchanged"] == 1
    assert get(north, "ivo://a.example/r") == before


def test_without_own_a_record_is_foreign_and_kept_with_its_faults(north: Any, tmp_path: Path) -> None:
    [file] = run(north, tmp_path, record("ivo://a.example/r", status="gone")).files
    assert file.entries[0].problems > 0
    kept = get(north, "ivo://a.example/r")
    assert (kept.origin, kept.managed) == ("foreign-file", False)


def test_a_record_of_our_authority_needs_own(north: Any, tmp_path: Path) -> None:
    report = run(north, tmp_path, record("ivo://north.example/r"))
    assert "--own" in report.files[0].entries[0].reason and not report.taken
    run(north, tmp_path, record("ivo://north.example/r"), own=True)
    assert get(north, "ivo://north.example/r").origin == "own"
    assert run(north, tmp_path, record("ivo://north.example/r")).counts["unchanged"] == 1
    changed = run(north, tmp_path, record("ivo://north.example/r", title="Other"))
    assert "one of ours" in changed.files[0].entries[0].reason


def test_own_adopts_the_authority_and_our_record_says_so(north: Any, tmp_path: Path) -> None:
    before = registry_record(north)
    report = run(north, tmp_path, record("ivo://A.example/r"), record("ivo://b.example/r"), own=True)
    assert report.adopted == ("a.example", "b.example")
    after = registry_record(north)
    assert listed(after) == ["north.example", "a.example", "b.example"]
    assert (after.version, after.profile, after.origin) == (before.version + 1, "recommended", "own")
    assert after.updated >= before.updated and after.datestamp >= before.datestamp
    assert get(north, "ivo://a.example/r").managed
    again = run(north, tmp_path, record("ivo://a.example/s"), own=True)
    assert again.adopted == () and registry_record(north) == after


def test_an_invalid_record_is_not_taken_and_adopts_nothing(north: Any, tmp_path: Path) -> None:
    report = run(north, tmp_path, record("ivo://a.example/r", status="gone"), own=True)
    assert "not valid" in report.files[0].entries[0].reason
    assert report.adopted == () and listed(registry_record(north)) == ["north.example"]


def test_what_our_schemas_cannot_judge_is_refused_by_its_namespace(north: Any, tmp_path: Path) -> None:
    odd = record("ivo://a.example/r", kind="x:Odd", extra=' xmlns:x="http://x.example/v1"')
    report = run(north, tmp_path, odd, own=True, force_own=True)
    assert "no schema here for http://x.example/v1" in report.files[0].entries[0].reason


def test_an_authority_of_a_known_registry_is_not_adopted_but_by_force(north: Any, tmp_path: Path) -> None:
    with north.database.write() as connection:
        authorities.claim(connection, "b.example", "ivo://b.example/registry", own=False)
    report = run(north, tmp_path, record("ivo://B.example/r"), own=True)
    assert "ivo://b.example/registry" in report.files[0].entries[0].reason
    assert "--force-own" in report.files[0].entries[0].reason
    assert run(north, tmp_path, record("ivo://B.example/r"), own=True, force_own=True).adopted == ("b.example",)
    with north.database.read() as connection:
        assert "b.example" in authorities.ours(connection)


def test_a_registry_on_our_shelf_is_a_known_one(north: Any, tmp_path: Path) -> None:
    run(north, tmp_path, record("ivo://b.example/registry", kind="vg:Registry", inside=REGISTRY.format("C.example")))
    report = run(north, tmp_path, record("ivo://c.example/r"), own=True)
    assert "ivo://b.example/registry" in report.files[0].entries[0].reason


@pytest.mark.parametrize("authority", ["ivoa.net", "innerspace", "IVOA.net"])
def test_the_authorities_that_ship_are_adopted_by_force_alone(north: Any, tmp_path: Path, authority: str) -> None:
    xml = record(f"ivo://{authority}/r")
    assert not run(north, tmp_path, xml, own=True).taken
    assert run(north, tmp_path, xml, own=True, force_own=True).adopted == (authority.lower(),)


def test_registry_and_authority_records_claim_nothing_by_themselves(north: Any, tmp_path: Path) -> None:
    other = record("ivo://b.example/registry", kind="vg:Registry", inside=REGISTRY.format("d.example"))
    named = record("ivo://b.example", kind="vg:Authority", inside="<managingOrg>Somebody</managingOrg>")
    report = run(north, tmp_path, other, named, own=True)
    assert report.counts["new"] == 2 and report.adopted == ("b.example",)
    assert listed(registry_record(north)) == ["north.example", "b.example"]
    with north.database.read() as connection:
        assert authorities.ours(connection) == {"north.example", "b.example"}
        assert authorities.claimant(connection, "d.example") == ""


def test_our_own_registry_record_keeps_to_our_authorities(north: Any, tmp_path: Path) -> None:
    """A copy of it, from an export of richer days, is taken; what it lists is what is ours today."""
    ours = registry_record(north).xml
    richer = ours.replace(b"<managedAuthority>north.example</managedAuthority>",
                          b"<managedAuthority>north.example</managedAuthority><managedAuthority>e.example</managedAuthority>")
    assert richer != ours
    report = run(north, tmp_path, richer, own=True)
    assert report.counts["updated"] == 1
    assert listed(registry_record(north)) == ["north.example"]


def test_own_needs_a_founded_datacenter(site: Any, tmp_path: Path) -> None:
    with pytest.raises(founding.NotFounded, match="registry init"):
        run(site, tmp_path, record("ivo://a.example/r"), own=True)


def test_batches_are_committed_one_by_one(north: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped import leaves whole batches, and its repetition finds the rest."""
    monkeypatch.setattr(importing, "BATCH_RECORDS", 2)
    files = [write(tmp_path, number, record(f"ivo://a.example/{number}")) for number in range(5)]

    class Stopped(Exception):
        pass

    def stop(done: int, _name: str) -> None:
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        importing.import_paths(north, files, who="t", progress=stop)
    assert importing.import_paths(north, files, who="t").counts == {
        "new": 3, "updated": 0, "unchanged": 2, "deleted": 0, "refused": 0, "skipped": 0}


def test_a_record_that_ends_its_batch_inactive_is_in_no_search(north: Any, tmp_path: Path) -> None:
    run(north, tmp_path, record("ivo://a.example/r"), record("ivo://a.example/r", status="inactive"))
    with north.database.read() as connection:
        assert "ivo://a.example/r" not in set(connection.execute(select(rr_resource.c.ivoid)).scalars())


def test_a_deleted_foreign_record_may_come_again(north: Any, tmp_path: Path) -> None:
    run(north, tmp_path, record("ivo://a.example/r"))
    publish.retire(north, "ivo://a.example/r", who="t", why="")
    assert run(north, tmp_path, record("ivo://a.example/r")).counts["updated"] == 1
    assert get(north, "ivo://a.example/r").status == "active"


def run(site: Any, folder: Path, *documents: bytes, own: bool = False, force_own: bool = False) -> Report:
    files = [write(folder, number, data) for number, data in enumerate(documents)]
    return importing.import_paths(site, files, own=own, force_own=force_own, who="t")


def write(folder: Path, number: int, data: bytes) -> Path:
    path = folder / f"{number}.xml"
    path.write_bytes(data)
    return path


def get(site: Any, name: str) -> store.Record:
    with site.database.read() as connection:
        found = store.get(connection, name)
    assert found is not None
    return found


def registry_record(site: Any) -> store.Record:
    return get(site, "ivo://north.example/registry")


def listed(registry: store.Record) -> list[str]:
    return authorities.listed(xmlio.parse(registry.xml))
