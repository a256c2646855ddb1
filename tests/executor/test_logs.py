"""Logs of limited size: head and tail, live, and whole again after a worker was killed."""

from __future__ import annotations

import errno
import threading

import pytest

from registry.executor.fake import FakeRuntime, Program
from registry.executor.logs import CappedLog, Follower, last_line
from registry.executor.runtime import EngineAbsent, Limits, LogChunk, Spec

LIMIT = 4096


def lines(first: int, last: int) -> list[LogChunk]:
    return [LogChunk("stdout", f"2026-11-24T12:00:00.{number:09d}Z", f"line {number:06d}\n".encode())
            for number in range(first, last)]


def text(first: int, last: int) -> bytes:
    return b"".join(chunk.data for chunk in lines(first, last))


def fill(log: CappedLog, chunks: list[LogChunk], back: int = 10**6) -> None:
    """What a follower does: the head as it comes, then the last `back` chunks."""
    log.begin()
    for chunk in chunks:
        log.write(chunk)
    if log.full:
        log.begin_tail()
        for chunk in chunks[-back:]:
            log.write_tail(chunk)


def test_a_short_log_is_whole(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    for chunk in lines(0, 100):
        log.write(chunk)
    assert (tmp_path / "stdout").read_bytes() == text(0, 100)  # before its end already
    log.close()
    assert (tmp_path / "stdout").read_bytes() == text(0, 100)


def test_a_long_log_keeps_its_head_and_its_tail_and_says_what_is_missing(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, lines(0, 5000))
    head = (tmp_path / "stdout").read_bytes()
    log.close()
    whole = (tmp_path / "stdout").read_bytes()
    assert whole.startswith(head)  # a reader's offset stays good
    assert head == text(0, 256)
    assert whole.endswith(b"line 004999\n")
    assert len(whole) < LIMIT + 100
    missing = 5000 * 12 - len(head) - LIMIT // 4
    assert f"[... {missing} bytes are left out here ...]".encode() in whole


def test_where_only_the_end_was_read_nobody_knows_how_much_is_missing(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, lines(0, 5000), back=200)
    assert not log.lacks(200)
    log.close()
    whole = (tmp_path / "stdout").read_bytes()
    assert whole.startswith(text(0, 256) + b"\n[... 1376 bytes or more are left out here ...]\n")
    assert whole.endswith(text(4915, 5000))


def test_how_far_back_the_end_is_to_be_read_follows_from_what_came(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, lines(0, 5000), back=10)  # 120 of the 1024 bytes
    assert log.lacks(10) == 1024 * 10 // 120 * 5 // 4 - 10 or log.lacks(10) == 10 * 1024 // 120 * 5 // 4 - 10
    log.begin_tail()
    assert log.lacks(10) > 100  # none was of this stream


def test_a_log_a_little_longer_than_its_head_is_whole(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, lines(0, 300))
    log.close()
    assert (tmp_path / "stdout").read_bytes() == text(0, 300)


def long_line(stamp: str, size: int, part: int = 100) -> list[LogChunk]:
    """One line as engines cut it: the parts have one stamp."""
    data = bytes(65 + number % 26 for number in range(size))
    return [LogChunk("stdout", stamp, data[at:at + part]) for at in range(0, size, part)]


@pytest.mark.parametrize("cut", [0, 1, 7, 19, 20])
def test_the_parts_of_a_long_line_are_all_kept_wherever_it_is_gone_on(tmp_path, cut):
    chunks = [*long_line("a", 1000), *long_line("b", 900), LogChunk("stdout", "c", b"end\n")]
    first = CappedLog(tmp_path / "stdout", LIMIT)
    for chunk in chunks[:cut]:
        first.write(chunk)
    second = CappedLog(tmp_path / "stdout", LIMIT, first.kept, first.seen, first.same)
    fill(second, [chunk for chunk in chunks if chunk.stamp >= first.seen])
    second.close()
    assert (tmp_path / "stdout").read_bytes() == b"".join(chunk.data for chunk in chunks)


def test_a_line_longer_than_the_head_has_head_and_tail(tmp_path):
    chunks = [LogChunk("stdout", "1", b"first\n"), *long_line("2", 10_000), LogChunk("stdout", "3", b"\nlast\n")]
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, chunks)
    log.close()
    whole = (tmp_path / "stdout").read_bytes()
    every = b"".join(chunk.data for chunk in chunks)
    assert whole.startswith(every[:3006] + b"\n[...")
    assert whole.endswith(every[-1024:])


