"""Docker repositories looked at: 1,000 applications for the first time, and once more when nothing has changed.

The limit is what the same requests take without us: read with a bare socket each, in the same run.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

from benchmarks import oci_server
from benchmarks.figures import Figure, timed
from registry.applications import approving, catalogue, seen, watching
from registry.records import founding
from registry.schema import upgrade
from registry.site import Site, open_site

IMAGES = 1000
_AT_ONCE = 4


def figures() -> Iterator[Figure]:
    """Catalogued first, unchanged (1,000 names, and one name of 1,000 tags), approved."""
    with oci_server.running(IMAGES) as host:
        yield from _measured(host, f"{IMAGES} images", wanted_first="<= 60", wanted_again="<= 5")
    with oci_server.running(10, IMAGES // 10) as host:
        yield from _measured(host, f"10 images of {IMAGES // 10} tags", wanted_first="<= 60", wanted_again="<= 5")


def _measured(host: str, what: str, *, wanted_first: str, wanted_again: str) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        site = _opened(Path(folder), host)
        try:
            watching.begin(site, host, who="bench")
            first = watching.look(site, host)
            assert (first.fault, first.states) == ("", {"draft": IMAGES}), first
            bare = _bare(host, first=True)
            yield Figure(f"{what} catalogued first", first.seconds, bare, "s", "the same requests, bare", target=wanted_first)
            again = watching.look(site, host)
            assert (again.fault, again.read, again.tags) == ("", 0, IMAGES), again
            yield Figure(f"{what} unchanged", again.seconds, _bare(host, first=False), "s", "the same requests, bare",
                         target=wanted_again)
            yield from _decided(site)
        finally:
            site.close()


def _decided(site: Site) -> Iterator[Figure]:
    with site.database.read() as connection:
        waiting = seen.listing(connection, state=seen.DRAFT, limit=20)
    seconds = timed(lambda: [approving.approve(site, one.reference, who="bench") for one in waiting]) / len(waiting)
    with site.database.read() as connection:
        picked = timed(lambda: [catalogue.pick(connection, one.app) for one in waiting]) / len(waiting)
    yield Figure("an image approved", 1000 * seconds, 1000 * picked, "ms", "an application looked up")


def _bare(host: str, *, first: bool) -> float:
    """Seconds for the requests of a look, made with nothing but http.client."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host)
    names: list[str] = json.loads(_get(connection, "/v2/_catalog?n=1000"))["repositories"]
    todo: SimpleQueue[str | None] = SimpleQueue()
    for name in [*names, *[None] * _AT_ONCE]:
        todo.put(name)
    threads = [threading.Thread(target=_ask, args=(host, todo, first)) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _ask(host: str, todo: SimpleQueue[str | None], first: bool) -> None:
    connection = http.client.HTTPConnection(host)
    while (name := todo.get()) is not None:
        for tag in json.loads(_get(connection, f"/v2/{name}/tags/list"))["tags"]:
            connection.request("HEAD", f"/v2/{name}/manifests/{tag}")
            connection.getresponse().read()
            if first:
                config = json.loads(_get(connection, f"/v2/{name}/manifests/{tag}"))["config"]["digest"]
                _get(connection, f"/v2/{name}/blobs/{config}")


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def _opened(folder: Path, host: str) -> Site:
    site = open_site(folder / "instance", authority="bench.example", title="Bench", base_url="http://bench.example/",
                     admin_email="ops@bench.example", repository=host)
    upgrade(site.database)
    founding.found(site, founding.Founding("bench.example", "Bench", site.settings.base_url), "bench")
    return site
