"""The list of jobs as people look through it: by phase and words, sorted, page by page; the whole state is in the address.

It only reads. Whose jobs are shown is decided as everywhere: one's own, and everybody's for an administrator.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select
from werkzeug.datastructures import MultiDict

from registry.access import Caller
from registry.tables import jobs
from registry.uws.phases import Phase
from registry.uws.store import RUNS

SORTS = {"created": jobs.c.created, "ended": jobs.c.ended, "application": jobs.c.application, "phase": jobs.c.phase,
         "owner": jobs.c.owner}
SIZES = (25, 50, 100, 500)
COLUMNS = ("id", "run_id", "application", "application_version", "phase", "owner", "created", "started", "ended", "exit_code",
           "error")


@dataclass(frozen=True)
class View:
    """What is asked for: `sort` is a column, with - before it the largest first; `page` counts from 1."""

    phase: str = ""
    q: str = ""
    sort: str = "-created"
    size: int = 50
    page: int = 1

    def changed(self, **values: Any) -> dict[str, Any]:
        """The query of an address that shows this with other values; what is as always is left out."""
        whole = {**vars(self), **values}
        return {name: value for name, value in whole.items() if value != getattr(View, name, None)}


def view_of(args: MultiDict[str, str]) -> View:
    """What an address asks for; what makes no sense in it is as if it were not there."""
    phase, sort, size = args.get("phase", ""), args.get("sort", ""), args.get("size", 0, type=int)
    return View(
        phase=phase if phase in Phase.__members__ else "", q=args.get("q", "").strip()[:200],
        sort=sort if sort.removeprefix("-") in SORTS else "-created", size=size if size in SIZES else 50,
        page=min(max(args.get("page", 1, type=int), 1), 100_000))


def page(connection: Connection, caller: Caller, view: View) -> tuple[list[Row[Any]], int]:
    """The rows of that page, and how many fit in all."""
    query = select(*(jobs.c[name] for name in COLUMNS)).where(jobs.c.kind == RUNS, jobs.c.desired != "DELETE")
    if not caller.administrator:
        query = query.where(jobs.c.owner == caller.name)
    query = query.where(jobs.c.phase == view.phase) if view.phase else query.where(jobs.c.phase != Phase.ARCHIVED.value)
    for word in view.q.split():
        fits = [jobs.c[name].icontains(word, autoescape=True) for name in ("id", "run_id", "application", "owner", "error")]
        query = query.where(or_(*fits))
    count = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    column = SORTS[view.sort.removeprefix("-")]
    order = (column.desc(), jobs.c.id.desc()) if view.sort.startswith("-") else (column, jobs.c.id)
    found = connection.execute(query.order_by(*order).limit(view.size).offset((view.page - 1) * view.size)).all()
    return list(found), count


def as_csv(rows: list[Row[Any]]) -> str:
    """The rows for a spreadsheet: what could be taken for a formula there is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_plain(value) for value in row])
    return out.getvalue()


def _plain(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
