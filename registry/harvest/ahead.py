"""The pages of a list with what can be said of their records; where they are large, the next comes while one is stored.

One page ahead and no further, so that a run holds two at most. Nothing is stored here but the files of `kept`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from queue import Queue

from registry.harvest import intake, verdicts
from registry.harvest.intake import Before, Judged
from registry.harvest.kept import Kept
from registry.harvest.sources import Source
from registry.harvest.verdicts import Judge
from registry.records import store as shelf
from registry.site import Site
from vosi.oaipage import OaiItem, OaiPage

WORTH_IT = 500_000  # bytes of a page's records, from which on it takes longer to judge them than to begin a process
_MMAP_THRESHOLD = -3  # of mallopt(3)

Read = tuple[OaiPage, Iterable[Judged]]


@dataclass(frozen=True)
class _Judging:
    """Where the records of one source are judged."""

    site: Site
    source: Source
    judge: Judge | None = None

    def page(self, page: OaiPage) -> Callable[[], Iterable[Judged]]:
        """Begin with a page; what is given back ends it, and is for whoever stores it."""
        before = self._before(page)
        asked = [record for item in page.items if (record := intake.unknown(item, _of(before, item))) is not None]
        answers = self._answers(asked)
        schemas = self.site.schemas
        if answers is None:
            judged = [intake.judge(schemas, item, _of(before, item)) for item in page.items]
            return lambda: judged
        found = verdicts.read(answers, asked)
        return lambda: (intake.judged(item, _of(before, item), lambda _record: next(found)) for item in page.items)

    def again(self, page: OaiPage, judged: Iterable[Judged], of: frozenset[str]) -> Iterable[Judged]:
        """The same page, those of its records judged again that the page before it changed."""
        before = self._before(page)
        return (intake.judge(self.site.schemas, item, _of(before, item)) if _key(item) in of else one
                for item, one in zip(page.items, judged, strict=True))

    def _answers(self, records: list[bytes]) -> list[bytes] | None:
        if self.judge is None or not records:
            return None
        try:
            return self.judge.ask(records)
        except verdicts.Gone:
            return None

    def _before(self, page: OaiPage) -> dict[str, Before]:
        with self.site.database.read() as connection:
            return intake.came_before(connection, self.source, page.items)


def read(site: Site, source: Source, pages: Iterator[OaiPage], kept: Kept) -> Generator[Read]:
    """Each page with its records judged, as soon as the one before it has been stored; raises what `pages` raises.

    Close it: what is under way ends then.
    """
    here = _Judging(site, source)
    for page in pages:
        if page.token and sum(len(item.record or b"") for item in page.items) >= WORTH_IT:
            kept.keep()
            rest = chain([page], pages)
            del page  # it is large, and nobody but `rest` is to hold it
            yield from _ahead(site, source, rest, kept)
            return
        yield page, here.page(page)()


def _ahead(site: Site, source: Source, pages: Iterator[OaiPage], kept: Kept) -> Generator[Read]:
    before: frozenset[str] = frozenset()
    _hold_large_ones_apart()
    with verdicts.another(site.schemas) as judge:
        judging = _Judging(site, source, judge)
        with _reader(pages, judging, kept) as ready:
            while found := ready():
                page, judged = found[0], found[1]()
                keys = frozenset(map(_key, page.items))
                twice = keys & before
                yield page, judging.again(page, judged, twice) if twice else judged
                del found, page, judged  # they are large, and the next may take its time
                before = keys


@cache
def _hold_large_ones_apart() -> None:
    """Have whatever is large in memory given back as soon as it is free, by this process.

    Pages of megabytes that two threads have and let go in turns else leave holes: 50 MB of them after ten pages of 5 MB.
    """
    with suppress(AttributeError, OSError):  # not the C library of GNU
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 128 * 1024)


_Found = tuple[OaiPage, Callable[[], Iterable[Judged]]] | None


@contextmanager
def _reader(pages: Iterator[OaiPage], judging: _Judging, kept: Kept) -> Iterator[Callable[[], _Found]]:
    """A thread that reads a page when the one before has been taken from it; gives what takes one, none behind the last."""
    found: Queue[_Found | BaseException] = Queue()
    room, ended = threading.Semaphore(0), threading.Event()

    def go_on() -> None:
        try:
            for page in pages:
                if ended.is_set():
                    return
                if page.token:
                    kept.keep()
                found.put((page, judging.page(page)))
                del page
                room.acquire()
                if ended.is_set():
                    return
            found.put(None)
        except BaseException as error:  # whatever it is, it is for whoever takes the pages
            found.put(error)

    def take() -> _Found:
        one = found.get()
        if isinstance(one, BaseException):
            raise one
        room.release()
        return one

    # a daemon: a worker that is told to end waits for no server
    threading.Thread(target=go_on, name=f"{threading.current_thread().name} ahead", daemon=True).start()
    try:
        yield take
    finally:
        ended.set()
        room.release()


def _of(before: dict[str, Before], item: OaiItem) -> Before | None:
    return before.get(_key(item))


def _key(item: OaiItem) -> str:
    return shelf.key_of(item.identifier)
