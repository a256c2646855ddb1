"""What clients of RegTAP wait for: the 131 queries of ../shared/regtap/queries.csv by class, one client and twenty, the search
page, what a changed record takes to be found, how large the tables of searches are, and PostgreSQL beside SQLite.

Times are of `Queries.answer`: translated, run, and all rows read (20,000 at most); those of several clients are of the server.
The limit of an answer is SQLite reading as many rows of a table without looking for any.
"""

from __future__ import annotations

import csv
import itertools
import os
import random
import re
import shutil
import sqlite3
import statistics
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import insert, select

from benchmarks import datacenters
from benchmarks.client import Client
from benchmarks.figures import Figure, percentile, timed
from benchmarks.scale import FOLDER, RECORDS, SHARED
from benchmarks.serving import OURS, Server
from registry.records.importing import import_paths
from registry.records.shelf_rows import TABLES
from registry.schema import upgrade
from registry.search.running import Queries
from registry.services import local
from registry.site import Site, open_site
from registry.tables import is_number, site_service
from tests import postgres
from vosi import namespaces as ns

CLIENTS, EACH, TURNS, MOST = 20, 6, 3, 20_000
_WIDE = ("SELECT ivoid, res_type, short_name, res_title, content_level, res_description, reference_url, creator_seq, created, "
         "updated, rights, content_type, source_format, source_value, waveband FROM rr_resource LIMIT {}")
_BY_NAME = ("SELECT ivoid, res_title, standard_id, access_url FROM rr.resource NATURAL JOIN rr.capability NATURAL JOIN "
            "rr.interface WHERE ivoid = '{}'")
_WORDS = itertools.count()
_ENDLESS = f"SELECT COUNT(*) AS n FROM {', '.join(f'rr.table_column AS {letter}' for letter in 'abcde')}"
# what the projection is not
_SHELF = ("records", "record_versions", "sqlite_autoindex_records", "sqlite_autoindex_record_versions", "ix_records")


def figures() -> Iterator[Figure]:
    """Milliseconds that queries take, then seconds, GB and MB."""
    instance = datacenters.filled(RECORDS)
    site = open_site(instance)
    try:
        local.follow(site)
        times = _times(site)
        yield from _classes(instance, times)
        yield from _by_name(site, instance)
        yield from _beside_postgresql(site, times)
    finally:
        site.close()
    yield _size(instance)
    yield from _crowd(instance)
    yield from _fresh(instance)