def test_a_log_goes_on_where_it_was(tmp_path):
    first = CappedLog(tmp_path / "stdout", LIMIT)
    for chunk in lines(0, 50):
        first.write(chunk)
    second = CappedLog(tmp_path / "stdout", LIMIT, first.kept, first.seen, first.same)
    for chunk in lines(40, 100):  # ten of them come again
        second.write(chunk)
    second.close()
    assert (tmp_path / "stdout").read_bytes() == text(0, 100)


def test_a_worker_that_hung_spoils_nothing_of_the_next_ones(tmp_path):
    hung = CappedLog(tmp_path / "stdout", LIMIT)
    for chunk in lines(0, 50):
        hung.write(chunk)
    second = CappedLog(tmp_path / "stdout", LIMIT, hung.kept, hung.seen, hung.same)
    fill(second, lines(49, 5000))
    second.close()
    whole = (tmp_path / "stdout").read_bytes()
    for chunk in lines(50, 60):
        hung.write(chunk)
    hung.close()
    assert (tmp_path / "stdout").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["stdout"]


class Nearly:
    """A file on a nearly full disk: takes three bytes at a time, and now and then none."""

    def __init__(self, file, room: int) -> None:
        self._file, self.room = file, room

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[:min(3, self.room)])
        self.room -= taken
        return taken

    def __getattr__(self, name: str):
        return getattr(self._file, name)


