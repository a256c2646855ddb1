"""A datacenter that gets another public address: its records follow, and nobody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry.cli.main import main
from registry.records import founding, moving, publish, rofr, store
from registry.site import Site
from tests.records.conftest import record
from vosi import resource, xmlio

OLD, NEW = "http://127.0.0.1:8101/", "https://north.example/registry/"


@pytest.fixture()
def moved(north: Site) -> Site:
    """The datacenter with another base_url in its settings."""
    assert north.settings.base_url == OLD
    return replace(north, settings=north.settings.model_copy(update={"base_url": NEW}))


def found(site: Site, name: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, f"ivo://north.example{name}")
    assert record is not None
    return record


def test_nothing_moves_where_nothing_has_changed(north: Site) -> None:
    assert (moving.old_base(north), moving.move(north, "t")) == ("", [])


def test_the_founding_records_follow(moved: Site) -> None:
    before = {name: found(moved, name) for name in ("", "/registry", "/organisation", "/runner")}
    assert moving.old_base(moved) == OLD
    assert [one.ivoid[len("ivo://north.example"):] for one in moving.move(moved, "ann")] == [
        "", "/organisation", "/runner", "/registry"]
    for name, old in before.items():
        new = found(moved, name)
        assert OLD.encode() in old.xml and OLD.encode() not in new.xml
        assert (new.version, new.status, new.profile) == (2, "active", "recommended")
        updated = resource.summarise(xmlio.parse(new.xml)).updated
        assert new.xml == resource.amend(old.xml.replace(OLD.encode(), NEW.encode()), {"updated": updated})
    assert rofr.harvest_urls(xmlio.parse(found(moved, "/registry").xml)) == [NEW + "oai"]
    with moved.database.read() as connection:
        assert store.versions(connection, "ivo://north.example/runner")[0].why == f"moved from {OLD} to {NEW}"
    assert (moving.old_base(moved), moving.move(moved, "ann")) == ("", [])


def test_only_addresses_of_ours_below_the_old_one_follow(moved: Site) -> None:
    inside = ("<capability><interface xsi:type='vr:WebBrowser'><accessURL use='full'>{}</accessURL></interface></capability>"
              f"<capability><description>{OLD}</description></capability>")
    with moved.database.write() as connection:
        store.put(connection, moved.schemas, record("ivo://south.example/x", inside=inside.format(OLD + "x")),
                  origin=store.HARVESTED, who="t")
    publish.publish(moved, record("ivo://north.example/here", inside=inside.format(OLD + "a?b=c&amp;d")), who="t")
    publish.publish(moved, record("ivo://north.example/there", inside=inside.format("http://127.0.0.1:81010/")), who="t")
    moving.move(moved, "ann")
    here = found(moved, "/here")
    assert f"<accessURL use='full'>{NEW}a?b=c&amp;d</accessURL>".encode() in here.xml
    assert f"<description>{OLD}</description>".encode() in here.xml and found(moved, "/there").version == 1
    with moved.database.read() as connection:
        theirs = store.get(connection, "ivo://south.example/x")
    assert theirs is not None and OLD.encode() in theirs.xml


def test_a_move_that_stopped_goes_on(moved: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = moving.lifecycle.save, []

    def once(*args: Any, **more: Any) -> store.Record:
        if saved:
            raise KeyboardInterrupt
        saved.append(1)
        return save(*args, **more)

    monkeypatch.setattr(moving.lifecycle, "save", once)
    with pytest.raises(KeyboardInterrupt):
        moving.move(moved, "ann")
    monkeypatch.undo()
    assert len(moving.move(moved, "ann")) == 3


def test_a_datacenter_that_is_not_founded_has_nothing_to_move(site: Site) -> None:
    assert moving.old_base(site) == ""
    founding.found(site, founding.Founding("north.example", "N", "http://elsewhere.example/x/"), "t")
    assert moving.old_base(site) == "http://elsewhere.example/x/"


@pytest.fixture()
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs `registry` in a folder of its own; gives exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(tmp_path / "i"), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err  # type: ignore[return-value]

    return run


def test_init_again_takes_what_the_file_says_and_moves_the_records(typed: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse battery\n")
    first = typed("init", "--authority", "north.example", "--email", "ops@north.example", "--yes", "--password-file",
                  str(tmp_path / "password"))
    assert first[0] == 0 and "moved" not in first[1]
    assert typed("init", "--yes")[0] == 0, "no answer is needed twice, no password either"
    file = tmp_path / "i" / "config.toml"
    file.write_text(file.read_text().replace('"http://127.0.0.1:8080/"', f'"{NEW}"'))
    assert any(NEW in line and "registry init --yes" in line for line in typed("doctor")[1].splitlines())
    again = typed("init", "--yes")
    assert again[0] == 0 and again[1].count(f"moved to {NEW}: ivo://north.example") == 5
    assert NEW + "oai" in typed("records", "show", "--xml", "ivo://north.example/registry")[1]
    assert "moved" not in typed("init", "--yes")[1]
    other = typed("init", "--yes", "--authority", "south.example")
    assert other[0] == 1 and "north.example" in other[2] and "edit it there" in other[2]
    assert [line.split()[0] for line in typed("user", "list")[1].splitlines()[1:]] == ["admin"]
