"""What searches have counted and put in order, kept by each process until the shelf or what is known of services changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from registry import clock
from registry.records.store import LAST_STAMP
from registry.tables import facts

MOST = 400  # values that are kept; each is the counts of a search, or the identifiers of one page
_SERVICES = "local services"
_T = TypeVar("_T")
_lock = threading.Lock()
_values: OrderedDict[tuple[str, str], Any] = OrderedDict()


@dataclass(frozen=True)
class State:
    """What the answer of a search depends on besides the search; `settled` when no more can come under the same name."""

    name: str
    settled: bool

    def kept(self, what: str, make: Callable[[], _T]) -> _T:
        """The value of `what` in this state, made where it is not known."""
        found: _T | None = self.known(what)
        if found is None:
            found = make()
            self.keep(what, found)
        return found

    def known(self, what: str) -> Any:
        """The value of `what`, none where it is not known."""
        with _lock:
            if (self.name, what) in _values:
                _values.move_to_end((self.name, what))
            return _values.get((self.name, what))

    def keep(self, what: str, value: object) -> None:
        """Remember it, if the state is settled; what nobody asked for longest is forgotten."""
        if self.settled:
            with _lock:
                _values[self.name, what] = value
                while len(_values) > MOST:
                    _values.popitem(last=False)


def state(connection: Connection) -> State:
    """How this unit of work sees the shelf."""
    now = clock.stamp()
    said = connection.execute(select(facts.c.name, facts.c.value).where(
        facts.c.name.in_([LAST_STAMP, _SERVICES])).order_by(facts.c.name)).all()
    # more may come under the stamp of this second
    settled = all(value < now for name, value in said if name == LAST_STAMP)
    return State(repr((str(connection.engine.url), [tuple(row) for row in said])), settled)


def forget() -> None:
    """Everything."""
    with _lock:
        _values.clear()