def test_a_nearly_full_disk_makes_no_holes_and_nothing_twice(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    log._file = nearly = Nearly(log._file, 100)
    chunks = lines(0, 100)
    with pytest.raises(OSError, match="No space"):
        for chunk in chunks:
            log.write(chunk)
    nearly.room = 10**6
    fill(log, chunks)  # what was not written comes again, and some of what was
    log.close()
    assert (tmp_path / "stdout").read_bytes() == text(0, 100)
    assert nearly.closed


def test_files_are_closed_when_the_disk_is_full(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    log._file = nearly = Nearly(log._file, 4000)
    fill(log, lines(0, 1000))
    with pytest.raises(OSError, match="No space"):
        log.close()
    assert nearly.closed


def test_one_line_longer_than_everything_is_cut(tmp_path):
    log = CappedLog(tmp_path / "stdout", LIMIT)
    fill(log, [LogChunk("stdout", "1", b"x" * 10**6)])
    log.close()
    assert LIMIT // 4 <= (tmp_path / "stdout").stat().st_size < LIMIT


@pytest.fixture()
def engine():
    return FakeRuntime({"i": Program(text(0, 20), b"careful\n", until_stopped=True)})


@pytest.fixture()
def name(engine):
    engine.create(Spec("n", "i", {}, {}, (), Limits(1, 2**26, 8, 2**20, LIMIT)))
    engine.start("n")
    return "n"


def wait_for(path, content):
    done = threading.Event()
    for _ in range(200):
        if path.exists() and path.read_bytes() == content:
            return
        done.wait(0.05)
    raise AssertionError(path.read_bytes())


def test_a_running_container_is_followed(tmp_path, engine, name):
    follower = Follower(engine, name, tmp_path, tmp_path / "cursor.json", LIMIT)
    follower.start()
    wait_for(tmp_path / "stdout", text(0, 20))
    wait_for(tmp_path / "stderr", b"careful\n")
    engine.finish(name)
    follower.finish()
    assert (tmp_path / "stdout").read_bytes() == text(0, 20)


def test_one_that_has_ended_is_read_in_one_pass(tmp_path, engine, name):
    engine.finish(name)
    Follower(engine, name, tmp_path, tmp_path / "cursor.json", LIMIT).finish()
    assert (tmp_path / "stdout").read_bytes() == text(0, 20)
    assert (tmp_path / "stderr").read_bytes() == b"careful\n"


def test_the_next_worker_goes_on_with_the_same_files(tmp_path, engine, name):
    first = Follower(engine, name, tmp_path, tmp_path / "cursor.json", LIMIT)
    first.start()
    wait_for(tmp_path / "stdout", text(0, 20))
    first.abandon()
    engine.finish(name)
    Follower(engine, name, tmp_path, tmp_path / "cursor.json", LIMIT).finish()
    assert (tmp_path / "stdout").read_bytes() == text(0, 20)
    assert (tmp_path / "stderr").read_bytes() == b"careful\n"


def test_finishing_twice_gives_the_same(tmp_path, engine, name):
    engine.programs["long"] = Program(text(0, 3000))
    engine.create(Spec("long", "long", {}, {}, (), Limits(1, 2**26, 8, 2**20, LIMIT)))
    engine.start("long")
    for _ in range(2):
        Follower(engine, "long", tmp_path, tmp_path / "cursor.json", LIMIT).finish()
        whole = (tmp_path / "stdout").read_bytes()
        assert whole.startswith(text(0, 256) + b"\n[...")
        assert whole.endswith(b"line 002999\n")
        assert whole.count(b"left out") == 1


def test_an_engine_that_goes_away_while_followed_loses_nothing(tmp_path, engine, name, monkeypatch):
    real, calls = engine.follow, []

    def broken(name, since="", *, wait=True, **options):
        calls.append(wait)
        for number, chunk in enumerate(real(name, since, wait=wait, **options)):
            if number == 5 and len(calls) == 1:
                raise EngineAbsent("gone")
            yield chunk

    monkeypatch.setattr(engine, "follow", broken)
    follower = Follower(engine, name, tmp_path, tmp_path / "cursor.json", LIMIT)
    follower.start()
    while len((tmp_path / "stdout").read_bytes()) < len(text(0, 20)):  # it goes on while the container runs
        assert len(calls) < 3
    engine.finish(name)
    follower.finish()
    assert (tmp_path / "stdout").read_bytes() == text(0, 20)
    assert calls == [True, True, False]


def test_a_flood_is_not_read_where_it_is_not_kept(tmp_path, engine, monkeypatch):
    """Half a million lines of one stream, and two of the other among them."""
    engine.programs["flood"] = Program(b"", until_stopped=True)
    engine.create(Spec("flood", "flood", {}, {}, (), Limits(1, 2**26, 8, 2**20, LIMIT)))
    engine.start("flood")
    log = engine._containers["flood"].log
    log += [*lines(0, 40_000), LogChunk("stderr", "2026-11-24T12:00:01Z", b"careful\n"), *(
        LogChunk("stdout", f"2026-11-24T12:00:02.{number:09d}Z", b"more\n") for number in range(460_000)),
        LogChunk("stderr", "2026-11-24T12:00:03Z", b"the end\n")]
    read = []
    real = engine.follow

    def counted(name, since="", **options):
        for chunk in real(name, since, **options):
            read.append(chunk.stream)
            yield chunk

    monkeypatch.setattr(engine, "follow", counted)
    follower = Follower(engine, "flood", tmp_path, tmp_path / "cursor.json", LIMIT)
    follower.start()
    engine.finish("flood")
    follower.finish()
    assert (tmp_path / "stderr").read_bytes() == b"careful\nthe end\n"
    whole = (tmp_path / "stdout").read_bytes()
    assert whole.startswith(text(0, 256)) and whole.endswith(b"more\n" * 200)
    assert len(read) < 5000


def test_two_floods_at_once_have_head_and_tail_each(tmp_path, engine):
    engine.programs["both"] = Program(text(0, 3000), text(0, 3000), until_stopped=True)
    engine.create(Spec("both", "both", {}, {}, (), Limits(1, 2**26, 8, 2**20, LIMIT)))
    engine.start("both")
    engine.finish("both")
    Follower(engine, "both", tmp_path, tmp_path / "cursor.json", LIMIT).finish()
    for stream in ("stdout", "stderr"):
        whole = (tmp_path / stream).read_bytes()
        assert whole.startswith(text(0, 256) + b"\n[...")
        assert whole.endswith(text(2920, 3000))


@pytest.mark.parametrize(("written", "line"), [
    (b"", ""), (b"one\ntwo\n\n  \n", "two"), (b"no end", "no end"), (b"a\x00b\x1b[31mred\n", "a b [31mred"),
    (b"\xff\xfe\n", "\ufffd\ufffd"), (b"x" * 10**6, "x" * 500 + "..."),
])
def test_the_last_line_is_one_line_of_text(tmp_path, written, line):
    (tmp_path / "stderr").write_bytes(written)
    assert last_line(tmp_path / "stderr") == line


def test_no_log_has_no_last_line(tmp_path):
    assert last_line(tmp_path / "stderr") == ""
