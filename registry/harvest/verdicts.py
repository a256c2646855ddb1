"""Says of records what can be said without the shelf, in a process of its own where there are many: no transaction waits.

`python -m registry.harvest.verdicts FOLDER-OF-SCHEMAS` is such a process: it takes the records of a page on standard input,
answers on standard output, and ends with its parent, whose end of the pipe is the only one. Nothing is stored here.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from struct import Struct
from typing import IO, BinaryIO

from lxml import etree

from registry.records.ready import Ready, one_record, prepare
from vosi import xmlio
from vosi.schemas import Schemas

_PR_SET_PDEATHSIG = 1
SLICE = 50  # records that are answered together: few enough that one who holds their answers holds little
_LENGTH = Struct("<Q")  # of an answer, before it
_ROOM = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) - 1))  # processes at once: one is left to who writes

Verdict = Ready | str  # or one sentence on why it cannot be read


class Gone(OSError):
    """The process has ended, whoever did that: its work is to be done here."""


def verdict(schemas: Schemas, record: bytes) -> Verdict:
    """What can be said of a record that stands alone. Never raises."""
    try:
        return prepare(schemas, *_alone(record)).light()
    except xmlio.XmlRefused as error:
        return str(error)


def _alone(record: bytes) -> tuple[bytes, etree._Element]:
    """The bytes to keep of a record, and what they parse to; the page's reader has made them stand alone already."""
    element = xmlio.parse(record)
    if etree.QName(element).localname == "VOResources":  # somebody has wrapped it once more
        return one_record(record)
    return record, element


class Judge:
    """One such process, begun when it is first asked."""

    def __init__(self, schemas: Schemas) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._schemas, self._ended, self._lock = schemas, False, threading.Lock()

    def ask(self, records: Sequence[bytes]) -> list[bytes]:
        """The answers to so many records, `read` them; raises Gone."""
        process = self._begun()
        assert process.stdin and process.stdout
        try:
            pickle.dump(list(records), process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            return [_framed(process.stdout) for _ in range(0, len(records), SLICE)]
        except (OSError, ValueError):  # ValueError: it was ended here
            raise Gone("The process that judges records is gone.") from None

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise Gone("The process that judges records was ended.")
            if self.process is None:
                command = [sys.executable, "-m", "registry.harvest.verdicts", str(self._schemas.folder)]
                # a session of its own: Ctrl-C ends this process, and with it the pipes that the other lives by
                self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
            return self.process

    def end(self) -> None:
        """End it, whatever it does; any thread may, more than once."""
        with self._lock:
            self._ended = True
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            with suppress(OSError):  # what it has not read
                pipe.close()


@contextmanager
def another(schemas: Schemas) -> Iterator[Judge | None]:
    """A process that judges; none where as many are at work as there are processors to spare."""
    if not _ROOM.acquire(blocking=False):
        yield None
        return
    judge = Judge(schemas)
    try:
        yield judge
    finally:
        judge.end()
        _ROOM.release()


def read(answers: Sequence[bytes], records: Sequence[bytes]) -> Iterator[Verdict]:
    """The verdicts on `records`, in their order."""
    for number, answer in enumerate(answers):
        asked = records[number * SLICE:(number + 1) * SLICE]
        for record, found in zip(asked, pickle.loads(answer), strict=True):  # noqa: S301 (what our own child writes)
            yield found if isinstance(found, str) or found.xml else _with(found, record)


def _with(ready: Ready, xml: bytes) -> Ready:
    """The same of other bytes, with the rows that have been made."""
    other = replace(ready, xml=xml)
    if "rows" in ready.__dict__:
        other.__dict__["rows"] = ready.rows
    return other


def _framed(source: IO[bytes]) -> bytes:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise Gone
    [length] = _LENGTH.unpack(head)
    answer = source.read(length)
    if len(answer) < length:
        raise Gone
    return answer


def _serve(schemas: Schemas, source: BinaryIO, target: BinaryIO) -> None:
    """Answer until there is nobody any more who asks."""
    with suppress(AttributeError, OSError):  # not Linux: there it ends when it next reads or writes
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # at once, whatever it is doing, when who began it ends
    gc.disable()  # what is made for a record refers to nothing in circles, and there is much of it
    while True:
        try:
            records: list[bytes] = pickle.load(source)  # noqa: S301 (what our own parent writes)
            for start in range(0, len(records), SLICE):
                answer = pickle.dumps(
                    [_slim(verdict(schemas, one), one) for one in records[start:start + SLICE]], pickle.HIGHEST_PROTOCOL)
                target.write(_LENGTH.pack(len(answer)))
                target.write(answer)
                target.flush()
        except (EOFError, BrokenPipeError):
            return
        gc.collect(0)


def _slim(found: Verdict, record: bytes) -> Verdict:
    """Without the bytes, where who asks has the same."""
    return _with(found, b"") if isinstance(found, Ready) and found.xml == record else found


if __name__ == "__main__":
    _serve(Schemas(Path(sys.argv[1])), sys.stdin.buffer, sys.stdout.buffer)
