"""Which harvest runs when: sources whose time has come, runs that were asked for, runs whose process died."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from registry.harvest import harvester, lease as leases, store
from registry.harvest.harvester import Progress
from registry.harvest.store import Run
from registry.site import Site

log = logging.getLogger(__name__)
_LOOK_AGAIN = 2.0  # seconds after which a follower looks without having heard the bell


def turn(site: Site, lease: str, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Carry out every harvest that is to be done now, one after the other; says how many were.

    `lease` names the caller; two at once must not have the same (then the second does nothing). Takes as long as
    the harvests take: the worker calls it in a thread of its own. Never raises for what a server does.
    """
    with leases.held(site, lease) as ours:
        if not ours:
            return 0
        requeue_dead(site, lease)
        with site.database.write() as connection:
            for number in store.due(connection):
                harvester.ask(connection, number)
            waiting = store.queued(connection)
        return sum(_carry_out(site, number, lease, pause) for number in waiting)


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
