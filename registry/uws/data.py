"""Which of the site's data sets a new job gets: those that its application asks for, where its maker may use them.

What a data set is, and which folders can be none, is decided in `registry.data_sets`.
"""

from __future__ import annotations

from collections.abc import Iterable

from registry.access import Caller
from registry.applications.contract import DataSet as Wanted
from registry.config import Settings
from registry.data_sets import ANYONE, DataSet
from registry.errors import Conflict, Denied, Unauthenticated


class NoData(Conflict):
    """The application needs a data set that this site does not have, or not now."""


def granted(settings: Settings, caller: Caller, wanted: Iterable[Wanted]) -> list[str]:
    """Names of the data sets that a job of `caller` may read; one that need not be there may be missing.

    Raises NoData, and Unauthenticated or Denied where others may use what is needed.
    """
    found = []
    for one in wanted:
        mine = settings.data.get(one.name)
        if mine is not None and may_use(caller, mine) and not absence(one.name, mine):
            found.append(one.name)
        elif one.required:
            raise _refusal(settings, caller, one.name, mine)
    return found


def may_use(caller: Caller, data: DataSet) -> bool:
    """Whether one of the caller's roles may use it."""
    return any(caller.may("" if role == ANYONE else role) for role in data.roles)


def absence(name: str, data: DataSet) -> str:
    """Why it cannot be read now, in a sentence; '' where it can, as far as can be seen without the engine."""
    if data.path is not None and not data.path.is_dir():
        return f"The data set {name} is not there at present: its folder is missing on this machine."
    return ""


def _refusal(settings: Settings, caller: Caller, name: str, mine: DataSet | None) -> Conflict | Denied | Unauthenticated:
    if mine is None:
        has = f"it has {', '.join(sorted(settings.data))}" if settings.data else "it has none"
        return NoData(f"The application needs the data set {name}, which this datacenter does not have: {has}.")
    if may_use(caller, mine):
        return NoData(f"The application needs the data set {name}. {absence(name, mine)}")
    if caller.name is None:
        return Unauthenticated(f"The application needs the data set {name}, which takes an account here: log in, or send "
                               "a bearer token or name and password.")
    return Denied(f"The application needs the data set {name}, which is for {' and '.join(mine.roles)} here, and "
                  f"{caller.name} is {caller.role}: ask an administrator.")
