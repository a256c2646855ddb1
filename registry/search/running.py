"""Runs queries: a few at a time, each within its time, on connections that can only read. It knows nothing of TAP.

Rows come as the database finds them, or, where that is wanted, as texts that the database has made of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

from registry.search import postgresql, sqlite
from registry.search.adql import AdqlRefused, Translated, translate
from registry.search.adql.lines import MOST, NUMBER, ROW, lines, real
from registry.search.timing import Clock, Stop, Stopped as Stopped, TooLong as TooLong, TooManyQueries
from registry.search.turns import Turn, Turns
from registry.site import Site

_PATIENCE = 10.0  # seconds that a query waits for its turn
_BATCH = 500  # rows that are read at once
_LESS = "ask for less, join by ivoid"
_SHORT = 4096  # characters of a query whose translation is kept
_ROW, _MARK = ROW.encode(), NUMBER.encode()
_NUMBER = re.compile(_MARK + rb"([-+.0-9A-Za-z]*)")
Fetch = Callable[[int], list[Any]]


class Answer:
    """The rows of a query, or its texts, as they come; `overflow` is known once they are read."""

    def __init__(self, translated: Translated, fetch: Fetch, maxrec: int, clock: Clock, *, singly: bool) -> None:
        self.columns = translated.columns
        self.in_texts = translated.lines  # else in rows
        self.overflow = False
        self.clock = clock
        self._fetch, self._maxrec, self._singly = fetch, maxrec, singly  # also as text rows come singly

    @property
    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Each row once, at most `maxrec`. Raises TooLong, Stopped or AdqlRefused also between rows."""
        left = self._maxrec
        while batch := self._fetch(_BATCH):
            self.overflow = len(batch) > left
            batch = batch[:left]
            left -= len(batch)
            yield from batch
            if self.overflow:
                return

    @property
    def texts(self) -> Iterator[bytes]:
        """The rows as blocks of text with the signs of `adql.lines` between rows and cells. Raises as `rows`."""
        left = self._maxrec
        while batch := self._fetch(_BATCH if self._singly else 1):
            count = sum(one for one, _ in batch)
            whole = batch[0][1] if isinstance(batch[0][1], bytes) else ROW.join([line for _, line in batch]).encode()
            if whole.count(_ROW) != count - 1:
                raise AdqlRefused("A text of the answer holds a control character: ask for it as VOTable in BINARY2.")
            self.overflow = count > left
            if self.overflow:  # by one row: no more are asked for
                whole = whole.rpartition(_ROW)[0]
            if min(count, left):
                yield _NUMBER.sub(_as_it_reads, whole) if _MARK in whole else whole
            left -= count
            if self.overflow:
                return


class Queries:
    """The queries of one process on the database of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turns = Turns(site.settings.tap_clients)
        self._long = Turns(max(1, site.settings.tap_clients // 2))
        self._sqlite = sqlite.Connections(str(site.database.url.database)) if site.database.is_sqlite else None

    @contextmanager
    def answer(
        self, adql: str, *, maxrec: int | None = None, seconds: float | None = None, stop: Stop | None = None,
        in_texts: bool = False,
    ) -> Iterator[Answer]:
        """The answer of `adql`; it is open, and one of few, until this ends. A long one leaves its turn to others.

        `maxrec` and `seconds` are the settings' tap_maxrec and tap_seconds where they are not given; no answer has more
        rows than tap_hard_limit. Where that is wanted and can be, it has texts instead of rows, as its own `in_texts` says.
        Raises AdqlRefused, TooLong, Stopped, TooManyQueries, Unavailable.
        """
        settings = self._site.settings
        most = min(settings.tap_maxrec if maxrec is None else maxrec, settings.tap_hard_limit)
        allowed = float(settings.tap_seconds if seconds is None else seconds)
        translated = self._translated(adql, most, in_texts)
        if not self._turns.acquire(timeout=_PATIENCE):
            raise TooManyQueries("Too many queries run just now: ask again in a few seconds.", retry_after=10)
        turn = Turn(self._turns, self._long)
        try:
            clock = Clock(allowed, stop or Stop(), _LESS if seconds is not None else f"{_LESS}, or send it to /tap/async")
            if seconds is None:  # else whoever asks has places of their own
                clock.long = turn.pass_on
            database = self._site.database
            with (self._sqlite.run(translated, clock) if self._sqlite else postgresql.run(database, translated, clock)) as fetch:
                yield Answer(translated, fetch, most, clock, singly=self._sqlite is None)
        finally:
            turn.give_back()

    def _translated(self, adql: str, most: int, in_texts: bool) -> Translated:
        dialect: Literal["sqlite", "postgresql"] = "sqlite" if self._site.database.is_sqlite else "postgresql"
        read = _remembered if len(adql) <= _SHORT else translate
        translated = read(adql, dialect, most)
        return (lines(translated, dialect) if in_texts and most <= MOST else None) or translated

    def close(self) -> None:
        """Let go of the connections that wait for queries."""
        if self._sqlite:
            self._sqlite.close()


@lru_cache(256)
def _remembered(adql: str, dialect: Literal["sqlite", "postgresql"], most: int) -> Translated:
    """Many people ask with the same words; a refusal is not remembered."""
    return translate(adql, dialect, most)


def _as_it_reads(found: re.Match[bytes]) -> bytes:
    return real(found[1].decode()).encode()
