"""How soon pages are there, on a full shelf: searches that nobody asked before, answers, the first paint in Debian's chromium.

The limit of a page is the log-in page of the same server, which asks no table of records, in the same browser; rounds take turns.
That of a new search is the same asked again. The load is told before and after: a paint on a busy machine waits for its turn.
"""

from __future__ import annotations

import http.client
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page

from benchmarks import datacenters
from benchmarks.figures import Figure, percentile, timed
from benchmarks.scale import RECORDS, ROUNDS
from benchmarks.serving import OURS, Server
from registry import access
from registry.site import open_site
from tests.journeys import chromium

COOKIE = "innerspace-bench-example"
PAGES = ("", "records", "records?q=quasar", "admin/", "admin/records", "admin/problems", "admin/jobs", "admin/sources",
         "admin/audit", "admin/settings", "find", "find?standardid=ivo://ivoa.net/std/tap", "applications",
         "records/bench.example/registry", "admin/runs", "admin/records?sort=-title", "admin/records/bench.example/registry",
         "admin/accounts")
# words that most records have, that some have, that few have, and several of them; each with every facet
WORDS = ("of", "the", "survey", "catalogue", "stars", "survey of the sky", "catalogue of stars", "quasar",
         "galaxy clusters", "data")
NARROWED: tuple[dict[str, str], ...] = (
    {}, {"type": "vs:catalogservice"}, {"waveband": "optical"}, {"standard": "ivo://ivoa.net/std/conesearch"},
    {"subject": "stars"})
LIMIT = "admin/login"
PAINT = "<= 200"


def figures() -> Iterator[Figure]:
    """Each page: milliseconds to its answer and to its first paint."""
    instance = datacenters.filled(RECORDS)
    secret = _log_in(instance)
    _tell_load()
    with Server(OURS, instance) as server:
        yield from _searches(server)
        yield from _answers(server, secret)
        yield from _paints(server, secret)
    _tell_load()


def _tell_load() -> None:
    print(f"(load {os.getloadavg()[0]:.1f})", file=sys.stderr)


def _searches(server: Server) -> Iterator[Figure]:
    """Each search asked once, then once more."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(path: str) -> float:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept": "text/html"})
        if connection.getresponse().read()[:15].lower() != b"<!doctype html>":
            raise SystemExit(f"{path} was answered by no page.")
        return 1000 * (time.perf_counter() - began)

    ask("/records?q=warm")
    first = ask("/records")
    paths = [f"/records?{urlencode({'q': words, **narrow})}" for words, narrow in itertools.product(WORDS, NARROWED)]
    new, again = ([ask(path) for path in paths] for _ in range(2))
    for share, wanted in ((95, "<= 300"), (50, "")):
        yield Figure(f"a new search, p{share} of {len(paths)}", percentile(new, share), percentile(again, share), "ms",
                     "asked again", target=wanted)
    yield Figure("a new search, slowest", max(new), max(again), "ms", "asked again")
    yield Figure("first page of records, nothing counted yet", first, ask("/records"), "ms", "asked again", target="<= 200")


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
