"""Pages that have been fetched and are not on the shelf yet, as files: a process that dies leaves them to its successor.

So a run may fetch ahead of what it has committed, and is fetched again no more than the one page that was under way.
It asks for nothing by itself; what a page holds is not known here.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from registry.fetch import Fetcher, Reply
from registry.site import Site

_AHEAD = 2  # pages: the one that is stored, and the one behind it


class Kept:
    """A way to fetch the pages of one run, that first looks among those which were kept."""

    def __init__(self, fetcher: Fetcher, folder: Path) -> None:
        self._fetcher, self._folder = fetcher, folder
        self._last: tuple[str, Reply] | None = None
        self._names: deque[str] = deque()

    def get(self, url: str) -> Reply:
        """The document at `url`, once from its file where there is one. Raises FetchError."""
        name = _name(url)
        if name not in self._names:
            with suppress(OSError):
                body = (self._folder / name).read_bytes()
                self._names.append(name)  # a second time it is asked for there: what is kept was no good
                return Reply(200, {}, body, url)
        reply = self._fetcher.get(url)
        self._last = url, reply
        return reply

    def keep(self) -> None:
        """Keep what was fetched last; the page before the one before it is on the shelf by now."""
        last, self._last = self._last, None
        if last is None:
            return
        name, body = _name(last[0]), last[1].body
        with suppress(OSError):  # without it one page more is fetched again, if this process dies
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._folder / f"{name}.draft"
            draft.write_bytes(body)
            draft.rename(self._folder / name)
        self._names.append(name)
        while len(self._names) > _AHEAD:
            (self._folder / self._names.popleft()).unlink(missing_ok=True)

    def clear(self) -> None:
        """Keep nothing of the run any more."""
        self._names.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def of_run(site: Site, number: int) -> Kept:
    """The pages of the run of that number."""
    return Kept(site.fetcher, _place(site) / str(number))


def sweep(site: Site, open_runs: Container[int]) -> None:
    """Forget the pages of runs that no process will go on with."""
    with suppress(OSError):  # no such folder: nothing was ever kept
        for folder in _place(site).iterdir():
            if not folder.name.isdigit() or int(folder.name) not in open_runs:
                shutil.rmtree(folder, ignore_errors=True)


def _place(site: Site) -> Path:
    return site.settings.instance / "run" / "pages"


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]
