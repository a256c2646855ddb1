"""Everything that failed, waits, is in conflict or is not well, gathered from the rooms, each with the place where it is mended.

It only reads; who may see a job is decided as the list of jobs does it. It knows nothing of pages but their addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import Connection, func, select

from registry.access import Caller
from registry.admin import figures, remembered, standing
from registry.applications import approving, seen
from registry.harvest import quarantine, sources, store as harvests
from registry.records import drafting
from registry.records.store import DRAFT
from registry.records.views import path_of
from registry.services import watches
from registry.services.health import rules
from registry.services.own import engine_fault
from registry.tables import health, records, runners, watches as watches_table
from registry.uws import store as jobs
from registry.uws.phases import Phase

SOME = 20  # of one kind


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be: what, why, since when, where it is mended, where it can be read as it is."""

    kind: str
    subject: str
    words: str
    since: str
    href: str
    action: str
    raw: str = ""  # address


@dataclass(frozen=True)
class Kind:
    """Problems of one sort: the first of them, and how many there are in all."""

    name: str
    explained: str
    problems: tuple[Problem, ...]
    count: int


def gather(connection: Connection, caller: Caller, most: int = SOME) -> list[Kind]:
    """Every sort of problem that there is one of, the most pressing first, with the first `most` of each."""
    kinds: tuple[tuple[str, str, Callable[[Connection, Caller, int], tuple[list[Problem], int]]], ...] = (
        ("program", "What runs is not what is installed, or does not run.", _program),
        ("engine", "Without an engine no job starts.", _engine),
        ("services down", "They were asked, and did not answer as they should.", _services),
        ("harvests", "Sources whose last harvest failed, or waits for a person's word.", _harvests),
        ("quarantine", "Records that were not taken from their source until a person looks at them.", _quarantine),
        ("conflicts", "Two registries claim one authority: its records are taken from the one that manages it.", _conflicts),
        ("held changes", "A service's documents say less than its record does, which stays until a person agrees.", _held),
        ("documents", "What services say of themselves and cannot be read, or is not as their standard has it.", _documents),
        ("images", "New applications in Docker repositories that wait until a person offers or rejects them.", _images),
        ("repositories", "Docker repositories that could not be looked at: what is new in them is not seen.", _repositories),
        ("jobs in error", "Applications that ended with an error.", _jobs),
        ("runners elsewhere", "Their offer could not be read: no job is sent there.", _runners),
        ("drafts", "Records that are begun and not published.", _drafts),
        ("records", "They are kept as they came, and break the schemas: clients may stumble over them.", _records),
    )
    found = []
    for name, explained, look in kinds:
        some, count = look(connection, caller, most)
        if some:
            found.append(Kind(name, explained, tuple(some[:most]), count))
    return found


def _all(found: Iterator[Problem]) -> tuple[list[Problem], int]:
    some = list(found)
    return some, len(some)


