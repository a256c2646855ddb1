"""An archive that is cut, changed or made by somebody else restores nothing, and says why."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import resource
import signal
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from registry.backup import archive, making, restoring
from registry.backup.archive import ArchiveRefused
from registry.errors import NotFound, Refusal
from registry.schema import SchemaTooNew

ABOUT = {"format": 1, "program": "1", "made": "", "authority": "", "title": "", "holds": [],
         "database": {"name": "database.sqlite", "revision": "0001"}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup of a datacenter with next to nothing in it."""
    from registry.schema import upgrade
    from registry.site import open_site

    folder = tmp_path_factory.mktemp("whole")
    site = open_site(folder / "instance")
    upgrade(site.database)
    (folder / "instance" / "config.toml").write_text('authority = "north.example"\n')
    (folder / "instance" / "results" / "a").mkdir(parents=True)
    (folder / "instance" / "results" / "a" / "stdout").write_text("words")
    made = making.make(site.settings, site.database, folder)
    site.close()
    return made.path.read_bytes()


def tried(folder: Path, data: bytes, *, look: bool = True) -> None:
    """Restore it, and see that nothing is there; a look finds what is wrong, too."""
    (folder / "b.tar.gz").write_bytes(data)
    if look:
        with pytest.raises(Refusal):
            restoring.check(folder / "b.tar.gz")
    try:
        restoring.restore(folder / "b.tar.gz", folder / "copy", "ann")
    finally:
        assert not (folder / "copy").exists() and not list(folder.glob(".*"))


