"""The audit trail for those who read it: narrowed down and paged. What is written there, `registry.access` writes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from registry.access import Entry
from registry.tables import audit


@dataclass(frozen=True)
class Wanted:
    """What is looked for; '' is anything. `since` is the beginning of a stamp, `words` stand in subject or detail."""

    who: str = ""
    action: str = ""
    since: str = ""
    words: str = ""


def entries(connection: Connection, wanted: Wanted, *, before: int = 0, limit: int = 100) -> list[Entry]:
    """The newest lines that fit; `before` is the number of the last one seen, 0 for none."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    there = audit.c.subject.contains(wanted.words, autoescape=True) | audit.c.detail.contains(wanted.words, autoescape=True)
    for asked, condition in ((before, audit.c.id < before), (wanted.who, audit.c.who == wanted.who),
                             (wanted.action, audit.c.action == wanted.action), (wanted.since, audit.c.at >= wanted.since),
                             (wanted.words, there)):
        if asked:
            query = query.where(condition)
    return [Entry(row.at, row.who, row.action, row.subject, row.detail, row.id) for row in connection.execute(query)]


def actions(connection: Connection) -> list[str]:
    """The names of all that has been done."""
    return sorted(connection.execute(select(audit.c.action).distinct()).scalars())
