"""How soon pages are there, on a full shelf: the server's answer, and the first paint in Debian's chromium.

The limit is the log-in page of the same server, which asks no table of records, in the same browser; rounds take turns.
"""

from __future__ import annotations

import http.client
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks import datacenters
from benchmarks.figures import Figure, timed
from benchmarks.scale import RECORDS, ROUNDS
from benchmarks.serving import OURS, Server
from registry import access
from registry.site import open_site
from tests.journeys import chromium

COOKIE = "innerspace-bench-example"
PAGES = ("", "records", "records?q=quasar", "admin/", "admin/records", "admin/problems", "admin/jobs", "admin/sources",
         "admin/audit", "admin/settings", "find", "applications", "records/bench.example/registry")
LIMIT = "admin/login"
PAINT = "<= 200"


def figures() -> Iterator[Figure]:
    """Each page: milliseconds to its answer and to its first paint."""
    instance = datacenters.filled(RECORDS)
    secret = _log_in(instance)
    with Server(OURS, instance) as server:
        yield from _answers(server, secret)
        yield from _paints(server, secret)


def _log_in(instance: Path) -> str:
    """The session of an administrator of the benchmark's own."""
    site = open_site(instance)
    with site.database.write() as connection:
        if "bench" not in {one.name for one in access.accounts(connection)}:
            access.create_account(connection, "bench", "a password that nobody types", access.ADMINISTRATOR)
        secret = access.open_session(connection, "bench")
    site.close()
    return secret


def _answers(server: Server, secret: str) -> Iterator[Figure]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(path: str, cookie: str) -> None:
        connection.request("GET", f"/{path}", headers={"Accept": "text/html", "Cookie": f"{COOKIE}={cookie}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"/{path} was answered {answer.status}.")

    for path in PAGES:
        mine, limit = [], []
        ask(path, secret)
        for _ in range(4 * ROUNDS):
            mine.append(timed(lambda path=path: ask(path, secret)))
            limit.append(timed(lambda: ask(LIMIT, "")))
        yield Figure(f"/{path}, answer, p50", 1000 * statistics.median(mine), 1000 * statistics.median(limit), "ms",
                     "the log-in page", target="<= 150")


def _paints(server: Server, secret: str) -> Iterator[Figure]:
    base = f"http://127.0.0.1:{server.port}/"
    with (chromium.chromium() as browser, chromium.page(browser, base) as (known, _),
          chromium.page(browser, base) as (stranger, _)):
        known.context.add_cookies([{"name": COOKIE, "value": secret, "url": base}])
        for path in PAGES:
            rounds = [(_paint(known, path), _paint(stranger, LIMIT)) for _ in range(ROUNDS + 1)][1:]
            yield Figure(f"/{path}, first paint, p50", statistics.median(mine for mine, _ in rounds),
                         statistics.median(limit for _, limit in rounds), "ms", "the log-in page", target=PAINT)


def _paint(page: Page, path: str) -> float:
    """Milliseconds from the click to the first paint."""
    page.goto(path)
    found: Any = page.evaluate(
        "new Promise(done => { const look = () => { const all = performance.getEntriesByName('first-contentful-paint');"
        " all.length ? done(all[0].startTime) : requestAnimationFrame(look); }; look(); })")
    return float(found)
