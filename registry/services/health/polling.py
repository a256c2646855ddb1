"""Looks at every registered service in turn: several at once, few at one host, never all in one burst.

It runs in the worker, beside the jobs. A slow service holds up its own look and no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select

from registry import clock
from registry.bell import ANSWERS
from registry.hooks import anyone
from registry.records import store as shelf
from registry.services import local
from registry.services.find import find
from registry.services.health import hooks, rules, store
from registry.services.health.asking import asker
from registry.services.health.crew import Crew
from registry.services.health.rules import Look, Row
from registry.services.health.store import Change
from registry.site import Site
from registry.tables import facts

WORKERS = 16  # looks at once
PER_HOST = 4  # of them at one host and port
RATE = 150.0  # looks begun in a second
_BATCH = 200  # rows that are written at once
_WRITE = 0.25  # seconds that a row waits for others to be written with
_TIDY = 3600.0  # seconds between two clean-ups of the history
_log = logging.getLogger(__name__)


def turn(site: Site) -> int:
    """Look at everything that is due, and say how many that were; returns when all of it is written."""
    with Poller(site) as poller:
        return poller.until_idle()


def run(site: Site, stop: threading.Event) -> None:
    """Look at what is due until `stop` is set; new records are looked at when they are published."""
    with site.bells.listen(ANSWERS) as bell, Poller(site) as poller:
        while not stop.is_set():
            try:
                poller.step()
                pause = poller.pause()
            except Exception:  # the database may be away for a moment: jobs go on, and it is looked at again
                _log.exception("looking at services failed, and goes on")
                pause = 2.0
            if pause > 0:
                bell.wait(min(pause, 1.0))


class Poller:
    """The looks under way, what waits for its host, and what waits to be written."""

    def __init__(self, site: Site, ask: Callable[[Row], Look] | None = None) -> None:
        self._site = site
        self._crew: Crew[Row, Look] = Crew(ask or asker(site).look, WORKERS, "health")
        self._teller: Crew[Site, int] = Crew(hooks.tell, 1, "hooks")
        self._telling = False
        self._waiting: dict[str, deque[Row]] = defaultdict(deque)
        self._hosts: deque[str] = deque()  # those with something waiting and a place free
        self._known: set[tuple[str, str]] = set()  # waiting or under way
        self._running = 0
        self._active: Counter[str] = Counter()
        self._done: list[tuple[Row, Row]] = []
        self._written = time.monotonic()
        self._slot = 0.0  # when the next look may begin
        self._shelf = ""
        self._shelf_again = float("inf")  # when to look at the shelf again though its stamp is the same
        self._tidied = float("-inf")
        self.changes: list[Change] = []

    def __enter__(self) -> Poller:
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.dismiss()
        self._teller.dismiss()

    def until_idle(self) -> int:
        """Steps until nothing is due, under way or unwritten; says how many looks that were."""
        count = 0
        while True:
            count += self.step()
            if not self._known and not self._done and not self._telling and not self._take_due():
                return count

    def pause(self) -> float:
        """Seconds until there may be something to do; none while looks are under way."""
        if self._known or self._done or self._telling:
            return 0.0
        with self._site.database.read() as connection:
            due = store.next_due(connection)
        return max(0.05, (clock.parse(due) - clock.now()).total_seconds()) if due else 1.0

    def step(self) -> int:
        """Begin what is due, wait a moment for what is under way, write what is done; says how many looks ended."""
        if len(self._known) < WORKERS * 2:
            self._follow_shelf()
            self._take_due()
        self._begin()
        ended = self._collect()
        enough = min(_BATCH, len(self._known))  # what is done is known until it is written
        if self._done and (len(self._done) >= enough or time.monotonic() - self._written > _WRITE):
            self._write()
        self._tell()
        self._tidy()
        return ended

    def _follow_shelf(self) -> None:
        with self._site.database.read() as connection:
            stamp = connection.execute(select(facts.c.value).where(facts.c.name == shelf.LAST_STAMP)).scalar() or ""
            if stamp == self._shelf and time.monotonic() < self._shelf_again:
                return
            wanted = store.targets(self._site.settings, find(connection))
        with self._site.database.write() as connection:
            store.follow(connection, wanted, clock.now())
        local.follow(self._site)
        self._shelf = stamp
        # a second that is not over may still bring records under the same stamp
        self._shelf_again = float("inf") if stamp < clock.stamp() else time.monotonic() + 1.0

    def _take_due(self) -> bool:
        """Take in what is due; says whether there is anything to look at."""
        with self._site.database.read() as connection:
            rows = store.due(connection, clock.now(), len(self._known) + 500)
        for row in rows:
            if (row.key, row.url) not in self._known:
                self._known.add((row.key, row.url))
                host = urlsplit(row.url).netloc.lower()
                if not self._waiting[host] and self._active[host] < PER_HOST:
                    self._hosts.append(host)
                self._waiting[host].append(row)
        return bool(self._known)

    def _begin(self) -> None:
        while self._hosts and self._running < WORKERS:
            left = self._slot - time.monotonic()
            if left > 0:
                if self._running:
                    return
                time.sleep(left)  # nothing else to do until then
            self._slot = max(self._slot + 1 / RATE, time.monotonic() - 0.1)
            host = self._hosts.popleft()
            row = self._waiting[host].popleft()
            self._active[host] += 1
            self._running += 1
            self._crew.give(row)
            self._offer(host)

    def _offer(self, host: str) -> None:
        """Put the host in the queue where it has something waiting and a place free; else forget it."""
        if self._waiting[host] and self._active[host] < PER_HOST and host not in self._hosts:
            self._hosts.append(host)
        if not self._waiting[host] and not self._active[host]:
            del self._waiting[host], self._active[host]

    def _collect(self) -> int:
        if not self._running:
            return 0
        ended = self._crew.ended(0.05)
        now = clock.now()
        for row, look in ended:
            self._running -= 1
            host = urlsplit(row.url).netloc.lower()
            self._active[host] -= 1
            self._offer(host)
            self._done.append((row, self._judged(row, look, now)))
        return len(ended)

    def _judged(self, row: Row, look: Look | Exception, now: datetime) -> Row:
        if isinstance(look, Exception):  # a fault of ours with one service must not stop the others
            _log.error("looking at %s failed", row.url, exc_info=look)
            look = Look(False, None, "It could not be looked at, by a fault in this program: the worker's log tells more.")
        settings = self._site.settings
        return rules.judged(row, look, now, interval=settings.health_interval, grace=settings.health_grace)

    def _write(self) -> None:
        done, self._done = self._done, []
        with self._site.database.write() as connection:
            changes = store.save(connection, done, tell=anyone(self._site.settings))
        self._known.difference_update((row.key, row.url) for row, _ in done)
        self._written = time.monotonic()
        if changes:
            self.changes += changes
            del self.changes[:-1000]
            self._site.bells.ring(ANSWERS)
            for one in changes:
                _log.info("%s is %s (%s) %s", one.ivoid, one.state, one.url, one.message)

    def _tell(self) -> None:
        """Let the hooks be told, in a thread of their own."""
        if self._telling:
            ended = self._teller.ended(0.02)
            self._telling = not ended
            for _, result in ended:
                if isinstance(result, Exception):
                    _log.error("telling the hooks failed", exc_info=result)
        elif anyone(self._site.settings) and hooks.anything(self._site):
            self._telling = True
            self._teller.give(self._site)

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied > _TIDY:
            self._tidied = time.monotonic()
            with self._site.database.write() as connection:
                store.forget_old(connection, clock.now())
