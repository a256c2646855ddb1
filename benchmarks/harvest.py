"""How fast we harvest, beside a loop that only fetches the same pages and validates their records.

The source is ../shared/corpus/make_bulk.py --serve, in a process of its own. Each of our harvests runs in a process of its
own too (`benchmarks.harvest_run`), so that its memory is only its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from lxml import etree
from sqlalchemy import select, update

from benchmarks import registries
from benchmarks.corpus import PAGE
from benchmarks.figures import Figure, timed
from benchmarks.harvest_run import cpu, open_at
from benchmarks.scale import FOLDER, RECORDS, SHARED
from registry.harvest import harvester, schedule, sources, store
from registry.schema import upgrade
from registry.site import Site
from registry.tables import records, sources as sources_table
from vosi import namespaces as ns
from vosi.schemas import RECOMMENDED, Schemas

SOURCES, PAUSE = 50, 0.1  # registries that are due at once, and seconds that each takes for an answer
CHANGES = 100
_OAI = f"{{{ns.OAI}}}"


def figures() -> Iterator[Figure]:
    """A first full harvest, a second, an incremental one; and many sources at once."""
    instance = _instance("one")
    with _bulk() as url:
        site = open_at(instance)
        source = sources.add(site, url)
        began = cpu()
        before = timed(lambda: _bare(url))
        bare_cpu = cpu() - began
        first = _harvest(site, instance, full=True)
        limit = (before + timed(lambda: _bare(url))) / 2  # once on either side of ours: machines are not equally busy
        count = first["new"] + first["unchanged"]
        yield Figure(f"full harvest of {count:,} records", count / first["seconds"], RECORDS / limit, "records/s",
                     "requests, lxml and a schema alone", ">= 0.3")
        yield Figure("full harvest, CPU without the source's", first["cpu"] / count * 1000, bare_cpu / RECORDS * 1000,
                     "ms a record", "requests, lxml and a schema alone")
        yield Figure("memory of a harvest", first["peak"], first["rest"], "MB", "before it begins", target="<= 200")
        second = _harvest(site, instance, full=True)
        written = second["new"] + second["updated"] + second["deleted"]
        yield Figure("second full harvest, nothing changed", second["seconds"], first["seconds"], "s", "the first", "<= 0.4")
        yield Figure("second full harvest, CPU without the source's", second["cpu"], first["cpu"], "s", "the first")
        yield Figure("records written by it", written, count, "records", "of", target="<= 0")
        _make_old(site, source.id)
        few = _harvest(site, instance)
        yield Figure(f"incremental harvest with {few['updated']} changes", few["seconds"], first["seconds"], "s",
                     "the first full one", target="<= 3")
        site.close()
    yield _together()


def _bare(url: str) -> int:
    """The least that any harvester does: fetch each page, parse it, validate each of its records."""
    schema, session, count = Schemas()._schema(RECOMMENDED), requests.Session(), 0
    arguments: dict[str, str] | None = {"verb": "ListRecords", "metadataPrefix": "ivo_vor", "set": "ivo_managed"}
    while arguments:
        page = etree.fromstring(session.get(url, params=arguments, timeout=60).content)
        for record in page.iter(f"{{{ns.RI}}}Resource"):
            schema.validate(etree.fromstring(etree.tostring(record, with_tail=False)))
            count += 1
        token = page.findtext(f".//{_OAI}resumptionToken")
        arguments = {"verb": "ListRecords", "resumptionToken": token} if token else None
    return count


def _harvest(site: Site, instance: Path, *, full: bool = False) -> dict[str, float]:
    """Ask for a harvest and have another process carry it out: its counts, seconds, and MB at rest and at most."""
    with site.database.write() as connection:
        harvester.ask(connection, 1, full=full)
    command = [sys.executable, "-m", "benchmarks.harvest_run", str(instance)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
    found: dict[str, float] = json.loads(done.stdout)
    with site.database.read() as connection:
        run = store.runs(connection)[0]
    if run.state != store.COMPLETE:
        raise SystemExit(f"The harvest did not come to its end: {run.message}")
    return found | {name: getattr(run, name) for name in store.COUNTS}


def _make_old(site: Site, source: int) -> None:
    """Let the newest hundred records be such as have changed since, and the last harvest one that came before them."""
    with site.database.write() as connection:
        table = records
        newest = connection.execute(select(table.c.key, table.c.updated).where(
            table.c.source_id == source, table.c.status == "active").order_by(table.c.updated.desc()).limit(CHANGES)).all()
        for key, _ in newest:
            connection.execute(update(table).where(table.c.key == key).values(
                xml=b"<old/>", digest="", updated="2001-01-01T00:00:00Z"))
        since = re.sub(r"[^0-9T:Z-]", "", newest[-1].updated)
        connection.execute(update(sources_table).values(since=since if since.endswith("Z") else f"{since}Z"))


def _together() -> Figure:
    """Many sources due at once, beside the sum of what they take one by one, shared among those that may run at once."""
    with registries.many(SOURCES, PAUSE) as urls:
        seconds = {}
        for allowed in (1, 4):
            site = open_at(_instance(f"many-{allowed}"), harvests_at_once=allowed)
            for url in urls:
                sources.add(site, url)
            seconds[allowed] = timed(lambda site=site: schedule.turn(site, "bench"))
            with site.database.read() as connection:
                if {run.state for run in store.runs(connection, limit=SOURCES)} != {store.COMPLETE}:
                    raise SystemExit("Not every harvest came to its end.")
            site.close()
    return Figure(f"{SOURCES} sources due at once, 4 at a time", seconds[4], seconds[1] / 4, "s",
                  "their sum one by one, by 4", "<= 1.2")


def _instance(name: str) -> Path:
    folder = FOLDER / f"harvest-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    site = open_at(folder)
    upgrade(site.database)
    site.close()
    return folder


@contextmanager
def _bulk() -> Iterator[str]:
    maker = SHARED / "corpus" / "make_bulk.py"
    if not maker.is_file():
        raise SystemExit(f"The corpus is made by {maker.name}, which is not in {SHARED}: set INNERSPACE_SHARED to its folder.")
    command = [sys.executable, str(maker), "--serve", "0", "--count", str(RECORDS), "--page-size", str(PAGE)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().split(" at ")[1].strip()
        finally:
            process.kill()
