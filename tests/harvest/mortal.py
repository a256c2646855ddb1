"""Harvests in processes that die where they are told to: `python -m tests.harvest.mortal` reads orders, a line each.

An order is `INSTANCE WHAT NUMBER [HOW]`: a process of its own does one turn of the worker in that instance and is killed with
-9 before its NUMBER-th statement of SQL (`statement`) or behind its NUMBER-th page (`page`), may write no file longer
than NUMBER bytes (`bytes`), or nothing happens to it (`never`). What became of it is printed: killed or done. A fourth word
has even small pages fetched while another is stored (`ahead`), and judged in another process too (`judges`).
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event

from registry import site as sites
from registry.bell import Bells
from registry.harvest import ahead, harvester, schedule, verdicts
from registry.server_bell import ServerBells
from registry.site import Site, open_site
from tests.oai import shelves
from vosi.schemas import Schemas
from vosi.xmlio import parse


def main() -> None:
    """Carry out the orders; each in a fork of this process, which holds neither threads nor files."""
    schemas = Schemas()
    schemas.validate_any(parse(shelves.record("ivo://far.example/x")))  # loaded once and not in every fork
    sites.Schemas = lambda _folder: schemas  # type: ignore[assignment, misc]
    print("ready", flush=True)
    for line in sys.stdin:
        instance, what, number, *how = line.split()
        child = os.fork()
        if child == 0:
            _live(Path(instance), what, int(number), *how)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "done", flush=True)


def _live(instance: Path, what: str, number: int, how: str = "") -> None:
    if how:
        ahead.WORTH_IT = 0
    if how == "ahead":
        verdicts.another = lambda _schemas: nullcontext(None)  # type: ignore[assignment]
    if what == "bytes":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    site = open_site(instance, authority="north.example", allowed_networks=["127.0.0.0/8"])
    if what == "statement":
        event.listen(site.database.engine, "before_cursor_execute", _fuse(number))
    elif what == "page":
        _die_behind(number)
    try:
        _turn(site)
    except Exception as error:  # a full disk: the worker's loop survives this, and so does the test
        print(repr(error)[:300], file=sys.stderr)


def _turn(site: Site) -> None:
    schedule.turn(site, f"worker {os.getpid()}", pause=lambda _: None)


def _fuse(number: int):  # type: ignore[no-untyped-def]
    left = number

    def burn(*_: object) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return burn


def _die_behind(number: int) -> None:
    """The bell is rung as soon as a page is committed."""
    fuse = _fuse(number)
    for kind in (Bells, ServerBells):
        def heard(self: Bells | ServerBells, topic: str, ring: Any = kind.ring) -> None:
            if topic == harvester.HARVESTS:
                fuse()
            ring(self, topic)

        kind.ring = heard  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()
