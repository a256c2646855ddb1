"""Keeps finished answers while the tables that they came from stay as they are, and lets equal queries under way share one run.

They are kept in a file without a name, which the system has in memory as far as there is room. What has changed is told by the
datestamp of the shelf, which each change of a record moves; what else decides an answer, chance or what is known of services, is
kept from here by `lasting`. It runs no query and knows no format.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from sqlalchemy import select

from registry import clock
from registry.db import Database
from registry.records.reprojecting import REPROJECTED
from registry.records.store import LAST_STAMP
from registry.sending import Part
from registry.tables import facts

Name = tuple[object, ...]
_MOST, _BYTES = 2000, 2**28  # answers, and bytes of all of them: with one more they are forgotten
_PATIENCE = 30.0  # seconds that a query waits for its equal
_PASSING = re.compile(r"\b(site|rand)\b", re.IGNORECASE)
_STATE = select(facts.c.name, facts.c.value).where(facts.c.name.in_([LAST_STAMP, REPROJECTED])).order_by(facts.c.name)


class Kept:
    """The answers of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = ""
        self._answers: dict[Name, Part] = {}  # of that state
        self._file: BinaryIO | None = None
        self._end = 0  # of the file
        self._under_way: dict[Name, threading.Event] = {}

    @contextmanager
    def shared(self, state: str, name: Name) -> Iterator[Part | None]:
        """The answer called `name`; None for whoever has to make it, while others wait for that, and in no known `state`."""
        first = not state or self._begin(state, name)
        try:
            yield None if first else self.get(state, name)
        finally:
            if state and first:
                self.let_go(state, name)

    def get(self, state: str, name: Name) -> Part | None:
        """The answer called `name`, where it is there."""
        with self._lock:
            return self._answers.get(name) if state and state == self._state else None

    def let_go(self, state: str, name: Name) -> None:
        """Let others who wait for this answer make it themselves, where it is not there."""
        with self._lock:
            event = self._under_way.pop((state, name), None)
        if event is not None:
            event.set()

    def put(self, state: str, name: Name, answer: bytes) -> None:
        """Keep an answer for as long as the state is this one; not where none is known, nor where the disk has no room."""
        if not state:
            return
        with self._lock:
            self._turn(state)
            try:
                if self._file is None or self._end + len(answer) > _BYTES or len(self._answers) >= _MOST:
                    self._answers.clear()
                    self._file, self._end = tempfile.TemporaryFile(buffering=0), 0  # noqa: SIM115 - open as long as it is read
                if self._file.write(answer) != len(answer):
                    raise OSError("the disk is full")
            except OSError:
                self._answers.clear()
                self._file = None
                return
            self._answers[name] = Part(self._file, self._end, len(answer))
            self._end += len(answer)

    def _begin(self, state: str, name: Name) -> bool:
        """Whether the answer is not there, and nobody else has made it while we waited for that."""
        with self._lock:
            self._turn(state)
            if name in self._answers:
                return False
            event = self._under_way.get((state, name))
            if event is None:
                self._under_way[state, name] = threading.Event()
                return True
        event.wait(_PATIENCE)
        return self.get(state, name) is None

    def _turn(self, state: str) -> None:
        """Forget what is of another state."""
        if state != self._state:
            self._state, self._file = state, None
            self._answers.clear()


def state(database: Database) -> str:
    """What tells whether the tables of searches are as they were; '' in a second in which they have changed."""
    now = clock.stamp()
    with database.read() as connection:
        found = connection.execute(_STATE).all()
    settled = all(value < now for name, value in found if name == LAST_STAMP)  # more may come under the stamp of this second
    return repr([tuple(row) for row in found]) if settled else ""


def lasting(query: str) -> bool:
    """Whether nothing but the tables of records decides the answer of a query in ADQL."""
    return not _PASSING.search(query)
