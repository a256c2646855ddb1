"""Two of our own datacenters, a server of the package oaipmh and one with faults: each harvested to a whole, equal shelf.

And rings of datacenters that harvest each other come to rest after one round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from oaipmh import server as pyoai
from oaipmh.common import Header, Identify
from oaipmh.metadata import MetadataRegistry
from werkzeug import Request, Response

from registry.harvest import sources, store
from registry.records import listing, store as shelf
from registry.records.store import Record
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.harvest.bulk import bulk
from tests.harvest.conftest import add, counts, harvest
from tests.oai import shelves
from tests.oai.serving import loopback, serving
from vosi import namespaces as ns

Maker = Callable[..., Site]


class Shelf:
    """The records of a datacenter as the package oaipmh wants them."""

    def __init__(self, site: Site, url: str) -> None:
        self._site, self._url = site, url

    def identify(self) -> Any:
        made = Identify("Pyoai", self._url, "2.0", ["ops@far.example"], datetime(2001, 1, 1), "persistent",
                        "YYYY-MM-DDThh:mm:ssZ", [])
        made.add_description(self._records()[-1].xml.decode())
        return made

    def listMetadataFormats(self, identifier: str | None = None) -> list[Any]:
        return [("ivo_vor", ns.RI, ns.RI)]

    def listSets(self) -> list[Any]:
        return [("ivo_managed", "Own", None)]

    def listRecords(self, metadataPrefix: str, set: str | None = None, from_: Any = None, until: Any = None) -> list[Any]:
        found = []
        for one in self._records():
            stamp = datetime.strptime(one.datestamp, "%Y-%m-%dT%H:%M:%SZ")
            if (from_ is None or stamp >= from_) and (until is None or stamp <= until):
                found.append((Header(None, one.ivoid, stamp, ["ivo_managed"], one.deleted), one.xml, None))
        return found

    def _records(self) -> list[Record]:
        with self._site.database.read() as connection:
            found = list(listing.every(connection, origin=shelf.OWN))
        return sorted(found, key=lambda one: one.type == "vg:Registry")


@pytest.fixture()
def far(tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """A shelf that the package oaipmh serves, and its address."""
    site = open_site(tmp_path / "far", authority="far.example", base_url="http://far.example/")
    upgrade(site.database)
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    with shelves.at():
        shelves.found(site, url)
        shelves.put(site, *(shelves.record(f"ivo://far.example/r{n:02}", f"Record {n}") for n in range(34)))
        shelves.delete(site, "ivo://far.example/r07")
    writers = MetadataRegistry()
    writers.registerWriter("ivo_vor", lambda element, xml: element.append(etree.fromstring(xml)))
    server = pyoai.Server(Shelf(site, url), writers, resumption_batch_size=10)

    @Request.application
    def app(request: Request) -> Response:
        return Response(server.handleRequest(dict(request.args)), content_type="text/xml")

    with serving(app, bound) as address:  # type: ignore[arg-type]
        yield site, address
    site.close()


def alive(site: Site, authority: str) -> dict[str, str]:
    """The digest of each record of the authority that is not deleted."""
    with site.database.read() as connection:
        return {one.key: one.digest for one in listing.every(connection)
                if one.authority.endswith(authority) and not one.deleted}


@pytest.mark.shared
def test_all_kinds_of_servers_are_harvested_whole(datacenter: Maker, far: tuple[Site, str]) -> None:
    north, east, south = (datacenter(f"{name}.example") for name in ("north", "east", "south"))
    for site in (north, east):
        name = site.settings.authority
        with shelves.at():
            shelves.put(site, *(shelves.record(f"ivo://{name}/r{n}", f"{name} {n}") for n in range(13)))
            shelves.delete(site, f"ivo://{name}/r5")
    theirs, url = far
    with bulk("--fault-503", "4", "--retry-after", "0", "--fault-truncate", "3", "--fault-drop", "5", "--fault-500", "2",
              "--fault-expired", "4") as faulty:
        found = [add(south, north), add(south, east), sources.add(south, url), sources.add(south, faulty)]
        runs = [harvest(south, one) for one in found]
        again = [harvest(south, one, full=True) for one in found]
    assert [run.state for run in runs + again] == [store.COMPLETE] * 8
    assert alive(south, "north.example") == alive(north, "north.example")
    assert alive(south, "east.example") == alive(east, "east.example")
    assert alive(south, "far.example") == alive(theirs, "far.example")
    assert len(alive(south, "bulk.example")) == runs[3].new
    for run in again:
        assert set(counts(run)) == {"unchanged"}, "a second time changes nothing"


def test_the_package_oaipmh_tells_of_changes(datacenter: Maker, far: tuple[Site, str]) -> None:
    south, (theirs, url) = datacenter("south.example"), far
    source = sources.add(south, url)
    assert harvest(south, source).pages == 4
    shelves.put(theirs, shelves.record("ivo://far.example/r01", "Changed", updated="2024-01-01T00:00:00Z"))
    shelves.delete(theirs, "ivo://far.example/r02")
    assert counts(harvest(south, source)) == {"updated": 1, "deleted": 1}
    assert alive(south, "far.example") == alive(theirs, "far.example")


@pytest.mark.parametrize("set_spec", ["ivo_managed", ""])
def test_a_ring_of_three_comes_to_rest_after_one_round(datacenter: Maker, set_spec: str) -> None:
    """Each harvests the next, even all of its sets: nothing comes home, nothing is passed on, nothing changes again."""
    ring = [datacenter(f"{name}.example") for name in ("north", "east", "south")]
    for site in ring:
        with shelves.at():
            shelves.put(site, *(shelves.record(f"ivo://{site.settings.authority}/r{n}") for n in range(7)))
    links = [(site, add(site, ring[(number + 1) % 3], set_spec=set_spec)) for number, site in enumerate(ring)]
    first = [harvest(site, source) for site, source in links]
    assert [run.new for run in first] == [8, 8, 8]
    states = [everything(site) for site in ring]
    for _ in range(2):
        for site, source in links:
            run = harvest(site, source, full=True)
            assert (run.new, run.updated, run.deleted, run.unchanged) == (0, 0, 0, 8)
    assert [everything(site) for site in ring] == states


def everything(site: Site) -> list[str]:
    with site.database.read() as connection:
        return [repr(one) for one in listing.every(connection)]
