"""Reads and judges documents in processes of their own, for imports so long that one processor takes its time.

`python -m registry.records.judges FOLDER-OF-SCHEMAS AUTHORITY` is such a process: it takes documents on standard input,
answers on standard output, and ends with its parent, whose end of the pipe is the only one. Nothing is stored here.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from struct import Struct
from typing import BinaryIO

from registry.records.incoming import Document
from registry.records.reading import AT_ONCE, Found, found_in
from vosi.schemas import Schemas

WORTH_IT = 4_000_000  # bytes read before other processes are started
LARGE = AT_ONCE  # bytes of a document that is read bit by bit here instead
AHEAD = 4  # documents that are read for later, beside one for each process
AHEAD_BYTES = 40_000_000  # of them, where they are long
_LENGTH = Struct("<Q")  # of an answer, before it

Judged = tuple[Document, Iterable[Found]]


def judged(
    schemas: Schemas, documents: Iterable[Document], authority: str = "", processes: int = 1,
) -> Iterator[Judged]:
    """Each document with what it holds (`found_in`), in order; by so many processes where there is much to read."""
    waiting, read = iter(documents), 0
    for document in waiting:
        read += len(document.data)
        following = list(islice(waiting, 1)) if processes > 1 and read >= WORTH_IT else []
        if following:
            break
        yield document, found_in(schemas, document, authority)
    else:
        return
    with _Judges(schemas, authority, processes) as others:
        yield from others.all(chain([document], following, waiting))


class _Judges:
    """The processes, each with a thread here that waits for its answers."""

    def __init__(self, schemas: Schemas, authority: str, count: int) -> None:
        self._schemas, self._authority, self._count = schemas, authority, count
        command = [sys.executable, "-m", "registry.records.judges", str(schemas.folder), authority]
        # a session of their own: Ctrl-C ends this process, and with it the pipes that they live by
        self._processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
                           for _ in range(count)]
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="judge")

    def __enter__(self) -> _Judges:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            assert process.stdin and process.stdout
            with suppress(BrokenPipeError):  # what a killed one has not read
                process.stdin.close()
            process.stdout.close()
            process.wait()

    def all(self, documents: Iterable[Document]) -> Iterator[Judged]:
        """Each document with what it holds, in order; a few are on their way at any time."""
        under_way: deque[tuple[Document, Future[bytes] | None]] = deque()
        held = 0
        for document in documents:
            large = len(document.data) > LARGE
            under_way.append((document, None if large else self._threads.submit(self._judge, document)))
            held += len(document.data)
            # so many that none of the processes waits while a batch is written
            while len(under_way) > self._count + (AHEAD if held < AHEAD_BYTES else 1):
                held -= len(under_way[0][0].data)
                yield self._done(*under_way.popleft())
        while under_way:
            yield self._done(*under_way.popleft())

    def _done(self, document: Document, answer: Future[bytes] | None) -> Judged:
        found = answer.result() if answer else b""
        return document, pickle.loads(found) if found else found_in(self._schemas, document, self._authority)  # noqa: S301

    def _judge(self, document: Document) -> bytes:
        """What it holds as our own process writes it; nothing where that was killed: its work is done here then."""
        process = self._idle.get()
        try:
            return _answer(process, document)
        except OSError:
            return b""
        finally:
            self._idle.put(process)


def _answer(process: subprocess.Popen[bytes], document: Document) -> bytes:
    """The answer as it comes: whoever takes it reads it, for it takes a fraction of the memory until then."""
    assert process.stdin and process.stdout
    pickle.dump(document, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    head = process.stdout.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    [length] = _LENGTH.unpack(head)
    answer = process.stdout.read(length)
    return answer if len(answer) == length else b""


def _serve(schemas: Schemas, authority: str, source: BinaryIO, target: BinaryIO) -> None:
    """Answer documents until there are no more."""
    os.nice(5)  # the one that writes comes first: it is the one that all wait for
    gc.disable()  # what is made for a document refers to nothing in circles, and there is much of it
    while True:
        try:
            document: Document = pickle.load(source)  # noqa: S301 (what our own parent writes)
            answer = pickle.dumps(list(found_in(schemas, document, authority)), pickle.HIGHEST_PROTOCOL)
            target.write(_LENGTH.pack(len(answer)))
            target.write(answer)
            target.flush()
        except (EOFError, BrokenPipeError):
            return
        gc.collect(0)


if __name__ == "__main__":
    _serve(Schemas(Path(sys.argv[1])), sys.argv[2], sys.stdin.buffer, sys.stdout.buffer)
