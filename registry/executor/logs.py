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
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from registry.executor.runtime import STDERR, STDOUT, EngineFault, LogChunk, Runtime
from registry.executor.sandbox import ENGINE_LOG

STREAMS = (STDOUT, STDERR)
_OVERHEAD = 100  # bytes of JSON around a line in the engine's log
_ESCAPE = 5      # further bytes that JSON may need for one that is not plain
_PLAIN = b" !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
_MAY_ROTATE = ENGINE_LOG - 2**20
_COPY = 2**20  # bytes
_AGAIN = 1.0  # seconds
_SAVE_EVERY = 0.2  # seconds; what came after the last time is read again


class CappedLog:
    """One stream in one file of about `limit` bytes; three quarters are its head, the rest its tail."""

    def __init__(self, path: Path, limit: int, kept: int = 0, seen: str = "") -> None:
        """Go on with the first `kept` bytes of the file; what was written up to the stamp `seen` is in them."""
        self._head = limit - limit // 4
        self._most = limit // 4
        self._tail = bytearray()
        self._after, self._most_after = 0, 0  # bytes after the head in this pass, and in the longest one
        self.full = False  # whether the head has all it will get
        self.kept, self.seen = kept, seen
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _anew(path, kept)

    def write(self, chunk: LogChunk) -> None:
        """Keep the chunk, in the head while whole chunks fit there, then as tail."""
        if chunk.stamp <= self.seen:
            return
        if not self.full and self.kept + len(chunk.data) <= self._head:
            self._file.seek(self.kept)  # a disk that was full may have taken a part of it
            _write(self._file, chunk.data)
            self.kept += len(chunk.data)
            self.seen = chunk.stamp
            return
        self.full = True
        self._tail += chunk.data
        self._after += len(chunk.data)
        if len(self._tail) > 2 * self._most:
            del self._tail[:-self._most]

    def rewind(self) -> None:
        """Back to the end of the head: what comes after it will come again."""
        self._tail.clear()
        self._after, self._most_after = 0, max(self._after, self._most_after)

    def close(self) -> None:
        """Add the tail; where something is missing between, a line says how much."""
        tail = bytes(self._tail[-self._most:])
        missing = max(self._after, self._most_after) - len(tail)
        gap = f"\n[... {missing} bytes or more are left out here ...]\n".encode() if missing > 0 else b""
        try:
            self._file.truncate(self.kept)
            self._file.seek(self.kept)
            _write(self._file, gap + tail)
        finally:
            self._file.close()


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
                self._logs[stream] = CappedLog(folder / stream, limit, *places.get(stream, (0, "")))
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
            # an engine that begins its own log anew loses its followers: what follows a head is then read at the end
            if self._broken or self._followed > _MAY_ROTATE:
                for log in self._logs.values():
                    log.rewind()
                self._keep(self._runtime.follow(self._name, self._since(), wait=False))
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
                self._keep(self._runtime.follow(self._name, self._since(), stop=self._stop))
                break
            except (EngineFault, OSError):  # the engine went away, or the disk is full: the container may run on
                self._broken = True
                self._stop.wait(_AGAIN)
        self._broken = self._broken or self._stop.is_set()

    def _keep(self, chunks: Iterable[LogChunk]) -> None:
        saved = float("-inf")
        for chunk in chunks:
            self._logs[chunk.stream].write(chunk)
            self._followed += _OVERHEAD + len(chunk.data) + _ESCAPE * len(chunk.data.translate(None, _PLAIN))
            if time.monotonic() > saved + _SAVE_EVERY:
                self._save()
                saved = time.monotonic()

    def _since(self) -> str:
        """From where every stream gets all it lacks; a full one lacks its tail, which begins where its head ended."""
        return min(log.seen for log in self._logs.values())

    def _save(self) -> None:
        places = {stream: [log.kept, log.seen] for stream, log in self._logs.items()}
        draft = self._cursor.with_suffix(".draft")
        draft.write_text(json.dumps(places))
        draft.replace(self._cursor)

    def _close(self) -> None:
        with contextlib.ExitStack() as stack:  # the one may fail, and the other is closed all the same
            for log in self._logs.values():
                stack.callback(log.close)


def _read(cursor: Path) -> dict[str, tuple[int, str]]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return {stream: (int(kept), str(seen)) for stream, (kept, seen) in json.loads(cursor.read_text()).items()}
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
