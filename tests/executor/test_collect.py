"""Results of strangers: what is taken, what is not, and that nothing outside is ever read through them."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat

import pytest

from registry.executor import collect as collecting, tree
from registry.executor.collect import collect

SECRET = b"the password of the host"


@pytest.fixture()
def source(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture()
def target(tmp_path):
    return tmp_path / "taken"


def paths(collected) -> list[str]:
    return [file.path for file in collected.files]


def test_files_are_taken_with_size_type_and_digest(source, target):
    (source / "deep").mkdir()
    (source / "deep/table.csv").write_bytes(b"1,2\n")
    (source / "picture.svg").write_bytes(b"<svg/>")
    (source / "odd").write_bytes(b"")
    taken = collect(source, target, 100)
    assert [(file.path, file.size, file.media_type) for file in taken.files] == [
        ("deep/table.csv", 4, "text/csv"), ("odd", 0, "application/octet-stream"), ("picture.svg", 6, "image/svg+xml")]
    assert taken.files[0].sha256 == hashlib.sha256(b"1,2\n").hexdigest()
    assert (taken.bytes, taken.over, taken.problems) == (10, "", ())
    assert (target / "deep/table.csv").read_bytes() == b"1,2\n"


def test_what_is_no_plain_file_is_left_out_and_named(source, target, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    (source / "good").write_bytes(b"good")
    (source / "link").symlink_to(secret)
    (source / "folder").symlink_to(tmp_path)
    os.link(secret, source / "second-name")
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
        taken = collect(source, target, 1000)
    assert paths(taken) == ["good"]
    assert {problem.split()[0] for problem in taken.problems} == {
        "'link'", "'folder'", "'second-name'", "'fifo'", "'socket'"}
    assert [path.name for path in target.rglob("*")] == ["good"]


@pytest.mark.parametrize("mode", [0o6755, 0o7777, 0o400])
def test_owner_and_mode_are_ours(source, target, mode):
    (source / "tool").write_bytes(b"#!/bin/sh\n")
    (source / "tool").chmod(mode)
    collect(source, target, 1000)
    status = (target / "tool").stat()
    assert status.st_uid == os.geteuid()
    assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX | 0o111)


def test_a_quota_of_bytes(source, target):
    (source / "a").write_bytes(b"x" * 60)
    (source / "b").write_bytes(b"y" * 60)
    taken = collect(source, target, 100)
    assert len(taken.files) == 1
    assert taken.over == "more than 100 bytes"


def test_a_sparse_file_counts_as_long_as_it_says_it_is(source, target):
    with (source / "sparse").open("wb") as file:
        file.truncate(2**40)
    taken = collect(source, target, 2**20)
    assert (paths(taken), taken.over) == ([], "more than 1048576 bytes")


def test_a_quota_of_number(source, target, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_FILES", 50)
    for number in range(51):
        (source / f"{number}").mkdir()
    assert collect(source, target, 100).over == "more than 50 files and folders"


def test_names_that_no_list_can_hold_are_left_out(source, target):
    for name in (b"new\nline", b"\xff\xfe", "right\u202eto-left".encode(), b"good"):
        with open(os.path.join(os.fsencode(source), name), "wb"):
            pass
    taken = collect(source, target, 100)
    assert paths(taken) == ["good"]
    assert len(taken.problems) == 3
    assert all(problem.isprintable() for problem in taken.problems)


def test_folders_too_deep_are_left_out_and_can_be_removed(source, target):
    handle = os.open(source, os.O_RDONLY)
    for _ in range(2000):  # deeper than a path can be long, and than Python recurses
        os.mkdir("d" * 10, dir_fd=handle)
        inner = os.open("d" * 10, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    taken = collect(source, target, 100)
    assert "nested" in taken.problems[0]
    assert tree.measure(source, 100, 1000).entries > 1000
    tree.remove(source)
    assert not source.exists()


def test_removing_follows_no_link(source, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(SECRET)
    (source / "link").symlink_to(outside)
    (source / "sub").mkdir()
    (source / "sub/link").symlink_to(outside)
    tree.remove(source)
    assert not source.exists()
    assert (outside / "kept").read_bytes() == SECRET
    tree.remove(source)  # gone already


def test_the_same_again_gives_the_same(source, target):
    (source / "a").write_bytes(b"1")
    first = collect(source, target, 100)
    (target / "left-over").write_bytes(b"of a killed worker")
    draft = target.with_name("taken.draft")
    draft.mkdir()
    (draft / "a").write_bytes(b"half of it")
    assert collect(source, target, 100) == first
    assert not draft.exists()
    assert [path.name for path in target.iterdir()] == ["a"]


def test_a_missing_folder_is_a_problem_and_no_more(tmp_path, target):
    taken = collect(tmp_path / "missing", target, 100)
    assert (taken.files, taken.problems) == ((), ("The folder of results is missing.",))


def test_results_json_names_order_types_and_the_primary_one(source, target):
    for name in ("a.txt", "b.dat", "c.txt"):
        (source / name).write_bytes(b"1")
    (source / "results.json").write_text(json.dumps({
        "primary": "c.txt", "results": ["b.dat", {"path": "a.txt", "media_type": "text/x-special"}, {"path": "gone"}]}))
    taken = collect(source, target, 1000)
    assert paths(taken) == ["c.txt", "b.dat", "a.txt", "results.json"]
    assert {file.path: file.media_type for file in taken.files}["a.txt"] == "text/x-special"
    assert taken.problems == ("results.json names 'gone', which is not there.",)


def test_the_contract_says_what_results_json_does_not(source, target):
    for name in ("a.txt", "b.dat"):
        (source / name).write_bytes(b"1")
    taken = collect(source, target, 1000, {"b.dat": "application/x-votable+xml"}, "b.dat")
    assert [(file.path, file.media_type) for file in taken.files] == [
        ("b.dat", "application/x-votable+xml"), ("a.txt", "text/plain")]


@pytest.mark.parametrize("text", [
    b"no json", b'{"results": 3}', b'{"results": [{"name": "x"}]}', b"[" * 100_000, b'{"results": [{"path": 7}]}',
    b"\xff",
])
def test_a_results_json_that_makes_no_sense_is_not_followed(source, target, text):
    (source / "a").write_bytes(b"1")
    (source / "results.json").write_bytes(text)
    taken = collect(source, target, 10**6)
    assert paths(taken) == ["a", "results.json"]
    assert taken.problems[0].startswith("results.json is not followed: ")


@pytest.mark.parametrize("kind", ["text/html\r\nSet-Cookie: a", "<b>", "text", "", 3])
def test_media_types_that_are_none_are_not_believed(source, target, kind):
    (source / "a").write_bytes(b"1")
    (source / "results.json").write_text(json.dumps({"results": [{"path": "a", "media_type": kind}]}))
    assert collect(source, target, 1000).files[0].media_type == "application/octet-stream"