def queries() -> dict[str, list[str]]:
    """The queries by class, which is how their names begin."""
    found: dict[str, list[str]] = defaultdict(list)
    with (SHARED / "regtap" / "queries.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[_class(row["name"])].append(row["adql"])
    return dict(found)


def _class(name: str) -> str:
    if name.startswith("topcat") and "-kw" in name:
        return "TOPCAT's keyword search"
    first = name.partition("-")[0]
    return {"pyvo": "pyvo's searches", "topcat": "TOPCAT's lists", "regtap": "RegTAP's own"}.get(first, "other clients'")


def _times(site: Site) -> dict[str, list[tuple[float, int]]]:
    """By class, of each query: milliseconds of its best turn, and rows."""
    asked = Queries(site)
    try:
        return {kind: [_best(asked, adql) for adql in found] for kind, found in queries().items()}
    finally:
        asked.close()


def _best(asked: Queries, adql: str) -> tuple[float, int]:
    rows = 0

    def ask() -> None:
        nonlocal rows
        with asked.answer(adql, maxrec=MOST, seconds=120) as answer:
            rows = sum(1 for _ in answer.rows)

    return min(timed(ask) for _ in range(TURNS)) * 1000, rows


def _classes(instance: Path, times: Mapping[str, Sequence[tuple[float, int]]]) -> Iterator[Figure]:
    most = {"pyvo's searches": "<= 300", "TOPCAT's keyword search": "<= 600"}
    connection = sqlite3.connect(instance / "registry.sqlite")
    try:
        for kind, found in times.items():
            rows = round(percentile([rows for _, rows in found], 95))
            bare = min(timed(lambda count=rows: connection.execute(_WIDE.format(count)).fetchall())  # type: ignore[misc]
                       for _ in range(TURNS))
            yield Figure(f"{kind}, p95 of {len(found)}", percentile([millis for millis, _ in found], 95), max(bare * 1000, 0.001),
                         "ms", f"{rows:,} rows read", target=most.get(kind, ""))
    finally:
        connection.close()


def _by_name(site: Site, instance: Path) -> Iterator[Figure]:
    connection = sqlite3.connect(instance / "registry.sqlite")
    names = [str(row[0]) for row in connection.execute("SELECT ivoid FROM rr_resource ORDER BY ivoid")]
    chosen = random.Random(2).sample(names, min(200, len(names)))
    asked = Queries(site)
    mine = [_best(asked, _BY_NAME.format(name))[0] for name in chosen]
    bare = [timed(lambda name=name: connection.execute(  # type: ignore[misc]
        "SELECT * FROM rr_resource WHERE ivoid = ?", (name,)).fetchall()) * 1000 for name in chosen]
    asked.close()
    connection.close()
    yield Figure("one resource by ivoid, p95", percentile(mine, 95), percentile(bare, 95), "ms", "SQLite's look-up",
                 target="<= 5")


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _beside_postgresql(site: Site, times: Mapping[str, Sequence[tuple[float, int]]]) -> Iterator[Figure]:
    """The same rows in a server of Debian's, each class by the sum of its queries' times."""
    folder = FOLDER / f"regtap-{os.getpid()}"
    with postgres.running() as server:
        server.tell("CREATE DATABASE regtap")
        copy = open_site(folder, authority=datacenters.AUTHORITY, base_url="http://127.0.0.1:8080/",
                         database_url=server.url("regtap"))
        try:
            upgrade(copy.database)
            _copied(site, copy)
            theirs = _times(copy)
        finally:
            copy.close()
            shutil.rmtree(folder, ignore_errors=True)
    for kind, found in times.items():
        yield Figure(f"{kind} on PostgreSQL", sum(millis for millis, _ in theirs[kind]), sum(millis for millis, _ in found), "ms",
                     "on SQLite", "<= 2")


def _copied(site: Site, copy: Site) -> None:
    for table in (*TABLES, site_service):
        columns = [column for column in table.columns if not is_number(column)]
        with site.database.read() as source:
            rows = source.execute(select(*columns)).partitions(2000)
            for page in rows:
                with copy.database.write() as target:
                    target.execute(insert(table), [dict(row._mapping) for row in page])
    with copy.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


# --- size, crowd, changes ---------------------------------------------------------------------------------------------


def _size(instance: Path) -> Figure:
    connection = sqlite3.connect(instance / "registry.sqlite")
    sizes = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    connection.close()
    shelf = sum(size for name, size in sizes.items() if name.startswith(_SHELF))
    return Figure("tables of searches", (sum(sizes.values()) - shelf) / 1e9, shelf / 1e9, "GB", "the records themselves",
                  target="<= 0.6")


def _crowd(instance: Path) -> Iterator[Figure]:
    """What pyvo's users ask, by one client and then by twenty at once, and what the server needs in memory.

    First they ask the same again and again, as users do, so that most answers are kept by then; then none asks what anybody
    has asked before. A constant that finds nothing makes each question its own there, and leaves its work as it is.
    """
    asked = [random.Random(number).choices(queries()["pyvo's searches"], k=EACH) for number in range(CLIENTS)]
    for what, change in (("searches", False), ("searches that nobody asked before", True)):
        with Server(OURS, instance) as server:
            before, took = server.peak(), []
            for each in ([[adql for some in asked for adql in some]], asked):
                said = [[_changed_a_little(adql) if change else adql for adql in some] for some in each]
                took.append(_clients(server, [list(map(_path, some)) for some in said]))
            one, many = took
            yield Figure(f"{what}, {CLIENTS} clients, p95", percentile(many, 95), percentile(one, 95), "ms", "of one", "<= 4")
            yield Figure(f"{what}, {CLIENTS} clients, mean", statistics.fmean(many), statistics.fmean(one), "ms", "of one")
            yield Figure(f"memory of the server, {what}", server.peak(), before, "MB", "before the first search", target="<= 250")
    yield _beside_a_hog(instance)
    with Server(OURS, instance) as server:
        yield from _page(server.client())


def _beside_a_hog(instance: Path) -> Figure:
    """One client alone, then beside one whose queries never end by themselves."""
    chosen = random.Random(3).choices(queries()["pyvo's searches"], k=60)
    with Server(OURS, instance) as server:
        _clients(server, [[_path(_changed_a_little(adql)) for adql in chosen[:20]]])  # so that connections are open and warm
        alone = _clients(server, [[_path(_changed_a_little(adql)) for adql in chosen]])
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", _path(_ENDLESS))  # for as long as a query may take; the others are done before
        beside = _clients(server, [[_path(_changed_a_little(adql)) for adql in chosen]])
        connection.close()
    return Figure("searches beside a five-way cross join, p95", percentile(beside, 95), percentile(alone, 95), "ms", "alone",
                  "<= 1.5")


def _changed_a_little(adql: str) -> str:
    condition = f" AND ivoid <> 'ivo://nobody/{next(_WORDS)}'"
    grouped = list(re.finditer(r"\s+GROUP\s+BY\s+ivoid", adql))
    return adql[:grouped[-1].start()] + condition + adql[grouped[-1].start():] if grouped else adql + condition


def _path(adql: str) -> str:
    return "/tap/sync?" + urlencode({"LANG": "ADQL", "MAXREC": 2000, "RESPONSEFORMAT": "csv", "QUERY": adql})


def _page(client: Client) -> Iterator[Figure]:
    """The search page, each search for the first time; and without a search, when its counts are known."""
    client.get("/records?q=star")
    empty = min(timed(lambda: client.get("/healthz")) for _ in range(5)) * 1000
    words = ("survey", "galaxy", "quasar+survey", "redshifts", "plates+archival", "cluster+spectra")
    mine = [timed(lambda word=word: client.get(f"/records?q={word}")) * 1000 for word in words]  # type: ignore[misc]
    yield Figure("search page, slowest of six", max(mine), empty, "ms", "an empty answer", target="<= 300")
    yield Figure("first page without a search, its counts unknown", timed(lambda: client.get("/records")) * 1000, empty, "ms",
                 "an empty answer")
    known = min(timed(lambda: client.get("/records")) for _ in range(5)) * 1000
    yield Figure("first page without a search", known, empty, "ms", "an empty answer", target="<= 200")


def _clients(server: Server, each: Sequence[Sequence[str]]) -> list[float]:
    """Milliseconds of every answer; each client asks its own paths. Some come in pieces, which `Client` does not read."""
    found: list[float] = []

    def ask(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", server.port)
        for path in each[number]:
            found.append(timed(lambda path=path: _read(connection, path)) * 1000)  # type: ignore[misc]
        connection.close()

    _each(ask, len(each))
    wanted = sum(map(len, each))
    if len(found) != wanted:
        raise SystemExit(f"{wanted - len(found)} of {wanted} searches were not answered.")
    return found


def _read(connection: HTTPConnection, path: str) -> None:
    """Ask until there is an answer: a server that is busy has let a client wait for some seconds before it says so."""
    while True:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (429, 503):
            break
    if answer.status != 200:
        raise SystemExit(f"{path} was answered {answer.status}.")


def _each(call: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _fresh(instance: Path) -> Iterator[Figure]:
    """A hundred changed records, on a copy of the datacenter: from their arrival until a search finds them."""
    copy = FOLDER / f"regtap-fresh-{os.getpid()}"
    shutil.copytree(instance, copy)
    site = open_site(copy)
    try:
        changed = _changed(copy)
        asked = Queries(site)
        adql = "SELECT count(*) FROM rr.resource WHERE 1 = ivo_hasword(res_title, 'changedjustnow')"

        def arrive() -> None:
            report = import_paths(site, [changed], who="bench", own=True)
            with asked.answer(adql) as answer:
                [[count]] = answer.rows
            if count != 100:
                reasons = {entry.reason for file in report.files for entry in file.entries}
                raise SystemExit(f"{count} of 100 changed records are found: {reasons}")

        yield Figure("100 changed records, until they are found", timed(arrive), _best(asked, adql)[0] / 1000, "s",
                     "the search alone", target="<= 2")
        asked.close()
    finally:
        site.close()
        shutil.rmtree(copy, ignore_errors=True)


def _changed(instance: Path) -> Path:
    connection = sqlite3.connect(instance / "registry.sqlite")
    rows = connection.execute(
        "SELECT xml FROM records WHERE status = 'active' AND origin = 'own' AND key LIKE '%.bulk.example/%' "
        "AND type IN ('vs:CatalogService', 'vs:DataResource') LIMIT 100").fetchall()
    connection.close()
    file = instance / "changed.xml"
    changed = [row[0].replace(b"<title>", b"<title>Changedjustnow ", 1) for row in rows]
    file.write_bytes(b'<ri:VOResources xmlns:ri="' + ns.RI.encode() + b'">' + b"".join(changed) + b"</ri:VOResources>")
    return file
