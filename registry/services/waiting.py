"""Blocking queries: an answer that comes when it is another one than the client has, within a bounded number of waiters."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from registry.bell import ANSWERS
from registry.errors import Refusal
from registry.places import place
from registry.services.marks import Marks
from registry.site import Site

_LOOK_AGAIN = 2.0  # seconds; a lost ring, or a change on another host, costs no more than this
_OPEN = 1.05  # seconds after which the second of a change is over
_T = TypeVar("_T")


def seconds(text: str) -> int:
    """The value of `wait`: whole seconds, -1 for as long as may be; 0 for none. Raises Refusal."""
    if not text:
        return 0
    try:
        value = int(text)
    except ValueError:
        value = -2
    if value < -1:
        raise Refusal(f"wait={text[:20]!r} is no number of seconds: give a whole one, or -1 for as long as may be.")
    return value


def until_changed(
    site: Site, marks: Marks, make: Callable[[], _T], changed: Callable[[_T], bool], seconds: int,
) -> _T:
    """What `make` makes once it has `changed`, or after `seconds`, or at once when no thread is free to wait."""
    made = make()
    if changed(made):
        return made
    limit = site.settings.wait_limit
    deadline = time.monotonic() + (limit if seconds < 0 else min(seconds, limit))
    with place(site) as free:
        if not free:
            return made
        with site.bells.listen(ANSWERS) as bell:
            mark = ""  # it may have changed before we listened
            while True:
                now = marks.now()
                if not now or now != mark:
                    made, mark = make(), now
                left = deadline - time.monotonic()
                if changed(made) or left <= 0:
                    return made
                bell.wait(min(left, _LOOK_AGAIN if now else _OPEN))
