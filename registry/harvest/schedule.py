"""Which harvest runs when: sources whose time has come, runs that were asked for, runs whose process died.

A few run at once, so that a server that is slow, or drips on purpose, keeps nobody else waiting.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, Queue

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from registry import clock
from registry.harvest import changes, harvester, kept, lease as leases, sources, store
from registry.harvest.harvester import Progress
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.site import Site

log = logging.getLogger(__name__)
_LOOK_AGAIN = 2.0  # seconds after which a follower looks without having heard the bell


def turn(site: Site, lease: str, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Carry out every harvest that is to be done now, a few at once; says how many were.

    `lease` names the caller; two at once must not have the same (then the second does nothing). Takes as long as
    the harvests take, and takes up what becomes due meanwhile: the worker calls it in a thread of its own. Never raises
    for what a server does.
    """
    with leases.held(site, lease) as ours:
        if not ours:
            return 0
        requeue_dead(site, lease)
        with site.database.read() as connection:
            kept.sweep(site, store.open_runs(connection))
        done = _Turn(site, lease, pause).carry_out()
    changes.tell(site)
    return done


class _Turn:
    """The harvests that one process carries out at once."""

    def __init__(self, site: Site, lease: str, pause: Callable[[float], None]) -> None:
        self._site, self._lease, self._pause = site, lease, pause
        self._running: set[int] = set()
        self._ended: Queue[tuple[int, bool]] = Queue()
        self._tried: set[int] = set()
        self._done = 0

    def carry_out(self) -> int:
        """Everything that is due or asked for, until nothing is left; says how many were carried out."""
        while True:
            for number in self._next():
                self._running.add(number)
                self._tried.add(number)
                # no pool: its threads would keep a worker that is told to end until the last harvest is over
                threading.Thread(target=self._one, args=(number,), name=f"harvest {number}", daemon=True).start()
            if not self._running:
                return self._done
            with contextlib.suppress(Empty):
                number, done = self._ended.get(timeout=_LOOK_AGAIN)
                self._running.discard(number)
                self._done += done

    def _next(self) -> list[int]:
        room = self._site.settings.harvests_at_once - len(self._running)
        if room <= 0:
            return []
        with self._site.database.write() as connection:
            ask_due(connection, self._site)
            waiting = store.queued(connection)
        return [number for number in waiting if number not in self._tried][:room]

    def _one(self, number: int) -> None:
        done = False
        try:
            done = _carry_out(self._site, number, self._lease, self._pause)
        finally:
            self._ended.put((number, done))


def ask_due(connection: Connection, site: Site) -> None:
    """Put the sources whose time has come into the queue, those that were not read whole for long for everything."""
    for number in store.due(connection):
        source = sources.get(connection, number)
        harvester.ask(connection, number, full=_whole_again(source, site.settings.harvest_full_interval))


def _whole_again(source: Source, interval: int) -> bool:
    try:
        return bool(source.last_full) and clock.parse(source.last_full or "") < clock.later(-interval)
    except ValueError:
        return True


def requeue_dead(site: Site, own: str) -> int:
    """Put runs back into the queue whose process is gone: they go on from their last page. Says how many.

    A run under the lease `own`, which the caller has just taken, was left behind by one that had it before.
    """
    with site.database.read() as connection:
        dead = [run for run in store.running(connection) if run.lease == own or not leases.alive(site, run.lease)]
    if not dead:
        return 0
    with site.database.write() as connection:
        return sum(store.requeue(connection, run) for run in dead)


def _carry_out(site: Site, number: int, lease: str, pause: Callable[[float], None]) -> bool:
    try:
        return harvester.run(site, number, lease, pause=pause) is not None
    except SQLAlchemyError as error:  # the disk is full, or the database server has gone: that passes
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        log.error("The harvest %s cannot be stored: %s", number, reason)
        with contextlib.suppress(SQLAlchemyError), site.database.write() as connection:
            run = store.get(connection, number)
            store.interrupt(connection, run, f"What came cannot be stored here ({reason}): it goes on later.", None)
        return True
    except Exception:  # a fault of ours with one source must neither stop the others nor end the worker
        log.exception("The harvest %s broke off.", number)
        with site.database.write() as connection:
            run = store.get(connection, number)
            store.end(connection, run, store.FAILED, "A fault in this program ended it; its log has the details.")
        return True


def follow(site: Site, run: Run, lease: str, progress: Progress) -> Run:
    """The run `run` at its end: carried out here, or by the process that has it, whose progress is shown meanwhile.

    The caller holds `lease`. A run whose process dies meanwhile is taken over.
    """
    with site.bells.listen(harvester.HARVESTS) as bell:
        while run.state in (store.QUEUED, store.RUNNING):
            if run.state == store.QUEUED:
                harvester.run(site, run.id, lease, progress=progress)
            elif leases.alive(site, run.lease):
                progress(run)
                bell.wait(_LOOK_AGAIN)
            else:
                requeue_dead(site, lease)
            with site.database.read() as connection:
                run = store.get(connection, run.id)
    return run