def _program(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return _all(Problem("program", name, words, "", "/readyz", "See what is not heard", "/readyz")
                for name, words in standing.faults(connection))


def _engine(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    fault = engine_fault(connection)
    if not fault:
        return [], 0
    return [Problem("engine", "Docker", fault, "", "/admin/settings#docker_host", "See how it is reached")], 1


def _services(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    rows = connection.execute(select(health).where(health.c.state == rules.DOWN).order_by(health.c.since)).all()
    return _all(Problem("services down", row.ivoid, f"{row.url}: {row.message}", row.since,
                        _service_path(row.ivoid), "Look at it now", "") for row in rows)


def _harvests(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    def found() -> Iterator[Problem]:
        for source in sources.list_sources(connection):
            if source.health not in ("failing", "held"):
                continue
            last = next(iter(harvests.runs(connection, source.id, 1)), None)
            href = f"/admin/runs/{last.id}" if last else f"/admin/sources/{source.name}"
            action = "Say whether they may be deleted" if source.health == "held" else "Read why, and harvest again"
            words, since = (last.message, last.ended or "") if last else (source.health, "")
            yield Problem("harvests", source.name, words, since, href, action)

    return _all(found())


def _quarantine(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    kept = quarantine.listing(connection, limit=most)
    return [Problem("quarantine", one.ivoid or f"a record of {one.source}", one.reason, one.at, "/admin/quarantine",
                    "Accept it once, or mute it", "/admin/quarantine") for one in kept], quarantine.waiting(connection)


def _conflicts(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return _all(Problem("conflicts", one.authority, f"{one.source} claims it, and {one.holder} manages it already.", "",
                        f"/admin/sources/{one.source}", "See the source") for one in figures.conflicts(connection))


def _held(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return _all(Problem("held changes", one.ivoid, " ".join(one.changes), one.at, "/admin/held", "Accept or refuse it",
                        f"{path_of(one.ivoid)}.xml") for one in watches.all_held(connection))


def _documents(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    def found() -> Iterator[Problem]:
        for row in connection.execute(select(watches_table).order_by(watches_table.c.ivoid)):
            sentences = [row.fault, *row.problems] if row.fault else row.problems
            if sentences:
                more = f" And {len(sentences) - 1} more." if len(sentences) > 1 else ""
                yield Problem("documents", row.ivoid, sentences[0] + more, row.read, _service_path(row.ivoid), "See the service",
                              row.url)

    return _all(found())


def _jobs(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    found = jobs.listing(connection, owner=caller.name, everybody=caller.administrator, phases=[Phase.ERROR], last=most + 1)
    some = [Problem("jobs in error", one.run_id or one.id, one.error or one.message, one.ended or "", f"/admin/jobs/{one.id}",
                    "Read its log, and run it again", f"/admin/jobs/{one.id}/log/stderr") for one in found]
    return some, len(some)


def _runners(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    rows = connection.execute(select(runners).where(runners.c.fault != "").order_by(runners.c.key)).all()
    return _all(Problem("runners elsewhere", row.key, row.fault, row.read, path_of(row.key), "See its record", row.url)
                for row in rows)


def _images(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    waiting = seen.listing(connection, state=seen.DRAFT, limit=most)
    number = sum(one.counts.get(seen.DRAFT, 0) for one in seen.watched(connection))
    return [Problem("images", one.app or one.shown, one.reason or f"{one.title or one.name}, seen as {one.shown}.", one.seen,
                    f"/admin/applications/images/decide?image={quote(one.reference, safe='')}&to=approved", "Decide about it")
            for one in waiting], max(number, len(waiting))


def _repositories(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return _all(Problem("repositories", one.host, one.fault, one.read, "/admin/applications/images", "See what is watched")
                for one in seen.watched(connection) if one.fault)


def _drafts(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return _all(Problem("drafts", one.ivoid, f"Saved by {one.who}, not published." + (f" {one.why}" if one.why else ""), one.at,
                        f"/admin{path_of(one.ivoid)}", "Go on with it") for one in drafting.every(connection)
                if one.who != approving.WHO)  # those show what images wait, which has a place of its own


def _records(connection: Connection, caller: Caller, most: int) -> tuple[list[Problem], int]:
    return remembered.of_shelf(connection, f"broken records, {most}", lambda connection: _broken(connection, most))


def _broken(connection: Connection, most: int) -> tuple[list[Problem], int]:
    broken = (records.c.profile == "", records.c.status.not_in(("deleted", DRAFT)))
    query = select(records.c.ivoid, records.c.problems, records.c.datestamp).where(*broken).order_by(records.c.key).limit(most)
    count = connection.execute(select(func.count()).select_from(records).where(*broken)).scalar_one()
    return [Problem("records", row.ivoid, _first(row.problems), row.datestamp, f"/admin{path_of(row.ivoid)}",
                    "See all that is wrong", f"{path_of(row.ivoid)}.xml") for row in connection.execute(query)], count


def _first(problems: list[list[str]]) -> str:
    return f"{problems[0][1]} ({len(problems)} in all)" if problems else "It is not valid by the schemas."


def _service_path(ivoid: str) -> str:
    return path_of(ivoid).replace("/records/", "/services/", 1)
