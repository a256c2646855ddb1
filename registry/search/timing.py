"""How long a query may take, and how it is ended: by its time, or because somebody asks for that. It runs none.

Time is what the database works, not what a slow client takes to read. A database that does not watch the time itself is told
by a thread of ours: looking at a clock while it works would take the interpreter from all others, again and again.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from registry.errors import Busy, Refusal

_SLOWNESS = 10  # times its seconds that a query may stay open for a client that reads slowly
LONG = 3.0  # seconds of work after which a query is a long one
_AGAIN = 0.2  # seconds until a call is repeated: one before the database has begun to work is for nothing
_IDLE = 10.0  # seconds without a deadline after which the thread that watches them ends
End = Callable[[], object]


class TooLong(Refusal):
    """The query was ended because it took longer than it may."""


class Stopped(Refusal):
    """The query was ended because somebody asked for that."""


class TooManyQueries(Busy):
    """As many queries run as may, or as many long ones."""


class Stop:
    """By which one thread ends the query of another."""

    def __init__(self) -> None:
        self.asked = False
        self._lock = threading.Lock()
        self._call: End | None = None

    def ask(self) -> None:
        """End the query, whether it has begun or not."""
        with self._lock:
            self.asked = True
            if self._call is not None:
                self._call()

    def by(self, call: End | None) -> None:
        """Where a call is needed to end it: this one; once it is taken back it is called no more."""
        with self._lock:
            self._call = call


@dataclass
class Clock:
    """How long the database may still work for one query."""

    allowed: float  # seconds
    stop: Stop
    advice: str
    left: float = 0.0
    ends: float = field(default=0.0)
    long: Callable[[], bool] = lambda: True  # asked once it is a long one: whether it may go on
    crowded: bool = False  # it may not

    def __post_init__(self) -> None:
        self.left = self.allowed
        self.ends = time.monotonic() + _SLOWNESS * self.allowed

    @contextmanager
    def working(self, end: End, *, watched: bool = True) -> Iterator[None]:
        """While the database works; `end` is called where it may do so no longer, or where others must be let go first.

        Not `watched` is one that keeps to its time by itself. Raises TooLong, Stopped or TooManyQueries before.
        """
        start = time.monotonic()
        self.check()
        tickets = [DEADLINES.set(start + LONG - (self.allowed - self.left), lambda: self._pass_on(end))]
        if watched:
            tickets.append(DEADLINES.set(start + self.left, end))
        try:
            yield
        finally:
            for ticket in tickets:
                DEADLINES.take_off(ticket)
            self.left -= time.monotonic() - start

    def _pass_on(self, end: End) -> None:
        if not self.long():
            self.crowded = True
            end()

    def check(self) -> None:
        """Raises TooLong, Stopped or TooManyQueries where the query must end."""
        if self.stop.asked:
            raise Stopped("The query was ended as it was asked to be.")
        if self.crowded:
            raise TooManyQueries("The query takes long, and others that do are under way: ask for less, send it to /tap/async, "
                                 "or ask again in a few seconds.", retry_after=10)
        if self.left <= 0 or time.monotonic() > self.ends:
            raise self.too_long()

    def too_long(self) -> TooLong:
        """The error to raise."""
        return TooLong(f"The query takes longer than the {self.allowed:g} seconds that it may: {self.advice}.")


class Deadlines:
    """Calls to be made at their times, and then until they are taken off; one thread waits for all of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[int, End] = {}  # by ticket
        self._times: list[tuple[float, int]] = []  # a heap; tickets that were taken off stay until their time
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def set(self, at: float, call: End) -> int:
        """A ticket for `call` at the monotonic time `at`. The call must be short, and may come from another thread."""
        with self._changed:
            ticket = next(self._numbers)
            self._calls[ticket] = call
            heapq.heappush(self._times, (at, ticket))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._times[0][1] == ticket:
                self._changed.notify()
            return ticket

    def take_off(self, ticket: int) -> None:
        """Once this returns the call is not under way, and will not be made again."""
        with self._changed:
            self._calls.pop(ticket, None)

    def _watch(self) -> None:
        with self._changed:
            while self._times or self._changed.wait(_IDLE):
                if not self._times:
                    continue
                at, ticket = self._times[0]
                if ticket in self._calls and (left := at - time.monotonic()) > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._times)
                if ticket in self._calls:
                    self._calls[ticket]()
                    heapq.heappush(self._times, (time.monotonic() + _AGAIN, ticket))
            self._thread = None


DEADLINES = Deadlines()