def members(*entries: tuple[str, bytes | tarfile.TarInfo], digests: dict[str, Any] | None = None, about: Any = ABOUT) -> bytes:
    """An archive as its maker would have written it, with these files in it."""
    said = {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in entries if isinstance(data, bytes)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        documents = (("backup.json", json.dumps(about).encode()), *entries,
                     ("digests.json", json.dumps({"sha256": said if digests is None else digests}).encode()))
        for name, data in documents:
            entry = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = 0 if isinstance(data, tarfile.TarInfo) else len(data)
            tar.addfile(entry, None if isinstance(data, tarfile.TarInfo) else io.BytesIO(data))
    return packed.getvalue()


def test_one_that_is_cut_anywhere_restores_nothing(whole, tmp_path):
    for at in [0, 1, 9, 11, *range(100, len(whole), len(whole) // 15), len(whole) - 9, len(whole) - 1]:
        with pytest.raises(ArchiveRefused) as refused:
            tried(tmp_path, whole[:at])
        assert "\n" not in str(refused.value)
    with pytest.raises(ArchiveRefused, match="ends before its digests"):
        tar = gzip.decompress(whole)
        at = tar.index(b"digests.json") // 512 * 512
        tried(tmp_path, gzip.compress(tar[:at] + bytes(1024), 1))


def test_one_in_which_a_bit_has_turned_restores_nothing(whole, tmp_path):
    tar = gzip.decompress(whole)
    for what in (b"north.example", b"words", b"SQLite format 3"):  # the last time: the first is in backup.json
        at = tar.rindex(what) if what != b"SQLite format 3" else tar.index(what) + 40
        turned = tar[:at] + bytes([tar[at] ^ 1]) + tar[at + 1:]
        with pytest.raises(ArchiveRefused, match="is damaged"):
            tried(tmp_path, gzip.compress(turned, 1))
    for at in range(30, len(whole), len(whole) // 15):
        turned = whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1:]
        with suppress(Exception):
            if gzip.decompress(turned) == tar:  # one that means nothing
                continue
        with pytest.raises(ArchiveRefused):
            tried(tmp_path, turned)


@pytest.mark.parametrize("name", [
    "../outside", "/tmp/outside", "keys/../../outside", "results/../../../outside", "run/x", "keys", "keys//x", "keys/./x",
    "registry.sqlite", "xsd/catalog.json", "results/a\0b", "", "backup.json"])
def test_names_that_lead_elsewhere_are_not_followed(tmp_path, name):
    with pytest.raises(ArchiveRefused, match="not to be trusted|is damaged|no whole backup"):
        tried(tmp_path, members((name, b"x")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_nothing_but_files_comes_out(tmp_path, kind):
    entry = tarfile.TarInfo("keys/secret")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with pytest.raises(ArchiveRefused, match="not to be trusted"):
        tried(tmp_path, members(("keys/secret", entry)))


def test_a_name_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(ArchiveRefused, match="twice"):
        tried(tmp_path, members(("keys/secret", b"x"), ("keys/secret", b"y")))


def test_digests_are_held_to_what_is_there_and_it_to_them(tmp_path):
    right = [1, hashlib.sha256(b"x").hexdigest()]
    for digests in ({}, {"keys/a": right, "keys/b": right}, {"keys/a": [2, right[1]]}, {"keys/a": [1, "0"]}):
        with pytest.raises(ArchiveRefused, match="damaged: keys/"):
            tried(tmp_path, members(("keys/a", b"x"), digests=digests))


@pytest.mark.parametrize(("data", "words"), [
    (b"", "no whole backup|ends too early"), (b"no archive", "no whole backup"),
    (gzip.compress(b"no tar", mtime=0), "no whole backup|no backup"),
    (members(about=[]), "no backup"), (members(about={**ABOUT, "format": 2}), "newer version"),
    (members(about={**ABOUT, "database": None}), "which database"), (members(about={**ABOUT, "format": "1"}), "newer version"),
    (members(("database.sqlite", b"no database" * 100)), "is damaged"),
])
def test_what_is_no_backup_of_ours_is_refused_in_a_sentence(tmp_path, data, words):
    with pytest.raises(ArchiveRefused, match=words) as refused:
        tried(tmp_path, data, look=words != "is damaged")  # what is in the database a look does not see
    assert "\n" not in str(refused.value)


def test_a_backup_of_a_newer_version_is_left_to_that(tmp_path):
    with pytest.raises(SchemaTooNew, match="9999"):
        tried(tmp_path, members(about={**ABOUT, "database": {"name": "database.sqlite", "revision": "9999"}}))


def test_without_a_file_it_says_so(tmp_path):
    with pytest.raises(NotFound, match="There is no file"):
        restoring.restore(tmp_path / "b.tar.gz", tmp_path / "copy", "ann")


@pytest.mark.parametrize("when", ["keys", "config.toml"])
def test_a_restore_that_is_killed_leaves_nothing_in_its_place_and_can_be_begun_again(whole, tmp_path, when):
    (tmp_path / "b.tar.gz").write_bytes(whole)

    def die(_done: int, words: str) -> None:
        if words == when:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        restoring.restore(tmp_path / "b.tar.gz", tmp_path / "copy", "ann", progress=die)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not (tmp_path / "copy").exists()
    restoring.restore(tmp_path / "b.tar.gz", tmp_path / "copy", "ann")
    assert (tmp_path / "copy" / "config.toml").read_text() == 'authority = "north.example"\n'


def test_what_a_killed_backup_has_left_goes_with_the_next_of_another_day(site, tmp_path):
    old, young = tmp_path / ".north.example-1.tar.gz.77", tmp_path / ".north.example-2.tar.gz.78.database"
    for path in (old, young):
        path.touch()
    os.utime(old, (1, 1))
    made = making.make(site.settings, site.database, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, made.path.name, "instance"}


def test_a_backup_that_fails_leaves_no_archive(whole, tmp_path):
    with pytest.raises(RuntimeError), archive.made(tmp_path / "b.tar.gz", {}, lambda done, words: None) as writer:
        writer.file("config.toml", Path(__file__))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_shrinks_or_grows_meanwhile_is_taken_as_long_as_it_was(tmp_path):
    source = tmp_path / "log"
    source.write_bytes(b"x" * 3_000_000)

    def change(done: int, _words: str) -> None:
        if done == 2**20:  # bytes
            source.write_bytes(b"y" * (2**20 + 5))

    with archive.made(tmp_path / "b.tar.gz", {}, change) as writer:
        assert writer.file("results/a/log", source)
    (tmp_path / "out").mkdir()
    archive.unpacked(tmp_path / "b.tar.gz", tmp_path / "out", lambda done, words: None)
    assert (tmp_path / "out" / "results" / "a" / "log").stat().st_size == 3_000_000


@pytest.mark.parametrize("room", [0, 5000, 60_000, 900_000])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(site, tmp_path, room):
    """No file may grow beyond some length, as on a disk without room."""
    (site.settings.instance / "results" / "a").mkdir(parents=True)
    (site.settings.instance / "results" / "a" / "stdout").write_bytes(os.urandom(1_000_000))
    site.database.engine.dispose()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            making.make(site.settings, site.database, tmp_path)
        except Refusal as refused:
            os.write(writer, str(refused).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        words = said.read()
    assert os.waitpid(child, 0)[1] == 0
    assert ("could not be" in words or "disk I/O error" in words) and "\n" not in words
    assert [path.name for path in tmp_path.iterdir()] == ["instance"]
