"""The figures of one datacenter as Prometheus reads them (its text format 0.0.4). It measures, and judges nothing."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, func, select

from registry import beats, clock, schema
from registry.admin import remembered
from registry.admin.counted import BOUNDS, Counted
from registry.beats import Watch
from registry.harvest import sources
from registry.site import Site
from registry.tables import health, jobs, quarantine, records
from registry.uws import store
from registry.uws.phases import QUEUED, Phase

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BEGAN = time.time()
Samples = Iterable[tuple[Mapping[str, str], float]]


def text(site: Site, watch: Watch, counted: Counted) -> str:
    """The whole document."""
    with site.database.read() as connection:
        lines = [*_process(site), *_requests(counted), *_jobs(connection), *_records(connection), *_harvests(connection),
                 *_endpoints(connection), *_beats(connection, watch)]
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, words: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP innerspace_{name} {words}"
    yield f"# TYPE innerspace_{name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"innerspace_{name}{{{said}}} {value:.15g}" if said else f"innerspace_{name} {value:.15g}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _process(site: Site) -> Iterator[str]:
    about = {"version": version("innerspace"), "schema": schema.newest(), "authority": site.settings.authority}
    yield from _metric("info", "gauge", "What runs here.", [(about, 1)])
    yield from _metric("start_time_seconds", "gauge", "When the web process began, Unix time.", [({}, _BEGAN)])
    free: list[tuple[dict[str, str], float]] = []
    with contextlib.suppress(OSError):
        free.append(({}, shutil.disk_usage(site.settings.instance).free))
    yield from _metric("disk_free_bytes", "gauge", "Bytes free on the instance's disk.", free)
    if site.database.is_sqlite:
        file = Path(str(site.database.url.database))
        sizes = [({"file": name}, path.stat().st_size) for name, path in (("database", file), ("log", Path(f"{file}-wal")))
                 if path.exists()]
        yield from _metric("database_bytes", "gauge", "Size of the database's files.", sizes)


def _requests(counted: Counted) -> Iterator[str]:
    requests, times = counted.numbers()
    yield from _metric("requests_total", "counter", "Requests by room, method and status.", [
        ({"room": room, "method": method, "status": status}, count)
        for (room, method, status), count in sorted(requests.items())])
    yield "# HELP innerspace_request_seconds Seconds until an answer began, by room; waits that a client asked for included."
    yield "# TYPE innerspace_request_seconds histogram"
    for room, spent in sorted(times.items()):
        below = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), spent.counts, strict=True):
            below += count
            yield _sample("request_seconds_bucket", {"room": room, "le": bound}, below)
        yield _sample("request_seconds_sum", {"room": room}, spent.total)
        yield _sample("request_seconds_count", {"room": room}, below)


def _jobs(connection: Connection) -> Iterator[str]:
    counts = store.counts(connection)
    yield from _metric("jobs", "gauge", "Runs by phase.", [({"phase": phase.value}, counts.get(phase, 0)) for phase in Phase])
    oldest = connection.execute(select(func.min(jobs.c.queued)).where(jobs.c.phase == QUEUED.value)).scalar()
    yield from _metric("queue_oldest_seconds", "gauge", "Seconds for which the job has waited that waits longest; 0 for none.",
                       [({}, _age(oldest) if oldest else 0)])


def _records(connection: Connection) -> Iterator[str]:
    found = remembered.of_shelf(connection, "metrics", _shelf)
    yield from _metric("records", "gauge", "Records by origin and status.", [
        ({"origin": origin, "status": status}, count) for origin, status, count in found])
    waiting = connection.execute(select(func.count()).select_from(quarantine).where(quarantine.c.state == "open")).scalar_one()
    yield from _metric("quarantine", "gauge", "Records in quarantine that wait for a person.", [({}, waiting)])


def _shelf(connection: Connection) -> list[tuple[str, str, int]]:
    query = select(records.c.origin, records.c.status, func.count()).group_by(records.c.origin, records.c.status)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(records.c.origin, records.c.status))]


def _harvests(connection: Connection) -> Iterator[str]:
    found = sources.list_sources(connection)
    yield from _metric("harvest_age_seconds", "gauge", "Seconds since a source's last complete harvest; none for never.", [
        ({"source": one.name}, _age(one.since)) for one in found if one.since])
    yield from _metric("harvest_interval_seconds", "gauge", "Seconds between two harvests of a source.", [
        ({"source": one.name}, one.interval) for one in found])
    yield from _metric("harvest_failing", "gauge", "1 where a source's last harvest failed or is held.", [
        ({"source": one.name}, one.health in ("failing", "held")) for one in found])


def _endpoints(connection: Connection) -> Iterator[str]:
    query = select(health.c.state, func.count()).group_by(health.c.state)
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    yield from _metric("endpoints", "gauge", "Addresses of services by what was seen of them last.", [
        ({"state": state}, found.get(state, 0)) for state in ("up", "down", "maintenance", "unknown")])


def _beats(connection: Connection, watch: Watch) -> Iterator[str]:
    ages = [({"process": name}, age) for name in (beats.WORKER, beats.GATEWAY)
            if (age := watch.silent(connection, name)) is not None]
    yield from _metric("silent_seconds", "gauge", "Seconds for which a process has not been heard; none for never.", ages)


def _age(stamp: str) -> float:
    return max(0.0, (clock.now() - clock.parse(stamp)).total_seconds())
