"""What a container writes, kept in two files of limited size: the head of each at once, its tail at the end.

The files only grow, so that a reader may go on from an offset. A cursor beside them says how far the heads have come: a
worker that takes over goes on there, and the engine itself still has the tail.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from registry.executor.runtime import STREAMS, EngineFault, LogChunk, Runtime
from registry.executor.sandbox import ENGINE_LOG

_TAIL = 2000  # chunks of the first look at a log's end
_OVERHEAD = 100  # bytes of JSON around a line in the engine's log
_ESCAPE = 5      # further bytes that JSON may need for one that is not plain
_PLAIN = b" !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
_MAY_ROTATE = ENGINE_LOG - 2**20
_COPY = 2**20  # bytes
_AGAIN = 1.0  # seconds
_SAVE_EVERY = 0.2  # seconds; what came after the last time is read again


class CappedLog:
    """One stream in one file of about `limit` bytes; three quarters are its head, the rest its tail."""

    def __init__(self, path: Path, limit: int, kept: int = 0, seen: str = "", same: int = 0) -> None:
        """Go on with the first `kept` bytes of the file; `same` chunks with the stamp `seen` are the last in them."""
        self._head = limit - limit // 4
        self._most = limit // 4
        self.full = False  # whether the head has all it will get
        self.kept, self.seen, self.same = kept, seen, same
        self._tail = _Tail()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _anew(path, kept)
        self._torn = False
        self.begin()

    def begin(self) -> None:
        """A reading begins: what is kept already comes again."""
        self._again = self.same

    def write(self, chunk: LogChunk) -> None:
        """Keep the chunk in the head; the first that does not fit makes it full."""
        if not self._is_new(chunk):
            return
        if self.full or self.kept + len(chunk.data) > self._head:
            self.full = True
            return
        if self._torn:  # a disk that was full may have taken a part of it
            self._file.seek(self.kept)
        self._torn = True
        _write(self._file, chunk.data)
        self._torn = False
        self.kept += len(chunk.data)
        self.same = self.same + 1 if chunk.stamp == self.seen else 1
        self.seen = chunk.stamp

    def begin_tail(self) -> None:
        """A reading of the last chunks begins."""
        self.begin()
        self._tail = _Tail()

    def write_tail(self, chunk: LogChunk) -> None:
        """Keep the chunk in the tail unless it is in the head."""
        tail = self._tail
        tail.first = tail.first or chunk.stamp
        if self._is_new(chunk):
            tail.data += chunk.data
            tail.size += len(chunk.data)
            if len(tail.data) > 2 * self._most:
                del tail.data[:-self._most]

    def lacks(self, read: int) -> int:
        """How many chunks more than the `read` ones are to be read for a whole tail, by their size; 0 where it is whole."""
        if self._meets() or (self._tail.size >= self._most and self._tail.first > self.seen):
            return 0
        wanted = read * self._most // self._tail.size * 5 // 4 if self._tail.size else 16 * read
        return max(wanted - read, read)

    def close(self) -> None:
        """Add the tail; where something is missing between, a line says how much."""
        try:
            self._file.truncate(self.kept)
            self._file.seek(self.kept)
            if self.full:
                _write(self._file, self._end())
        finally:
            self._file.close()

    def _is_new(self, chunk: LogChunk) -> bool:
        if chunk.stamp == self.seen and self._again:
            self._again -= 1
            return False
        return chunk.stamp >= self.seen

    def _meets(self) -> bool:
        """Whether the tail begins within the head, so that nothing between them is unknown."""
        return bool(self._tail.first) and self._tail.first < self.seen

    def _end(self) -> bytes:
        tail = bytes(self._tail.data[-self._most:])
        missing = self._tail.size - len(tail)
        if self._meets():
            return (f"\n[... {missing} bytes are left out here ...]\n".encode() if missing else b"") + tail
        known = f"{missing} bytes or more" if missing else "further bytes"
        return f"\n[... {known} are left out here ...]\n".encode() + tail


@dataclass
class _Tail:
    """The last of a stream: its bytes, how many there were, and the first stamp of the reading."""

    data: bytearray = field(default_factory=bytearray)
    size: int = 0
    first: str = ""


def _write(file: IO[bytes], data: bytes) -> None:
    """All of it: a nearly full disk takes a part, and says so the next time only."""
    while data:
        data = data[file.write(data):]


def _anew(path: Path, kept: int) -> IO[bytes]:
    """The file with its first `kept` bytes, as one of its own: whoever had it open, and hung, writes to the old one."""
    for left in path.parent.glob(f"{path.name}.*"):
        left.unlink(missing_ok=True)
    draft = path.with_name(f"{path.name}.{os.urandom(6).hex()}")
    file = draft.open("x+b", buffering=0)
    try:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as old:
            while kept > file.tell() and (chunk := old.read(min(_COPY, kept - file.tell()))):
                _write(file, chunk)
        draft.replace(path)
    except OSError:  # a full disk
        file.close()
        draft.unlink()
        raise
    return file


class Follower:
    """Follows one container's output into `folder`/stdout and `folder`/stderr, in a thread or in one pass."""

    def __init__(self, runtime: Runtime, name: str, folder: Path, cursor: Path, limit: int) -> None:
        self._runtime, self._name, self._cursor = runtime, name, cursor
        self._stop = threading.Event()
        self._broken = False
        self._followed = 0  # bytes of the engine's log, at most
        self._thread: threading.Thread | None = None
        places = _read(cursor)
        self._logs: dict[str, CappedLog] = {}
        try:
            for stream in STREAMS:
                self._logs[stream] = CappedLog(folder / stream, limit, *places.get(stream, (0, "", 0)))
        except OSError:
            self._close()
            raise

    def start(self) -> None:
        """Follow while the container runs."""
        self._thread = threading.Thread(target=self._follow, name=f"log of {self._name}", daemon=True)
        self._thread.start()

    def finish(self, patience: float = 10.0) -> None:
        """After the container's end: take what is still to come, and close the files."""
        if self._thread is not None:
            self._thread.join(patience)
            self._stop.set()
            self._thread.join()
        else:
            self._broken = True
        try:
            # an engine that begins its own log anew loses its followers
            if self._broken or self._followed > _MAY_ROTATE:
                self._heads(wait=False)
            if any(log.full for log in self._logs.values()):
                self._tails()
        finally:
            self._close()

    def abandon(self) -> None:
        """Let go of the container and the files as they are; the cursor stays for whoever goes on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self._heads(wait=True)
                break
            except (EngineFault, OSError):  # the engine went away, or the disk is full: the container may run on
                self._broken = True
                self._stop.wait(_AGAIN)
        self._broken = self._broken or self._stop.is_set()

    def _heads(self, *, wait: bool) -> None:
        """Read what is missing of the heads, and no more: a flood is not worth the time that the engine needs for it."""
        while logs := {stream: log for stream, log in self._logs.items() if not log.full}:
            for log in logs.values():
                log.begin()
            since = min(log.seen for log in logs.values())
            stop: dict[str, Any] = {"stop": self._stop} if wait else {}
            chunks = self._runtime.follow(self._name, since, wait=wait, streams=tuple(logs), **stop)
            if not self._keep(chunks):
                return

    def _keep(self, chunks: Iterator[LogChunk]) -> bool:
        """Keep them up to the end, or until a log is full: then True."""
        saved = float("-inf")
        for chunk in chunks:
            log = self._logs[chunk.stream]
            log.write(chunk)
            self._followed += _OVERHEAD + len(chunk.data) + _ESCAPE * len(chunk.data.translate(None, _PLAIN))
            if log.full or time.monotonic() > saved + _SAVE_EVERY:
                self._save()
                saved = time.monotonic()
            if log.full:
                return True
        return False

    def _tails(self) -> None:
        """Read the last chunks of all: as many as are needed, which nobody knows before."""
        logs = {stream: log for stream, log in self._logs.items() if log.full}
        most = _TAIL
        while True:
            for log in logs.values():
                log.begin_tail()
            count = 0
            for chunk in self._runtime.follow(self._name, wait=False, tail=most):
                count += 1
                if chunk.stream in logs:
                    logs[chunk.stream].write_tail(chunk)
            lacking = max(log.lacks(most) for log in logs.values())
            if count < most or not lacking:
                return
            most += lacking

    def _save(self) -> None:
        places = {stream: [log.kept, log.seen, log.same] for stream, log in self._logs.items()}
        draft = self._cursor.with_suffix(".draft")
        draft.write_text(json.dumps(places))
        draft.replace(self._cursor)

    def _close(self) -> None:
        with contextlib.ExitStack() as stack:  # the one may fail, and the other is closed all the same
            for log in self._logs.values():
                stack.callback(log.close)


def _read(cursor: Path) -> dict[str, tuple[int, str, int]]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return {stream: (int(kept), str(seen), int(same))
                for stream, (kept, seen, same) in json.loads(cursor.read_text()).items()}
    return {}


def last_line(path: Path, most: int = 500) -> str:
    """The last line of a log that holds anything, as one line of printable text of at most `most` characters."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = "".join(letter if letter.isprintable() else " " for letter in lines[-1]) if lines else ""
    return line if len(line) <= most else f"{line[:most]}..."
